"""The outbox is trimmed: behind the slowest of those who follow it, and not before some days.

Each slice that follows the outbox keeps its cursor in a table of its own, moved by the transaction
that does what the entries ask for. What they have in common is the registry here: `FOLLOWERS`
(wired in `config`) says of each how far it is in a project. A row goes once everybody who follows
has read it and it is older than `KEPT`; whoever begins to follow begins at the end, or within these
days.

A follower that is at a halt for good must not fill the disk: it names no cursor then (a webhook
that is switched off, a project without campaigns that run).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database, environment

Connection = psycopg.Connection[Any]

PAUSE = 60.0  # seconds between rounds
AT_ONCE = 2_000  # rows a transaction

PROJECTS = "SELECT project_id FROM outbox_counter ORDER BY project_id"
# The oldest rows: those that are old enough and were read by everybody, whoever reads the slowest.
TRIM = """
DELETE FROM outbox
WHERE project_id = %(project)s AND id IN (
    SELECT id FROM (
        SELECT id, at FROM outbox WHERE project_id = %(project)s ORDER BY id LIMIT %(limit)s
    ) oldest
    WHERE oldest.at < %(before)s AND (%(read)s::bigint IS NULL OR oldest.id <= %(read)s::bigint)
)
"""


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody who reads the outbox by a cursor.

    `place` is the number of the last entry that all of a project's readers of this kind have read;
    None where nobody reads.
    """

    name: str
    place: Callable[[Connection, UUID, datetime], int | None]


FOLLOWERS: list[Follower] = []


def places(connection: Connection, project_id: UUID, now: datetime) -> dict[str, int]:
    """How far each follower is in the project, by name; those who don't follow it are left out."""
    found = {one.name: one.place(connection, project_id, now) for one in FOLLOWERS}
    return {name: place for name, place in found.items() if place is not None}


def trim_outbox(stop: threading.Event) -> None:
    """Until stopped: trim each project's outbox, a little at a time."""
    with database.connect() as connection:
        while not stop.is_set():
            now = clock.now()
            kept = timedelta(days=environment.read().outbox_days)
            for (project_id,) in connection.execute(PROJECTS).fetchall():
                while trim(connection, project_id, now, kept) == AT_ONCE and not stop.is_set():
                    pass
            stop.wait(PAUSE)


def trim(connection: Connection, project_id: UUID, now: datetime, kept: timedelta) -> int:
    """Let a part of the project's old entries go; how many. Cursors only move on meanwhile."""
    read = places(connection, project_id, now)
    named = {
        "project": project_id,
        "limit": AT_ONCE,
        "before": now - kept,
        "read": min(read.values()) if read else None,
    }
    return connection.execute(TRIM, named).rowcount
