"""Dates and times in filters: one strict ISO 8601 grammar, and days of a project's time zone.

The grammar is a pair of regular expressions that read the same in Python and in PostgreSQL, so
that both count exactly the same texts as dates. It is met by folded (lower-case) text.

A time without an offset is a reading of the project's wall clock. It stands for the first instant
at which that clock reads it or later: the first of two where the clock goes back, the moment of
the jump where it goes forward. That rule never decreases, so an instant can be compared with a
wall reading either way round: `first_instant` turns readings into instants (Python), and
`wall_bound` turns a bound into a reading (SQL, which then needs no time zones of its own).

Public: `Span`, `read_iso`, `first_instant`, `start_of_day`, `day_of`, `wall_bound`,
`MOMENT_PATTERN`, `WALL_PATTERN`, `TICK`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

TICK = datetime.resolution  # PostgreSQL and Python both count microseconds

# No year 0. Without looking ahead, so that PostgreSQL needs no more than an automaton.
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LONG_MONTH = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_SHORT_MONTH = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_FEBRUARY = "02-(?:0[1-9]|1[0-9]|2[0-8])"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = f"(?:{_YEAR}-(?:{_LONG_MONTH}|{_SHORT_MONTH}|{_FEBRUARY})|{_LEAP_YEAR}-02-29)"
_TIME = r"[t ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_OFFSET = "(?:z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])"

# A moment names its offset; a wall reading does not, and may be a whole day.
MOMENT_PATTERN = f"^{_DAY}{_TIME}{_OFFSET}$"
WALL_PATTERN = f"^{_DAY}(?:{_TIME})?$"

_MOMENT = re.compile(MOMENT_PATTERN.removesuffix("$") + r"\Z")
_WALL = re.compile(WALL_PATTERN.removesuffix("$") + r"\Z")
_DAY_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `start` (included) to `end` (excluded); None is unbounded."""

    start: datetime | None
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        return (self.start is None or instant >= self.start) and (
            self.end is None or instant < self.end
        )


def read_iso(text: str) -> date | datetime | None:
    """The date or time that folded `text` writes, or None where it is none.

    A day alone is a `date`; a time is aware where it names its offset, else naive. Digits past
    the microsecond are cut off.
    """
    if _MOMENT.match(text):
        return datetime.fromisoformat(text.upper())
    if not _WALL.match(text):
        return None
    if len(text) == _DAY_LENGTH:
        return date.fromisoformat(text)
    return datetime.fromisoformat(text)


def first_instant(wall: datetime, zone: tzinfo) -> datetime:
    """The first instant at which the zone's clock reads `wall` (naive) or later.

    Its offset is fixed and not always zero: the far ends of the calendar have no UTC time.
    """
    before = _offset(wall.replace(tzinfo=zone, fold=0))
    after = _offset(wall.replace(tzinfo=zone, fold=1))
    if after <= before:
        return wall.replace(tzinfo=timezone(before), fold=0)
    # The clock jumps over this reading.
    return _change(wall - after, wall - before, zone)


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """The UTC instant at which the day begins in the zone. The day is in the years 1000 to 9999."""
    return first_instant(datetime.combine(day, time.min), zone).astimezone(UTC)


def day_of(moment: date | datetime, zone: tzinfo) -> date:
    """The day of the zone in which a date, wall reading or instant lies."""
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()


def wall_bound(instant: datetime, zone: tzinfo) -> datetime:
    """The smallest wall reading (naive) whose first instant is at or after `instant`."""
    before = (instant - TICK).astimezone(zone)
    if not before.fold:
        return before.replace(tzinfo=None) + TICK
    # The clock is in its second pass over these readings; all of them had their first instant in
    # the first pass, so the bound is where the clock stood when it was put back.
    utc = before.astimezone(UTC).replace(tzinfo=None)
    change = _change(utc - timedelta(days=1), utc, zone)
    last = (change - TICK).astimezone(zone)
    return last.replace(tzinfo=None) + TICK


def _change(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """When, after `low` and no later than `high` (both naive UTC), the zone's offset becomes that
    of `high`. Offsets change on whole seconds.
    """
    start = low.replace(microsecond=0, tzinfo=UTC)
    final = _offset(high.replace(tzinfo=UTC).astimezone(zone))
    same = int((high.replace(tzinfo=UTC) - start).total_seconds())
    other = 0
    while same - other > 1:
        middle = (same + other) // 2
        if _offset((start + timedelta(seconds=middle)).astimezone(zone)) == final:
            same = middle
        else:
            other = middle
    return start + timedelta(seconds=same)


def _offset(at: datetime) -> timedelta:
    offset = at.utcoffset()
    return timedelta() if offset is None else offset
