"""Group commit: requests wait here, a writer commits what has come while it was busy.

The event loop hands arrivals in and awaits a future; one thread, with a connection of its own,
takes all that waits, commits it in one transaction and sets the futures. So a client that goes
away cancels nothing half-way, and the more comes in, the larger the batches get.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import psycopg

from regulars.kit import database
from regulars.people.changes import CollidedError
from regulars.tracking.commit import Arrival, Committer
from regulars.tracking.pipeline.drops import Drop, DropReason
from regulars.tracking.refusals import Refused

log = logging.getLogger(__name__)

MAX_WAITING = 20_000  # events; above it a request is sent away with 429
A_TRANSACTION = 2_500  # events taken into one commit, unless one request brings more
GATHER = 0.02  # seconds at most to let more come, where several came while the last was written
A_LOOK = 0.002  # seconds between looks at who has come
RECONNECT_AFTER = 0.2  # seconds between tries while the database is away


class OverloadedError(Exception):
    """More waits than will be written soon."""


class AwayError(Exception):
    """The database can't be reached, or was lost before the commit was known to be done."""


class Commits(Protocol):
    """What writes: the benchmarks compare the committer with a bare one."""

    def commit(
        self, connection: psycopg.Connection[Any], arrivals: Sequence[Arrival], now: datetime
    ) -> None:
        """Write all arrivals, or raise and write none. Outcomes are set on return."""


Waiting = tuple[Arrival, "asyncio.Future[None]"]


class Intake:
    """The queue in front of the committer. One a process."""

    def __init__(
        self, now: Callable[[], datetime], committer: Callable[[], Commits] = Committer
    ) -> None:
        self._now = now
        self._new_committer = committer
        self._waiting: deque[Waiting] = deque()
        self._events = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._away = True
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.committed_events = 0
        self.committed_batches = 0

    @property
    def serves(self) -> bool:
        """The database was there when last tried."""
        return not self._away

    @property
    def waiting_events(self) -> int:
        """How many events wait for their commit."""
        return self._events

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the writer; futures belong to `loop`."""
        self._loop = loop
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._away = True

    async def commit(self, arrival: Arrival) -> None:
        """Return once the arrival is on disk. Raises OverloadedError or AwayError at once."""
        if self._away:
            raise AwayError
        weight = _weight(arrival)
        if self._events + weight > MAX_WAITING and self._events:
            raise OverloadedError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._away:
                raise AwayError
            self._waiting.append((arrival, future))
            self._events += weight
            self._wake.notify()
        await asyncio.shield(future)

    def _run(self) -> None:
        while not self._stopping:
            try:
                with database.connect_lean() as connection:
                    self._away = False
                    self._serve(connection)
            except database.Away as away:
                self._lose(away)
            except Exception:
                log.exception("The intake failed; it starts anew.")
                self._lose(AwayError())
            if not self._stopping:
                threading.Event().wait(RECONNECT_AFTER)

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        committer = self._new_committer()
        pause, before = 0.0, 0
        while True:
            if pause:
                self._gather(pause, before)
            with self._wake:
                while not self._waiting:
                    if self._stopping:
                        return
                    if not self._wake.wait(timeout=1):
                        break
                batch = self._take()
            if not batch:
                connection.execute("SELECT 1")  # notices a lost server while nothing comes in
                continue
            began = time.monotonic()
            self._write(committer, connection, batch)
            before = len(batch)
            pause = min(time.monotonic() - began, GATHER) if before > 1 else 0.0

    def _gather(self, pause: float, before: int) -> None:
        """Let more come, as long as that and not more than before: who sends waits for an answer.

        A transaction has costs of its own, which the more share, the more so where the machine has
        little time. (Whoever comes alone is served at once.)
        """
        until = time.monotonic() + pause
        while len(self._waiting) < before and self._events < A_TRANSACTION:
            if time.monotonic() > until:
                break
            time.sleep(A_LOOK)

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        events = 0
        while self._waiting and (events < A_TRANSACTION or not batch):
            one = self._waiting.popleft()
            events += _weight(one[0])
            batch.append(one)
        self._events -= events
        return batch

    def _write(
        self, committer: Commits, connection: psycopg.Connection[Any], batch: list[Waiting]
    ) -> None:
        arrivals = [arrival for arrival, _ in batch]
        try:
            self._commit(committer, connection, arrivals)
        except (CollidedError, *database.Collision):
            log.warning("A batch met other writers at every try: its senders will come again.")
            self._tell(batch, AwayError())
            return
        except BaseException as error:
            self._lose(error)  # before anybody is told: whoever hears of it comes to a closed door
            self._tell(batch, AwayError())
            raise
        self.committed_batches += 1
        self.committed_events += sum(len(arrival.events) for arrival in arrivals)
        self._tell(batch, None)

    def _commit(
        self, committer: Commits, connection: psycopg.Connection[Any], arrivals: list[Arrival]
    ) -> None:
        """Commit; where an event can't be stored, find it and leave it out, with a reason."""
        try:
            committer.commit(connection, arrivals, self._now())
        except Exception as error:
            if connection.closed or not _blames_a_value(error):
                raise
            if len(arrivals) > 1:
                for arrival in arrivals:
                    self._commit(committer, connection, [arrival])
            elif len(arrivals[0].events) > 1:
                self._commit_apart(committer, connection, arrivals[0])
            elif arrivals[0].events:
                log.exception("An event could not be stored; it is refused.")
                outcome = _refuse(arrivals[0], error)
                self._commit(committer, connection, arrivals)
                arrivals[0].outcomes = [outcome]
            else:
                raise

    def _commit_apart(
        self, committer: Commits, connection: psycopg.Connection[Any], arrival: Arrival
    ) -> None:
        parts = [Arrival(arrival.project, [event]) for event in arrival.events]
        parts[0].refused, parts[0].quiet = arrival.refused, arrival.quiet
        for part in parts:
            self._commit(committer, connection, [part])
        arrival.outcomes = [part.outcomes[0] for part in parts]

    def _lose(self, reason: BaseException) -> None:
        """The database is away: nobody waits for it."""
        with self._wake:
            if not self._away:
                log.warning("The database is away (%s): answering 503.", type(reason).__name__)
            self._away = True
            lost = list(self._waiting)
            self._waiting.clear()
            self._events = 0
        self._tell(lost, AwayError())

    def _tell(self, batch: list[Waiting], error: Exception | None) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(_settle, batch, error)


def _weight(arrival: Arrival) -> int:
    """What an arrival counts for in the queue: refused events take room as well."""
    return max(1, len(arrival.events) + len(arrival.refused))


def _settle(batch: list[Waiting], error: Exception | None) -> None:
    for _, future in batch:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _blames_a_value(error: Exception) -> bool:
    """Whether it is about what an event holds.

    Connections, collisions, a table that is not there (migrations are running), resources and
    shutdown are nobody's event's fault.
    """
    if isinstance(error, psycopg.Error):
        return isinstance(error, _BAD_VALUE)
    return not isinstance(error, (CollidedError, MemoryError))


_BAD_VALUE = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
)


def _refuse(arrival: Arrival, error: Exception) -> Drop:
    """Turn the arrival's one event into a refusal."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    detail = str(said or "It could not be stored.")
    event = arrival.events.pop()
    shown = f"{event.kind} {event.name or ''} · {event.user_id or event.anonymous_id or ''}"
    arrival.refused.append(Refused(DropReason.NOT_STORABLE.value, None, detail, shown))
    return Drop(DropReason.NOT_STORABLE, detail)
