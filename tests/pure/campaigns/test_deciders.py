"""Groups are decided on together, and each hears of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from regulars.campaigns.deciders import Deciders

IDS = [UUID(int=number) for number in range(6)]


def test_groups_that_come_meanwhile_are_decided_on_at_once() -> None:
    asked: list[list[UUID]] = []

    async def decide(ids: Sequence[UUID]) -> set[UUID]:
        asked.append(list(ids))
        await asyncio.sleep(0)
        return set(ids) - {IDS[3]}

    async def all_of_them() -> list[set[UUID]]:
        deciders = Deciders(decide)
        groups = [IDS[0:2], IDS[2:4], IDS[4:6]]
        found = await asyncio.gather(*map(deciders.decide, groups))
        return [*found, await deciders.decide(IDS[:1])]

    found = asyncio.run(all_of_them())
    assert found == [set(IDS[0:2]), {IDS[2]}, set(IDS[4:6]), {IDS[0]}]
    assert asked == [IDS, IDS[:1]]


def test_everybody_hears_what_went_wrong_and_may_ask_again() -> None:
    async def decide(ids: Sequence[UUID]) -> set[UUID]:
        if len(ids) > 1:
            raise ConnectionError("gone")
        return set(ids)

    async def both() -> None:
        deciders = Deciders(decide)
        found = await asyncio.gather(
            deciders.decide(IDS[:1]), deciders.decide(IDS[1:2]), return_exceptions=True
        )
        assert all(isinstance(one, ConnectionError) for one in found)
        assert await deciders.decide(IDS[:1]) == {IDS[0]}

    asyncio.run(both())
