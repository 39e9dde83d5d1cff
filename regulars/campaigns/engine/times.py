"""Instants from clocks: days of a calendar, weekdays, periods and quiet hours, over any zone's
changes of its clock.

A reading that the clock skips stands for the moment at which it skips; one that comes twice for
its first.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from regulars.campaigns.engine.definition import At, Every, Wait, WaitUntil
from regulars.filters.times import first_instant

# Where the day begins first: whoever goes by their own clock is reached from then on.
EARLIEST = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another, over midnight where the first is the later one."""

    start: time
    end: time

    def ends_after(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet hours that hold now are over; None where none hold."""
        local = now.astimezone(zone)
        for day in (local.date() - timedelta(days=1), local.date()):
            over = day + timedelta(days=1) if self.end <= self.start else day
            begins, ends = at_reading(day, self.start, zone), at_reading(over, self.end, zone)
            if begins <= now < ends:
                return ends
        return None


@lru_cache(maxsize=1_000)
def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone of that name; None where it is none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def at_reading(day: date, clock: time, zone: tzinfo) -> datetime:
    """The UTC instant at which the zone's clock reads that, or would have."""
    return first_instant(datetime.combine(day, clock), zone).astimezone(UTC)


def end_of_wait(wait: Wait, now: datetime, zone: tzinfo) -> datetime:
    """When a wait that begins now is over: the same time of day so many days on, and then some."""
    ends = now
    if wait.days:
        local = now.astimezone(zone)
        ends = at_reading(local.date() + timedelta(days=wait.days), local.time(), zone)
    return ends + wait.passing


def next_reading(wait: WaitUntil, now: datetime, zone: tzinfo) -> datetime:
    """The next instant, now included, at which the clock reads that on one of the weekdays."""
    day = now.astimezone(zone).date()
    for ahead in range(9):
        there = day + timedelta(days=ahead)
        if wait.weekdays and there.weekday() not in wait.weekdays:
            continue
        instant = at_reading(there, wait.clock, zone)
        if instant >= now:
            return instant
    raise AssertionError


def reading_of(at: At, zone: tzinfo) -> datetime:
    """The instant a campaign that is sent once is meant for, by a zone's clock."""
    return at_reading(at.reading.date(), at.reading.time(), zone)


def next_day(every: Every, after: date) -> date:
    """The first day of the period's that comes after the day."""
    day = after + timedelta(days=1)
    if every.period == "week":
        return day + timedelta(days=(every.weekday - day.weekday()) % 7)
    if every.period == "month":
        this = day.replace(day=min(every.day, _length(day)))
        if this >= day:
            return this
        later = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return later.replace(day=min(every.day, _length(later)))
    return day


def next_run(every: Every, after: datetime, zone: tzinfo) -> tuple[date, datetime]:
    """The next day it comes round, and when its people are gathered: strictly after the instant.

    By each person's clock that is as soon as the day's time has come anywhere.
    """
    day = next_day(every, after.astimezone(zone).date() - timedelta(days=3))
    while True:
        at = gathered_at(day, every.clock, every.zone, zone)
        if at > after:
            return day, at
        day = next_day(every, day)


def gathered_at(day: date, clock: time, whose: str, zone: tzinfo) -> datetime:
    """When the people of that day's run are gathered."""
    if whose == "project":
        return at_reading(day, clock, zone)
    return datetime.combine(day, clock, UTC) - EARLIEST


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]
