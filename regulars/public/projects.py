"""Which project a key opens, remembered for a short while so that a request asks no database."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from regulars.workspaces import keys
from regulars.workspaces.keys import ProjectConfig

FIRST_KEY = """
SELECT k.value FROM project p JOIN project_key k ON k.project_id = p.id
WHERE k.kind = 'write' AND k.revoked_at IS NULL
ORDER BY p.created_at, p.id, k.created_at DESC LIMIT 1
"""

REMEMBERED = 2.0  # seconds until a changed or revoked key is noticed
MOST = 50_000  # keys remembered, known and unknown

Load = Callable[[psycopg.Connection[Any]], ProjectConfig | None]
Answer = TypeVar("Answer")


class Line:
    """One connection, kept open, that says at once when the database is away.

    A pool would hold a request for its own time-out, and after the database's return wait out a
    pause of its own; here a lost connection is replaced on the spot or not at all.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()

    def ask(self, question: Callable[[psycopg.Connection[Any]], Answer]) -> Answer:
        """The answer. Raises what `database.connect` raises while the database is away."""
        with self._lock:
            kept = self._connection
            if kept is not None:
                try:
                    return question(kept)
                except database.Away:
                    kept.close()
                    self._connection = None
            connection = self._connection = database.connect()
            weakref.finalize(self, connection.close)
            return question(connection)


class Projects:
    """Projects by their keys. Raises the database's error where it is away and must be asked."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, ProjectConfig | None]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[ProjectConfig | None]] = {}
        self._line = Line()

    async def by_write_key(self, key: str) -> ProjectConfig | None:
        """The project that a write key writes to."""
        return await self._find(
            ("write", key), lambda connection: keys.load_project_by_write_key(connection, key)
        )

    async def by_secret_key(self, key: str, project_id: UUID | None = None) -> ProjectConfig | None:
        """The project that a secret key opens; with `project_id` only that one."""
        found = await self._find(
            ("secret", key), lambda connection: keys.load_project_by_secret_key(connection, key)
        )
        if found is not None and project_id is not None and found.id != project_id:
            return None
        return found

    async def by_id(self, project_id: UUID) -> ProjectConfig | None:
        """The project with this id: its id alone opens no door."""
        return await self._find(
            ("id", str(project_id)), lambda connection: keys.load_project(connection, project_id)
        )

    async def note_identity_used(self, project: ProjectConfig, now: datetime) -> None:
        """A signed claim was seen to be right: from the first one on, they are demanded.

        To be called where the project says that none was seen before. While the database is away
        nothing happens: the next claim will do.
        """
        with suppress(*database.Away):
            await asyncio.to_thread(
                self._line.ask, lambda line: keys.note_identity_used(line, project.id, now)
            )
            for name, (_, known) in [*self._known.items()]:
                if known is not None and known.id == project.id:
                    del self._known[name]

    async def _find(self, name: tuple[str, str], load: Load) -> ProjectConfig | None:
        known = self._known.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._ask(name, load))
            self._asking[name] = task
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        # A key that was good a moment ago stays good while the database is asked again, so that a
        # burst never waits for it; for ten times as long at most.
        recent = known is not None and known[0] + 9 * REMEMBERED > time.monotonic()
        if known is not None and known[1] is not None and recent:
            task.add_done_callback(_quietly)
            return known[1]
        return await asyncio.shield(task)

    async def _ask(self, name: tuple[str, str], load: Load) -> ProjectConfig | None:
        found = await asyncio.to_thread(self._line.ask, lambda connection: _load(connection, load))
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = (time.monotonic() + REMEMBERED, found)
        return found


def first_write_key() -> str | None:
    """The newest write key of the oldest project: the demo shop's. Blocks."""
    with database.pool().connection(timeout=1) as connection:
        row = connection.execute(FIRST_KEY).fetchone()
    return row[0] if row else None


def _load(connection: psycopg.Connection[Any], load: Load) -> ProjectConfig | None:
    found = load(connection)
    if found is not None and found.key_id is not None:
        keys.record_use(connection, [found.key_id], clock.now())
    return found


def _quietly(task: asyncio.Task[ProjectConfig | None]) -> None:
    if not task.cancelled():
        task.exception()
