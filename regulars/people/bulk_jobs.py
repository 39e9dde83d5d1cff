"""The rows of bulk jobs: what was asked for, how far it is, whom it changed.

Who starts and ends jobs is `people/bulk.py`; here is what it reads and writes. All functions take a
connection; those that claim or advance a job need a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from regulars.kit import arrays
from regulars.kit.ids import key_bytes
from regulars.people import selection as selections
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person
from regulars.people.selection import Asked

Connection = psycopg.Connection[Any]
State = Literal["waiting", "running", "done", "cancelled", "failed"]

KEPT = timedelta(days=7)  # jobs that have ended, their files, and whom they changed
MOST_SHOWN = 5
FORGOTTEN_AT_ONCE = 5_000

_COLUMNS = (
    "project_id, id, kind, arguments, selection, asked_at, zone, created_by, state, error, cursor,"
    " total, done, changed, file_bytes, undoes, undone_by, ended_at"
)
ADD = """
INSERT INTO bulk_job (project_id, id, kind, arguments, selection, asked_at, zone, created_by, total,
                      undoes, worked_at)
VALUES (%(project)s, %(id)s, %(kind)s, %(arguments)s, %(selection)s, %(now)s, %(zone)s, %(agent)s,
        %(total)s, %(undoes)s, %(now)s)
"""
FIND = f"SELECT {_COLUMNS} FROM bulk_job WHERE project_id = %s AND id = %s"
OPEN_IN = "SELECT count(*) FROM bulk_job WHERE project_id = %s AND state IN ('waiting', 'running')"
# Jobs to work on, whichever was left alone for longest first: a long one keeps nobody waiting.
OPEN = """
SELECT project_id, id FROM bulk_job WHERE state IN ('waiting', 'running')
ORDER BY worked_at, id LIMIT %s
"""
CLAIM = f"""
SELECT {_COLUMNS} FROM bulk_job
WHERE project_id = %s AND id = %s AND state IN ('waiting', 'running')
FOR UPDATE SKIP LOCKED
"""
ADVANCE = """
UPDATE bulk_job
SET state = 'running', tries = 0, cursor = %(cursor)s, done = done + %(done)s,
    changed = changed + %(changed)s, file_bytes = %(file_bytes)s, worked_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s
"""
END = """
UPDATE bulk_job SET state = %s, error = %s, ended_at = %s
WHERE project_id = %s AND id = %s AND state IN ('waiting', 'running')
"""
STUMBLE = """
UPDATE bulk_job SET tries = tries + 1, worked_at = %s
WHERE project_id = %s AND id = %s AND state IN ('waiting', 'running')
RETURNING tries
"""
CLOSE = """
UPDATE bulk_job SET closed_at = %s
WHERE project_id = %s AND id = %s AND closed_at IS NULL AND ended_at IS NOT NULL
"""
MARK_UNDONE = """
UPDATE bulk_job SET undone_by = %s, closed_at = %s
WHERE project_id = %s AND id = %s AND undone_by IS NULL AND ended_at IS NOT NULL
"""
# What runs, and what ended lately: to whoever asked for it, until they close it. Of what went well
# only the newest, but for files, which wait to be taken.
SHOWN = f"""
SELECT {_COLUMNS} FROM bulk_job
WHERE project_id = %(project)s AND closed_at IS NULL AND (
    ended_at IS NULL
    OR created_by = %(agent)s AND ended_at > %(day)s
       AND (state = 'failed' OR kind = 'export' AND state = 'done')
    OR created_by = %(agent)s AND ended_at > %(while)s AND id = (
        SELECT id FROM bulk_job
        WHERE project_id = %(project)s AND created_by = %(agent)s AND ended_at IS NOT NULL
          AND (kind <> 'export' OR state <> 'done')
        ORDER BY ended_at DESC, id DESC LIMIT 1
    )
)
ORDER BY ended_at IS NULL DESC, id DESC LIMIT %(limit)s
"""
REMEMBER = """
INSERT INTO bulk_change (project_id, id, job_id, person_id)
SELECT %s, n.id, %s, n.person_id FROM unnest(%s::uuid[], %s::uuid[]) AS n (id, person_id)
ORDER BY n.id
"""
OLD = "SELECT project_id, id FROM bulk_job WHERE ended_at < %s LIMIT 20"
FORGET_CHANGES = """
DELETE FROM bulk_change WHERE project_id = %(project)s AND id IN (
    SELECT id FROM bulk_change WHERE project_id = %(project)s AND job_id = %(job)s LIMIT %(limit)s
)
"""
FORGET = "DELETE FROM bulk_job WHERE project_id = %s AND id = %s"
# Under the ids of those who were merged into the person, too.
FORGET_PERSON = """
DELETE FROM bulk_change
WHERE project_id = %(project)s AND (
    person_id = %(person)s OR person_id IN (
        SELECT value::uuid FROM identity
        WHERE project_id = %(project)s AND person_id = %(person)s AND kind = 'former'
    )
)
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its row says. `done` people were looked at so far, `changed` of them changed."""

    project_id: UUID
    id: UUID
    kind: str
    arguments: dict[str, Any]
    selection: dict[str, Any]
    asked_at: datetime
    zone: str
    created_by: UUID | None
    state: State
    error: str | None
    cursor: UUID | None
    total: int
    done: int
    changed: int
    file_bytes: int
    undoes: UUID | None
    undone_by: UUID | None
    ended_at: datetime | None

    @property
    def asked(self) -> Asked:
        """Whom the job is for."""
        selection = selections.from_json(self.selection)
        return Asked(self.project_id, selection, self.asked_at, ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Batch:
    """The people of a job's next step, in its transaction."""

    connection: Connection
    job: Job
    ids: Sequence[UUID]
    now: datetime


