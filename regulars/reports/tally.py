"""What events add to the counts: pure, from rows to a tally.

A tally is how much each count moves; a count is told by its metric, the event's name where its own
parts are counted, the dimension, the value and the day. Values come from outside: they are cut,
and control characters go, so that the one word that begins with one is ours.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.kit.ids import instant_of

VIEWS, EVENTS, VISITS, PEOPLE, SIGNUPS = "views", "events", "visits", "people", "signups"

OTHER = "\x01other"  # what is not told apart any more
LONGEST = 200  # characters of a value
OLDEST = timedelta(days=730)  # before they arrived: what is older counts as a whole alone
ATTRIBUTE = "a:"  # before the name of a custom attribute, as a dimension
NAMES = 200  # events of a project whose own parts are counted

# What is told apart, of page views, visits and events alike: facts of the visit they are part of.
OF_VISITS = (
    "country", "city", "browser", "os", "device", "referrer", "utm_source", "utm_medium",
    "utm_campaign",
)  # fmt: skip

Facts = tuple[tuple[str, str], ...]  # what custom attributes tell apart: (dimension, value)

_SEEN = {"page": VIEWS, "screen": VIEWS, "track": EVENTS}
_NO_FACTS: Mapping[UUID, Facts] = {}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EPOCH = date(1970, 1, 1).toordinal()


class Key(NamedTuple):
    """Which count."""

    metric: str
    name: str
    dimension: str
    value: str
    day: date


class Visit(NamedTuple):
    """What a visit tells apart, in the order of `OF_VISITS`."""

    country: str | None
    city: str | None
    browser: str | None
    os: str | None
    device: str | None
    referrer: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None


class EventRow(NamedTuple):
    """An event as it is counted."""

    id: UUID
    person_id: UUID
    kind: str
    name: str | None
    path: str | None
    happened_at: datetime
    visit: Visit


class SessionRow(NamedTuple):
    """A visit as it is counted."""

    id: UUID
    started_at: datetime
    entry_url: str | None
    visit: Visit


@dataclass(slots=True)
class Together:
    """What is counted under one metric, name and day, before it is told apart: a list each."""

    hours: list[int] = field(default_factory=list)
    paths: list[str | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """How much each count moves, and on which days who was there."""

    counts: Counter[Key] = field(default_factory=Counter)
    days: dict[UUID, set[int]] = field(default_factory=dict)  # by person, days since 1970

    def events(
        self,
        rows: Iterable[EventRow],
        zone: ZoneInfo,
        names: Collection[str],
        facts: Mapping[UUID, Facts] = _NO_FACTS,
    ) -> None:
        """Add what people did.

        `names` are the events whose own parts are counted, `facts` what custom attributes tell
        apart, by person.
        """
        groups: defaultdict[tuple[str, str, date], Together] = defaultdict(Together)
        for row in rows:
            metric = _SEEN.get(row.kind)
            if metric is None:
                continue
            day, hour = local(zone, row.happened_at)
            self.days.setdefault(row.person_id, set()).add(day.toordinal() - _EPOCH)
            self.counts[Key(metric, "", "", "", day)] += 1
            if instant_of(row.id) - row.happened_at > OLDEST:
                continue
            group = groups[metric, "", day]
            group.hours.append(hour)
            if metric == VIEWS:
                group.paths.append(row.path)
            else:
                name = cut(row.name)
                group.names.append(name)
                if name not in names:
                    continue
                group = groups[metric, name, day]
                group.hours.append(hour)
            group.visits.append(row.visit)
            group.facts.append(facts.get(row.person_id, ()))
        self._tell_apart(groups)

    def sessions(self, rows: Iterable[SessionRow], zone: ZoneInfo) -> None:
        """Add visits, each on the day it began."""
        groups: defaultdict[tuple[str, str, date], Together] = defaultdict(Together)
        for row in rows:
            day, hour = local(zone, row.started_at)
            self.counts[Key(VISITS, "", "", "", day)] += 1
            if instant_of(row.id) - row.started_at > OLDEST:
                continue
            group = groups[VISITS, "", day]
            group.hours.append(hour)
            group.paths.append(path_of(row.entry_url))
            group.visits.append(row.visit)
        self._tell_apart(groups)

    def signup(self, signup: Signup, by: int) -> None:
        """Add a sign-up, or take one away."""
        day, country, source = signup
        self.counts[Key(SIGNUPS, "", "", "", day)] += by
        self.counts[Key(SIGNUPS, "", "country", country, day)] += by
        self.counts[Key(SIGNUPS, "", "utm_source", source, day)] += by

    def people(self, days: Iterable[int], by: int) -> None:
        """Somebody was there on these days, or was not."""
        for day in days:
            self.counts[Key(PEOPLE, "", "", "", date.fromordinal(day + _EPOCH))] += by

    def _tell_apart(self, groups: Mapping[tuple[str, str, date], Together]) -> None:
        """Count what the groups have by each dimension: equal values at once, by the hundred."""
        for (metric, name, day), group in groups.items():
            add = partial(self._add, metric, name, day)
            add("hour", group.hours, "{:02}".format)
            add("path", group.paths, cut)
            add("name", group.names, str)
            columns = zip(*group.visits, strict=True)  # none where there is no visit
            for dimension, values in zip(OF_VISITS, columns, strict=False):
                add(dimension, values, host_of if dimension == "referrer" else cut)
            for (dimension, value), count in Counter(chain.from_iterable(group.facts)).items():
                self.counts[Key(metric, name, dimension, value, day)] += count

    def _add(
        self,
        metric: str,
        name: str,
        day: date,
        dimension: str,
        values: Iterable[Any],
        kept: Callable[[Any], str],
    ) -> None:
        for value, count in Counter(values).items():
            self.counts[Key(metric, name, dimension, kept(value), day)] += count


Signup = tuple[date, str, str]  # day, country, source


@lru_cache(maxsize=20_000)
def host_of(referrer: str | None) -> str:
    """The site of a referrer, without www."""
    if not referrer:
        return ""
    try:
        host = urlsplit(referrer if "//" in referrer else f"//{referrer}").hostname or ""
    except ValueError:
        return ""
    return cut(host.removeprefix("www."))


def path_of(url: str | None) -> str:
    """The path of an address."""
    try:
        return urlsplit(url or "").path or ("/" if url else "")
    except ValueError:
        return ""


def cut(value: Any) -> str:
    """A value from outside as it is kept."""
    if not value:
        return ""
    text = value if type(value) is str else str(value)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def local(zone: ZoneInfo, at: datetime) -> tuple[date, int]:
    """The day and the hour in the zone."""
    return _local(zone, int(at.timestamp()) // 900)


@lru_cache(maxsize=50_000)
def _local(zone: ZoneInfo, quarter: int) -> tuple[date, int]:
    """Of a quarter of an hour: no zone's offset changes within one."""
    then = datetime.fromtimestamp(quarter * 900, zone)
    return then.date(), then.hour
