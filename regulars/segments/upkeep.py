"""What segments leave behind, let go in small steps; and days that begin at another hour.

A loop of the worker: a deleted segment's members go by the thousand, and then the segment itself.
Where a project moves to another time zone, segments that ask for whole days are filled anew.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import Condition, EventCondition, FieldCondition, conditions
from regulars.filters.catalog import ValueType
from regulars.filters.events import event_key
from regulars.kit import clock, database
from regulars.kit.giving_way import step_back
from regulars.segments import needs
from regulars.segments.plan import lock_plan, renew_plan, segments_written_out

Connection = psycopg.Connection[Any]

PAUSE = 1.0  # seconds between looks
AT_ONCE = 2_000  # rows a transaction

# What stood behind a checkpoint waits until its lane is cleared.
DELETED = """
SELECT project_id, id FROM segment
WHERE deleted_at IS NOT NULL AND lane IS NULL ORDER BY deleted_at
"""
LET_GO = """
DELETE FROM {table} WHERE project_id = %s AND id IN (
    SELECT id FROM {table} WHERE project_id = %s AND segment_id = %s LIMIT %s
)
"""
OWNED = ("segment_member", "segment_transition", "segment_day")
LET_COUNT_GO = "DELETE FROM segment_count WHERE project_id = %s AND id = %s"
LET_SEGMENT_GO = "DELETE FROM segment WHERE project_id = %s AND id = %s"
MOVED = """
SELECT s.project_id, s.time_zone FROM segment_plan s JOIN project p ON p.id = s.project_id
WHERE s.time_zone IS DISTINCT FROM p.time_zone
"""
SETTLED = "UPDATE segment_plan SET time_zone = %s WHERE project_id = %s"
DROP_NEEDS = "DELETE FROM segment_need WHERE project_id = %s AND key = ANY(%s)"


def keep_segments(stop: threading.Event) -> None:
    """Until stopped: let deleted segments go, and follow projects to other time zones."""
    with database.connect() as connection:
        step_back(connection)
        while not stop.is_set():
            let_go(connection, stop)
            follow_time_zones(connection, clock.now())
            stop.wait(PAUSE)


def let_go(connection: Connection, stop: threading.Event | None = None) -> None:
    """Let go what is left of deleted segments."""
    for project_id, segment_id in connection.execute(DELETED).fetchall():
        for table in OWNED:
            statement = LET_GO.format(table=table)
            asked = (project_id, project_id, segment_id, AT_ONCE)
            while connection.execute(statement, asked).rowcount:
                if stop is not None and stop.is_set():
                    return
        with connection.transaction():
            connection.execute(LET_COUNT_GO, (project_id, segment_id))
            connection.execute(LET_SEGMENT_GO, (project_id, segment_id))


def follow_time_zones(connection: Connection, now: datetime) -> None:
    """Fill anew what depends on where days begin, in projects that moved to another zone."""
    for project_id, before in connection.execute(MOVED).fetchall():
        with connection.transaction():
            zone = lock_plan(connection, project_id)
            if before is not None:
                _fill_by_days(connection, project_id, now)
            connection.execute(SETTLED, (zone, project_id))


def _fill_by_days(connection: Connection, project_id: UUID, now: datetime) -> None:
    filters = segments_written_out(connection, project_id)
    dated = {
        id_: [one for one in conditions(filter_) if _asks_for_days(one)]
        for id_, filter_ in filters.items()
    }
    for found in dated.values():
        memories = [event_key(one) for one in found if isinstance(one, EventCondition)]
        connection.execute(DROP_NEEDS, (project_id, memories))
    refill = [id_ for id_, found in dated.items() if found]
    needs.reconcile(connection, project_id, filters, refill, now)
    renew_plan(connection, project_id)


def _asks_for_days(condition: Condition) -> bool:
    match condition:
        case FieldCondition():
            return condition.type is ValueType.DATE
        case EventCondition(where=where):
            return any(one.type is ValueType.DATE for one in where)
        case _:
            return False
