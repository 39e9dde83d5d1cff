"""What pages ask of the kept counts: by day, by hour, the greatest values, who is here.

Each is a few rows by an index, however many events there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.kit.ids import instant_of
from regulars.people.orders import minute
from regulars.people.queries import MOST_COUNTED_ONLINE, ONLINE_FOR
from regulars.people.questions import KINDS
from regulars.reports.keeping import tens
from regulars.reports.tally import OTHER

Connection = psycopg.Connection[Any]

SHOWN = """
SELECT shown, phase, place, since, attributes FROM rollup_state WHERE project_id = %s
"""
# The days of one count.
DAILY = """
SELECT day, sum(count)::bigint FROM rollup
WHERE project_id = %(project)s AND generation = %(generation)s AND metric = %(metric)s
  AND name = %(name)s AND dimension = %(dimension)s AND day BETWEEN %(first)s AND %(last)s
  AND (%(values)s::text[] IS NULL OR value = ANY(%(values)s)) AND starts_with(value, %(starts)s)
GROUP BY day
"""
# The days of a few values.
DAILY_OF = """
SELECT value, day, count FROM rollup
WHERE project_id = %(project)s AND generation = %(generation)s AND metric = %(metric)s
  AND name = %(name)s AND dimension = %(dimension)s AND day BETWEEN %(first)s AND %(last)s
  AND value = ANY(%(values)s)
"""
# The greatest values of some days, how many there are, and how often all were counted.
TOP = """
SELECT value, people, count(*) OVER () AS several, sum(people) OVER ()::bigint AS altogether
FROM (
    SELECT value, sum(count)::bigint AS people FROM rollup
    WHERE project_id = %(project)s AND generation = %(generation)s AND metric = %(metric)s
      AND name = %(name)s AND dimension = %(dimension)s AND day BETWEEN %(first)s AND %(last)s
      AND value <> %(other)s AND starts_with(value, %(starts)s)
    GROUP BY value HAVING sum(count) > 0
) each
ORDER BY people DESC, value LIMIT %(limit)s
"""
OF_VALUES = """
SELECT value, sum(count)::bigint FROM rollup
WHERE project_id = %(project)s AND generation = %(generation)s AND metric = %(metric)s
  AND name = %(name)s AND dimension = %(dimension)s AND day BETWEEN %(first)s AND %(last)s
  AND value = ANY(%(values)s)
