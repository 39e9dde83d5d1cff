"""Reports: one explorer of what happens over time, and the tables everyone asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from regulars.console import periods
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame
from regulars.console.periods import Period
from regulars.console.reports_tables import AT_MOST, IN_EXPLORER, Table, explored, table
from regulars.console.reports_views import asked_of, offers
from regulars.console.reports_words import (
    DIMENSIONS,
    PLAIN,
    Counted,
    Dimension,
    attributes_of,
    called,
    counted_of,
    dimension_of,
    event,
    narrowed,
)
from regulars.kit import clock, database
from regulars.people.export import csv_line
from regulars.reports import queries, views
from regulars.reports.queries import Source

Connection = psycopg.Connection[Any]

PERIODS = tuple(periods.LENGTHS)
STEPS = ("day", "week")
WEEKLY_FROM = 15  # days of a period from which on weeks make a line
A_QUARTER = 92  # days: longer periods are drawn by week until somebody says otherwise
NAMED = 50  # events that are offered
IN_FILE = 10_000  # rows of a CSV
TABLES = (
    ("views", "path"), ("views", "referrer"), ("views", "country"), ("views", "utm_source"),
    ("views", "browser"), ("events", "name"),
)  # fmt: skip


@agent_view()
@require_GET
def reports(request: AgentRequest) -> HttpResponse:
    """The whole page."""
    period = _period(request)
    counted = counted_of(request.GET.get("show", ""))
    step = _step(request, period)
    url = reverse("reports", args=[request.project.id])
    with database.of_django() as core:
        of = queries.source(core, request.project.id)
        dimension = dimension_of(counted, request.GET.get("by", ""), of.attributes)
        counted = narrowed(counted, dimension, request.GET.get("starts", ""))
        kept = views.views(core, request.project.id)
        limit = AT_MOST if request.GET.get("all") else IN_EXPLORER
        found = explored(core, request, of, counted, dimension, period, step, limit)
        tables = [_table(core, request, of, period, *one) for one in TABLES]
        names = queries.top(
            core, of, "events", "name", period.first, period.last, limit=NAMED
        ).values
        visits = queries.total(core, of, "visits", period.first, period.last)
        seen = queries.daily(core, of, "people", period.first, period.last)
    said = {"show": counted.key, "by": dimension.key, "step": step, "starts": counted.starts}
    asked = urlencode({key: value for key, value in said.items() if value})
    on_page = asked_of({**said, **_said_of(period)})
    return render(
        request,
        "console/reports/reports.html",
        {
            "period": period,
            "periods": periods.choices(url, period, PERIODS, asked),
            "counted": counted,
            "dimension": dimension,
            "plain": PLAIN,
            "events": _offered(counted, [event(one.value) for one in names if one.value]),
            "dimensions": [DIMENSIONS[key] for key in counted.dimensions],
            "attributes": attributes_of(counted, of.attributes),
            "step": step,
            "steps": STEPS if period.length >= WEEKLY_FROM else STEPS[:1],
            "found": found,
            "all_url": f"{url}?{period.query}&{asked}&all=1" if found.several > limit else "",
            "visits": visits,
            "people_a_day": round(sum(seen) / len(seen)),
            "tables": tables,
            "csv_url": _csv_url(request, counted.key, dimension.key, period, counted.starts),
            "narrows": dimension.key == "path",
            "without_starts": f"{url}?{period.query}&{urlencode(_without_starts(said))}",
            "views": offers(kept, url, on_page),
            "on_page": on_page.items(),
            "history": of.percent,
            "url": url,
            "shell": frame(request, "reports"),
        },
    )


@agent_view()
@require_GET
def reports_csv(request: AgentRequest) -> HttpResponse:
    """A table as a file: every value that is told apart, with what it was before."""
    period = _period(request)
    counted = counted_of(request.GET.get("show", ""))
    with database.of_django() as core:
        of = queries.source(core, request.project.id)
        dimension = dimension_of(counted, request.GET.get("by", ""), of.attributes)
        counted = narrowed(counted, dimension, request.GET.get("starts", ""))
        text = "".join(_lines(core, of, counted, dimension, period))
    name = f"{counted.metric}-by-{file_word(dimension)}-{period.first}-{period.last}.csv"
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def file_word(dimension: Dimension) -> str:
    """The dimension in a file's name; an attribute's own name may hold anything."""
    return dimension.key if dimension.key in DIMENSIONS else "attribute"


def _lines(
    core: Connection, of: Source, counted: Counted, dimension: Dimension, period: Period
) -> Iterator[str]:
    """The file: a byte-order mark, so that spreadsheets read it as UTF-8, and its lines."""
    top = queries.top(
        core, of, counted.metric, dimension.key, period.first, period.last,
        name=counted.name, limit=IN_FILE, starts=counted.starts,
    )  # fmt: skip
    values = [one.value for one in top.values]
    before = queries.of_values(
        core, of, counted.metric, dimension.key, values, *period.before, name=counted.name
    )
    yield "\ufeff" + csv_line([dimension.title, counted.title, f"{counted.title} before"])
    for one in top.values:
        yield csv_line([called(dimension, one.value), one.count, before.get(one.value, 0)])
    if top.rest:
        yield csv_line(["Others", top.rest, ""])


def _table(
    core: Connection, request: AgentRequest, of: Source, period: Period, show: str, by: str
) -> Table:
    url = reverse("reports", args=[request.project.id])
    urls = (
        f"{url}?{period.query}&{urlencode({'show': show, 'by': by, 'all': 1})}",
        _csv_url(request, show, by, period),
    )
    return table(core, request, of, counted_of(show), DIMENSIONS[by], period, urls)


def _csv_url(request: AgentRequest, show: str, by: str, period: Period, starts: str = "") -> str:
    url = reverse("reports_csv", args=[request.project.id])
    said = {"show": show, "by": by, "starts": starts}
    return f"{url}?{period.query}&{urlencode({key: one for key, one in said.items() if one})}"


def _without_starts(said: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in said.items() if key != "starts"}


def _said_of(period: Period) -> dict[str, str]:
    """The period as an address says it: a length that moves along with today, or two days."""
    if period.key:
        return {"period": period.key}
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _offered(counted: Counted, names: list[Counted]) -> list[Counted]:
    """The events to choose from, the one that is shown among them."""
    if counted.name and counted not in names:
        return [counted, *names]
    return names


def _period(request: AgentRequest) -> Period:
    today = queries.today(clock.now(), request.project.time_zone)
    return periods.period_of(request.GET, today, PERIODS)


def _step(request: AgentRequest, period: Period) -> str:
    asked = request.GET.get("step", "week" if period.length > A_QUARTER else "day")
    return asked if asked in STEPS and period.length >= WEEKLY_FROM else STEPS[0]
