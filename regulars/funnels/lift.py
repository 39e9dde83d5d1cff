"""How sure a difference between two shares is. Pure.

The interval is Newcombe's (1998, method 10): Wilson's intervals of both shares, joined. It holds
for small numbers and for shares near 0 and 1, where the textbook's does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

Z95 = 1.959963984540054  # standard deviations on each side that leave 5 % outside
FEWEST = 30  # people on each side, below whom nothing is said


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many people."""

    people: int
    went: int

    @property
    def share(self) -> float:
        """The part of them; 0 of nobody."""
        return self.went / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Lift:
    """By how much a share is above another, and the 95 % interval around that."""

    points: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves no difference at all outside."""
        return self.low > 0 or self.high < 0


def wilson(one: Share) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not one.people:
        return 0.0, 1.0
    n, p = one.people, one.share
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def lift(one: Share, other: Share) -> Lift | None:
    """How far `one` is above `other`; None where there is nobody on one side."""
    if not one.people or not other.people:
        return None
    (low, high), (other_low, other_high) = wilson(one), wilson(other)
    points = one.share - other.share
    return Lift(
        points,
        max(-1.0, points - hypot(one.share - low, other_high - other.share)),
        min(1.0, points + hypot(high - one.share, other.share - other_low)),
    )


def enough(one: Share, other: Share) -> bool:
    """Whether there are people enough on both sides to say anything."""
    return min(one.people, other.people) >= FEWEST
