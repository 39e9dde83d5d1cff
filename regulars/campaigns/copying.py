"""Has the copies of an email written, in the order in which recipients are due.

So many orders are under way that penmen never wait, and no more: what is written waits in memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import deciding
from regulars.campaigns.deciding import Due
from regulars.campaigns.emails import Email
from regulars.campaigns.penman import Order
from regulars.campaigns.writing import Wanted, Written
from regulars.kit import clock

Connection = psycopg.Connection[Any]
Ask = Callable[[Callable[[Connection], Any]], Coroutine[Any, Any, Any]]
Writer = Callable[[Order], Coroutine[Any, Any, list[Written]]]
Placed = tuple[Order, dict[UUID, Due]]
Task = tuple["asyncio.Task[list[Written]]", dict[UUID, Due]]

READ_AT_ONCE = 500  # recipients
WRITTEN_AT_ONCE = 50  # copies an order to a penman
ORDERS = 6  # under way

_BEFORE_ALL = (datetime(2000, 1, 1, tzinfo=UTC), UUID(int=0))


class Copies:
    """The finished copies of one email, for who is due now."""

    def __init__(
        self, email: Email, ask: Ask, writer: Writer, copied: frozenset[UUID] | None
    ) -> None:
        """`copied` says whose copies others get too, as `deciding.copied` does."""
        self._email = email
        self._ask = ask
        self._writer = writer
        self._copied = copied
        self._after = _BEFORE_ALL
        self._ordered: deque[Placed] = deque()

    async def all(
        self, goes_on: Callable[[], Coroutine[Any, Any, bool]]
    ) -> AsyncGenerator[tuple[Due, Written], None]:
        """Each as soon as it is written, while `goes_on` says so and somebody is due.

        Raises CannotWriteError, PenmanGoneError.
        """
        under_way: deque[Task] = deque()
        try:
            while True:
                if not self._ordered and await goes_on():
                    await self._order()
                while self._ordered and len(under_way) < ORDERS:
                    order, by_id = self._ordered.popleft()
                    under_way.append((asyncio.create_task(self._writer(order)), by_id))
                if not under_way:
                    return
                task, by_id = under_way[0]
                for written in await task:
                    yield by_id[written.recipient_id], written
                under_way.popleft()
        finally:
            await _let_go(task for task, _ in under_way)

    async def _order(self) -> None:
        """Who is due next, as orders."""
        now, place, email = clock.now(), self._after, self._email
        found = await self._ask(lambda c: deciding.due(c, email, now, place, READ_AT_ONCE))
        for start in range(0, len(found), WRITTEN_AT_ONCE):
            some = found[start : start + WRITTEN_AT_ONCE]
            wanted = [Wanted(one.id, one.person_id, one.address) for one in some]
            copies = self._copied is None or any(one.id in self._copied for one in some)
            order = Order(email.project_id, email.id, wanted, now, copies)
            self._ordered.append((order, {one.id: one for one in some}))
        if found:
            self._after = (found[-1].next_try_at, found[-1].id)


async def _let_go(tasks: Iterable[asyncio.Task[Any]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
