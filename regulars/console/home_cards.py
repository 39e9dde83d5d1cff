"""More cards of Home, each from another part of the product: a funnel in miniature, campaigns.

Whoever has one adds a function to CARDS; it answers None where the project has nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from regulars.console.access import AgentRequest
from regulars.console.periods import Period


@dataclass(frozen=True, slots=True)
class Card:
    """A card: the template that draws what is inside its section, and what that is given."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    css: str = "h-camp"  # how wide: h-camp five of twelve, h-feed seven


CARDS: list[Callable[[psycopg.Connection[Any], AgentRequest, Period], Card | None]] = []


def cards_of(core: psycopg.Connection[Any], request: AgentRequest, period: Period) -> list[Card]:
    """Those that have something to show."""
    return [card for make in CARDS if (card := make(core, request, period)) is not None]
