"""Clears the lanes of conditions that no checkpoint has any more, so that others may have them.

A loop of the worker, in small steps: whoever writes a person's row meanwhile leaves the lane empty.
"""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.progress import LANES
from regulars.kit import database

Connection = psycopg.Connection[Any]

PAUSE = 1.0  # seconds between looks
AT_ONCE = 5_000  # people a statement

LEFT = """
SELECT project_id, id, lane FROM segment
WHERE builtin = 'checkpoint' AND deleted_at IS NOT NULL AND lane IS NOT NULL ORDER BY deleted_at
"""
END = """
SELECT id FROM funnel_progress WHERE project_id = %s AND id > %s ORDER BY id OFFSET %s LIMIT 1
"""
CLEAR = """
UPDATE funnel_progress SET {lane} = NULL
WHERE project_id = %s AND id > %s AND (%s::uuid IS NULL OR id <= %s) AND {lane} IS NOT NULL
"""
FREE = "UPDATE segment SET lane = NULL WHERE project_id = %s AND id = %s"

_BEFORE_ALL = UUID(int=0)


def keep_funnels(stop: threading.Event) -> None:
    """Until stopped: clear what is to be cleared."""
    with database.connect() as connection:
        while not stop.is_set():
            clear_lanes(connection, stop)
            stop.wait(PAUSE)


def clear_lanes(connection: Connection, stop: threading.Event | None = None) -> None:
    """Clear the lanes of all conditions that were let go."""
    for project_id, segment_id, lane in connection.execute(LEFT).fetchall():
        cleared = _BEFORE_ALL
        statement = CLEAR.format(lane=LANES[lane])
        while True:
            if stop is not None and stop.is_set():
                return
            row = connection.execute(END, (project_id, cleared, AT_ONCE - 1)).fetchone()
            end = row[0] if row else None
            connection.execute(statement, (project_id, cleared, end, end), prepare=False)
            if end is None:
                break
            cleared = end
        connection.execute(FREE, (project_id, segment_id))
