"""The funnel of a million people and ten million events: its pages, and counting a new condition.

    python -m tests.bench.funnel [--people 1000000] [--times 20]

Stores the project of `large` (REGULARS_BENCH_KEEP keeps it), asks for every page through the
console, asks DuckDB for the same funnel over the raw events, and then changes a checkpoint on the
running installation while events arrive steadily; the stream alone, warmed up and when
the worker is done with what it begins with (`settled`), is the comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from tests.bench import large
from tests.bench.large import Large
from tests.bench.settled import wait_until_settled

TIMES, RIVALLED = 20, 5
MOST = 300.0  # milliseconds that a page may take, in 95 of 100
COUNTED_WITHIN = 30.0  # seconds
RATE, BATCH = 2_000, 10  # events a second, and of a request
CONNECTIONS = 64  # whoever waits for an answer holds nobody else up
WARM_UP, ALONE, PATIENCE = 20.0, 20.0, 300.0  # seconds
UNDER_WAY = 4.0  # seconds until the stream runs steadily
COMING_BACK = 20_000  # people whose events the stream is
P99 = 100.0  # ms of a request of the stream

PAGES = {
    "funnel, 12 months": "funnel/",
    "funnel, all time": "funnel/?days=",
    "funnel, 28 days": "funnel/?days=28",
    "funnel by country": "funnel/?split=country",
    "weeks": "funnel/weeks?place=3",
    "weeks of a country": "funnel/weeks?place=3&split=country&part=is:nigeria",
    "channels": "funnel/channels?step=2",
    "channels of a country": "funnel/channels?step=2&split=country&part=is:nigeria",
    "a bar's people": "",
    "Home's cards": "cards",
}
# The last two are reached by everybody: one was never asked for before, the other comes back.
RULES = {
    "seen in 14 days": {"field": "last_seen", "op": "within_last", "value": 14},
    "browser is Firefox": {"field": "browser", "op": "is", "value": "Firefox"},
    "ordered three times": {"event": "Order Completed", "op": "at_least", "count": 3},
    "first seen is known": {"field": "first_seen", "op": "is_known"},
    "signed in twice": {"event": "Signed In", "op": "at_least", "count": 2},
}
RETURNING = """
SELECT kind, value FROM identity TABLESAMPLE BERNOULLI (%s)
WHERE project_id = %s AND kind <> 'former' ORDER BY random() LIMIT %s
"""
FOLLOWING = "SELECT FROM segment WHERE has_found"
FORGET_KEPT = "DELETE FROM funnel_kept WHERE project_id = %s"


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=large.PEOPLE)
    options.add_argument("--times", type=int, default=TIMES)
    options.add_argument("--only", choices=("pages", "duckdb", "edit"), help="a part")
    asked = options.parse_args()
    if not asked.people:
        return
    with large.place("funnel") as folder:
        with large.stored(folder, asked.people) as project:
            print(f"{asked.people:,} people, {project.events:,} events")
            if asked.only in (None, "pages"):
                _pages(project, asked.times)
            if asked.only in (None, "duckdb"):
                _beside_duckdb(project, folder, min(asked.times, RIVALLED))
        if asked.only in (None, "edit"):
            with large.serving(folder) as installation:
                _edit(folder, project.project_id, installation.url.removeprefix("http://"))


def _pages(project: Large, times: int) -> None:
    project.connection.execute(FORGET_KEPT, (project.project_id,))
    browser, every = project.agent(), []
    for name, page in PAGES.items():
        url = f"/p/{project.project_id}/{page}" if page else _bar(browser, project)
        # What the page asks for while it says that it counts.
        counting = url + ("&count" if "?" in url else "?count") if "funnel/" in url else url
        (first,) = _asked(partial(_get, browser, counting), 1)
        took = _asked(partial(_get, browser, url), times)
        every += took
        print(f"{name:24} p50 {median(took):6.0f} ms  p95 {_p95(took):6.0f}  first {first:6.0f}")
    _verdict(f"95th percentile of all: {_p95(every):.0f} ms", _p95(every) <= MOST)


def _get(browser: Any, url: str) -> bytes:
    answer = browser.get(url, headers={"host": "127.0.0.1"})
    assert answer.status_code == 200, (url, answer.status_code)
    content: bytes = answer.content
    return content


def _bar(browser: Any, project: Large) -> str:
    """The list behind the third bar."""
    import html
    import re

    page = _get(browser, f"/p/{project.project_id}/funnel/").decode()
    return html.unescape(re.findall(r'<li><a href="([^"]*people/\?[^"]*)"', page)[2])


def _beside_duckdb(project: Large, folder: Path, times: int) -> None:
    from regulars.funnels import parts, report
    from regulars.funnels.report import Period
    from tests.bench.funnel_rival import Rival

    core, project_id, now = project.connection, project.project_id, project.now
    rival = Rival(core, project_id, folder)
    by_country = parts.split_of(core, project_id, "country")
    for days in (365, 28):
        for split in (None, by_country):
            since = now - timedelta(days=days)
            ours = report.report(core, project_id, Period(since, now), split)
            theirs = rival.reached(since, now, by_country=split is not None)
            assert [one.reached for one in ours.stages] == theirs, (ours.stages, theirs)
            period = Period(since, now)
            took = _asked(partial(report.report, core, project_id, period, split), times)
            by = partial(rival.reached, since, now, by_country=split is not None)
            other = _asked(by, times)
            name = f"{days} days{' by country' if split else ''}"
            print(f"{name:24} p50 {median(took):6.0f} ms  DuckDB {median(other):6.0f} ms")


def _edit(folder: Path, project_id: UUID, host: str) -> None:
    """Another condition for the second checkpoint, while events arrive."""
    from regulars.funnels import upkeep
    from regulars.workspaces.keys import load_project

    state = json.loads((folder / "data" / "run" / "state.json").read_text("utf-8"))
    os.environ["DATABASE_URL"] = state["dsn"]
    with database.connect() as connection:
        found = load_project(connection, project_id)
        assert found is not None
        key = found.write_keys[0]
        people = folder / "people.json"
        counted = connection.execute("SELECT sum(people) FROM kind_count").fetchone()
        share = min(100.0, 300.0 * COMING_BACK / float(counted[0] if counted else 1))
        rows = connection.execute(RETURNING, (share, project_id, COMING_BACK)).fetchall()
        people.write_text(json.dumps(rows), encoding="utf-8")
        _ended(_stream(host, key, people, WARM_UP))
        print(f"settled after {wait_until_settled(connection, project_id):.0f} s more", flush=True)
        _say("the stream alone", _ended(_stream(host, key, people, ALONE)))
        before = _rule_of(connection, project_id)
        for name, rule in {**RULES, "as it was": before}.items():
            streaming = _stream(host, key, people, PATIENCE)
            time.sleep(UNDER_WAY)
            took = _counted(connection, project_id, rule)
            streaming.terminate()
            _say(f"{name}, beside it", _ended(streaming))
            _verdict(f"{name}: counted in {took:.1f} s", took <= COUNTED_WITHIN)
            _follow(host, key, people, connection, name)
            while connection.execute(upkeep.LEFT).rowcount:  # what the one before left behind
                time.sleep(1)


def _follow(
    host: str, key: str, people: Path, connection: psycopg.Connection[Any], name: str
) -> None:
    """Until people's own rows say what was found of them; the first half minute beside events."""
    started = time.perf_counter()
    if connection.execute(FOLLOWING).rowcount:
        _say(f"{name}, as rows follow", _ended(_stream(host, key, people, ALONE)))
    while connection.execute(FOLLOWING).rowcount:
        time.sleep(1)
    print(f"  people's own rows say it after {time.perf_counter() - started:.0f} s more")


