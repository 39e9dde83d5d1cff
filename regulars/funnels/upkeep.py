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
# Rows are locked in the order of their ids, as whoever changes people does.
CLEAR = """
UPDATE funnel_progress r SET {lane} = NULL
FROM (
    SELECT id FROM funnel_progress
    WHERE project_id = %(project)s AND id > %(after)s
      AND (%(end)s::uuid IS NULL OR id <= %(end)s) AND {lane} IS NOT NULL
    ORDER BY id FOR UPDATE
) AS locked
WHERE r.project_id = %(project)s AND r.id = locked.id
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
            named = {"project": project_id, "after": cleared, "end": end}
            connection.execute(statement, named, prepare=False)
            if end is None:
                break
            cleared = end
        connection.execute(FREE, (project_id, segment_id))
