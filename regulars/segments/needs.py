"""Which events people's rows must remember: kept in step with the segments that ask about them.

What one segment needs another may share. A memory that must go deeper than it does is a new one,
under a new number; so whoever reads a row knows whether it has what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import Filter
from regulars.filters.events import event_needs
from regulars.segments import fills

Connection = psycopg.Connection[Any]

ROWS = "SELECT key, keep, filled FROM segment_need WHERE project_id = %s"
DROP = "DELETE FROM segment_need WHERE project_id = %s AND key = ANY(%s)"
KEEP = "UPDATE segment_need SET keep = %s WHERE project_id = %s AND key = %s"
NUMBER = """
UPDATE segment_plan SET last_need = last_need + 1 WHERE project_id = %s RETURNING last_need
"""
ADD = """
INSERT INTO segment_need (project_id, id, key, keep, filled, created_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
# Memories that were all there before a segment began to be filled are complete when it is.
FILLED = """
UPDATE segment_need SET filled = true
WHERE project_id = %s AND key = ANY(%s) AND created_at <= %s
"""
FILLS = "SELECT id, started_at FROM segment_fill WHERE project_id = %s"
BORN = "SELECT key, created_at FROM segment_need WHERE project_id = %s AND NOT filled"


def reconcile(
    connection: Connection, project_id: UUID, filters: Mapping[UUID, Filter], now: datetime
) -> None:
    """Let the memories be those that the segments, written out, ask for. Under the plan's lock.

    A memory that nobody fills any more, since the segment that did is gone, is filled by another.
    """
    wanted = event_needs(filters.values())
    have = {
        key: (keep, filled)
        for key, keep, filled in connection.execute(ROWS, (project_id,)).fetchall()
    }
    too_small = [key for key, need in wanted.items() if key in have and need.keep > have[key][0]]
    connection.execute(DROP, (project_id, [*(have.keys() - wanted.keys()), *too_small]))
    for key, need in wanted.items():
        if key not in have or key in too_small:
            _add(connection, project_id, key, need.keep, now)
        elif need.keep < have[key][0]:
            connection.execute(KEEP, (need.keep, project_id, key))
    _adopt(connection, project_id, filters, now)


def filled(connection: Connection, project_id: UUID, filter_: Filter, since: datetime) -> None:
    """A segment has been filled, from `since` on: so are the memories that it needs."""
    connection.execute(FILLED, (project_id, list(event_needs([filter_])), since))


def _add(connection: Connection, project_id: UUID, key: str, keep: int, now: datetime) -> None:
    (number,) = connection.execute(NUMBER, (project_id,)).fetchall()[0]
    nobody = fills.last_person(connection, project_id) is None
    connection.execute(ADD, (project_id, number, key, keep, nobody, now))


def _adopt(
    connection: Connection, project_id: UUID, filters: Mapping[UUID, Filter], now: datetime
) -> None:
    running = dict(connection.execute(FILLS, (project_id,)).fetchall())
    for key, born in connection.execute(BORN, (project_id,)).fetchall():
        users = [id_ for id_, filter_ in filters.items() if key in event_needs([filter_])]
        if not any(id_ in running and running[id_] >= born for id_ in users):
            fills.start(connection, project_id, users[0], now)
            running[users[0]] = now
