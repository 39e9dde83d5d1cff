"""Moves people whom time alone moves: into Slipping away, out of New, within a second.

A loop of the worker. Each person's row says when to look again, some because `windows` said so
shortly before; those whose instant has passed are evaluated anew, in small transactions, so that a
stop at any moment loses nothing.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from regulars.people.changes import Changes
from regulars.segments import windows

Connection = psycopg.Connection[Any]

AT_ONCE = 200  # people a transaction
PAUSE = 0.5  # seconds between looks while nothing is due

PROJECTS = "SELECT DISTINCT project_id FROM segment_plan ORDER BY project_id"
DUE = """
SELECT id FROM person_activity
WHERE project_id = %s AND next_move_at <= %s
ORDER BY next_move_at LIMIT %s
"""


def move_people_by_time(stop: threading.Event) -> None:
    """Until stopped: move whoever's time has come."""
    with database.connect() as connection:
        while not stop.is_set():
            if not move_due(connection, clock.now()):
                stop.wait(PAUSE)


def move_due(connection: Connection, now: datetime) -> int:
    """Move up to a batch of people in each project; returns how many were looked at."""
    looked_at = 0
    for (project_id,) in connection.execute(PROJECTS).fetchall():
        looked_at += move_project(connection, project_id, now)
    return looked_at


def move_project(connection: Connection, project_id: UUID, now: datetime) -> int:
    """Move up to a batch of a project's people; returns how many were looked at."""
    windows.wake(connection, project_id, now)
    due = [row[0] for row in connection.execute(DUE, (project_id, now, AT_ONCE), prepare=True)]
    if not due:
        return 0
    with connection.transaction():
        changes = Changes(connection, project_id, now)
        changes.cause = ("time", None)
        changes.begin()
        for person in changes.load(due).values():
            # Looked at anew even where the answer is the same: the stored instant lags behind.
            person.next_move_at = None
            person.seen_changed = True
        changes.flush()
        changes.finish()
    return len(due)