def _rule_of(connection: psycopg.Connection[Any], project_id: UUID) -> Any:
    from regulars.funnels import queries

    return queries.checkpoint(connection, project_id, 2).wanted


def _counted(connection: psycopg.Connection[Any], project_id: UUID, rule: Any) -> float:
    from regulars.funnels import actions, queries
    from regulars.funnels.rows import Draft

    started = time.perf_counter()
    with connection.transaction():
        actions.change(connection, project_id, 2, Draft("Active", "", rule), clock.now())
    while queries.checkpoint(connection, project_id, 2).counting is not None:
        if time.perf_counter() - started > PATIENCE:
            break
        time.sleep(0.05)
    return time.perf_counter() - started


def _stream(host: str, key: str, people: Path, seconds: float) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "tests.bench.load", "--host", host, "--key", key, "--people",
        str(people), "--events", str(BATCH), "--connections", str(CONNECTIONS), "--seconds",
        str(seconds), "--rate", str(RATE), "--prefix", f"funnel-{time.time_ns()}",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _ended(streaming: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = streaming.communicate(timeout=PATIENCE)
    found: dict[str, Any] = json.loads(output)
    return found


def _say(name: str, found: dict[str, Any]) -> None:
    print(
        f"{name:32} {found['events_per_s']:6,.0f} events/s  p50 {found['p50_ms']:6.1f} ms"
        f"  p99 {found['p99_ms']:6.1f} ms"
    )
    if found["other"]:
        print(f"  answered otherwise: {found['other']}")


def _asked(ask: Callable[[], Any], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _p95(took: list[float]) -> float:
    return sorted(took)[max(0, round(len(took) * 0.95) - 1)]


def _verdict(what: str, kept: bool) -> None:
    print(f"  {'✔' if kept else '✘'} {what}", flush=True)


if __name__ == "__main__":
    main()
