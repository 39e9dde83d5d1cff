"""How fast mail leaves: limits of a project and of receiving domains, waits, and when to give up.

Pure: instants are seconds of any steady clock, which the caller reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

# How long a mail waits that the server would not take now, for its next try. One more fails.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 720, 720))
AWAY_WAITS = (2.0, 5.0, 10.0, 30.0, 60.0)  # seconds, while the server is away altogether


def wait_after(tries: int) -> timedelta | None:
    """How long to wait after so many tries; None when it is time to give up."""
    return WAITS[tries - 1] if 1 <= tries <= len(WAITS) else None


def away_wait(times: int) -> float:
    """Seconds to wait after the server was away so many times in a row."""
    return AWAY_WAITS[min(max(times, 1), len(AWAY_WAITS)) - 1]


class Allowance:
    """So many a second, and no more than a second's worth (at least one) at once."""

    def __init__(self, per_second: float, now: float) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second)
        self._left = self._most
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until one more may leave; 0 where it may now."""
        self._refill(now)
        return 0.0 if self._left >= 1 else (1 - self._left) / self._rate

    def take(self, now: float) -> None:
        """One leaves."""
        self._refill(now)
        self._left -= 1

    def _refill(self, now: float) -> None:
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a project set: mails a second in all, and by receiving domain; None is no limit.

    `at_once` is how many connections there are, and `domain_at_once` how many mails to one domain
    may be under way.
    """

    per_second: float | None = None
    at_once: int = 5
    domain_per_second: Mapping[str, float] = field(default_factory=dict)
    domain_at_once: int | None = None


class Pace:
    """When the next mail to a domain may leave."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._all = Allowance(limits.per_second, now) if limits.per_second else None
        self._domains = {
            domain: Allowance(rate, now) for domain, rate in limits.domain_per_second.items()
        }
        self._under_way: dict[str, int] = {}

    @property
    def is_free(self) -> bool:
        """Whether there is no limit at all."""
        return self._all is None and not self._domains and self._limits.domain_at_once is None

    def wait(self, domain: str, now: float) -> float | None:
        """Seconds until one may leave for the domain; None: when another has arrived there."""
        most = self._limits.domain_at_once
        if most is not None and self._under_way.get(domain, 0) >= most:
            return None
        waits = [one.wait(now) for one in (self._all, self._domains.get(domain)) if one is not None]
        return max(waits, default=0.0)

    def leave(self, domain: str, now: float) -> None:
        """One leaves for the domain."""
        for one in (self._all, self._domains.get(domain)):
            if one is not None:
                one.take(now)
        self._under_way[domain] = self._under_way.get(domain, 0) + 1

    def arrive(self, domain: str) -> None:
        """It got there, or never will."""
        left = self._under_way.get(domain, 0) - 1
        if left > 0:
            self._under_way[domain] = left
        else:
            self._under_way.pop(domain, None)


class Ceiling:
    """When so many of the newest mails were refused that the rest had better wait for a person.

    `most` is the part that may be refused of the last `window`; nothing is judged by fewer than
    `fewest`.
    """

    def __init__(self, most: float = 0.2, *, fewest: int = 50, window: int = 500) -> None:
        self._most = most
        self._fewest = fewest
        self._window = window
        self._newest: list[bool] = []
        self._refused = 0

    def add(self, *, refused: bool) -> None:
        """What became of one more."""
        self._newest.append(refused)
        self._refused += refused
        if len(self._newest) > self._window:
            self._refused -= self._newest.pop(0)

    @property
    def is_reached(self) -> bool:
        """Whether it is time to stop."""
        count = len(self._newest)
        return count >= self._fewest and self._refused > self._most * count
