"""`make bench`: what the product manages on this machine, the load generator included.

Starts an installation of its own and, beside it, what it is compared with (`reference`), drives
them by turns with the same traffic, and prints tables. docs/reference/benchmarks.md says what each
figure means. REGULARS_BENCH_SECONDS is how long each measurement lasts, REGULARS_BENCH_PEOPLE how
many people are stored for the second half (0: there is none).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from regulars.config.installation import set_up_django
from regulars.kit import clock, database
from tests.bench import tables
from tests.running import running

if TYPE_CHECKING:
    import psycopg

SECONDS = float(os.environ.get("REGULARS_BENCH_SECONDS", "6"))
PEOPLE = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))

PROCESSES = 2
ROUNDS = 3
SEGMENTS = 24
ACTIVE = 20_000  # people who come back during the measurements
SHAPES = {"batches": (100, 16), "single": (1, 128)}  # events a request, connections
RETURNING = """
SELECT kind, value FROM identity TABLESAMPLE BERNOULLI (%s)
WHERE project_id = %s AND kind <> 'former' ORDER BY random() LIMIT %s
"""


@dataclass
class Bench:
    """The project that is measured, and what has been found so far."""

    connection: psycopg.Connection[Any]
    project_id: UUID
    write_key: str
    hosts: dict[str, str]  # where each competitor answers
    people: Path
    answered: int = 0
    runs: int = 0
    results: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def choose_people(self) -> None:
        """Whoever comes back from now on: a sample of all who are stored."""
        stored = self.connection.execute("SELECT sum(people) FROM kind_count").fetchone()
        share = min(100.0, 300.0 * ACTIVE / max(1, int(stored[0] if stored else 0)))
        rows = self.connection.execute(RETURNING, (share, self.project_id, ACTIVE)).fetchall()
        self.people.write_text(json.dumps(rows), encoding="utf-8")

    def drive(self, competitor: str, shape: str, label: str, *, greet: bool = False) -> None:
        """One measurement, kept under the label."""
        self.runs += 1
        size, connections = SHAPES[shape]
        command = [
            sys.executable, "-m", "tests.bench.load", "--host", self.hosts[competitor],
            "--key", self.write_key, "--people", str(self.people), "--events", str(size),
            "--connections", str(connections), "--seconds", str(SECONDS),
            "--prefix", f"run{self.runs}", *(["--greet"] if greet else []),
        ]  # fmt: skip
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        found["load"] = os.getloadavg()[0]
        if competitor == "product":
            self.answered += found["answered"]
        self.results.setdefault((label, shape), []).append(found)

    def middle(self, label: str, shape: str) -> dict[str, Any]:
        """Of the label's rounds the one in the middle."""
        found = sorted(self.results[label, shape], key=lambda one: float(one["requests_per_s"]))
        return found[len(found) // 2]


def main() -> None:
    """Measure and print."""
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-bench")))
        settings = {"REGULARS_WEB_PROCESSES": str(PROCESSES)}
        installation = stack.enter_context(running(folder / "data", settings=settings))
        state = json.loads((folder / "data" / "run" / "state.json").read_text("utf-8"))
        os.environ |= {"DATABASE_URL": state["dsn"], "REGULARS_DATA": str(folder / "data")}
        set_up_django()
        bench = _prepare(folder / "people.json", installation.url.removeprefix("http://"))
        stack.enter_context(bench.connection)
        for kind in ("parse", "bare"):
            bench.hosts[kind] = stack.enter_context(_reference(kind))
        tables.machine(PROCESSES, SECONDS, ROUNDS)
        _compare(bench)
        tables.comparison(bench.middle, SHAPES, SEGMENTS)
        tables.costs(_costs(bench))
        if PEOPLE:
            _among_many(bench)
            tables.among_many(bench.middle, SHAPES, ACTIVE, PEOPLE)
            tables.filling(*_filled(bench))
        tables.check(bench.answered, _stored(bench))
    tables.end(time.monotonic() - started)


def _prepare(people: Path, host: str) -> Bench:
    from regulars.config import wiring
    from regulars.workspaces.actions import create_project
    from tests.bench import population, segments

    wiring.wire()
    connection = database.connect()
    made = create_project("Benchmark", now=clock.now())
    with tables.working(f"{ACTIVE:,} people who come back"):
        population.load(connection, made.project_id, ACTIVE, now=clock.now())
        segments.add_segments(connection, made.project_id, SEGMENTS, clock.now())
    bench = Bench(connection, made.project_id, made.write_key, {"product": host}, people)
    bench.choose_people()
    return bench


def _compare(bench: Bench) -> None:
    with tables.working("everybody comes once"):
        bench.drive("product", "batches", "warming up", greet=True)
    for number in range(ROUNDS):
        for shape in SHAPES:
            for competitor in ("parse", "bare", "product"):
                with tables.working(f"round {number + 1} of {ROUNDS}: {shape}, {competitor}"):
                    bench.drive(competitor, shape, competitor)


def _among_many(bench: Bench) -> None:
    from tests.bench import population

    with tables.working(f"storing {PEOPLE:,} people"):
        population.load(bench.connection, bench.project_id, PEOPLE, now=clock.now(), seed=2)
        bench.choose_people()
    with tables.working("everybody comes once"):
        bench.drive("product", "batches", "warming up", greet=True)
    for number in range(ROUNDS):
        for shape in SHAPES:
            with tables.working(f"among {PEOPLE:,}, round {number + 1} of {ROUNDS}: {shape}"):
                bench.drive("product", shape, "among many")


def _filled(bench: Bench) -> tuple[dict[str, Any], list[Any]]:
    from tests.bench import backfill
    from tests.bench.settled import wait_until_settled

    with tables.working("the worker does what it begins with"):
        wait_until_settled(bench.connection, bench.project_id)
    with tables.working("filling new segments under a steady stream"):
        found = backfill.measure(
            bench.connection, bench.project_id, bench.hosts["product"], bench.write_key,
            bench.people,
        )  # fmt: skip
    alone, filled = found
    bench.answered += alone["answered"] + sum(one.answered for one in filled)
    return found


def _costs(bench: Bench) -> list[Any]:
    from regulars.workspaces.keys import load_project
    from tests.bench import costs
    from tests.bench.load import Traffic, read_people

    project = load_project(bench.connection, bench.project_id)
    assert project is not None
    traffic = Traffic(read_people(bench.people), "costs", 1, greet=False)
    with tables.working("what each step costs"):
        found = costs.measure(bench.connection, project, traffic)
    bench.answered += costs.A_BATCH * (costs.WARM_UP + costs.BATCHES)
    return found


def _stored(bench: Bench) -> int:
    """Events of the product's runs, as the database has them."""
    count = "SELECT count(*) FROM event WHERE project_id = %s AND session_id IS NOT NULL"
    row = bench.connection.execute(count, (bench.project_id,)).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _reference(kind: str) -> Iterator[str]:
    """As many processes as the product's, on one socket; where they answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        fd = listener.fileno()
        command = [sys.executable, "-m", "tests.bench.reference", kind, "--fd", str(fd)]
        processes = [subprocess.Popen(command, pass_fds=[fd]) for _ in range(PROCESSES)]
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


if __name__ == "__main__":
    main()
