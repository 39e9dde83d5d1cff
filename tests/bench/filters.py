"""Filters over a million people: each operator, twenty filters of several conditions, and the rail.

    python -m tests.bench.filters [--people 1000000] [--project ID] [--times 9]

Starts an installation of its own and fills it; with `--project` it asks a project that is there
already (in DATABASE_URL). Needs what requirements/bench.lock pins: the rivals.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.config import migrations
from regulars.config.installation import ensure_database, set_up_django
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.kit import clock, database, environment
from tests.bench import filter_tables as tables
from tests.bench.filter_tables import Line
from tests.bench.questions import Question, questions

if TYPE_CHECKING:
    import psycopg

    from regulars.filters.facts import Facts

PEOPLE = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))
ZONE = ZoneInfo("Europe/Berlin")
TIMES = 9
SEGMENTS = 24
EVALUATED = 200  # segments
ROWS = 2_000  # people they are evaluated for
A_PAGE = 50


@dataclass
class Bench:
    """The project that is asked."""

    connection: psycopg.Connection[Any]
    project_id: UUID
    now: datetime
    times: int


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--project", type=UUID)
    options.add_argument("--times", type=int, default=TIMES)
    given = options.parse_args()
    if not given.people:
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-filters")))
        if given.project is None:
            _start(stack, folder / "data")
        set_up_django()
        connection = stack.enter_context(database.connect())
        project_id = given.project or _filled(connection, given.people)
        measure(Bench(connection, project_id, clock.now(), given.times), folder)


def _start(stack: ExitStack, data: Path) -> None:
    """The product's database alone: with a worker, time would move people meanwhile."""
    os.environ |= {"REGULARS_DATA": str(data)}
    os.environ.pop("DATABASE_URL", None)
    stack.enter_context(ensure_database(environment.read(), "benchmark"))
    set_up_django()
    migrations.apply()


def measure(bench: Bench, folder: Path) -> None:
    """Ask everything, and print what it took."""
    from regulars.config import wiring
    from regulars.people.packed.keeping import pack_project
    from regulars.segments.clock import move_project
    from tests.bench import rivals

    wiring.wire()
    with tables.working("moving whom time has moved since"):
        while move_project(bench.connection, bench.project_id, bench.now):
            pass
    with tables.working("packing everybody, as the worker does"):
        pack_project(bench.connection, bench.project_id, bench.now)
    row = bench.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'active'", (bench.project_id,)
    ).fetchone()
    assert row is not None
    with tables.working("giving the rivals the same data"):
        others, bare = rivals.ready(
            bench.connection, bench.project_id, row[0], folder, ZONE, os.cpu_count() or 1
        )
    lines = []
    for question in questions(str(row[0])):
        with tables.working(question.name):
            lines.append(_line(bench, question, others, bare))
    tables.machine(bench.times)
    tables.pages_and_counts(lines)
    tables.small_figures(_rail(bench), _evaluated(bench))


def _filled(connection: psycopg.Connection[Any], people: int) -> UUID:
    from regulars.config import wiring
    from regulars.workspaces.actions import create_project
    from tests.bench import history, population, segments

    wiring.wire()
    now = clock.now()
    project_id = create_project("Filters", now=now).project_id
    with tables.working(f"storing {people:,} people and what they did"):
        segments.add_segments(connection, project_id, SEGMENTS, now)
        population.load(connection, project_id, people, now=now)
        history.load(connection, project_id, now=now)
    return project_id


def _line(bench: Bench, question: Question, others: Sequence[Any], bare: Any) -> Line:
    """One question, asked of everybody by turns; all must find as many."""
    from regulars.people import queries
    from regulars.people.queries import Which
    from tests.bench.rivals import timed

    filter_ = parse(question.filter)
    when = When(bench.now, ZONE)
    which = Which(bench.now, filter=filter_, zone=ZONE)
    connection, project_id = bench.connection, bench.project_id
    page, pages = timed(
        lambda: queries.people_page(connection, project_id, which, limit=A_PAGE, total="none"),
        bench.times,
    )
    total, counts = timed(lambda: queries.count(connection, project_id, which), bench.times)
    rivals = {}
    for rival in others:
        number, counted = timed(lambda rival=rival: rival.count(filter_, when), 3)  # type: ignore[misc]
        _, listed = timed(lambda rival=rival: rival.page(filter_, when), 3)  # type: ignore[misc]
        assert number == total.number, (question.name, rival.name, number, total.number)
        rivals[rival.name] = (statistics.median(listed), statistics.median(counted))
    number, scanned = timed(lambda: bare.count(filter_, when), 3)
    assert number in (None, total.number), (question.name, number, total.number)
    assert len(page.people) == min(A_PAGE, total.number), question.name
    limit = None if number is None else statistics.median(scanned)
    return Line(question.name, total.number, pages, counts, rivals, limit)


def _rail(bench: Bench) -> list[float]:
    """The counts of all segments beside the list, in ms."""
    from regulars.segments import glance
    from tests.bench.rivals import timed

    return timed(lambda: glance.rail(bench.connection, bench.project_id), 50)[1]


def _evaluated(bench: Bench) -> list[float]:
    """All segments evaluated for one person, in µs: each time the mean over many people."""
    from regulars.filters.compile import compile_filters
    from regulars.people import store
    from tests.bench.segments import many

    rows = bench.connection.execute(
        "SELECT id FROM person WHERE project_id = %s ORDER BY id LIMIT %s",
        (bench.project_id, ROWS),
    ).fetchall()
    ids = [id_ for (id_,) in rows]
    # A person has all facts that filters ask for.
    people = cast("list[Facts]", [*store.read(bench.connection, bench.project_id, ids).values()])
    program = compile_filters([parse(one) for one in many(EVALUATED)], ZONE)
    took = []
    gc.disable()
    for _ in range(20):
        started = time.perf_counter()
        for person in people:
            program.evaluate(person, bench.now)
        took.append((time.perf_counter() - started) * 1e6 / len(people))
    gc.enable()
    return took


if __name__ == "__main__":
    main()
