"""An installation from before rows kept what people ever did, brought up to date.

    python -m tests.slices.people.before_deeds

Runs on the empty database that DATABASE_URL names, in a process of its own, since Django has one
database a process. Says as JSON what stood in people's rows before and after.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID

import psycopg
from django.core.management import call_command

from regulars.config import migrations
from regulars.config.installation import set_up_django
from regulars.kit import clock, database

PEOPLE = 40
NO_DEEDS = (
    "DELETE FROM django_migrations WHERE app = 'people' AND name >= '0011_deeds'",
    "DROP TABLE person_packed, person_pack, person_unpacked",
    "DROP TABLE person_deed",
    "ALTER TABLE person_activity DROP COLUMN did",
    "ALTER TABLE person_compact DROP CONSTRAINT person_compact_pkey, DROP COLUMN did",
    "ALTER TABLE person_compact ADD PRIMARY KEY (project_id, id)",
)
COMPACT = """
SELECT coalesce(json_object_agg(id, to_jsonb(p) - 'did' ORDER BY id), '{}')
FROM person_compact p WHERE project_id = %s
"""
DID = """
SELECT d.key, array_agg(a.id::text ORDER BY a.id)
FROM person_deed d JOIN person_activity a ON a.project_id = d.project_id AND a.did >> d.id & 1 = 1
JOIN person_compact p ON p.project_id = a.project_id AND p.id = a.id AND p.did = a.did
WHERE d.project_id = %s GROUP BY d.key
"""
TRUTH = """
SELECT name, array_agg(DISTINCT person_id::text ORDER BY person_id::text)
FROM event WHERE project_id = %s AND kind = 'track' GROUP BY name
"""


def main() -> None:
    """The command. With an argument the compact rows were emptied by the migration before."""
    set_up_django()
    migrations.apply()
    from regulars.config import wiring
    from regulars.workspaces.actions import create_project
    from tests.bench import history, population

    wiring.wire()
    with database.connect() as core:
        project_id = create_project("A", now=clock.now()).project_id
        create_project("With nobody in it", now=clock.now())
        population.load(core, project_id, PEOPLE, now=clock.now())
        history.load(core, project_id, now=clock.now())
        before = _one(core, COMPACT, project_id)
        for statement in NO_DEEDS:
            core.execute(statement)
        if len(sys.argv) > 1:
            core.execute("DELETE FROM person_compact")
        call_command("migrate", interactive=False, verbosity=0)
        said = {
            "pending": migrations.pending(),
            "before": before,
            "after": _one(core, COMPACT, project_id),
            "did": core.execute(DID, (project_id,)).fetchall(),
            "truth": core.execute(TRUTH, (project_id,)).fetchall(),
        }
        sys.stdout.write(json.dumps(said))


def _one(core: psycopg.Connection[Any], statement: str, project_id: UUID) -> Any:
    return core.execute(statement, (project_id,)).fetchall()[0][0]


if __name__ == "__main__":
    main()
