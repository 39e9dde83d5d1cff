"""Decides for all lines of a run at once: one commit for as many groups as came meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

Decide = Callable[[Sequence[UUID]], Coroutine[Any, Any, set[UUID]]]


class Deciders:
    """Groups that wait for a decision are decided on together, while the next ones gather."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._asked: list[tuple[Sequence[UUID], asyncio.Future[set[UUID]]]] = []
        self._working: asyncio.Task[None] | None = None

    async def decide(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the group that may be handed over. Raises what deciding raises."""
        answer: asyncio.Future[set[UUID]] = asyncio.get_running_loop().create_future()
        self._asked.append((ids, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._answer(asked)
        finally:
            self._working = None

    async def _answer(
        self, asked: Sequence[tuple[Sequence[UUID], asyncio.Future[set[UUID]]]]
    ) -> None:
        try:
            ours = await self._decide([id_ for ids, _ in asked for id_ in ids])
        except Exception as wrong:  # noqa: BLE001 - it is those who asked that it is told
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(wrong)
            return
        for ids, answer in asked:
            if not answer.done():
                answer.set_result(ours.intersection(ids))
