"""Sends the emails that were accepted: a loop of the worker.

Each email is one run's at a time, by a lock that ends with its connection, so a worker that dies
leaves it to the next at once. That lock spares work; that nobody gets a mail twice is the ledger's
doing (`deciding.py`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import uvloop

from regulars.campaigns import deciding, emails, penman, settings
from regulars.campaigns.desk import Desk
from regulars.campaigns.dispatch import Run
from regulars.campaigns.emails import Email
from regulars.campaigns.engine import pace
from regulars.campaigns.penman import Answer, Order, Penman
from regulars.campaigns.settings import Sending
from regulars.campaigns.writing import Pen, Written
from regulars.kit import arrays, bus, clock, database, sealing
from regulars.kit.ids import new_id
from regulars.mail.carriers import Carrier
from regulars.mail.smtp import BadServerError

Connection = psycopg.Connection[Any]

PAUSE = 1.0  # seconds between looks while nothing is due and nothing is heard
AT_ONCE = 8  # emails side by side
FEW = 50  # recipients that are written here rather than by a process
IDLE = 60.0  # seconds after which penmen are let go

_DUE = """
FROM email e
WHERE e.state = 'sending' AND e.leaves_at <= %(now)s
  AND (%(project)s::uuid IS NULL OR e.project_id = %(project)s)
  AND NOT EXISTS (SELECT 1 FROM sending_settings s
                  WHERE s.project_id = e.project_id AND s.id = e.project_id
                    AND s.held_at IS NOT NULL)
  AND (
    e.campaign_id IS NULL
    OR EXISTS (SELECT 1 FROM email_recipient r
               WHERE r.project_id = e.project_id AND r.email_id = e.id AND r.state = 'sending')
    OR EXISTS (SELECT 1 FROM email_recipient r
               WHERE r.project_id = e.project_id AND r.email_id = e.id AND r.state = 'waiting'
                 AND r.next_try_at <= %(now)s)
)
"""
TO_SEND = f"""
SELECT e.project_id, e.id {_DUE} AND e.project_id <> ALL(%(but)s::uuid[])
ORDER BY e.worked_at LIMIT 50
"""
# Whether there are others than these.
OTHERS = f"SELECT EXISTS (SELECT 1 {_DUE} AND e.id <> ALL(%(ids)s::uuid[]))"
WORKED = "UPDATE email SET worked_at = %s WHERE project_id = %s AND id = %s"
LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 7))"
UNLOCK = "SELECT pg_advisory_unlock_all()"
COUNT_WAITING = "SELECT waiting FROM email_count WHERE project_id = %s AND id = %s"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """An email whose turn it is. `few` are written here, many by processes."""

    email: Email
    sending: Sending
    carrier: Carrier | None
    few: bool


def send_emails(stop: threading.Event) -> None:
    """Until stopped: send whatever is due."""
    woken = threading.Event()
    with (
        database.connect() as connection,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        bus.bus.hearing(emails.TOPIC, woken.set),
    ):
        engine = Engine(stop)
        try:
            while not stop.is_set():
                woken.clear()
                if not send_due(connection, runner, engine, clock.now()):
                    engine.rest()
                    woken.wait(PAUSE)
        finally:
            runner.run(engine.close())


def send_due(
    connection: Connection,
    runner: asyncio.Runner,
    engine: Engine,
    now: datetime,
    *,
    project_id: UUID | None = None,
) -> int:
    """Give emails that are due a turn, several side by side; how many mails were handed over.

    Those of one project, if it is named.
    """
    deciding.ensure_partition(connection, now)
    named = {"now": now, "project": project_id, "but": arrays.of_ids(engine.waiting_for())}
    found = connection.execute(TO_SEND, named).fetchall()
    turns: list[Turn] = []
    try:
        for which in found:
            if len(turns) == AT_ONCE or engine.is_stopping:
                break
            if not engine.waits_for(which[0]) and _lock(connection, which[1]):
                turn = _prepared(connection, engine, which, now)
                if turn is not None:
                    turns.append(turn)
        runs = runner.run(engine.send_all(turns, _others_than(turns, project_id)))
        for turn, run in zip(turns, runs, strict=True):
            _conclude(connection, engine, turn.email, run, now)
    finally:
        connection.execute(UNLOCK)
    return sum(run.handed_over for run in runs)


def _others_than(turns: Sequence[Turn], project_id: UUID | None) -> Callable[[Connection], bool]:
    """Asks whether emails wait whose turn it is not."""
    ids = arrays.of_ids(turn.email.id for turn in turns)

    def others_wait(connection: Connection) -> bool:
        named = {"now": clock.now(), "project": project_id, "ids": ids}
        row = connection.execute(OTHERS, named).fetchone()
        return bool(row and row[0])

    return others_wait


def _prepared(
    connection: Connection, engine: Engine, which: tuple[UUID, UUID], now: datetime
) -> Turn | None:
    """An email's turn, once what runs that died had in hand is settled."""
    email = emails.get(connection, *which)
    if email.state != "sending":
        return None
    connection.execute(WORKED, (now, *which))
    with connection.transaction():
        deciding.give_up(connection, email, engine.run, now)
    try:
        sending = settings.of_project(connection, email.project_id)
        carrier = sending.carrier()
    except (BadServerError, sealing.SealedError) as wrong:
        deciding.say_trouble(connection, email, str(wrong))
        engine.was_away(email.project_id)
        return None
    row = connection.execute(COUNT_WAITING, which).fetchone()
    few = bool(row and row[0] <= FEW)
    return Turn(email, sending, carrier, few)


