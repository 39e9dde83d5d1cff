"""Sends the mail that waits: a loop of the worker.

A mail is taken up by moving the instant at which it may be taken up again, so that a worker which
dies leaves it to the others after some minutes, and no row is locked while a server thinks. Whoever
took it up knows it by the number of the try; a result that comes too late finds another number and
changes nothing. A worker that dies between the server's yes and our commit makes a mail go twice,
under the same Message-ID (decision 0051).

It leaves by the project's own server or service, or else by the installation's server. A project
whose way out is away waits alone: it holds up nobody else's mail.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.kit import arrays, bus, clock, database, environment
from regulars.mail import smtp
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.letters import Mail
from regulars.mail.outgoing import ENDED_TOPIC, TOPIC, State
from regulars.mail.services import single, told
from regulars.mail.services.accounts import Account
from regulars.mail.smtp import AwayError, BadServerError, LaterError, RefusedError, Server

Connection = psycopg.Connection[Any]

AT_ONCE = 10  # mails that are taken up at a time
PAUSE = 1.0  # seconds between looks while nothing is due and nothing is heard
PAUSES_AWAY = (2, 5, 10, 30, 60)  # seconds, while the server is away
TIDY_EVERY = 60.0  # seconds
KEPT = timedelta(days=30)  # mail that was sent, failed or kept
FORGOTTEN_AT_ONCE = 1_000

# A mail is begun within these seconds and over smtp.MOST_SECONDS later, before others may have it.
BEGUN_WITHIN = 100.0
TAKEN_FOR = timedelta(seconds=300)

# How long a mail that the server would not take now waits for its next try. One more fails.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 720, 720))
# How long mail waits for a server that is away altogether.
MOST_AWAY = timedelta(days=2)
NEVER_SAID = "Whether it was taken, nobody can say: send it again if it did not arrive."

DUE = """
SELECT project_id FROM (
    SELECT project_id, next_try_at FROM outgoing_mail
    WHERE state = 'waiting' AND next_try_at <= %(now)s
      AND project_id <> ALL(%(but)s::uuid[])
      AND (%(only)s::uuid[] IS NULL OR project_id = ANY(%(only)s::uuid[]))
    ORDER BY next_try_at LIMIT 500
) AS due
GROUP BY project_id ORDER BY min(next_try_at)
"""
TAKE = """
UPDATE outgoing_mail SET tries = tries + 1, next_try_at = %(until)s
WHERE project_id = %(project)s AND id IN (
    SELECT id FROM outgoing_mail
    WHERE project_id = %(project)s AND state = 'waiting' AND next_try_at <= %(now)s
    ORDER BY next_try_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING project_id, id, tries, asked_at
"""
READ = """
SELECT id, kind, sender, to_address, subject, message_id, raw FROM outgoing_mail
WHERE project_id = %(project)s AND id = %(id)s AND state = 'waiting' AND tries = %(tries)s
"""
WAIT = """
UPDATE outgoing_mail SET next_try_at = %(at)s, last_error = %(error)s
WHERE project_id = %(project)s AND id = %(id)s AND state = 'waiting' AND tries = %(tries)s
"""
# As if it had not been taken up.
GIVE_BACK = """
UPDATE outgoing_mail
SET tries = tries - 1, next_try_at = %(at)s, last_error = coalesce(%(error)s, last_error)
WHERE project_id = %(project)s AND id = %(id)s AND state = 'waiting' AND tries = %(tries)s
"""
END = """
UPDATE outgoing_mail
SET state = %(state)s, ended_at = %(at)s, next_try_at = NULL, last_error = %(error)s
WHERE project_id = %(project)s AND id = %(id)s AND state = 'waiting' AND tries = %(tries)s
"""
OLD = """
SELECT project_id, array_agg(id) FROM (
    SELECT project_id, id FROM outgoing_mail
    WHERE state <> 'waiting' AND ended_at < %s ORDER BY ended_at LIMIT %s
) AS old
GROUP BY project_id
"""
FORGET = """
DELETE FROM outgoing_mail
WHERE project_id = %s AND id = ANY(%s) AND state <> 'waiting' AND ended_at < %s
"""

log = logging.getLogger(__name__)


Way = Server | Account


def of_installation(_connection: Connection, _project_id: UUID) -> Way | None:
    """The installation's server, by which the mail of every project leaves that has no own way."""
    settings = environment.read()
    return smtp.server_of(settings.smtp_url, settings.base_url) if settings.smtp_url else None


# By what a project's mail leaves; None: it is kept. A slice above knows: `config.wiring` names it.
# It raises BadServerError.
WAY: list[Callable[[Connection, UUID], Way | None]] = [of_installation]


class Line(Protocol):
    """An open line, over which one mail goes after the other."""

    @property
    def is_open(self) -> bool:
        """Whether it takes another."""

    async def send(self, mail: Mail) -> str:
        """Hand it over; what a service calls it. Raises as `carriers.Line` does."""


@dataclass(slots=True)
class Waits:
    """The projects whose way out is away: how often in a row, and until when each is let alone."""

    _of: dict[UUID, tuple[int, float]] = field(default_factory=dict)

    def add(self, project_id: UUID, away: AwayError, at: float) -> None:
        """It was away again."""
        times = self._of.get(project_id, (0, 0.0))[0]
        wait = max(PAUSES_AWAY[min(times, len(PAUSES_AWAY) - 1)], away.wait)
        self._of[project_id] = (times + 1, at + wait)
        if not times:
            log.warning("The mail of project %s waits: %s", project_id, away)

    def over(self, project_id: UUID) -> None:
        """It was there."""
        self._of.pop(project_id, None)

    def now(self, at: float) -> list[UUID]:
        """Whom it is too early to try for."""
        return [one for one, (_, until) in self._of.items() if until > at]


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that we have taken up. `tries` says that it is we who have it."""

    project_id: UUID
    id: UUID
    tries: int
    asked_at: datetime


def send_mail(stop: threading.Event) -> None:
    """Until stopped: send whatever is due."""
    woken = threading.Event()
    waits = Waits()
    tidied = 0.0
    with (
        database.connect() as connection,
        asyncio.Runner() as runner,
        bus.bus.hearing(TOPIC, woken.set),
    ):
        while not stop.is_set():
            woken.clear()
            if send_due(connection, runner, clock.now(), stop, waits):
                continue
            if monotonic() - tidied > TIDY_EVERY:
                forget_old(connection, clock.now())
                tidied = monotonic()
            woken.wait(PAUSE)


def send_due(
    connection: Connection,
    runner: asyncio.Runner,
    now: datetime,
    stop: threading.Event,
    waits: Waits,
    *,
    only: Sequence[UUID] | None = None,
) -> int:
    """Send some of the mail of each project whose turn it is; how many mails were taken up.

    Of these projects alone, if any are named.
    """
    count = 0
    named = {
        "now": now,
        "but": arrays.of_ids(waits.now(monotonic())),
        "only": arrays.of_ids(only) if only is not None else None,
    }
    for (project_id,) in connection.execute(DUE, named).fetchall():
        if stop.is_set():
            break
        try:
            count += send_project(connection, runner, project_id, now, stop)
        except AwayError as away:
            waits.add(project_id, away, monotonic())
        else:
            waits.over(project_id)
    return count


def send_project(
    connection: Connection,
    runner: asyncio.Runner,
    project_id: UUID,
    now: datetime,
    stop: threading.Event,
) -> int:
    """Send some of a project's mail; how many were taken up. Raises AwayError."""
    taken = take(connection, project_id, now)
    batch = Batch(connection, now, stop)
    try:
        way = WAY[0](connection, project_id)
    except BadServerError as wrong:
        batch.give_back(taken, str(wrong))
        raise AwayError(str(wrong)) from wrong
    if way is None:
        for one in taken:
            batch.end(one, "kept")
    elif taken:
        runner.run(batch.send(taken, way))
    return len(taken)


def take(connection: Connection, project_id: UUID, now: datetime) -> list[Taken]:
    """Mails of the project that are ours for a while; nobody else takes them up meanwhile."""
    named = {"project": project_id, "now": now, "until": now + TAKEN_FOR, "most": AT_ONCE}
    with connection.cursor(row_factory=class_row(Taken)) as cursor:
        return cursor.execute(TAKE, named).fetchall()


def forget_old(connection: Connection, now: datetime) -> None:
    """Let go of mail that has long been sent, or never will be."""
    over = now - KEPT
    for project_id, ids in connection.execute(OLD, (over, FORGOTTEN_AT_ONCE)).fetchall():
        connection.execute(FORGET, (project_id, ids, over))


class Batch:
    """Mails that were taken up at one instant, and what becomes of each."""

    def __init__(self, connection: Connection, now: datetime, stop: threading.Event) -> None:
        self._connection = connection
        self._now = now
        self._stop = stop
        self._began = monotonic()

    async def send(self, taken: Iterable[Taken], way: Way) -> None:
        """Send them one after the other over one connection. Raises AwayError.

        What is not begun in time, or not at all since we are to stop, is given back.
        """
        rest = deque(taken)
        try:
            while rest and self._may_begin():
                async with _calling(way) as line:
                    while rest and line.is_open and self._may_begin():
                        await self._send_one(line, rest[0], way)
                        rest.popleft()
        except AwayError as away:
            self.give_back(rest, str(away))
            raise
        self.give_back(rest, None)

    def end(self, one: Taken, state: State, error: str = "") -> None:
        """It is over with this mail, and whoever shows it is told."""
        named = self._named(one) | {"state": state, "error": error, "at": self._at()}
        with self._connection.transaction():
            if self._connection.execute(END, named).rowcount:
                told = bus.message(one.project_id, ENDED_TOPIC)
                self._connection.execute(bus.NOTIFY, (told,))

    def give_back(self, taken: Iterable[Taken], error: str | None) -> None:
        """It was not their turn after all; those that waited too long for a server have failed."""
        for one in taken:
            if error is not None and self._at() - one.asked_at > MOST_AWAY:
                self.end(one, "failed", error)
            else:
                named = self._named(one) | {"at": self._now, "error": error}
                self._connection.execute(GIVE_BACK, named)

    async def _send_one(self, line: Line, one: Taken, way: Way) -> None:
        """One mail and what became of it. Raises AwayError where it was not taken, nor others."""
        mail = self._read(one)
        if mail is None:
            return  # erased, or too late: somebody else has it
        try:
            said = await line.send(mail)
        except LaterError as later:
            self._wait(one, later)
        except RefusedError as refused:
            self.end(one, "failed", str(refused))
        except UnknownOutcomeError as unknown:
            # A service may not know a mail that it has seen before: nothing is repeated by itself.
            self.end(one, "failed", f"{NEVER_SAID} {unknown}")
        else:
            self.end(one, "sent")
            if isinstance(way, Account) and said:
                named = (one.id, (way.service.name, said))
                told.keep(self._connection, one.project_id, [named], self._at())

    def _read(self, one: Taken) -> Mail | None:
        with self._connection.cursor(row_factory=class_row(Mail)) as cursor:
            return cursor.execute(READ, self._named(one)).fetchone()

    def _wait(self, one: Taken, why: LaterError) -> None:
        if one.tries > len(WAITS):
            self.end(one, "failed", str(why))
            return
        wait = max(WAITS[one.tries - 1], timedelta(seconds=why.wait))
        named = self._named(one) | {"at": self._at() + wait, "error": str(why)}
        self._connection.execute(WAIT, named)

    def _may_begin(self) -> bool:
        return not self._stop.is_set() and monotonic() - self._began < BEGUN_WITHIN

    def _at(self) -> datetime:
        return self._now + timedelta(seconds=monotonic() - self._began)

    @staticmethod
    def _named(one: Taken) -> dict[str, Any]:
        return {"project": one.project_id, "id": one.id, "tries": one.tries}


def _calling(way: Way) -> AbstractAsyncContextManager[Line]:
    return single.calling(way) if isinstance(way, Account) else smtp.calling(way)
