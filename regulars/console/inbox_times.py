"""Times in the inbox: until when a conversation can be put off, and how long a ticket has left.

In the agent's own time zone; one who never chose any has the project's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars.console.access import AgentRequest
from regulars.workspaces.errors import InvalidError

MORNING, EVENING, NIGHT = time(9), time(18), time(20)
LATER = timedelta(hours=3)

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Until:
    """A time to choose. `key` is what a form says."""

    key: str
    label: str
    shown: str
    at: datetime


def zone_of(request: AgentRequest) -> ZoneInfo:
    """The zone in which the agent's days begin."""
    own = request.user.time_zone
    return ZoneInfo(own if own != "UTC" else request.project.time_zone)


def snoozes(now: datetime, zone: ZoneInfo) -> list[Until]:
    """Until when to put something off."""
    here = now.astimezone(zone)
    later = _later_today(here)
    tomorrow = _at(here, 1, MORNING)
    monday = _at(here, 7 - here.weekday(), MORNING)
    choices = [
        Until("later", "Later today", f"{later:%H:%M}", later),
        Until("tomorrow", "Tomorrow", f"{tomorrow:%a %H:%M}", tomorrow),
        Until("week", "Next week", f"{monday:%a %H:%M}", monday),
    ]
    return choices if later.date() == here.date() else choices[1:]


def dues(now: datetime, zone: ZoneInfo) -> list[Until]:
    """When a ticket may be due."""
    here = now.astimezone(zone)
    evening, tomorrow = _at(here, 0, EVENING), _at(here, 1, EVENING)
    days = _at(here, 3, EVENING)
    choices = [
        Until("today", "Today", f"{evening:%H:%M}", evening),
        Until("tomorrow", "Tomorrow", f"{tomorrow:%a %H:%M}", tomorrow),
        Until("days", "In three days", f"{days:%a %H:%M}", days),
    ]
    return choices if evening > here else choices[1:]


def read_local(text: str, field: str, zone: ZoneInfo) -> datetime:
    """What a `datetime-local` field holds, in the agent's zone. Raises InvalidError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise InvalidError(field, "Choose a day and a time.") from wrong
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def local(at: datetime | None, zone: ZoneInfo) -> str:
    """The instant as such a field holds it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at is not None else ""


def shown(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """“Today, 20:00”, “Tue 24 Nov, 09:00”."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    days = (there.date() - here.date()).days
    day = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get(
        days
    ) or f"{there:%a} {there.day} {there:%b}"
    return f"{day}, {there:%H:%M}"


def left(at: datetime, now: datetime) -> str:
    """“2 h 18 min left”, “overdue by 3 days”."""
    seconds = int((at - now).total_seconds())
    words = in_words(abs(seconds))
    return f"{words} left" if seconds >= 0 else f"Overdue by {words}"


def in_words(seconds: int) -> str:
    """The two largest parts of a length of time."""
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY} days"
    hours, minutes = seconds // _HOUR, seconds % _HOUR // _MINUTE
    if hours:
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"  # noqa: PLR2004
    return f"{max(minutes, 1)} min"


def _later_today(here: datetime) -> datetime:
    later = (here + LATER).replace(minute=0, second=0, microsecond=0)
    evening = _at(here, 0, NIGHT)
    return min(later, evening) if evening > here + timedelta(hours=1) else later


def _at(here: datetime, days: int, clock: time) -> datetime:
    """That time of day, so many days on, by the wall clock."""
    return datetime.combine(here.date() + timedelta(days=days), clock, tzinfo=here.tzinfo)
