"""Sends one email: reads who is due, has their copies written, hands them over, writes it down.

    due -> written by penmen -> queue -> lines, each a small group at a time -> results

A group is decided on (`deciding.decide`) before its first mail is handed over, so a worker that is
killed leaves at most the rest of one group a line in doubt. Everything in memory may be lost: the
ledger holds what matters.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TypeVar
from uuid import UUID

from regulars.campaigns import deciding
from regulars.campaigns.copying import Copies, Writer
from regulars.campaigns.deciders import Deciders
from regulars.campaigns.deciding import Due, Result
from regulars.campaigns.desk import Connection, Desk, StoppedError
from regulars.campaigns.emails import Email
from regulars.campaigns.engine import pace
from regulars.campaigns.engine.pace import Ceiling, Pace
from regulars.campaigns.penman import CannotWriteError, PenmanGoneError
from regulars.campaigns.settings import Sending
from regulars.campaigns.writing import GONE, Written
from regulars.kit import clock
from regulars.mail.carriers import Carrier, Line
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.smtp import AwayError, LaterError, RefusedError

T = TypeVar("T")

AHEAD = 200  # finished copies that wait for a line
GROUP = 5  # mails a line decides on at a time
TURN = 8.0  # seconds after which others have theirs
LONGEST = 60.0  # seconds after which settings are read anew, while there are no others
RESULTS_AT_ONCE = 250
BEHIND = 50  # results that wait to be written down, above which nothing more is handed over

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A recipient with the finished copy."""

    due: Due
    written: Written