def _conclude(
    connection: Connection, engine: Engine, email: Email, run: Run, now: datetime
) -> None:
    if run.away:
        engine.was_away(email.project_id, run.away_for)
        deciding.say_trouble(connection, email, run.away)
        return
    engine.was_there(email.project_id)
    if run.ceiling_reached:
        why = "Paused by itself: the mail server refuses too many of the addresses."
        deciding.say_trouble(connection, email, why, pauses=True)
        return
    if not deciding.end(connection, email, clock.now()):
        with connection.transaction():
            if emails.get(connection, email.project_id, email.id).state == "stopped":
                emails.cancel_waiting(connection, email.project_id, email.id, now, "stopped")
        if run.handed_over:
            deciding.say_trouble(connection, email, "")


def _lock(connection: Connection, email_id: UUID) -> bool:
    row = connection.execute(LOCK, (str(email_id),)).fetchone()
    return bool(row and row[0])


class Engine:
    """What lasts from turn to turn: connections, penmen. `run` is its name in ledgers."""

    def __init__(self, stop: threading.Event, penmen: int | None = None) -> None:
        self.run = new_id(clock.now())
        self._stop = stop
        self._desks = (Desk(stop), Desk(stop))
        self._own = Desk(stop)
        self._most = penmen if penmen is not None else max(1, min(4, os.cpu_count() or 1))
        self._penmen: list[Penman] = []
        self._hiring = asyncio.Lock()
        self._turn = 0
        self._worked_at = monotonic()
        self._away: dict[UUID, tuple[int, float]] = {}  # how often in a row, and until when
        self._pen: tuple[Connection, Pen] | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._stop.is_set()

    async def send_all(
        self, turns: Sequence[Turn], others_wait: Callable[[Connection], bool]
    ) -> list[Run]:
        """All of them, side by side; for longer while no others wait."""
        self._worked_at = monotonic()
        runs = [
            Run(
                turn.email,
                turn.sending,
                self.run,
                self._desks,
                self._write_here if turn.few or not self._most else self._write_there,
                turn.carrier,
                self._stop,
                others_wait,
            )
            for turn in turns
        ]
        await asyncio.gather(*(run.go() for run in runs))
        self._worked_at = monotonic()
        return runs

    def was_away(self, project_id: UUID, at_least: float = 0.0) -> None:
        """The project's server took nothing: wait, longer each time, and as long as it said."""
        times = self._away.get(project_id, (0, 0.0))[0] + 1
        wait = max(pace.away_wait(times), at_least)
        self._away[project_id] = (times, monotonic() + wait)

    def was_there(self, project_id: UUID) -> None:
        """It took something, or had to take nothing."""
        self._away.pop(project_id, None)

    def waiting_for(self) -> list[UUID]:
        """The projects whose server it is too early to call."""
        return [one for one, (_, until) in self._away.items() if until > monotonic()]

    def waits_for(self, project_id: UUID) -> bool:
        """Whether it is too early to call the project's server again."""
        return self._away.get(project_id, (0, 0.0))[1] > monotonic()

    def rest(self) -> None:
        """Nothing is due: after a while penmen go home."""
        if self._penmen and monotonic() - self._worked_at > IDLE:
            self._let_go()

    async def close(self) -> None:
        """Let everything go."""
        await asyncio.gather(*(one.ended() for one in self._penmen))
        self._penmen.clear()
        for desk in (*self._desks, self._own):
            desk.close()

    def _let_go(self) -> None:
        for one in self._penmen:
            one.end()
        self._penmen.clear()

    async def _write_there(self, order: Order) -> list[Written]:
        return await (await self._next_penman()).write(order)

    async def _next_penman(self) -> Penman:
        async with self._hiring:
            self._penmen[:] = [one for one in self._penmen if one.is_alive]
            if len(self._penmen) < self._most:
                self._penmen.append(await Penman.start())
            self._turn += 1
            return self._penmen[self._turn % len(self._penmen)]

    async def _write_here(self, order: Order) -> list[Written]:
        def work(connection: Connection) -> Answer:
            if self._pen is None or self._pen[0] is not connection:
                self._pen = (connection, Pen(connection))
            return penman.answer_to(self._pen[1], order)

        return penman.said(await asyncio.to_thread(self._own.run, work, alone=True))
