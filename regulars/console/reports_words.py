"""What reports may be asked and how that reads: what is counted, by what it is told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from regulars.console.access import AgentRequest
from regulars.console.frame import project_url
from regulars.console.periods import Period
from regulars.reports.tally import ATTRIBUTE, EVENTS, OF_VISITS, SIGNUPS, VIEWS, VISITS
from regulars.tracking.enrich import countries

EVENT = "event:"  # before the name of one
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Dimension:
    """By what something is told apart."""

    key: str
    by: str  # in the sentence: "by country"
    title: str  # a column's head
    title_of_all: str  # a table's
    unknown: str  # what the value is called where nothing was said
    field: str = ""  # of people's filters, where there is one


DIMENSIONS = {
    one.key: one
    for one in (
        Dimension("path", "page", "Page", "Top pages", "No path"),
        Dimension("referrer", "referrer", "Came from", "Referrers", "Direct", "referrer"),
        Dimension("country", "country", "Country", "Countries", "Unknown", "country"),
        Dimension("city", "city", "City", "Cities", "Unknown", "city"),
        Dimension("utm_source", "UTM source", "Source", "Sources", "Not said", "utm_source"),
        Dimension("utm_medium", "UTM medium", "Medium", "Media", "Not said", "utm_medium"),
        Dimension(
            "utm_campaign", "UTM campaign", "Campaign", "Campaigns", "Not said", "utm_campaign"
        ),
        Dimension("browser", "browser", "Browser", "Browsers", "Unknown", "browser"),
        Dimension("os", "operating system", "System", "Systems", "Unknown", "os"),
        Dimension("device", "device", "Device", "Devices", "Unknown", "device"),
        Dimension("name", "event", "Event", "Events", "No name"),
    )
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted: a metric of the kept counts, or one event by its name."""

    key: str  # in the address
    metric: str
    name: str
    label: str  # in the sentence: "page views"
    starts: str = ""  # of paths: only those that start so

    @property
    def title(self) -> str:
        """A column's head."""
        return self.label if self.name else self.label[:1].upper() + self.label[1:]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """By what it can be told apart."""
        if self.metric == SIGNUPS:
            return ("country", "utm_source")
        if self.metric == EVENTS:
            return OF_VISITS if self.name else ("name",)
        return ("path", *OF_VISITS)


PLAIN = (
    Counted("views", VIEWS, "", "page views"),
    Counted("visits", VISITS, "", "visits"),
    Counted("signups", SIGNUPS, "", "sign-ups"),
    Counted("events", EVENTS, "", "events"),
)


def event(name: str) -> Counted:
    """One event by its name."""
    return Counted(f"{EVENT}{name}", EVENTS, name, name)


def counted_of(key: str) -> Counted:
    """What an address names; what it does not know is page views."""
    name = key.removeprefix(EVENT)
    if key.startswith(EVENT) and name.strip() and len(name) <= LONGEST_NAME and "\x00" not in name:
        return event(name)
    return next((one for one in PLAIN if one.key == key), PLAIN[0])


def narrowed(counted: Counted, dimension: Dimension, starts: str) -> Counted:
    """Only paths that start so. Counts are kept by one thing at a time: by page alone it can be."""
    starts = starts.strip().replace("\x00", "")[:LONGEST_NAME]
    return replace(counted, starts=starts) if dimension.key == "path" and starts else counted


def attributes_of(counted: Counted, keys: Sequence[str]) -> list[Dimension]:
    """Custom attributes by which it can be told apart."""
    if counted.metric not in (VIEWS, EVENTS) or (counted.metric == EVENTS and not counted.name):
        return []
    return [
        Dimension(f"{ATTRIBUTE}{key}", key, key, key, "Not known", f"attributes.{key}")
        for key in keys
    ]


def dimension_of(counted: Counted, key: str, keys: Sequence[str] = ()) -> Dimension:
    """By what, as an address says; else the first that there is."""
    for one in attributes_of(counted, keys):
        if one.key == key:
            return one
    if key in counted.dimensions:
        return DIMENSIONS[key]
    first = "country" if "country" in counted.dimensions else counted.dimensions[0]
    return DIMENSIONS[first]


def called(dimension: Dimension, value: str) -> str:
    """A value in words."""
    if not value:
        return dimension.unknown
    return (countries.name(value) or value) if dimension.key == "country" else value


def people_url(
    request: AgentRequest, counted: Counted, dimension: Dimension, value: str, period: Period
) -> str:
    """The list of people behind a row, where a filter finds them; else nothing."""
    rules: list[dict[str, Any]] = []
    name = value if dimension.key == "name" else counted.name
    if name:
        days = (period.today - period.first).days + 1
        rules.append({"event": name, "op": "at_least", "count": 1, "within_days": days})
    if dimension.key.startswith(ATTRIBUTE) and not _is_text(value):
        return ""  # which type the attribute has is not known here
    if dimension.field:
        rules.append(_is(dimension, value))
    elif dimension.key != "name":
        return ""
    if counted.metric == SIGNUPS:
        span = [period.first.isoformat(), period.last.isoformat()]
        rules.append({"field": "signed_up_at", "op": "between", "value": span})
    url = project_url(request.project.id, "people/")
    return f"{url}?{urlencode({'filter': json.dumps({'all': rules}, separators=(',', ':'))})}"


def _is_text(value: str) -> bool:
    return value not in ("true", "false") and not value.lstrip("-").isdecimal()


def _is(dimension: Dimension, value: str) -> dict[str, Any]:
    if not value:
        return {"field": dimension.field, "op": "is_unknown"}
    op = "contains" if dimension.key == "referrer" else "is"
    return {"field": dimension.field, "op": op, "value": called(dimension, value)}
