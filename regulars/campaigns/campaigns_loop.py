"""The worker's loop for campaigns: begins what is due, reads the outbox, moves people on.

Everything it needs is in rows: started twice or killed at any point, it does nothing twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import gathering, hearing, journeys
from regulars.kit import bus, clock, database
from regulars.people.changes import CollidedError
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

PAUSE = 0.5  # seconds between looks while there is nothing to do
MOST_IN_A_ROW = 20  # batches of one campaign before the others get their turn

PROJECTS = """
SELECT DISTINCT project_id FROM campaign
WHERE deleted_at IS NULL AND (state IN ('running', 'paused') OR watch_until > %s)
ORDER BY project_id
"""
RUNNING = """
SELECT id FROM campaign
WHERE project_id = %s AND state = 'running' AND deleted_at IS NULL ORDER BY id
"""

log = logging.getLogger(__name__)


def run_campaigns(stop: threading.Event) -> None:
    """Until stopped: move everybody whose instant has come."""
    woken = threading.Event()
    with database.connect() as connection, bus.bus.hearing("outbox", woken.set):
        while not stop.is_set():
            woken.clear()
            if not step(connection, clock.now()):
                # A stop is answered soon, and what happens is heard at once.
                woken.wait(PAUSE)


def step(connection: Connection, now: datetime) -> int:
    """One round over all projects; how much there was to do."""
    projects = connection.execute(PROJECTS, (now,)).fetchall()
    return sum(step_project(connection, project_id, now) for (project_id,) in projects)


def step_project(connection: Connection, project_id: UUID, now: datetime) -> int:
    """One round over a project's campaigns; how much there was to do."""
    did = 0
    for part in (gathering.begin_due, gathering.gather, hearing.hear):
        did += settled(partial(part, connection, project_id, now))
    for (campaign_id,) in connection.execute(RUNNING, (project_id,)).fetchall():
        did += _move(connection, project_id, campaign_id, now)
    return did


def _move(connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime) -> int:
    moved = 0
    move = partial(journeys.move_campaign, connection, project_id, campaign_id, now)
    try:
        for _ in range(MOST_IN_A_ROW):
            batch = settled(move)
            moved += batch
            if batch < journeys.AT_ONCE:
                break
        if not moved:
            journeys.end_if_over(connection, project_id, campaign_id, now)
    except UnknownError:
        return moved  # it was deleted meanwhile
    except database.Away:
        raise
    except Exception:
        # One that can't be carried out must not keep the others waiting.
        log.exception("Campaign %s does not get on", campaign_id)
    return moved


def settled(work: Callable[[], int], tries: int = 5) -> int:
    """Do the work, anew where it met another writer."""
    for _ in range(tries - 1):
        try:
            return work()
        except (CollidedError, *database.Collision):
            continue
    return work()