GROUP BY value
"""
PEAKS = "SELECT id, people FROM online_peak WHERE project_id = %s AND id BETWEEN %s AND %s"
# The pages that people have open, of as many as are counted.
PAGES_NOW = f"""
SELECT page_path, count(*) FROM (
    SELECT page_path FROM person_activity
    WHERE project_id = %(project)s AND kind = ANY(%(kinds)s)
      AND last_seen_minute >= %(minute)s AND browser_seen_at > %(since)s
    LIMIT {MOST_COUNTED_ONLINE}
) online
WHERE page_path IS NOT NULL
GROUP BY page_path ORDER BY count(*) DESC, page_path LIMIT %(limit)s
"""
# Those who were seen last of each kind, and of these the last.
HERE = """
SELECT a.id FROM unnest(%(kinds)s::text[]) AS kinds (kind)
CROSS JOIN LATERAL (
    SELECT id, last_seen, browser_seen_at FROM person_activity
    WHERE project_id = %(project)s AND kind = kinds.kind AND last_seen_minute >= %(minute)s
      AND browser_seen_at > %(since)s
    ORDER BY last_seen_minute DESC NULLS LAST, last_seen DESC, id DESC LIMIT %(limit)s
) AS a
ORDER BY a.browser_seen_at DESC, a.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a project's counts are read, and how far history is."""

    project_id: UUID
    generation: int
    percent: int | None  # of history that is counted; None when it all is
    attributes: tuple[str, ...] = ()  # by which events are told apart

    def asked(self, metric: str, first: date, last: date, **more: Any) -> dict[str, Any]:
        """The parameters of a question."""
        return {
            "project": self.project_id, "generation": self.generation, "metric": metric,
            "first": first, "last": last, "name": "", "dimension": "", "values": None,
            "other": OTHER, "starts": "", **more,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One of the greatest values."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Top:
    """The greatest values; `several` is how many there are, `rest` how often the others came."""

    values: list[Value]
    several: int
    rest: int


def source(connection: Connection, project_id: UUID) -> Source:
    """Where the project's counts are. Before anything was counted there is nothing to read."""
    row = connection.execute(SHOWN, (project_id,), prepare=True).fetchone()
    if row is None:
        return Source(project_id, 0, 0)
    shown, phase, place, since, attributes = row
    if phase == "done":
        return Source(project_id, shown, None, tuple(attributes))
    share = _share(connection, project_id, place, since) if phase == "events" else 0.9
    return Source(project_id, shown, int(100 * share), tuple(attributes))


def _share(connection: Connection, project_id: UUID, place: UUID | None, since: UUID) -> float:
    """How far a range of ids is, by their times."""
    query = "SELECT id FROM event WHERE project_id = %s ORDER BY id LIMIT 1"
    row = connection.execute(query, (project_id,)).fetchone()
    if row is None or place is None:
        return 0.0
    begin, here, end = instant_of(row[0]), instant_of(place), instant_of(since)
    return 0.9 * min(1.0, (here - begin) / (end - begin)) if end > begin else 0.9


def daily(
    connection: Connection,
    of: Source,
    metric: str,
    first: date,
    last: date,
    *,
    name: str = "",
    dimension: str = "",
    values: Sequence[str] | None = None,
    starts: str = "",
) -> list[int]:
    """How often on each day, the first to the last; of values that start so, where that is said."""
    asked = of.asked(
        metric, first, last, name=name, dimension=dimension,
        values=list(values) if values is not None else None, starts=starts,
    )  # fmt: skip
    found = dict(connection.execute(DAILY, asked).fetchall())
    return [found.get(day, 0) for day in days(first, last)]


def daily_of(
    connection: Connection,
    of: Source,
    metric: str,
    dimension: str,
    values: Sequence[str],
    first: date,
    last: date,
    *,
    name: str = "",
) -> dict[str, list[int]]:
    """The days of each of a few values."""
    asked = of.asked(metric, first, last, name=name, dimension=dimension, values=list(values))
    found = {(value, day): n for value, day, n in connection.execute(DAILY_OF, asked)}
    span = days(first, last)
    return {value: [found.get((value, day), 0) for day in span] for value in values}


def hourly(
    connection: Connection, of: Source, metric: str, day: date, *, name: str = ""
) -> list[int]:
    """How often in each hour of a day."""
    asked = of.asked(metric, day, day, name=name, dimension="hour")
    asked["values"] = [f"{hour:02}" for hour in range(24)]
    found = dict(connection.execute(OF_VALUES, asked).fetchall())
    return [found.get(f"{hour:02}", 0) for hour in range(24)]


def top(
    connection: Connection,
    of: Source,
    metric: str,
    dimension: str,
    first: date,
    last: date,
    *,
    name: str = "",
    limit: int = 6,
    total: int | None = None,
    starts: str = "",
) -> Top:
    """The greatest values, the greatest first; `total` is how often it was altogether.

    With `starts`, of those that start so.
    """
    asked = of.asked(
        metric, first, last, name=name, dimension=dimension, limit=limit, starts=starts
    )
    rows = connection.execute(TOP, asked).fetchall()
    values = [Value(value, n) for value, n, _, _ in rows]
    altogether = total if total is not None else (rows[0][3] if rows else 0)
    rest = max(0, altogether - sum(one.count for one in values))
    return Top(values, rows[0][2] if rows else 0, rest)


def of_values(
    connection: Connection,
    of: Source,
    metric: str,
    dimension: str,
    values: Sequence[str],
    first: date,
    last: date,
    *,
    name: str = "",
) -> dict[str, int]:
    """How often each of some values came."""
    if not values:
        return {}
    asked = of.asked(metric, first, last, name=name, dimension=dimension, values=list(values))
    rows: list[tuple[str, int]] = connection.execute(OF_VALUES, asked).fetchall()
    return dict(rows)


def total(
    connection: Connection, of: Source, metric: str, first: date, last: date, *, name: str = ""
) -> int:
    """How often altogether."""
    if name:
        found = of_values(connection, of, metric, "name", [name], first, last)
        return found.get(name, 0)
    return sum(daily(connection, of, metric, first, last))


def peaks(connection: Connection, project_id: UUID, since: datetime, now: datetime) -> list[int]:
    """How many were here at most in each ten minutes since then."""
    first, last = tens(since), tens(now)
    found = dict(connection.execute(PEAKS, (project_id, first, last)).fetchall())
    return [found.get(ten, 0) for ten in range(first, last + 1)]


def pages_now(
    connection: Connection, project_id: UUID, now: datetime, limit: int = 3
) -> list[tuple[str, int]]:
    """The pages that most of those who are here look at."""
    since = now - ONLINE_FOR
    asked = {
        "project": project_id, "kinds": list(KINDS), "minute": minute(since), "since": since,
        "limit": limit,
    }  # fmt: skip
    return connection.execute(PAGES_NOW, asked).fetchall()


def who_is_here(
    connection: Connection, project_id: UUID, now: datetime, limit: int = 8
) -> list[UUID]:
    """Those whom a browser showed last, of the last minutes."""
    since = now - ONLINE_FOR
    asked = {
        "project": project_id, "kinds": list(KINDS), "minute": minute(since), "since": since,
        "limit": limit,
    }  # fmt: skip
    return [row[0] for row in connection.execute(HERE, asked)]


def days(first: date, last: date) -> list[date]:
    """All of them."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def today(now: datetime, time_zone: str) -> date:
    """The project's day."""
    return now.astimezone(ZoneInfo(time_zone)).date()
