"""The tables of Reports: the greatest values of a dimension with their change, and the explorer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from regulars.console import charts
from regulars.console.access import AgentRequest
from regulars.console.changes_words import Change, change
from regulars.console.charts import LOOKS, Chart, Series
from regulars.console.periods import Period, said
from regulars.console.reports_words import Counted, Dimension, called, people_url
from regulars.console.templatetags.console import number
from regulars.reports import queries
from regulars.reports.queries import Source, Top

Connection = psycopg.Connection[Any]

LINES = 3  # of the greatest values; the others are one line
IN_TABLE = 6
IN_EXPLORER, AT_MOST = 8, 200
SPARKS = 24  # rows that have a small line of their own
A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Row:
    """A value in a table."""

    label: str
    code: str  # of a country's flag
    count: int
    change: Change
    width: float = 0.0  # of its bar
    swatch: str = ""  # of its line in the chart
    look: str = ""  # of its spark
    spark: str = ""
    url: str = ""  # of those who are behind it
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One of the small tables."""

    dimension: Dimension
    rows: list[Row]
    several: int
    all_url: str
    csv_url: str
    total: str  # what its numbers are


@dataclass(frozen=True, slots=True)
class Explored:
    """The explorer's answer."""

    chart: Chart
    rows: list[Row]
    total: int
    change: Change
    several: int


def table(
    core: Connection,
    request: AgentRequest,
    of: Source,
    counted: Counted,
    dimension: Dimension,
    period: Period,
    urls: tuple[str, str],
) -> Table:
    """The greatest values of a dimension."""
    top, before = _top(core, of, counted, dimension, period, IN_TABLE)
    most = max((one.count for one in top.values), default=0)
    rows = [
        Row(
            label=called(dimension, one.value),
            code=one.value if dimension.key == "country" else "",
            count=one.count,
            change=change(one.count, before.get(one.value, 0)),
            width=charts.share(one.count, most),
            url=people_url(request, counted, dimension, one.value, period),
        )
        for one in top.values
    ]
    return Table(dimension, rows, top.several, *urls, counted.title)


def explored(
    core: Connection,
    request: AgentRequest,
    of: Source,
    counted: Counted,
    dimension: Dimension,
    period: Period,
    step: str,
    limit: int = IN_EXPLORER,
) -> Explored:
    """Lines of the greatest values, a line of the others, and the table behind them."""
    whole = _whole(core, of, counted, period.first, period.last)
    total = sum(whole)
    top, before = _top(core, of, counted, dimension, period, limit, total)
    values = [one.value for one in top.values]
    few = values[:SPARKS]  # of whom a line is drawn: of all there would be a year of days each
    days = queries.daily_of(
        core, of, counted.metric, dimension.key, few, period.first, period.last, name=counted.name
    )
    weekly = step == "week"
    lines = [_stepped(days[value], weekly=weekly) for value in few]
    rest = _rest(_stepped(whole, weekly=weekly), lines[:LINES])
    chart = _chart(counted, dimension, period, values, lines, rest, weekly=weekly)
    rows = [
        Row(
            label=called(dimension, one.value),
            code=one.value if dimension.key == "country" else "",
            count=one.count,
            change=change(one.count, before.get(one.value, 0)),
            swatch=charts.LEGENDS[LOOKS[n]] if n < LINES else "dim",
            look=LOOKS[n] if n < LINES else "dim",
            spark=charts.spark(lines[n]) if n < SPARKS else "",
            url=people_url(request, counted, dimension, one.value, period),
            drawn=n < LINES,
        )
        for n, one in enumerate(top.values)
    ]
    if top.rest:
        shown = queries.daily(
            core, of, counted.metric, period.first, period.last,
            name=counted.name, dimension=dimension.key, values=values,
        )  # fmt: skip
        rows.append(
            _others(top, _rest(_stepped(whole, weekly=weekly), [_stepped(shown, weekly=weekly)]))
        )
    then = sum(_whole(core, of, counted, *period.before))
    return Explored(chart, rows, total, change(total, then), top.several)


def _whole(core: Connection, of: Source, counted: Counted, first: Any, last: Any) -> list[int]:
    """How often on each day, of all values."""
    if counted.name:
        return queries.daily(
            core, of, counted.metric, first, last, dimension="name", values=[counted.name]
        )
    if counted.starts:
        return queries.daily(
            core, of, counted.metric, first, last, dimension="path", starts=counted.starts
        )
    return queries.daily(core, of, counted.metric, first, last)


def _top(
    core: Connection,
    of: Source,
    counted: Counted,
    dimension: Dimension,
    period: Period,
    limit: int,
    total: int | None = None,
) -> tuple[Top, dict[str, int]]:
    """The greatest values, and how often they came before."""
    top = queries.top(
        core, of, counted.metric, dimension.key, period.first, period.last,
        name=counted.name, limit=limit, total=total, starts=counted.starts,
    )  # fmt: skip
    before = queries.of_values(
        core, of, counted.metric, dimension.key, [one.value for one in top.values],
        *period.before, name=counted.name,
    )  # fmt: skip
    return top, before


def _others(top: Top, line: list[int]) -> Row:
    several = top.several - len(top.values)
    label = f"{number(several)} other{'' if several == 1 else 's'}" if several > 0 else "Others"
    return Row(label, "", top.rest, Change(""), swatch="dim", look="dim",
               spark=charts.spark(line))  # fmt: skip


def _rest(whole: list[int], lines: list[list[int]]) -> list[int]:
    """What the lines leave of the whole."""
    return [max(0, n - sum(line[at] for line in lines)) for at, n in enumerate(whole)]


def _stepped(days: list[int], *, weekly: bool) -> list[int]:
    """By day, or by week: the last of them ends with the last day."""
    if not weekly:
        return days
    short = len(days) % A_WEEK
    starts = [0] if short else []
    starts += list(range(short, len(days), A_WEEK))
    ends = [*starts[1:], len(days)]
    return [sum(days[start:end]) for start, end in zip(starts, ends, strict=True)]


def _chart(
    counted: Counted,
    dimension: Dimension,
    period: Period,
    values: list[str],
    lines: list[list[int]],
    rest: list[int],
    *,
    weekly: bool,
) -> Chart:
    names = [called(dimension, value) for value in values[:LINES]]
    series = [Series(name, lines[n], LOOKS[n]) for n, name in enumerate(names)]
    if any(rest) or not series:
        series.append(Series("All others" if series else counted.title, rest, LOOKS[LINES]))
    labels = period.labels()
    if weekly:
        labels = labels[::-1][::A_WEEK][::-1]
        labels = [f"Week to {label}" for label in labels]
        labels = [f"To {said(period.first)}", *labels][-len(rest) :]
    leads = f" {names[0]} leads with {number(sum(lines[0]))}." if names else ""
    return charts.lines(
        series[::-1],  # the greatest on top
        labels,
        f"{counted.title} a {'week' if weekly else 'day'} by {dimension.by}, {period.name}.{leads}",
        places="Week" if weekly else "Day",
        axis=period.axis() if not period.is_a_day else (said(period.first),),
    )
