"""The rows of imports: which file, what its columns become, how far it is, what was refused.

All functions take a connection; those that claim or advance an import need a transaction. Who
works on them is `working`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from regulars.kit import environment
from regulars.people.imports.bringing import How
from regulars.people.imports.mapping import Column
from regulars.people.imports.sheet import Sheet
from regulars.workspaces.errors import ConflictError, UnknownError

Connection = psycopg.Connection[Any]
State = Literal["draft", "checking", "checked", "waiting", "running", "done", "cancelled", "failed"]

OPEN = ("checking", "waiting", "running")
ENDED = ("done", "cancelled", "failed")
KEPT = timedelta(days=30)  # imports that have ended, and whom they made
DRAFTS_KEPT = timedelta(days=2)  # files that nobody brought in
MOST_OPEN = 5  # imports of a project being worked on

_COLUMNS = (
    "project_id, id, created_by, file_name, file_bytes, encoding, separator, columns, options,"
    " state, revision, error, rows_done, bytes_done, counts, checked, refused_bytes, worked_at,"
    " started_at, ended_at, undone_by"
)
ADD = """
INSERT INTO people_import (project_id, id, created_by, file_name, file_bytes, encoding, separator,
                           columns, options, worked_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
FIND = f"SELECT {_COLUMNS} FROM people_import WHERE project_id = %s AND id = %s"
IDS = "SELECT id FROM people_import WHERE project_id = %s"
NEWEST = f"""
SELECT {_COLUMNS} FROM people_import
WHERE project_id = %s AND (state <> 'draft' OR created_by = %s) ORDER BY id DESC LIMIT %s
"""
OPEN_IN = """
SELECT count(*) FROM people_import
WHERE project_id = %s AND state IN ('checking', 'waiting', 'running') AND id <> %s
"""
# Imports to work on, whichever was left alone for longest first.
TURNS = """
SELECT project_id, id FROM people_import WHERE state IN ('checking', 'waiting', 'running')
ORDER BY worked_at, id LIMIT 20
"""
CLAIM = f"""
SELECT {_COLUMNS} FROM people_import
WHERE project_id = %s AND id = %s AND state IN ('checking', 'waiting', 'running')
FOR UPDATE SKIP LOCKED
"""
# Another meaning of the columns: what a dry run found so far is void.
CHANGE = """
UPDATE people_import
SET columns = %(columns)s, options = %(options)s, state = %(state)s, revision = revision + 1,
    error = NULL, tries = 0, rows_done = 0, bytes_done = 0, refused_bytes = 0, counts = '{}',
    checked = '{}', worked_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s AND state IN ('draft', 'checking', 'checked')
"""
OPTIONS = """
UPDATE people_import SET options = %s
WHERE project_id = %s AND id = %s AND state IN ('draft', 'checking', 'checked')
"""
COMPLAIN = (
    "UPDATE people_import SET error = %s WHERE project_id = %s AND id = %s AND state = 'draft'"
)
START = """
UPDATE people_import
SET options = %(options)s, state = 'waiting', revision = revision + 1, error = NULL, tries = 0,
    checked = counts, counts = '{}', rows_done = 0, bytes_done = 0, refused_bytes = 0,
    worked_at = %(now)s, started_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s AND state = ANY(%(from)s)
"""
ADVANCE = """
UPDATE people_import
SET state = CASE state WHEN 'waiting' THEN 'running' ELSE state END, tries = 0,
    rows_done = rows_done + %(rows)s, bytes_done = %(bytes)s, counts = %(counts)s,
    refused_bytes = %(refused)s, worked_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s
"""
END = """
UPDATE people_import
SET state = %(state)s, error = %(error)s, worked_at = %(now)s,
    ended_at = CASE WHEN %(state)s IN ('done', 'cancelled', 'failed') THEN %(now)s END
WHERE project_id = %(project)s AND id = %(id)s AND revision = %(revision)s
  AND state IN ('checking', 'waiting', 'running')
"""
STUMBLE = """
UPDATE people_import SET tries = tries + 1, worked_at = %s
WHERE project_id = %s AND id = %s AND state IN ('checking', 'waiting', 'running')
RETURNING tries
"""
UNDONE = """
UPDATE people_import SET undone_by = %s
WHERE project_id = %s AND id = %s AND undone_by IS NULL AND ended_at IS NOT NULL
"""
OLD = """
SELECT project_id, id FROM people_import
WHERE state IN ('done', 'cancelled', 'failed') AND worked_at < %s
   OR state IN ('draft', 'checked') AND worked_at < %s
LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Import:
    """An import as its row says."""

    project_id: UUID
    id: UUID
    created_by: UUID | None
    file_name: str
    file_bytes: int
    encoding: str
    separator: str
    columns: list[dict[str, str]]
    options: dict[str, Any]
    state: State
    revision: int
    error: str | None
    rows_done: int
    bytes_done: int
    counts: dict[str, int]
    checked: dict[str, int]
    refused_bytes: int
    worked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    undone_by: UUID | None

    @property
    def mapping(self) -> list[Column]:
        """What the columns become."""
        return [Column(**one) for one in self.columns]

    @property
    def how(self) -> How:
        """What was decided for the whole file."""
        return msgspec.convert(self.options.get("how", {}), How)

    @property
    def is_open(self) -> bool:
        """Whether the worker has something to do with it."""
        return self.state in OPEN

    @property
    def is_dry(self) -> bool:
        """Whether nothing is written yet."""
        return self.state in ("draft", "checking", "checked")

    @property
    def sheet(self) -> Sheet:
        """The file."""
        names = tuple(one["name"] for one in self.columns)
        return Sheet(file_of(self.id), self.encoding, self.separator, names)


def forget_files(connection: Connection, project_id: UUID) -> None:
    """The files of a project's imports: the project goes."""
    for (import_id,) in connection.execute(IDS, (project_id,)).fetchall():
        for file in (file_of(import_id), refused_file(import_id)):
            file.unlink(missing_ok=True)


def folder() -> Path:
    """Where files lie: one disk, shared where there are several machines."""
    return environment.read().data / "imports"


def file_of(import_id: UUID) -> Path:
    """The file that was given, until it is brought in."""
    return folder() / f"{import_id}.csv"


def refused_file(import_id: UUID) -> Path:
    """The rows that were refused so far."""
    return folder() / f"{import_id}.refused.csv"


def add(
    connection: Connection,
    project_id: UUID,
    sheet: Sheet,
    columns: Sequence[Column],
    now: datetime,
    *,
    id_: UUID,
    name: str,
    agent_id: UUID | None,
) -> Import:
    """A new one, a draft."""
    connection.execute(
        ADD,
        (
            project_id, id_, agent_id, name, sheet.path.stat().st_size, sheet.encoding,
            sheet.separator, _json(columns), Jsonb({}), now,
        ),
    )  # fmt: skip
    return find(connection, project_id, id_)


def find(connection: Connection, project_id: UUID, import_id: UUID) -> Import:
    """The import as it is. Raises UnknownError."""
    found = _one(connection, FIND, (project_id, import_id))
    if found is None:
        raise UnknownError("There is no such import.")
    return found


def newest(connection: Connection, project_id: UUID, agent_id: UUID, limit: int) -> list[Import]:
    """The last ones; drafts to whoever made them."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(NEWEST, (project_id, agent_id, limit)).fetchall()


def change(
    connection: Connection,
    job: Import,
    columns: Sequence[Column],
    options: Mapping[str, Any],
    now: datetime,
    *,
    state: Literal["draft", "checking"],
) -> None:
    """Other columns or options; a dry run begins anew. Raises ConflictError once it has started."""
    given = {
        "columns": _json(columns),
        "options": Jsonb(dict(options)),
        "state": state,
        "now": now,
        "project": job.project_id,
        "id": job.id,
    }
    if not connection.execute(CHANGE, given).rowcount:
        raise ConflictError("import", "It has started already.")


def keep_options(connection: Connection, job: Import, options: Mapping[str, Any]) -> None:
    """Another choice that no dry run depends on."""
    connection.execute(OPTIONS, (Jsonb(dict(options)), job.project_id, job.id))


def complain(connection: Connection, job: Import, why: str) -> None:
    """Say why a draft can't be looked into as it is."""
    connection.execute(COMPLAIN, (why, job.project_id, job.id))


def start(
    connection: Connection,
    job: Import,
    options: Mapping[str, Any],
    now: datetime,
    *,
    unchecked: bool = False,
) -> None:
    """Bring the people in, once this commits. Raises ConflictError where it can't begin."""
    row = connection.execute(OPEN_IN, (job.project_id, job.id)).fetchone()
    if row and row[0] >= MOST_OPEN:
        raise ConflictError("import", "Too much is going on at once. Let an import finish first.")
    given = {
        "options": Jsonb(dict(options)),
        "now": now,
        "project": job.project_id,
        "id": job.id,
        "from": ["draft", "checked"] if unchecked else ["checked"],
    }
    if not connection.execute(START, given).rowcount:
        raise ConflictError("import", "It has started already, or its dry run is not done.")


def turns(connection: Connection) -> list[tuple[UUID, UUID]]:
    """Imports to work on, by project and id, in the order of their turns."""
    return connection.execute(TURNS, prepare=True).fetchall()


def claim(connection: Connection, project_id: UUID, import_id: UUID) -> Import | None:
    """The import, locked for this transaction; None where another has it or it has ended."""
    return _one(connection, CLAIM, (project_id, import_id))


def advance(
    connection: Connection,
    job: Import,
    now: datetime,
    *,
    rows: int,
    bytes_: int,
    counts: Mapping[str, int],
    refused_bytes: int,
) -> None:
    """So many rows more are done, if this transaction commits."""
    given = {
        "rows": rows,
        "bytes": bytes_,
        "counts": Jsonb(dict(counts)),
        "refused": refused_bytes,
        "now": now,
        "project": job.project_id,
        "id": job.id,
    }
    connection.execute(ADVANCE, given)


def end(
    connection: Connection, job: Import, state: State, now: datetime, why: str | None = None
) -> bool:
    """End what is being done with it, if that has not ended; whether it had not."""
    given = {
        "state": state, "error": why, "now": now, "project": job.project_id, "id": job.id,
        "revision": job.revision,
    }  # fmt: skip
    return connection.execute(END, given).rowcount > 0


def stumble(connection: Connection, project_id: UUID, import_id: UUID, now: datetime) -> int:
    """A step failed: how many did in a row."""
    row = connection.execute(STUMBLE, (now, project_id, import_id)).fetchone()
    return int(row[0]) if row else 0


def mark_undone(connection: Connection, job: Import, by: UUID) -> None:
    """A bulk job takes back whom it made. Raises ConflictError where one does already."""
    if not connection.execute(UNDONE, (by, job.project_id, job.id)).rowcount:
        raise ConflictError("import", "That is undone already, or not done yet.")


def old(connection: Connection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Imports of which nothing need be kept."""
    return connection.execute(OLD, (now - KEPT, now - DRAFTS_KEPT)).fetchall()


def _json(columns: Sequence[Column]) -> Jsonb:
    return Jsonb([asdict(column) for column in columns])


def _one(connection: Connection, statement: str, params: Sequence[Any]) -> Import | None:
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(statement, params).fetchone()
