"""What campaigns tell others of their people, for the outbox: an entry for each kind of news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from regulars.events.outbox import Entry

What = Literal["entered", "goal", "completed"]


class News:
    """What one transaction has to tell."""

    def __init__(self) -> None:
        self._people: dict[tuple[UUID, What, str], list[UUID]] = {}

    def add(self, campaign: UUID, what: What, people: Iterable[UUID], how: str = "") -> None:
        """These people entered it, reached its goal, or are through with it: `how` says how."""
        found = list(people)
        if found:
            self._people.setdefault((campaign, what, how), []).extend(found)

    def entries(self) -> list[Entry]:
        """The entries, in the order in which they came about."""
        return [
            ("campaigns", _body(campaign, what, how, people))
            for (campaign, what, how), people in self._people.items()
        ]


def _body(campaign: UUID, what: What, how: str, people: list[UUID]) -> dict[str, Any]:
    told = {"campaign": str(campaign), "what": what, "people": [str(one) for one in people]}
    return {**told, "how": how} if how else told