class Run:
    """One email on its way, until nobody is due or it must wait."""

    def __init__(
        self,
        email: Email,
        sending: Sending,
        run: UUID,
        desks: tuple[Desk, Desk],
        writer: Writer,
        carrier: Carrier | None,
        stop: threading.Event,
        others_wait: Callable[[Connection], bool],
    ) -> None:
        self._email = email
        self._sending = sending
        self._run = run
        self._decisions, self._books = desks
        self._writer = writer
        self._carrier = carrier
        self._stop = stop
        self._others_wait = others_wait
        self._ready: asyncio.Queue[Ready | None] = asyncio.Queue(AHEAD)
        self._results: list[Result] = []
        self._some_results = asyncio.Event()
        self._deciders = Deciders(self._decide)
        self._over = False
        self._booked = asyncio.Event()
        self._began = monotonic()
        self._until = self._began + TURN
        self._pace = Pace(sending.limits, monotonic())
        self._ceiling = Ceiling(sending.refused_most)
        self._arrived = asyncio.Condition()
        self._halted = False
        self.ceiling_reached = False
        self.away = ""  # why the server takes nothing, if it does not
        self.away_for = 0.0  # seconds that it wants to be left alone
        self.handed_over = 0

    async def go(self) -> None:
        """Send what is due. Afterwards `away` says whether the server was there."""
        writing_down = asyncio.create_task(self._write_down())
        lines = [asyncio.create_task(self._line()) for _ in range(self._sending.at_once)]
        try:
            await self._read()
        except (PenmanGoneError, StoppedError):
            self._halted = True
        except CannotWriteError as wrong:
            self._halted = True
            why = str(wrong)
            await self._book(lambda c: deciding.say_trouble(c, self._email, why, pauses=True))
        finally:
            await self._ready.put(None)
            done = await asyncio.gather(*lines, return_exceptions=True)
            self._over = True
            self._some_results.set()
            await writing_down
        for one in done:
            if isinstance(one, BaseException) and not isinstance(one, StoppedError):
                raise one

    async def _read(self) -> None:
        """Whoever is due, and their copies, into the queue."""
        copied = await self._ask(lambda c: deciding.copied(c, self._email))
        copies = Copies(self._email, self._ask, self._writer, copied)
        async with aclosing(copies.all(self._goes_on)) as finished:
            async for due, written in finished:
                await self._take(due, written, copied)

    async def _goes_on(self) -> bool:
        """Whether it is still this email's turn: longer, while no others wait."""
        if self._must_halt:
            return False
        if monotonic() >= self._until:
            if self._until - self._began >= LONGEST or await self._ask(self._others_wait):
                return False
            self._until += TURN
        return True

    async def _take(self, due: Due, written: Written, copied: frozenset[UUID] | None) -> None:
        if written.refused:
            if written.refused != GONE:  # whoever is gone took their row along
                became: deciding.Became = "failed" if " " in written.refused else "cancelled"
                self._add(Result(due.id, became, written.refused))
            return
        if self._carrier is None:
            self._add(Result(due.id, "kept"))
            await self._keep_up(RESULTS_AT_ONCE)
            return
        if copied is not None and due.id not in copied:
            written = Written(
                written.recipient_id,
                written.raw,
                subject=written.subject,
                back_to=written.back_to,
            )
        while not self._must_halt:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ready.put(Ready(due, written))
                    return

    async def _line(self) -> None:
        """Groups out of the queue, over one connection, until there are no more."""
        line: Line | None = None
        try:
            while not self._must_halt:
                group, is_last = await self._next_group()
                line = await self._hand_over(group, line)
                if is_last:
                    return
        except BaseException:
            self._halted = True
            raise
        finally:
            self._drain()
            if line is not None:
                with suppress(OSError):
                    await line.close()

    async def _next_group(self) -> tuple[list[Ready], bool]:
        first = await self._ready.get()
        if first is None:
            self._ready.put_nowait(None)  # for the other lines
            return [], True
        group = [first]
        # A service takes long over each: whoever waits behind it is not decided on yet.
        most = GROUP if self._pace.is_free and not self._service else 1
        while len(group) < most:
            try:
                one = self._ready.get_nowait()
            except asyncio.QueueEmpty:
                break
            if one is None:
                self._ready.put_nowait(None)
                return group, True
            group.append(one)
        return group, False

    async def _hand_over(self, group: Sequence[Ready], line: Line | None) -> Line | None:
        """Decide on the group and hand it over, one after the other. The line, if it still is."""
        if not group or self._carrier is None:
            return line
        if line is None or not line.is_open:
            line = await self._called()
            if line is None:
                return None
        await self._keep_up()
        await self._wait_for_pace(group[0].due.domain)
        ids = [one.due.id for one in group]
        ours = await self._deciders.decide(ids)
        if not ours:
            self._halted = True  # paused, stopped, or another run has it
        for place, one in enumerate(group):
            if one.due.id not in ours:
                self._pace.arrive(one.due.domain) if place == 0 else None
                continue
            if line is None or not line.is_open:
                line = await self._called()
            if line is None or self._must_halt:
                self._give_back([rest for rest in group[place:] if rest.due.id in ours])
                break
            if place:
                self._pace.leave(one.due.domain, monotonic())
            await self._send(line, one)
            self._pace.arrive(one.due.domain)
        async with self._arrived:
            self._arrived.notify_all()
        return line

    async def _send(self, line: Line, one: Ready) -> None:
        due, written = one.due, one.written
        try:
            sender = written.back_to or self._email.from_.address
            said = await line.send(sender, due.address, written.raw)
        except AwayError as away:
            self._give_back([one])
            self._leave_alone(away)
        except LaterError as later:
            self._later(due, later)
        except RefusedError as refused:
            self._add(Result(due.id, "failed", str(refused)))
            self._judge(refused=True)
        except UnknownOutcomeError as unknown:
            why = f"{self._called_it}’s answer never came: {unknown}"
            self._add(Result(due.id, "unknown", why))
        except BaseException:
            # Cut off in the midst of it: what the server made of it, nobody can say.
            self._add(Result(due.id, "unknown", deciding.WORKER_GONE))
            line.drop()
            raise
        else:
            self.handed_over += 1
            self._add(
                Result(
                    due.id,
                    "sent",
                    subject=written.subject,
                    copy=written.copy,
                    told=self._told(said),
                )
            )
            self._judge(refused=False)

    @property
    def _called_it(self) -> str:
        return self._carrier.called if self._carrier is not None else ""

    @property
    def _service(self) -> str:
        return self._carrier.service if self._carrier is not None else ""

    def _told(self, said: str) -> tuple[str, str] | None:
        """What a mail service calls the mail; of a server, nothing is remembered."""
        return (self._service, said) if self._service and said else None

    def _later(self, due: Due, why: LaterError) -> None:
        wait = pace.wait_after(due.tries + 1)
        if wait is None:
            self._add(Result(due.id, "failed", str(why)))
        else:
            at = clock.now() + max(wait, timedelta(seconds=why.wait))
            self._add(Result(due.id, "waiting", str(why), at))

    def _give_back(self, group: Sequence[Ready]) -> None:
        """It was not their turn after all."""
        for one in group:
            self._add(Result(one.due.id, "waiting", "", one.due.next_try_at, untried=True))

    def _judge(self, *, refused: bool) -> None:
        self._ceiling.add(refused=refused)
        if self._ceiling.is_reached and not self._halted:
            self._halted = True
            self.ceiling_reached = True

    async def _called(self) -> Line | None:
        """A new connection; None where the server is away, which halts the run."""
        if self._carrier is None or self._must_halt:
            return None
        try:
            return await self._carrier.call()
        except AwayError as away:
            self._leave_alone(away)
            return None

    def _leave_alone(self, away: AwayError) -> None:
        """Nothing is taken now: the run halts."""
        self.away = f"{self._called_it} is away: {away}"
        self.away_for = max(self.away_for, away.wait)
        self._halted = True

    async def _wait_for_pace(self, domain: str) -> None:
        while not self._must_halt:
            wait = self._pace.wait(domain, monotonic())
            if wait == 0:
                break
            if wait is None:
                async with self._arrived:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._arrived.wait(), 1)
            else:
                await asyncio.sleep(min(wait, 1))
        self._pace.leave(domain, monotonic())

    async def _decide(self, ids: Sequence[UUID]) -> set[UUID]:
        def work(connection: Connection) -> set[UUID]:
            return deciding.decide(connection, self._email, self._run, ids, clock.now())

        return await self._ask(work)

    def _drain(self) -> None:
        """Nobody must wait to put something into a queue that is not read any more."""
        while self._must_halt and not self._ready.empty():
            if self._ready.get_nowait() is None:
                self._ready.put_nowait(None)
                return

    def _add(self, result: Result) -> None:
        self._results.append(result)
        self._some_results.set()

    async def _keep_up(self, most: int = BEHIND) -> None:
        """Nothing runs far ahead of what is written down: a kill would leave it all in doubt."""
        while len(self._results) >= most and not self._must_halt:
            self._booked.clear()
            await self._booked.wait()

    async def _write_down(self) -> None:
        """Results into the ledger, as many at once as came while the last were written."""
        try:
            await self._write_all_down()
        finally:
            self._halted = self._halted or not self._over
            self._booked.set()

    async def _write_all_down(self) -> None:
        while not (self._over and not self._results):
            await self._some_results.wait()
            self._some_results.clear()
            some, self._results[:RESULTS_AT_ONCE] = self._results[:RESULTS_AT_ONCE], []
            if some:
                try:
                    await self._book_results(some)
                except StoppedError:
                    return  # the database is away and we are to stop: what is lost is unknown
                self._booked.set()
            if self._over or self._results:
                self._some_results.set()

    async def _book_results(self, some: Sequence[Result]) -> None:
        def work(connection: Connection) -> None:
            deciding.write(connection, self._email, self._run, some, clock.now())

        await self._book(work)

    async def _book(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._books.run, work)

    async def _ask(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._decisions.run, work)

    @property
    def _must_halt(self) -> bool:
        return self._halted or self._stop.is_set()
