"""Small pointers between processes: PostgreSQL's NOTIFY and LISTEN.

A message says that something changed in a project and where to read it; it never carries the
thing itself. It may arrive before its row can be read, late, or not at all: readers catch up from
the database by cursor.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from regulars.kit import database

CHANNEL = "regulars"
NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)"

log = logging.getLogger(__name__)

Listener = Callable[[str], None]
Hearer = Callable[[], None]


class Bus:
    """One LISTEN connection a process, fanned out to whoever in it waits for a project.

    Listeners are called in the bus's own thread with the message's topic; after a lost connection
    each is called with an empty topic, which means "you may have missed something: look".
    """

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[Listener]] = {}
        self._hearers: dict[str, set[Hearer]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @contextmanager
    def listening(self, project_id: UUID, listener: Listener) -> Iterator[None]:
        """Call `listener` for every message of the project while the block runs."""
        with self._lock:
            self._listeners.setdefault(project_id, set()).add(listener)
            self._start()
        try:
            yield
        finally:
            with self._lock:
                rest = self._listeners.get(project_id, set())
                rest.discard(listener)
                if not rest:
                    self._listeners.pop(project_id, None)

    @contextmanager
    def hearing(self, topic: str, hearer: Hearer) -> Iterator[None]:
        """Call `hearer` for every message of this topic, whichever project it is of.

        Also after a lost connection.
        """
        with self._lock:
            self._hearers.setdefault(topic, set()).add(hearer)
            self._start()
        try:
            yield
        finally:
            with self._lock:
                rest = self._hearers.get(topic, set())
                rest.discard(hearer)
                if not rest:
                    self._hearers.pop(topic, None)

    def stop(self) -> None:
        """End the thread within a second."""
        self._stop.set()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except database.Away as away:
                log.info("The live connection was lost (%s); trying again.", type(away).__name__)
                self._stop.wait(0.5)

    def _listen(self) -> None:
        with database.connect() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._tell_all()
            while not self._stop.is_set():
                for message in connection.notifies(timeout=1):
                    project, _, topic = message.payload.partition(":")
                    self._tell(UUID(project), topic)
                    self._tell_hearers(topic)

    def _tell(self, project_id: UUID, topic: str) -> None:
        with self._lock:
            listeners = tuple(self._listeners.get(project_id, ()))
        for listener in listeners:
            listener(topic)

    def _tell_hearers(self, topic: str) -> None:
        with self._lock:
            hearers = tuple(self._hearers.get(topic, ()))
        for hearer in hearers:
            hearer()

    def _tell_all(self) -> None:
        with self._lock:
            projects, topics = tuple(self._listeners), tuple(self._hearers)
        for project_id in projects:
            self._tell(project_id, "")
        for topic in topics:
            self._tell_hearers(topic)


bus = Bus()


def message(project_id: UUID, topic: str) -> str:
    """A NOTIFY payload: the project and what changed there."""
    return f"{project_id}:{topic}"
