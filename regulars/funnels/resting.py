"""A condition on being seen goes on being kept when no checkpoint asks for it any more.

When everybody was seen first is what takes longest to find anew: it is in the record of events
alone, and almost everybody was seen at some time. So the segment of such a condition is not let go
with its checkpoint, but rests: it stays in the plan, in its lane, and whoever changes is evaluated
by it as before. Where a checkpoint is to ask for being seen again, whatever days, it takes that
segment, which is in force at once. One rests at most. Under the plan's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from msgspec.json import encode

from regulars.filters.first_met import is_being_seen, origin_of
from regulars.filters.parse import parse
from regulars.funnels.rows import let_segment_go
from regulars.segments import fills

Connection = psycopg.Connection[Any]

RESTING = """
SELECT s.id, s.filter FROM segment s
WHERE s.project_id = %(project)s AND s.builtin = 'checkpoint' AND s.deleted_at IS NULL
  AND NOT EXISTS (
    SELECT FROM checkpoint c
    WHERE c.project_id = s.project_id AND s.id IN (c.segment_id, c.next_segment_id))
ORDER BY s.number
"""
# What stands behind the checkpoints.
IN_FORCE = """
SELECT s.filter FROM checkpoint c
JOIN segment s ON s.project_id = c.project_id AND s.id = c.segment_id
WHERE c.project_id = %(project)s AND s.id <> %(segment)s
"""
# With whether it was counted once.
FILTER = """
SELECT s.filter, NOT EXISTS (
    SELECT FROM segment_fill f
    WHERE f.project_id = s.project_id AND f.id = s.id AND f.started_at <= s.created_at)
FROM segment s WHERE s.project_id = %(project)s AND s.id = %(segment)s
"""
REST = """
UPDATE segment SET checkpoint = NULL WHERE project_id = %(project)s AND id = %(segment)s
"""
WAKE = """
UPDATE segment SET checkpoint = %(checkpoint)s, name = %(name)s, filter = %(filter)s::jsonb
WHERE project_id = %(project)s AND id = %(segment)s
"""


@dataclass(frozen=True, slots=True)
class Resting:
    """The segment that rests, and its condition (decoded JSON)."""

    id: UUID
    filter: Any


def resting(connection: Connection, project_id: UUID) -> Resting | None:
    """The one that rests, if one does."""
    row = connection.execute(RESTING, {"project": project_id}).fetchone()
    return Resting(*row) if row else None


def rest_or_go(connection: Connection, project_id: UUID, segment_id: UUID, now: datetime) -> None:
    """The segment's checkpoint has another by now, or is gone: it rests, or is let go.

    It rests where everybody was counted for it and no other is kept that says the same.
    """
    asked = {"project": project_id, "segment": segment_id}
    [(filter_, is_counted)] = connection.execute(FILTER, asked).fetchall()
    others = [row[0] for row in connection.execute(IN_FORCE, asked).fetchall()]
    others += [other for id_, other in connection.execute(RESTING, asked) if id_ != segment_id]
    if is_counted and _is_kept(filter_) and not any(map(_is_kept, others)):
        connection.execute(REST, asked)
    else:
        let_segment_go(connection, project_id, segment_id, now)


def wake(
    connection: Connection, project_id: UUID, number: int, title: str, filter_: Any, now: datetime
) -> UUID | None:
    """The segment for a checkpoint's condition, in force at once; None where none rests for it.

    Other days move those who were seen between the two: they are filled in place.
    """
    found = resting(connection, project_id)
    if found is None or not _is_kept(filter_):
        return None
    text = encode(filter_).decode()
    connection.execute(
        WAKE,
        {"project": project_id, "segment": found.id, "checkpoint": number, "name": title,
         "filter": text},
    )  # fmt: skip
    if found.filter != filter_:
        fills.start(connection, project_id, found.id, now)
    return found.id


def _is_kept(filter_: Any) -> bool:
    origin = origin_of(parse(filter_))
    return origin is not None and is_being_seen(origin)
