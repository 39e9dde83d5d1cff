"""Clears the lanes of conditions that no checkpoint has any more, so that others may have them.

A loop of the worker, in small steps: whoever writes a person's row meanwhile leaves the lane empty.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.progress import LANES
from regulars.kit import database
from regulars.kit.giving_way import Rest, at_leisure, no_rest, step_back

Connection = psycopg.Connection[Any]

PAUSE = 1.0  # seconds between looks
HELD = 0.02  # seconds until rows that others held are looked at again
AT_ONCE = 1_000  # people a statement

LEFT = """
SELECT project_id, id, lane FROM segment
WHERE builtin = 'checkpoint' AND deleted_at IS NOT NULL AND lane IS NOT NULL AND NOT has_found
ORDER BY deleted_at
"""
END = """
SELECT id FROM funnel_progress WHERE project_id = %s AND id > %s ORDER BY id OFFSET %s LIMIT 1
"""
# Waits for no row while it holds others: a merge may hold it, and want one of those next.
CLEAR = """
UPDATE funnel_progress r SET {lane} = NULL
FROM (
    SELECT id FROM funnel_progress
    WHERE project_id = %(project)s AND id > %(after)s
      AND (%(end)s::uuid IS NULL OR id <= %(end)s) AND {lane} IS NOT NULL
    FOR UPDATE SKIP LOCKED
) AS free
WHERE r.project_id = %(project)s AND r.id = free.id
"""
# Whether some were held by others.
REMAINS = """
SELECT EXISTS (
    SELECT FROM funnel_progress
    WHERE project_id = %(project)s AND id > %(after)s
      AND (%(end)s::uuid IS NULL OR id <= %(end)s) AND {lane} IS NOT NULL
)
"""
FREE = "UPDATE segment SET lane = NULL WHERE project_id = %s AND id = %s"

_BEFORE_ALL = UUID(int=0)


def keep_funnels(stop: threading.Event) -> None:
    """Until stopped: clear what is to be cleared."""
    with database.connect() as connection:
        step_back(connection)
        rest = at_leisure(stop)
        while not stop.is_set():
            clear_lanes(connection, stop, rest)
            stop.wait(PAUSE)


def clear_lanes(
    connection: Connection, stop: threading.Event | None = None, rest: Rest = no_rest
) -> None:
    """Clear the lanes of all conditions that were let go."""
    stop = stop or threading.Event()
    for project_id, segment_id, lane in connection.execute(LEFT).fetchall():
        cleared: UUID | None = _BEFORE_ALL
        while cleared is not None:
            if stop.is_set():
                return
            began = monotonic()
            row = connection.execute(END, (project_id, cleared, AT_ONCE - 1)).fetchone()
            end = row[0] if row else None
            if _clear(connection, LANES[lane], project_id, cleared, end):
                cleared = end
            else:
                stop.wait(HELD)
            rest(monotonic() - began)
        connection.execute(FREE, (project_id, segment_id))


def _clear(
    connection: Connection, lane: str, project_id: UUID, after: UUID, end: UUID | None
) -> bool:
    """Clear a range of people; False where others held some of their rows."""
    named = {"project": project_id, "after": after, "end": end}
    connection.execute(CLEAR.format(lane=lane), named, prepare=False)
    row = connection.execute(REMAINS.format(lane=lane), named, prepare=False).fetchone()
    return row is not None and not row[0]
