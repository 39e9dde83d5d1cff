"""A checkpoint's new condition takes effect when everybody has been looked at.

Until then the old one's results stand. Where both are first met at the very same instant (they ask
for other days), the results are the same but for who meets it still, and for the few who met the
old one alone: that takes the old one's place at once, and those are moved.

Everything happens in one transaction, under the lock of the segments' plan: nobody evaluates by the
one and writes by the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from msgspec.json import encode

from regulars.filters.ast import CheckpointCondition, Filter, conditions
from regulars.filters.first_met import origin_of, over_users
from regulars.filters.parse import parse
from regulars.funnels.resting import rest_or_go
from regulars.segments import fills, needs, windows
from regulars.segments.doers import event_of
from regulars.segments.moving import is_plain
from regulars.segments.plan import segments_written_out
from regulars.segments.steps import first_met_together

Connection = psycopg.Connection[Any]

WAITING = """
SELECT number, segment_id FROM checkpoint
WHERE project_id = %s AND next_segment_id = %s FOR UPDATE
"""
STANDING = "SELECT number FROM checkpoint WHERE project_id = %s AND segment_id = %s"
SWITCH = """
UPDATE checkpoint SET segment_id = next_segment_id, next_segment_id = NULL
WHERE project_id = %s AND number = %s
"""
IN_FORCE = "UPDATE segment SET checkpoint = %s WHERE project_id = %s AND id = %s"
REPLACE = "UPDATE segment SET filter = %s::jsonb WHERE project_id = %s AND id = %s"
FIRST = """
SELECT segment_id FROM checkpoint WHERE project_id = %s ORDER BY place LIMIT 1
"""
BEHIND = """
SELECT id FROM segment
WHERE project_id = %s AND builtin = 'checkpoint' AND deleted_at IS NULL ORDER BY number
"""
SET_OVER = """
UPDATE segment_plan SET over_users = %s WHERE project_id = %s AND over_users <> %s
"""


def replaces(before: Any, after: Any) -> bool:
    """Whether a condition (decoded JSON) may take another's place at once."""
    old, new = parse(before), parse(after)
    return (
        first_met_together(origin_of(old), origin_of(new))
        and is_plain(new)
        and event_of(new) is None
    )


def replace(
    connection: Connection, project_id: UUID, segment_id: UUID, filter_: Any, now: datetime
) -> None:
    """Let the condition take the place of the one that stands behind a checkpoint."""
    connection.execute(REPLACE, (encode(filter_).decode(), project_id, segment_id))
    fills.start(connection, project_id, segment_id, now)


def take_effect(connection: Connection, project_id: UUID, segment_id: UUID, now: datetime) -> None:
    """The segment is full: if it is a checkpoint's next, that follows it from now on.

    Whoever asks for the checkpoint is filled anew either way.
    """
    row = connection.execute(STANDING, (project_id, segment_id)).fetchone()
    if row is not None:
        settle(connection, project_id, now, changed={row[0]})
        return
    row = connection.execute(WAITING, (project_id, segment_id)).fetchone()
    if row is None:
        return
    number, old = row
    connection.execute(SWITCH, (project_id, number))
    rest_or_go(connection, project_id, old, now)
    connection.execute(IN_FORCE, (number, project_id, segment_id))
    settle(connection, project_id, now, changed={number})


def settle(connection: Connection, project_id: UUID, now: datetime, changed: set[int]) -> None:
    """Let everything that asks for these checkpoints be filled anew, and remember what is needed.

    Whoever calls renews the plan.
    """
    filters = segments_written_out(connection, project_id)
    refill = [id_ for id_, filter_ in filters.items() if asked_in(filter_) & changed]
    row = connection.execute(FIRST, (project_id,)).fetchone()
    over = row is None or over_users(filters[row[0]])
    if connection.execute(SET_OVER, (over, project_id, over)).rowcount:
        behind = connection.execute(BEHIND, (project_id,)).fetchall()
        refill += [id_ for (id_,) in behind if id_ not in refill]
    needs.reconcile(connection, project_id, filters, refill, now)
    windows.keep(connection, project_id, filters.values(), now)


def asked_in(filter_: Filter) -> set[int]:
    """The checkpoints that a filter asks for."""
    return {
        number
        for one in conditions(filter_)
        if isinstance(one, CheckpointCondition)
        for number in one.chain
    }
