"""An installation from before there were funnels, with people in it, brought up to date.

    python -m tests.slices.funnels.before_funnels

Runs on the empty database that DATABASE_URL names, in a process of its own, since Django has one
database a process. Says as JSON what the funnels of its projects were when it was done.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID

import psycopg
from django.core.management import call_command
from django.db import connection as of_django
from django.db.migrations.executor import MigrationExecutor

from regulars.config import migrations
from regulars.config.installation import set_up_django
from regulars.kit import clock, database

FIRST = ("funnels", "0001_initial")
PEOPLE = 60
TRUTH = """
SELECT count(*) FILTER (WHERE kind = 'user'),
       count(*) FILTER (WHERE kind = 'user' AND first_seen IS NOT NULL)
FROM person WHERE project_id = %s
"""


def migrate_to_before() -> None:
    """All that does not need funnels."""
    executor = MigrationExecutor(of_django)
    graph = executor.loader.graph
    before = {node for node in graph.nodes if FIRST not in graph.forwards_plan(node)}
    followed = {
        node for node in before if any(one.key in before for one in graph.node_map[node].children)
    }
    executor.migrate(sorted(before - followed))


def main() -> None:
    """The command."""
    set_up_django()
    from regulars.segments import builtin, filling
    from regulars.workspaces import projects
    from regulars.workspaces.actions import create_project
    from tests.bench import population

    projects.after_project_created[:] = [builtin.give_project_its_segments]
    migrate_to_before()
    with database.connect() as core:
        full, empty = (create_project(name, now=clock.now()).project_id for name in ("A", "B"))
        population.load(core, full, PEOPLE, now=clock.now())
        there = core.execute("SELECT to_regclass('checkpoint')").fetchone()
        call_command("migrate", interactive=False, verbosity=0)
        said = {
            "before": there is not None and there[0] is not None,
            "pending": migrations.pending(),
        }
        for name, project_id in (("full", full), ("empty", empty)):
            said[name] = _funnel(core, project_id)
        filling.fill_project(core, full, clock.now())
        said["counted"] = _funnel(core, full)
        said["truth"] = core.execute(TRUTH, (full,)).fetchone()
        sys.stdout.write(json.dumps(said))


def _funnel(core: psycopg.Connection[Any], project_id: UUID) -> list[dict[str, Any]]:
    from regulars.funnels import counts, queries

    reached = counts.reached(core, project_id)
    return [
        {
            "title": one.title,
            "reached": reached[one.number],
            "total": one.counting.total if one.counting else None,
        }
        for one in queries.checkpoints(core, project_id)
    ]


if __name__ == "__main__":
    main()
