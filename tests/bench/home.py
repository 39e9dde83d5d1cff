"""How long Home and Reports take in a large project, and how fast its history is counted.

    python -m tests.bench.home [--people 1000000] [--days 365] [--times 20] [--seconds 30]

Stores the project of `large` (REGULARS_BENCH_KEEP keeps it), counts its history for so many
seconds, and then fills every day of a year with as many values as a day may tell apart: what pages
read is a matter of those rows, not of events. Prints the median and the 95th percentile over all
pages. REGULARS_BENCH_PEOPLE says the same as --people.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

import psycopg

from regulars.reports import counts, history
from regulars.reports.tally import OF_VISITS
from tests.bench import large, tables

DAYS = 365
TIMES = 20
SECONDS = 30.0  # of history that is counted
MOST = 300.0  # milliseconds that a page may take, in 95 of 100

# As many values a day as there may be, of every dimension of page views and visits.
FULL_DAYS = """
INSERT INTO rollup (project_id, id, generation, metric, name, dimension, value, day, count)
SELECT %(project)s, md5(metric || dimension || n || day)::uuid, 1, metric, '', dimension,
       dimension || '-' || n, day::date, 1 + (1000 / (n + 1))
FROM unnest(ARRAY['views', 'visits']) AS metric, unnest(%(dimensions)s::text[]) AS dimension,
     generate_series(1, %(most)s) AS n,
     generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
ORDER BY day, metric, dimension, n  -- as they would come
"""
PAGES = (
    "", "?period=today", "?period=quarter", "now", "reports/", "reports/?by=path",
    "reports/?by=path&period=quarter&step=week", "reports/?by=path&period=year&step=week",
    "reports/?show=visits&by=referrer&period=year&all=1", "reports/?show=events",
    "reports/?show=event:Order+Completed&by=browser", "reports/?show=signups&by=country",
    "reports/table.csv?by=path",
)  # fmt: skip


BEGIN_ANEW = """
UPDATE rollup_state SET phase = 'events', place = NULL WHERE project_id = %s
"""
IS_FULL = "SELECT EXISTS (SELECT FROM rollup WHERE project_id = %s AND value = 'path-1')"


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=large.PEOPLE)
    options.add_argument("--days", type=int, default=DAYS)
    options.add_argument("--times", type=int, default=TIMES)
    options.add_argument("--seconds", type=float, default=SECONDS)
    given = options.parse_args()
    if not given.people:
        return
    with large.place("home") as folder, large.stored(folder, given.people) as project:
        print(f"{given.people:,} people, {project.events:,} events")
        _count(project.connection, project.project_id, given.seconds)
        _fill_days(project.connection, project.project_id, given.days, project.now)
        _measure(project.agent(), project.project_id, given.times)


def _count(connection: psycopg.Connection[Any], project_id: UUID, seconds: float) -> None:
    """Count history from its beginning, for a while."""
    connection.execute(BEGIN_ANEW, (project_id,))
    started, ranges = time.perf_counter(), 0
    while time.perf_counter() - started < seconds and history.go_on(connection, project_id):
        ranges += 1
    took, counted = time.perf_counter() - started, ranges * history.AT_ONCE
    connection.execute(large.HISTORY_COUNTED, (project_id,))
    print(f"counted {counted:,} events of history in {took:.0f} s ({counted / took:,.0f}/s)")


def _fill_days(
    connection: psycopg.Connection[Any], project_id: UUID, days: int, now: datetime
) -> None:
    row = connection.execute(IS_FULL, (project_id,)).fetchone()
    if row and row[0]:
        return  # in a folder that was kept
    with tables.working(f"filling {days} days with {counts.KEPT} values each"):
        asked = {
            "project": project_id, "dimensions": ["path", *OF_VISITS], "most": counts.KEPT,
            "first": (now - timedelta(days=days - 1)).date(), "last": now.date(),
        }  # fmt: skip
        connection.execute(FULL_DAYS, asked)
        connection.execute("VACUUM ANALYZE rollup")


def _measure(visitor: Any, project_id: UUID, times: int) -> None:
    every: list[float] = []
    for page in PAGES:
        took = []
        for _ in range(times + 1):
            started = time.perf_counter()
            answer = visitor.get(f"/p/{project_id}/{page}", headers={"host": "127.0.0.1"})
            took.append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, (page, answer.status_code)
        warm = sorted(took[1:])
        every += warm
        print(f"{warm[len(warm) // 2]:8.0f} ms median {warm[-1]:8.0f} ms most   /{page}")
    p95 = quantiles(every, n=20)[-1]
    word = "within" if p95 <= MOST else "over"
    print(f"{p95:8.0f} ms  95th percentile of all, {word} the {MOST:.0f} ms meant")


if __name__ == "__main__":
    main()
