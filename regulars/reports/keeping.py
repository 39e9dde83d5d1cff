"""The worker's loop that keeps the counts: what is new, then some history, and who is here.

What is new comes first, so that the present is right while years are still being counted.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from regulars.kit.giving_way import BEHIND, step_back
from regulars.people.queries import online_count
from regulars.reports import following, history, state

Connection = psycopg.Connection[Any]

PAUSE = 0.5  # seconds between looks while nothing is new
LOOK = timedelta(seconds=30)  # between looks at who is here
STEPS = 20  # of one project, before the next has its turn
PEAKS_KEPT = timedelta(days=3)

PROJECTS = "SELECT project_id FROM rollup_state ORDER BY project_id"
PEAK = """
INSERT INTO online_peak (project_id, id, people) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET people = greatest(online_peak.people, excluded.people)
"""
FORGET_PEAKS = "DELETE FROM online_peak WHERE project_id = %s AND id < %s"


def keep_counts(stop: threading.Event) -> None:
    """Until stopped: count. Events that come in meanwhile go first."""
    looked: datetime | None = None
    with database.connect() as connection:
        step_back(connection, BEHIND)
        while not stop.is_set():
            now = clock.now()
            if looked is None or now - looked >= LOOK:
                looked = now
                look_around(connection, now, stop)
            if not count_some(connection, now, stop):
                stop.wait(PAUSE)


def count_some(connection: Connection, now: datetime, stop: threading.Event | None = None) -> bool:
    """Take each project some steps further; whether there is more to do at once.

    Whoever has caught up waits for the next look, so that what happens without a pause is counted
    some hundred entries at a time and not one by one.
    """
    for (project_id,) in connection.execute(state.WITHOUT).fetchall():
        with connection.transaction():
            state.begin(connection, project_id, now)
    behind = [row[0] for row in connection.execute(state.BEHIND)]
    more = False
    for project_id in behind:
        for _ in range(STEPS):
            if stop is not None and stop.is_set():
                return False
            if not following.follow(connection, project_id, now):
                break
        else:
            more = True
        more |= history.go_on(connection, project_id)
    return more


def count_project(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Count all there is of one project."""
    row = connection.execute(
        "SELECT 1 FROM rollup_state WHERE project_id = %s", (project_id,)
    ).fetchone()
    if row is None:
        with connection.transaction():
            state.begin(connection, project_id, now)
    while following.follow(connection, project_id, now) or history.go_on(connection, project_id):
        pass


def look_around(connection: Connection, now: datetime, stop: threading.Event | None = None) -> None:
    """Note how many are here, and let go of what nobody reads any more."""
    for (project_id,) in connection.execute(PROJECTS).fetchall():
        if stop is not None and stop.is_set():
            return
        here = online_count(connection, project_id, now)
        if here:
            connection.execute(PEAK, (project_id, tens(now), here))
        connection.execute(FORGET_PEAKS, (project_id, tens(now - PEAKS_KEPT)))
        connection.execute(state.LET_GO, {"project": project_id})


def tens(at: datetime) -> int:
    """Tens of minutes since 1970."""
    return int(at.astimezone(UTC).timestamp() // 600)
