"""Which segments are being filled, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

LAST_PERSON = "SELECT id FROM person WHERE project_id = %s ORDER BY id DESC LIMIT 1"
START = """
INSERT INTO segment_fill (
    project_id, id, until, total, started_at, last_need, is_first, from_nobody
)
SELECT s.project_id, %(segment)s, %(until)s, coalesce((
    SELECT sum(c.people) FROM kind_count c WHERE c.project_id = s.project_id
), 0), %(now)s, s.last_need, %(is_new)s, EXISTS (
    SELECT FROM segment_count c JOIN segment n ON n.project_id = c.project_id AND n.id = c.id
    WHERE c.project_id = s.project_id AND c.id = %(segment)s AND c.people = 0
      AND (n.lane IS NULL OR %(is_new)s)
)
FROM segment_plan s WHERE s.project_id = %(project)s
ON CONFLICT (project_id, id) DO UPDATE SET
    from_nobody = false, cursor = NULL, until = excluded.until, done = 0, total = excluded.total,
    started_at = greatest(excluded.started_at, segment_fill.started_at + interval '1 microsecond'),
    last_need = excluded.last_need
"""
RUNNING = """
SELECT f.project_id, f.id, s.number, f.cursor, f.until, f.started_at, f.last_need, f.from_nobody,
       f.is_first, s.has_found, p.time_zone
FROM segment_fill f
JOIN segment s ON s.project_id = f.project_id AND s.id = f.id
JOIN project p ON p.id = f.project_id
ORDER BY f.started_at, f.id
"""
STOP = "DELETE FROM segment_fill WHERE project_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class Fill:
    """A segment that is being filled: everybody behind `cursor` and up to `until` is still to
    be looked at.
    """

    project_id: UUID
    segment_id: UUID
    number: int
    cursor: UUID | None
    until: UUID
    started_at: datetime
    last_need: int  # the highest number of a memory that there was when it began
    from_nobody: bool  # in it or, of a step, known to have reached it
    is_first: bool  # nobody was looked at for the step before, or not everybody
    has_found: bool  # what was found may not be on people's own rows yet
    time_zone: str

    @property
    def is_finding(self) -> bool:
        """Whether it leaves people's own rows alone, and writes what it finds beside them."""
        return self.has_found and self.from_nobody

    @property
    def mark(self) -> str:
        """What tells it from the segment's other fillings: letters, digits and underscores."""
        return f"{self.segment_id.hex}_{self.started_at.timestamp():.6f}".replace(".", "_")


def fills_running(connection: Connection) -> list[Fill]:
    """All there are, the oldest first."""
    return [Fill(*row) for row in connection.execute(RUNNING).fetchall()]


def start(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    now: datetime,
    *,
    is_new: bool = False,
) -> None:
    """Have a segment filled, from the beginning. Under the plan's lock.

    A step that `is_new` nobody can have reached. Where there is nobody yet there is nothing to do.
    """
    until = last_person(connection, project_id)
    if until is not None:
        asked = {
            "project": project_id, "segment": segment_id, "until": until, "now": now,
            "is_new": is_new,
        }  # fmt: skip
        connection.execute(START, asked)


def stop(connection: Connection, project_id: UUID, segment_id: UUID) -> None:
    """Fill the segment no further."""
    connection.execute(STOP, (project_id, segment_id))


def last_person(connection: Connection, project_id: UUID) -> UUID | None:
    """The last of the project's people in the order of ids."""
    row = connection.execute(LAST_PERSON, (project_id,)).fetchone()
    return row[0] if row else None
