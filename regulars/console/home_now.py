"""Home's live half: how many are here, what they look at, and who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from regulars.console import charts
from regulars.console.access import AgentRequest
from regulars.console.charts import Series
from regulars.console.frame import project_url
from regulars.console.templatetags.console import number
from regulars.people import naming
from regulars.people import queries as people
from regulars.people.person import Person
from regulars.reports import queries, tally

Connection = psycopg.Connection[Any]

DRAWN = timedelta(hours=9)
SHOWN = 8  # of those who are here
_TEN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody who is here."""

    url: str
    key: str
    name: str
    kind: str
    detail: str
    page: str
    country: str
    country_code: str
    since: str  # how long: "11 min"


def now_part(core: Connection, request: AgentRequest, now: datetime) -> dict[str, Any]:
    """What changes while one looks."""
    project_id = request.project.id
    users = people.online_count(core, project_id, now, ["user"])
    leads = people.online_count(core, project_id, now, ["lead"])
    visitors = people.online_count(core, project_id, now, ["visitor"])
    zone = ZoneInfo(request.project.time_zone)
    ids = queries.who_is_here(core, project_id, now, SHOWN)
    known = people.people(core, project_id, ids)
    return {
        "online": users + leads + visitors,
        "online_words": _kinds(users, leads, visitors),
        "busiest": _busiest(core, request, now, zone),
        "online_chart": _chart(core, request, now, zone, users + leads + visitors),
        "pages_now": queries.pages_now(core, project_id, now),
        "here": [_here(request, known[one], now) for one in ids if one in known],
        "more_here": max(0, users + leads + visitors - SHOWN),
    }


def _kinds(users: int, leads: int, visitors: int) -> str:
    told = ((users, "user"), (leads, "lead"), (visitors, "visitor"))
    return ", ".join(f"{number(n)} {kind}{'' if n == 1 else 's'}" for n, kind in told if n)


def _busiest(core: Connection, request: AgentRequest, now: datetime, zone: ZoneInfo) -> str:
    """“busiest today 41 at 12:20”."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    peaks = queries.peaks(core, request.project.id, midnight.astimezone(UTC), now)
    if not any(peaks):
        return ""
    most = max(peaks)
    at = _ten(midnight) + _TEN * peaks.index(most)
    return f"busiest today {number(most)} at {at.astimezone(zone):%H:%M}"


def _chart(
    core: Connection, request: AgentRequest, now: datetime, zone: ZoneInfo, online: int
) -> charts.Chart:
    since = _ten(now - DRAWN)
    peaks = queries.peaks(core, request.project.id, since, now)
    peaks[-1] = max(peaks[-1], online)
    labels = [f"{(since + _TEN * n).astimezone(zone):%H:%M}" for n in range(len(peaks))]
    spots = [(len(labels) - 1) * n // 3 for n in range(4)]
    return charts.lines(
        [Series("Here at most", peaks, area=True)],
        labels,
        f"People here, by ten minutes since {labels[0]}, now {number(online)}",
        places="Time",
        axis=[*(labels[n] for n in spots[:-1]), "now"],
    )


def _ten(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)


def _here(request: AgentRequest, person: Person, now: datetime) -> Here:
    return Here(
        url=project_url(request.project.id, f"people/{person.id}/"),
        key=str(person.id),
        name=naming.called(person.name, person.email, person.user_id, person.id),
        kind=person.kind,
        detail=_detail(person),
        page=person.page_path or "",
        country=person.country or "",
        country_code=person.country_code or "",
        since=_since(person, now),
    )


def _detail(person: Person) -> str:
    """“Lead, visit 3, from instagram”."""
    said = [] if person.kind == "user" else [person.kind.capitalize()]
    said.append("first visit" if person.sessions <= 1 else f"visit {number(person.sessions)}")
    came_from = person.utm_source or tally.host_of(person.referrer)
    if came_from:
        said.append(f"from {came_from}"[:80])
    text = ", ".join(said)
    return text[:1].upper() + text[1:]


def _since(person: Person, now: datetime) -> str:
    """How long this visit is: “now”, “11 min”."""
    runs = [run for browser in person.open_sessions.values() for run in browser]
    if not runs:
        return ""
    newest = max(runs, key=lambda run: run[2])
    minutes = int((now.timestamp() - newest[1]) // 60)
    if minutes < 1:
        return "now"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"  # noqa: PLR2004 - an hour's
