"""A checkpoint's own rows: made, pointed at another condition, let go. Under the plan's lock.

What a change means for everybody (who is counted anew, what may not be done) is `actions`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.first_met import origin_of
from regulars.filters.parse import parse
from regulars.kit.ids import new_id
from regulars.segments import fills, seeking
from regulars.segments.actions import next_number
from regulars.segments.plan import segments_written_out
from regulars.workspaces.errors import ConflictError

Connection = psycopg.Connection[Any]

MAX_LANES = 16
MAX_CHECKPOINTS = 5

ADD_SEGMENT = """
INSERT INTO segment (project_id, id, number, name, builtin, filter, created_at, checkpoint, lane)
VALUES (%s, %s, %s, %s, 'checkpoint', %s::jsonb, %s, %s, %s)
"""
START_COUNT = "INSERT INTO segment_count (project_id, id) VALUES (%s, %s)"
LANES_TAKEN = """
SELECT lane FROM segment WHERE project_id = %s AND lane IS NOT NULL
"""
NUMBERS = "SELECT number FROM checkpoint WHERE project_id = %s"
ADD = """
INSERT INTO checkpoint (project_id, id, number, place, title, description, segment_id,
                        created_at, changed_at, changed_by, dated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
LET_SEGMENT_GO = """
UPDATE segment SET deleted_at = %s, checkpoint = NULL WHERE project_id = %s AND id = %s
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A checkpoint as somebody wants it; `filter` is decoded JSON."""

    title: str
    description: str
    filter: Any
    number: int | None = None


def add(
    connection: Connection,
    project_id: UUID,
    draft: Draft,
    place: int,
    now: datetime,
    by: UUID | None = None,
    segment_id: UUID | None = None,
) -> int:
    """A new checkpoint; everybody who is there is counted, unless its condition has a segment
    already. Returns its number.
    """
    taken = {row[0] for row in connection.execute(NUMBERS, (project_id,)).fetchall()}
    number = draft.number
    if number is None or number in taken:
        number = min(set(range(1, MAX_CHECKPOINTS + 1)) - taken)
    if segment_id is None:
        segment_id = add_segment(connection, project_id, draft, now, checkpoint=number)
    dated = undated_from(connection, project_id, draft.filter, now)
    values = (
        project_id, new_id(now), number, place, draft.title, draft.description, segment_id,
        now, now, by, dated,
    )  # fmt: skip
    connection.execute(ADD, values)
    return number


def add_segment(
    connection: Connection,
    project_id: UUID,
    draft: Draft,
    now: datetime,
    *,
    checkpoint: int | None = None,
) -> UUID:
    """The segment of a condition, in a lane of its own, being filled from now on.

    With `checkpoint` it is in force at once; else when it is full.
    """
    taken = {row[0] for row in connection.execute(LANES_TAKEN, (project_id,)).fetchall()}
    free = set(range(MAX_LANES)) - taken
    if not free:
        raise ConflictError("checkpoints", "Changed a moment ago: try again in a minute.")
    lane = min(free)
    id_, number = new_id(now), next_number(connection, project_id)
    text = msgspec.json.encode(draft.filter).decode()
    connection.execute(
        ADD_SEGMENT, (project_id, id_, number, draft.title, text, now, checkpoint, lane)
    )
    connection.execute(START_COUNT, (project_id, id_))
    fills.start(connection, project_id, id_, now, is_new=True)
    if seeking.may_find(segments_written_out(connection, project_id)[id_]):
        seeking.begin(connection, project_id, id_)
    return id_


def let_segment_go(
    connection: Connection, project_id: UUID, segment_id: UUID, now: datetime
) -> None:
    """A condition that no checkpoint has any more."""
    fills.stop(connection, project_id, segment_id)
    connection.execute(LET_SEGMENT_GO, (now, project_id, segment_id))


def undated_from(
    connection: Connection, project_id: UUID, filter_: Any, now: datetime
) -> datetime | None:
    """The instant that people are dated by who met the condition before; None where the past is
    known, and where there is nobody yet.
    """
    if origin_of(parse(filter_)) is not None:
        return None
    return now if fills.last_person(connection, project_id) else None
