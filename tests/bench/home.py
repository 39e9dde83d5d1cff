"""How long Home and Reports take in a large project, and how fast its history is counted.

    python -m tests.bench.home [--people 1000000] [--days 365] [--times 20]

Starts the product's database alone, fills a project with people and what they did, counts that,
and then fills every day of a year with as many values as a day may tell apart: what pages read is a
matter of those rows, not of events. Prints the median and the 95th percentile over all pages.
REGULARS_BENCH_PEOPLE says the same as --people.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

import psycopg

from regulars.config import migrations
from regulars.config.installation import ensure_database, set_up_django
from regulars.kit import clock, database, environment
from regulars.reports import counts, keeping
from regulars.reports.tally import OF_VISITS
from tests.bench import tables

PEOPLE = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))
DAYS = 365
TIMES = 20
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


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--days", type=int, default=DAYS)
    options.add_argument("--times", type=int, default=TIMES)
    given = options.parse_args()
    if not given.people:
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-home")))
        os.environ |= {"REGULARS_DATA": str(folder / "data")}
        os.environ.pop("DATABASE_URL", None)
        stack.enter_context(ensure_database(environment.read(), "benchmark"))
        set_up_django()
        migrations.apply()
        connection = stack.enter_context(database.connect())
        now = clock.now()
        project_id, visitor = _filled(connection, given.people, now)
        _fill_days(connection, project_id, given.days, now)
        _measure(visitor, project_id, given.times)


def _filled(connection: psycopg.Connection[Any], people: int, now: datetime) -> tuple[UUID, Any]:
    """A project with people and a past, counted; and an agent's browser."""
    from django.test import Client

    from regulars.config import wiring
    from regulars.workspaces import actions
    from regulars.workspaces.models import Agent
    from tests.bench import history, population

    wiring.wire()
    project_id = actions.create_project("Home", now=now).project_id
    agent_id = actions.create_agent(
        project_id, "ines@tideway.example", "not a secret at all", "owner", now=now
    )
    with tables.working(f"storing {people:,} people and what they did"):
        population.load(connection, project_id, people, now=now)
        events = history.load(connection, project_id, now=now)
        connection.execute("ANALYZE")
    started = time.perf_counter()
    with tables.working(f"counting {events:,} events"):
        keeping.count_project(connection, project_id, now + timedelta(hours=1))
    took = time.perf_counter() - started
    print(
        f"counted {events:,} events and {people:,} people in {took:.0f} s ({events / took:,.0f}/s)"
    )
    client = Client()
    agent = Agent.objects.get(id=agent_id)
    client.force_login(agent, backend="regulars.workspaces.authentication.PasswordBackend")
    return project_id, client


def _fill_days(
    connection: psycopg.Connection[Any], project_id: UUID, days: int, now: datetime
) -> None:
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
