"""What an import keeps of its file's rows: who stood in it, whom they made, why some were refused.

The keys are hashes of what somebody is known by in the file: they find who stands in it twice, and
whom the import made, so that it can be undone, without a list of them in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_hash
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.imports.jobs import Import, file_of, refused_file
from regulars.people.imports.sheet import RowError
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

SHOWN = 100  # refused rows that are kept to be shown

# Whoever stands in the file for the first time; the lines at which the others stood before.
TAKE = """
INSERT INTO people_import_row (project_id, id, import_id, revision, line)
SELECT %(project)s, n.id, %(import)s, %(revision)s, n.line
FROM unnest(%(ids)s::uuid[], %(lines)s::bigint[]) AS n (id, line) ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
"""
TAKEN = "SELECT id, line FROM people_import_row WHERE project_id = %s AND id = ANY(%s::uuid[])"
MADE = """
UPDATE people_import_row r SET person_id = n.person_id
FROM unnest(%(ids)s::uuid[], %(people)s::uuid[]) AS n (id, person_id)
WHERE r.project_id = %(project)s AND r.id = n.id
"""
REFUSE = """
INSERT INTO people_import_refusal
    (project_id, id, import_id, revision, line, field, why, says, help)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (project_id, id) DO NOTHING
"""
REFUSED = """
SELECT line, field, why, says, help FROM people_import_refusal
WHERE project_id = %s AND import_id = %s AND revision = %s ORDER BY line LIMIT %s
"""
FORGET = "DELETE FROM people_import WHERE project_id = %s AND id = %s"
VOID_ROWS = """
DELETE FROM people_import_row WHERE project_id = %(project)s AND id IN (
    SELECT id FROM people_import_row
    WHERE project_id = %(project)s AND import_id = %(id)s AND revision < %(revision)s LIMIT 5000
)
"""
VOID_REFUSALS = """
DELETE FROM people_import_refusal
WHERE project_id = %(project)s AND import_id = %(id)s AND revision < %(revision)s
"""
FORGET_PERSON = """
UPDATE people_import_row SET person_id = NULL
WHERE project_id = %(project)s AND (
    person_id = %(person)s OR person_id IN (
        SELECT value::uuid FROM identity
        WHERE project_id = %(project)s AND person_id = %(person)s AND kind = 'former'
    )
)
"""


class ForgetImported(NoConsequence):
    """Who is erased is forgotten here too."""

    erases: Columns = (("people_import_row", "person_id"),)

    def erased(self, changes: Changes, person: Person) -> None:
        """The row stays as a line of a file, and names nobody."""
        named = {"project": changes.project_id, "person": person.id}
        changes.connection.execute(FORGET_PERSON, named)


def key_in(job: Import, name: str, value: str) -> UUID:
    """The key of somebody in the file, by what they are known by there."""
    return key_hash("import", str(job.id), str(job.revision), name, value)


def take(connection: Connection, job: Import, keys: Mapping[UUID, int]) -> dict[UUID, int]:
    """Whoever stands at these lines does so for the first time, or stood at the line returned."""
    ordered = sorted(keys)
    ids = arrays.of_ids(ordered)
    given = {
        "project": job.project_id,
        "import": job.id,
        "revision": job.revision,
        "ids": ids,
        "lines": [keys[key] for key in ordered],
    }
    connection.execute(TAKE, given, prepare=True)
    return dict(connection.execute(TAKEN, (job.project_id, ids), prepare=True).fetchall())


def note_made(connection: Connection, job: Import, made: Mapping[UUID, UUID]) -> None:
    """These rows, by their keys, made these people."""
    ordered = sorted(made)
    given = {
        "project": job.project_id,
        "ids": arrays.of_ids(ordered),
        "people": arrays.of_ids(made[key] for key in ordered),
    }
    connection.execute(MADE, given, prepare=True)


def note_refused(
    connection: Connection, job: Import, refused: Sequence[tuple[int, RowError]]
) -> None:
    """Keep the first refused rows, to be shown."""
    for line, wrong in refused[: max(0, SHOWN - job.counts.get("refused", 0))]:
        key = key_hash("refusal", str(job.id), str(job.revision), str(line))
        says = wrong.says.replace("\x00", "␀")
        connection.execute(
            REFUSE,
            (
                job.project_id, key, job.id, job.revision, line, wrong.column, wrong.why, says,
                wrong.help,
            ),
        )  # fmt: skip


def refused(
    connection: Connection, job: Import, limit: int = SHOWN
) -> list[tuple[int, str, str, str, str]]:
    """The first refused rows: line, column, why, what it says, what would help."""
    given = (job.project_id, job.id, job.revision, limit)
    return connection.execute(REFUSED, given).fetchall()


def clear(connection: Connection, job: Import, *, rows_before: int) -> None:
    """Let go of what earlier revisions found, in steps of a transaction each."""
    named = {"project": job.project_id, "id": job.id, "revision": rows_before}
    while connection.execute(VOID_ROWS, named).rowcount:
        pass
    connection.execute(VOID_REFUSALS, named | {"revision": min(rows_before, job.revision)})


def forget(connection: Connection, project_id: UUID, import_id: UUID) -> None:
    """Let go of an import, of all that is kept of its rows, and of its files."""
    for file in (file_of(import_id), refused_file(import_id)):
        file.unlink(missing_ok=True)
    named = {"project": project_id, "id": import_id, "revision": 2**31 - 1}
    for statement in (VOID_ROWS, VOID_REFUSALS):
        while connection.execute(statement, named).rowcount:
            pass
    connection.execute(FORGET, (project_id, import_id))
