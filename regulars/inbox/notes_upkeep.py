"""Deleted notes go for good once nobody can bring them back any more. A loop of the worker."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import psycopg

from regulars.inbox.notes import KEPT
from regulars.kit import clock, database

Connection = psycopg.Connection[Any]

PAUSE = 3600.0  # seconds between looks
AT_ONCE = 1_000

DELETED = "SELECT project_id, id FROM note WHERE deleted_at <= %s ORDER BY deleted_at LIMIT %s"
# It may have been brought back since.
LOCK = """
SELECT FROM note WHERE project_id = %s AND id = %s AND deleted_at <= %s FOR UPDATE SKIP LOCKED
"""
FORGET_VERSIONS = "DELETE FROM note_version WHERE project_id = %s AND note_id = %s"
FORGET = "DELETE FROM note WHERE project_id = %s AND id = %s"


def forget_deleted_notes(stop: threading.Event) -> None:
    """Until stopped: look once an hour."""
    with database.connect() as connection:
        while not stop.is_set():
            while forget(connection, clock.now()) == AT_ONCE and not stop.is_set():
                pass
            stop.wait(PAUSE)


def forget(connection: Connection, now: datetime) -> int:
    """Forget some of those deleted long ago; returns how many there were to look at."""
    since = now - KEPT
    found = connection.execute(DELETED, (since, AT_ONCE)).fetchall()
    for project_id, note_id in found:
        with connection.transaction():
            if connection.execute(LOCK, (project_id, note_id, since)).fetchone() is not None:
                connection.execute(FORGET_VERSIONS, (project_id, note_id))
                connection.execute(FORGET, (project_id, note_id))
    return len(found)