@dataclass(frozen=True, slots=True)
class Worked:
    """What a step came to: how many it changed, and how much of the job's file counts now."""

    changed: int
    file_bytes: int = 0


class ForgetBulkChanges(NoConsequence):
    """Who is erased is forgotten here too."""

    erases: Columns = (("bulk_change", "person_id"),)

    def erased(self, changes: Changes, person: Person) -> None:
        """The person's rows, before the identities go by which old ids are known."""
        named = {"project": changes.project_id, "person": person.id}
        changes.connection.execute(FORGET_PERSON, named)


def add(
    connection: Connection,
    asked: Asked,
    kind: str,
    *,
    id_: UUID,
    arguments: dict[str, Any],
    total: int,
    agent_id: UUID | None,
    undoes: UUID | None = None,
) -> None:
    """A new job, asked for at `asked.now`."""
    connection.execute(
        ADD,
        {
            "project": asked.project_id,
            "id": id_,
            "kind": kind,
            "arguments": Jsonb(arguments),
            "selection": Jsonb(selections.to_json(asked.selection)),
            "now": asked.now,
            "zone": str(asked.zone),
            "agent": agent_id,
            "total": total,
            "undoes": undoes,
        },
    )


def find(connection: Connection, project_id: UUID, job_id: UUID) -> Job | None:
    """The job as it is."""
    return _one(connection, FIND, (project_id, job_id))


def count_open(connection: Connection, project_id: UUID) -> int:
    """How many jobs of the project have not ended."""
    row = connection.execute(OPEN_IN, (project_id,)).fetchone()
    return int(row[0]) if row else 0


def open_jobs(connection: Connection, limit: int = 20) -> list[tuple[UUID, UUID]]:
    """Jobs to work on, by project and id, in the order of their turns."""
    return connection.execute(OPEN, (limit,), prepare=True).fetchall()


def claim(connection: Connection, project_id: UUID, job_id: UUID) -> Job | None:
    """The job, locked for this transaction; None where another has it or it has ended."""
    return _one(connection, CLAIM, (project_id, job_id))


def advance(batch: Batch, worked: Worked) -> None:
    """The people of the batch are done, if this transaction commits."""
    batch.connection.execute(
        ADVANCE,
        {
            "project": batch.job.project_id,
            "id": batch.job.id,
            "cursor": batch.ids[-1],
            "done": len(batch.ids),
            "changed": worked.changed,
            "file_bytes": worked.file_bytes,
            "now": batch.now,
        },
    )


def end(
    connection: Connection,
    project_id: UUID,
    job_id: UUID,
    state: State,
    now: datetime,
    why: str | None = None,
) -> bool:
    """End the job, if it has not ended; whether it had not."""
    ended = connection.execute(END, (state, why, now, project_id, job_id))
    return ended.rowcount > 0


def stumble(connection: Connection, project_id: UUID, job_id: UUID, now: datetime) -> int:
    """A step failed: how many did in a row. It is another job's turn."""
    row = connection.execute(STUMBLE, (now, project_id, job_id)).fetchone()
    return int(row[0]) if row else 0


def close(connection: Connection, project_id: UUID, job_id: UUID, now: datetime) -> None:
    """Show a job that has ended no longer."""
    connection.execute(CLOSE, (now, project_id, job_id))


def mark_undone(
    connection: Connection, project_id: UUID, job_id: UUID, by: UUID, now: datetime
) -> bool:
    """Whether it was not undone before. Two who undo at once: one is first."""
    return connection.execute(MARK_UNDONE, (by, now, project_id, job_id)).rowcount > 0


def shown_to(connection: Connection, project_id: UUID, agent_id: UUID, now: datetime) -> list[Job]:
    """What an agent is shown: everybody's running jobs, and their own that ended lately."""
    asked = {
        "project": project_id,
        "agent": agent_id,
        "day": now - timedelta(days=1),
        "while": now - timedelta(minutes=10),
        "limit": MOST_SHOWN,
    }
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(SHOWN, asked).fetchall()


def remember(
    connection: Connection, project_id: UUID, job_id: UUID, people: Iterable[UUID]
) -> None:
    """These people were changed by the job."""
    keyed = sorted((key_bytes("bulk", str(job_id), str(id_)), id_) for id_ in people)
    keys = arrays.of_keys(key for key, _ in keyed)
    ids = arrays.of_ids(id_ for _, id_ in keyed)
    connection.execute(REMEMBER, (project_id, job_id, keys, ids), prepare=True)


def old(connection: Connection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Jobs that ended so long ago that nothing of them need be kept."""
    return connection.execute(OLD, (now - KEPT,)).fetchall()


def forget(connection: Connection, project_id: UUID, job_id: UUID) -> None:
    """Let go of a job and whom it changed, in steps of a transaction each."""
    rest = {"project": project_id, "job": job_id, "limit": FORGOTTEN_AT_ONCE}
    while connection.execute(FORGET_CHANGES, rest).rowcount:
        pass
    connection.execute(FORGET, (project_id, job_id))


def _one(connection: Connection, statement: str, params: Sequence[Any]) -> Job | None:
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(statement, params).fetchone()
