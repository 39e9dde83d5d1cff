"""How sure a share is, and how sure the difference between two is: 95 % intervals.

Wilson's score interval for a share (E. B. Wilson, JASA 22, 1927), Newcombe's method 10 for a
difference of two independent ones (R. G. Newcombe, Statistics in Medicine 17, 1998): both keep
their promise for small groups and for shares near 0 and 1, where the textbook's interval does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """A share or a difference of shares, from 0 to 1 or -1 to 1, and where it lies by 95 %."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether nought is outside of it."""
        return self.low > 0 or self.high < 0


def wilson(count: int, of: int) -> Interval | None:
    """The interval of a share; None where there is nobody."""
    if of <= 0:
        return None
    share, square = count / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = Z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return Interval(share, max(0.0, middle - spread), min(1.0, middle + spread))


def newcombe(count: int, of: int, other: int, of_others: int) -> Interval | None:
    """The interval of how much larger the first share is; None where one side has nobody."""
    one, two = wilson(count, of), wilson(other, of_others)
    if one is None or two is None:
        return None
    difference = one.value - two.value
    below = sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    above = sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above))
