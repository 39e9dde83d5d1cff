"""The funnel of a million people: its report, weeks and channels, and counting a new condition.

    python -m tests.bench.funnel [--people 1000000] [--times 9]

Starts a database of its own. People, and when they reached five checkpoints, are made by SQL; no
events are stored.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from regulars.config import migrations
from regulars.config.installation import ensure_database, set_up_django
from regulars.kit import clock, database, environment

PEOPLE = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))

MAKE_PEOPLE = """
INSERT INTO person (project_id, id, kind, user_id, signed_up_at, first_seen, browser, country,
                    folded, created_at, updated_at)
SELECT %(project)s, md5('p' || n)::uuid, 'user', 'u' || n,
       %(now)s - random() * interval '700 days', %(now)s - interval '701 days',
       b.browser, (ARRAY['Ghana', 'Chile', 'Japan', 'Norway', 'Kenya', 'Peru'])[1 + n %% 6],
       jsonb_build_object('browser', lower(b.browser)), %(now)s, %(now)s
FROM generate_series(1, %(people)s) n,
     LATERAL (SELECT (ARRAY['Chrome', 'Chrome', 'Safari', 'Firefox'])[1 + n %% 4] AS browser) b
"""
MAKE_ACTIVITY = """
INSERT INTO person_activity (project_id, id, kind, last_seen, segments)
SELECT project_id, id, kind, %(now)s - random() * interval '60 days', '{1}'
FROM person WHERE project_id = %(project)s
"""
MAKE_COMPACT = """
INSERT INTO person_compact (project_id, id, sessions, kind, signed_up_at, first_seen, country,
                            browser)
SELECT project_id, id, 0, kind, signed_up_at, first_seen, lower(country), lower(browser)
FROM person WHERE project_id = %(project)s
"""
# Of each step about six of ten go on, within some weeks.
MAKE_PROGRESS = """
INSERT INTO funnel_progress (project_id, id, {lanes})
SELECT %(project)s, id, t1, t2, t3, t4, t5
FROM (SELECT id, signed_up_at AS t1 FROM person WHERE project_id = %(project)s) p,
     LATERAL (SELECT CASE WHEN random() < 0.7 THEN t1 + random() * interval '9 days' END AS t2) a,
     LATERAL (SELECT CASE WHEN random() < 0.6 THEN t2 + random() * interval '20 days' END AS t3) b,
     LATERAL (SELECT CASE WHEN random() < 0.6 THEN t3 + random() * interval '40 days' END AS t4) c,
     LATERAL (SELECT CASE WHEN random() < 0.5 THEN t4 + random() * interval '60 days' END AS t5) d
"""
KINDS = "INSERT INTO kind_count (project_id, id, people) VALUES (%s, 'user', %s)"


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--times", type=int, default=9)
    asked = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-funnel")))
        os.environ["REGULARS_DATA"] = str(folder / "data")
        stack.enter_context(ensure_database(environment.read(), "benchmark"))
        set_up_django()
        migrations.apply()
        _measure(asked.people, asked.times)


def _measure(people: int, times: int) -> None:
    from regulars.config import wiring
    from regulars.workspaces.actions import create_project

    wiring.wire()
    made = create_project("Funnel", now=clock.now())
    with database.connect() as connection:
        now = clock.now()
        _fill(connection, made.project_id, people, now)
        _report(connection, made.project_id, times, now)
        _count_anew(connection, made.project_id)


def _fill(
    connection: psycopg.Connection[Any], project_id: UUID, people: int, now: datetime
) -> None:
    from regulars.funnels import actions, report
    from regulars.funnels.rows import Draft
    from tests.bench import population

    asked = {"project": project_id, "people": people, "now": now}
    drafts = [
        *actions.drafts_of(connection, project_id),
        *(
            Draft(f"Did {n}", "", {"event": f"Step {n}", "op": "at_least", "count": 1})
            for n in (3, 4, 5)
        ),
    ]
    with connection.transaction():
        actions.put(connection, project_id, drafts, now)
    chain = report.chain_of(connection, project_id)
    lanes = ", ".join(f"lane{lane}" for lane in chain.lanes)
    with population.without_indexes(connection):
        for statement in (MAKE_PEOPLE, MAKE_ACTIVITY, MAKE_COMPACT):
            connection.execute(statement, asked)
        connection.execute(MAKE_PROGRESS.format(lanes=lanes), asked)
    connection.execute(KINDS, (project_id, people))
    connection.execute("DELETE FROM segment_fill WHERE project_id = %s", (project_id,))
    connection.execute("VACUUM ANALYZE")


def _report(
    connection: psycopg.Connection[Any], project_id: UUID, times: int, now: datetime
) -> None:
    from datetime import timedelta

    from regulars.funnels import impact, impact_kept, report, weeks
    from regulars.funnels.report import Period

    chain = report.chain_of(connection, project_id)
    year, month = (Period(now - timedelta(days=days), now) for days in (365, 28))
    by_country = report.split_of(connection, project_id, "country")
    asked: dict[str, Callable[[], Any]] = {
        "report, all time": lambda: report.report(connection, project_id, Period()),
        "report, 12 months": lambda: report.report(connection, project_id, year),
        "report, 28 days": lambda: report.report(connection, project_id, month),
        "report by country, 12 months": lambda: report.report(
            connection, project_id, year, by_country
        ),
        "weeks": lambda: weeks.cohorts(connection, project_id, chain, 3, now),
        "impact, counted": lambda: impact.impact(connection, project_id, chain, 1, 7, now),
        "impact, kept": lambda: impact_kept.of(connection, project_id, chain, 1, 7, now),
    }
    for name, ask in asked.items():
        took = sorted(_seconds(ask) * 1000 for _ in range(times))
        p95 = took[max(0, round(len(took) * 0.95) - 1)]
        print(f"{name:32} p50 {statistics.median(took):7.0f} ms   p95 {p95:7.0f} ms")


def _count_anew(connection: psycopg.Connection[Any], project_id: UUID) -> None:
    from regulars.funnels import actions, queries
    from regulars.funnels.rows import Draft
    from regulars.segments import filling

    for name, rule in (
        ("browser is Firefox", {"field": "browser", "op": "is", "value": "Firefox"}),
        ("seen in 14 days", {"field": "last_seen", "op": "within_last", "value": 14}),
    ):
        with connection.transaction():
            actions.change(connection, project_id, 2, Draft("Two", "", rule), clock.now())
        took = _seconds(lambda: filling.fill_project(connection, project_id, clock.now()))
        one = queries.checkpoint(connection, project_id, 2)
        print(f"counted anew: {name:18} {took:7.1f} s, {one.meeting:,} meet it")


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
