"""Office hours: whether somebody is there now, when they come back, and how soon they answer. Pure.

Hours are intervals of a week on the wall clock of the project's time zone. What the wall clock
says decides, so on the days on which clocks change an interval is an hour shorter or longer, as
the people in the office are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST = 28  # intervals a week: four a day

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
# Far enough for hours of one day a week that a change of clocks, or of the date line, swallows.
_HORIZON = timedelta(days=22)
_STEP = timedelta(hours=6)  # zones change their offset less often than that
_TICK = timedelta(seconds=1)


class HoursError(ValueError):
    """These are no office hours; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From one time of a day (0 is Monday) to another: of the next day where it is not later."""

    day: int
    opens: str  # "09:00"
    closes: str  # "17:00", "24:00"

    @property
    def start(self) -> timedelta:
        """When it opens, from Monday's midnight."""
        return self.day * _DAY + _since_midnight(self.opens)

    @property
    def end(self) -> timedelta:
        """When it closes, from the same midnight; the next week's where it ends there."""
        closes = _since_midnight(self.closes)
        overnight = _DAY if self.closes <= self.opens else timedelta()
        return self.day * _DAY + closes + overnight


Hours = tuple[Interval, ...] | None  # None: always open


def is_open(hours: Hours, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the wall clock is inside an interval."""
    if hours is None:
        return True
    wall = _into_the_week(now, zone)
    return any(one.start <= wall < one.end or one.start <= wall + _WEEK < one.end for one in hours)


def opens_next(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first instant from `now` on at which it is open, in UTC; None if it never is.

    That is `now` itself while it is open.
    """
    at = now.astimezone(UTC)
    if hours is None:
        return at
    while hours and at - now <= _HORIZON:
        if is_open(hours, zone, at):
            return at
        wall = _into_the_week(at, zone)
        then = at + min((one.start - wall) % _WEEK for one in hours)
        # Clocks that change before then may skip an opening, or come upon one.
        at = _change_of_clocks(zone, at, then) or then
    return None


def read(said: Any) -> Hours:
    """Hours from JSON: null, or `[{"day": 0, "from": "09:00", "to": "17:00"}, …]`.

    Raises HoursError.
    """
    if said is None:
        return None
    if not isinstance(said, Sequence) or isinstance(said, str | bytes):
        raise HoursError("Expected a list of hours, or null for always open.")
    if len(said) > MOST:
        raise HoursError(f"A week can have {MOST} intervals at most.")
    intervals = sorted(_interval(one) for one in said)
    _apart(intervals)
    return tuple(intervals)


def to_json(hours: Hours) -> list[dict[str, Any]] | None:
    """The same hours as JSON."""
    if hours is None:
        return None
    return [{"day": one.day, "from": one.opens, "to": one.closes} for one in hours]


def reply_words(seconds: float | None) -> str:
    """How soon an answer usually comes: “Usually a reply in 4 minutes”; nothing where unknown."""
    if seconds is None:
        return ""
    minutes = max(0.0, seconds) / 60
    if minutes <= 1:
        return "Usually a reply within a minute"
    if minutes <= 45:  # noqa: PLR2004 - from there on one says an hour
        return f"Usually a reply in {-int(-minutes // 1)} minutes"
    hours = round(minutes / 60)
    if hours <= 1:
        return "Usually a reply in an hour"
    if hours < 22:  # noqa: PLR2004 - from there on one says a day
        return f"Usually a reply in {hours} hours"
    days = max(1, round(hours / 24))
    return "Usually a reply in a day" if days == 1 else f"Usually a reply in {days} days"


def _interval(said: Any) -> Interval:
    if not isinstance(said, Mapping) or set(said) != {"day", "from", "to"}:
        raise HoursError("Each interval needs a day, from and to.")
    day, opens, closes = said["day"], said["from"], said["to"]
    if isinstance(day, bool) or not isinstance(day, int) or not 0 <= day < len(DAYS):
        raise HoursError("A day is a number from 0, Monday, to 6, Sunday.")
    for time in (opens, closes):
        if not isinstance(time, str) or not _TIME.fullmatch(time):
            raise HoursError(f"{DAYS[day]}: expected times such as 09:00.")
    if opens in {closes, "24:00"}:
        raise HoursError(f"{DAYS[day]}: it must close later than it opens.")
    return Interval(day, opens, closes)


def _apart(intervals: Iterable[Interval]) -> None:
    """No two of them overlap, the last of the week and the first of the next included."""
    end, first = timedelta(), None
    for one in intervals:
        if one.start < end:
            raise HoursError(f"{DAYS[one.day]}: these hours overlap others.")
        end, first = one.end, first or one
    if first is not None and end > first.start + _WEEK:
        raise HoursError(f"{DAYS[first.day]}: these hours overlap others.")


def _since_midnight(time: str) -> timedelta:
    return timedelta(hours=int(time[:2]), minutes=int(time[3:]))


def _into_the_week(at: datetime, zone: ZoneInfo) -> timedelta:
    """What the wall clock says, from Monday's midnight."""
    wall = at.astimezone(zone)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return wall.weekday() * _DAY + (wall.replace(tzinfo=None) - midnight)


def _change_of_clocks(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first instant in between, `until` included, at which the zone's offset is another."""
    low, offset = after, after.astimezone(zone).utcoffset()
    while low < until:
        high = min(low + _STEP, until)
        if high.astimezone(zone).utcoffset() != offset:
            return _found(zone, low, high)
        low = high
    return None


def _found(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second, between the two, in which the clocks change."""
    offset = low.astimezone(zone).utcoffset()
    low, high = low.replace(microsecond=0), _whole(high)
    while high - low > _TICK:
        middle = low + timedelta(seconds=(high - low) // _TICK // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def _whole(at: datetime) -> datetime:
    """The same instant, or the next whole second."""
    return at if at.microsecond == 0 else at.replace(microsecond=0) + _TICK
