"""A connection for work that must be written down, however often the database goes away meanwhile.

The work is a function of a connection, in a transaction, that may be run again after a commit whose
answer was lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from regulars.kit import database
from regulars.people.changes import CollidedError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

PAUSE = 0.2  # seconds between looks for a database that is away


class StoppedError(Exception):
    """We are to stop, and the database is away."""


class Desk:
    """One connection, opened anew where it was lost. Threads take turns."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._connection: Connection | None = None
        self._turn = threading.Lock()

    def run(self, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """The work's result; `alone` runs it outside of a transaction. Raises StoppedError."""
        with self._turn:
            while True:
                try:
                    connection = self._open()
                    if alone:
                        return work(connection)
                    with connection.transaction():
                        return work(connection)
                except (CollidedError, *database.Collision):
                    continue
                except database.Away:
                    self.close()
                    if self._stop.wait(PAUSE):
                        raise StoppedError from None

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = database.connect()
        return self._connection
