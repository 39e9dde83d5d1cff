"""Home's numbers: regulars and how they change, people a day, sign-ups, the inbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.urls import reverse

from regulars.console import charts, inbox_rows
from regulars.console.access import AgentRequest
from regulars.console.changes_words import Change, change, difference
from regulars.console.charts import Look, Series
from regulars.console.frame import project_url
from regulars.console.inbox_team import Team
from regulars.console.inbox_times import in_words
from regulars.console.periods import Period, said
from regulars.console.templatetags.console import number
from regulars.inbox import reply_times, views
from regulars.people import queries as people
from regulars.reports import queries
from regulars.reports.queries import Source
from regulars.segments import glance
from regulars.segments import queries as segments
from regulars.tracking.enrich import countries

Connection = psycopg.Connection[Any]

TREND_WEEKS = 12
DAILY_UNTIL = 21  # days of a young list that are drawn each
COMPARED = 28  # days that a trend looks back
LISTED = 5  # of countries, of sources
MINI = 3  # conversations


@dataclass(frozen=True, slots=True)
class Trend:
    """One of the three lists, and how it has grown."""

    key: str
    label: str
    url: str
    people: int
    live: str
    change: Change  # on `since`; nothing on its first day
    since: str
    note: str
    chart: charts.Chart


@dataclass(frozen=True, slots=True)
class Origin:
    """Where some of the sign-ups came from."""

    label: str
    code: str  # of a country's flag
    count: int
    width: float  # of its bar
    change: Change
    url: str


def numbers_part(
    core: Connection, request: AgentRequest, period: Period, now: datetime
) -> dict[str, Any]:
    """Everything that is read from kept counts."""
    of = queries.source(core, request.project.id)
    counts = people.counts(core, request.project.id)
    return {
        "users": counts.kinds["user"],
        "trends": _trends(core, request, counts, now),
        "counted": of.percent,
        "days": _days(core, of, period),
        **_signups(core, request, of, period),
        **_inbox(core, request, now),
    }


_TRENDS: tuple[tuple[str, str, Look], ...] = (
    ("new", "New", "sky"),
    ("active", "Active", ""),
    ("slipping", "Slipping away", "gold"),
)


def _trends(
    core: Connection, request: AgentRequest, counts: people.Counts, now: datetime
) -> list[Trend]:
    return [_trend(core, request, counts, key, label, look, now) for key, label, look in _TRENDS]


def _trend(
    core: Connection,
    request: AgentRequest,
    counts: people.Counts,
    key: str,
    label: str,
    look: Look,
    now: datetime,
) -> Trend:
    project_id = request.project.id
    segment = glance.builtin_id(core, project_id, key)
    today = now.astimezone(UTC).date()
    days = segments.growth(core, project_id, segment, today, TREND_WEEKS * 7 + 1)
    weekly = days[::-7][::-1] if len(days) > DAILY_UNTIL else days
    listed = counts.lists.get(key, 0)
    then = days[-COMPARED - 1].people if len(days) > COMPARED else days[0].people
    return Trend(
        key=key,
        label=label,
        url=f"{project_url(project_id, 'people/')}?list={key}",
        people=listed,
        live=key,
        change=_better(difference(listed, then), key) if len(days) > 1 else Change(""),
        since="on 4 weeks ago" if len(days) > COMPARED else f"since {said(days[0].day)}",
        note=_note(key, days, listed, counts.kinds["user"]),
        chart=charts.lines(
            [Series(label, [day.people for day in weekly], look, area=True)],
            [said(day.day) for day in weekly],
            f"{label} users since {said(days[0].day)}: from {number(weekly[0].people)}"
            f" to {number(listed)}",
            places="Day",
            lifted=True,
        ),
    )


def _better(found: Change, key: str) -> Change:
    """More who slip away is no gain."""
    if key != "slipping" or not found.way:
        return found
    return Change(found.text, "down" if found.way == "up" else "up")


def _note(key: str, days: list[segments.Day], listed: int, users: int) -> str:
    """What stands beside the difference."""
    if key == "slipping":
        back = sum(day.left for day in days[-7:])
        if back:
            return f"{number(back)} left it this week"
    if key == "active" and users:
        return f"{round(100 * listed / users)}% of all users"
    return ""


def _days(core: Connection, of: Source, period: Period) -> dict[str, Any]:
    """People a day, or the hours of one: this period and the one before."""
    first, last = period.first, period.last
    before = period.before
    if period.is_a_day:
        now_values = queries.hourly(core, of, "views", first)
        then = queries.hourly(core, of, "views", before[0])
        what, labels = "Page views an hour", [f"{hour:02}:00" for hour in range(24)]
    else:
        now_values = queries.daily(core, of, "people", first, last)
        then = queries.daily(core, of, "people", *before)
        what, labels = "People a day", period.labels()
    names = ("Yesterday", "Today") if period.is_a_day else (_cap(period.before_name), period.name)
    chart = charts.lines(
        [Series(names[0], then, "prev"), Series(names[1], now_values, area=True)],
        labels,
        f"{what}: {number(now_values[0])} on {labels[0]}, at most {number(max(now_values))},"
        f" {number(now_values[-1])} at the end",
        places="Hour" if period.is_a_day else "Day",
        axis=period.axis(),
    )
    return {"what": what, "chart": chart}


def _signups(core: Connection, request: AgentRequest, of: Source, period: Period) -> dict[str, Any]:
    first, last = period.first, period.last
    signed_up = queries.total(core, of, "signups", first, last)
    before = queries.total(core, of, "signups", *period.before)
    return {
        "signups": signed_up,
        "signups_change": change(signed_up, before),
        "by_country": _origins(core, request, of, period, "country", signed_up),
        "by_source": _origins(core, request, of, period, "utm_source", signed_up),
    }


def _origins(
    core: Connection,
    request: AgentRequest,
    of: Source,
    period: Period,
    dimension: str,
    signed_up: int,
) -> list[Origin]:
    top = queries.top(
        core, of, "signups", dimension, period.first, period.last, limit=LISTED, total=signed_up
    )
    values = [one.value for one in top.values]
    before = queries.of_values(core, of, "signups", dimension, values, *period.before)
    most = max((one.count for one in top.values), default=0)
    rows = [
        Origin(
            label=_called(dimension, one.value),
            code=one.value if dimension == "country" else "",
            count=one.count,
            width=charts.share(one.count, most),
            change=change(one.count, before.get(one.value, 0)),
            url=_people_url(request, dimension, one.value, period),
        )
        for one in top.values
    ]
    if top.rest:
        others = f"{number(top.several - len(values))} others" if top.several > LISTED else "Others"
        rows.append(Origin(others, "", top.rest, charts.share(top.rest, most), Change(""), ""))
    return rows


def _called(dimension: str, value: str) -> str:
    if not value:
        return "Unknown" if dimension == "country" else "Direct, or not said"
    return (countries.name(value) or value) if dimension == "country" else value


def _people_url(request: AgentRequest, field: str, value: str, period: Period) -> str:
    """The list of those who signed up in the period from there."""
    told: dict[str, Any] = (
        {"field": field, "op": "is", "value": _called(field, value)}
        if value
        else {"field": field, "op": "is_unknown"}
    )
    rule = {
        "all": [
            told,
            {"field": "signed_up_at", "op": "between",
             "value": [period.first.isoformat(), period.last.isoformat()]},
        ]
    }  # fmt: skip
    url = project_url(request.project.id, "people/")
    return f"{url}?{urlencode({'filter': json.dumps(rule, separators=(',', ':'))})}"


def _inbox(core: Connection, request: AgentRequest, now: datetime) -> dict[str, Any]:
    project_id, agent_id = request.project.id, request.user.id
    counts = views.counts(core, project_id, agent_id)
    waiting = views.page(core, project_id, views.asked("waiting", agent_id), limit=MINI)
    oldest = waiting.rows[0].waiting_since if waiting.rows else None
    usual = reply_times.usual_first_reply(core, project_id, now)
    which = views.asked("waiting", agent_id)
    return {
        "inbox_url": reverse("inbox", args=[project_id]),
        "open": views.bounded(counts["all"]),
        "waiting": views.bounded(counts["waiting"]),
        "oldest": in_words(int((now - oldest).total_seconds())) if oldest else "",
        "first_reply": in_words(int(usual)) if usual is not None else "",
        "tickets": views.bounded(counts["tickets"]),
        "conversations": inbox_rows.rows_of(core, project_id, Team(request), waiting.rows, which),
    }


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]
