"""`make bench`: how much comes in a second, beside the same server doing less.

Starts an installation of its own, two web processes and all, with the load generator on the same
machine, and prints tables. Ratios to the reference runs, taken in turn within the same minutes,
say more than the figures, which are this machine's. REGULARS_BENCH_SECONDS sets the length of a
run (6), REGULARS_BENCH_PEOPLE how many people are stored for the last table (1000000; 0: none).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

from regulars.kit import clock
from regulars.workspaces.keys import load_project
from tests.bench import population, stages
from tests.bench.load import Traffic, Who
from tests.bench.segments import add_segments
from tests.running import Running, free_port, running, wait_until

SECONDS = float(os.environ.get("REGULARS_BENCH_SECONDS", "6"))
STORED = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))
ROUNDS = 3
PEOPLE = 5_000
SEGMENTS = 24
CASES = (("batches of 100", 100, 12), ("single events", 1, 64))
PLACES = (("parsed and answered", "/parse"), ("stored as bare events", "/bare"), ("Regulars", ""))

Report = dict[str, Any]
out = Console(width=110)


def main() -> None:
    """Everything, in order."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    out.print(f"{cores} cores, load {load:.1f} before the start; runs of {SECONDS:g} s\n")
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        data = Path(folder) / "data"
        with running(data) as server, psycopg.connect(_dsn(data), autocommit=True) as database:
            bench = Bench(server, database, Path(folder) / "people.json")
            with bench.reference():
                for name, events, connections in CASES:
                    bench.compare(name, events, connections)
            bench.stages()
            if STORED:
                bench.store(STORED)
                for name, events, connections in CASES:
                    bench.again(name, events, connections)


class Bench:
    """One installation and what was measured on it."""

    def __init__(self, server: Running, database: psycopg.Connection[Any], people: Path) -> None:
        self._server = server
        self._database = database
        self._people = people
        made = json.loads(server.run("project", "create", "Bench", "--json").stdout)
        self._project = UUID(made["project_id"])
        self._key = made["write_key"]
        self._runs = 0
        self._before: dict[str, Report] = {}
        self._reference_port = free_port()
        add_segments(database, self._project, SEGMENTS, clock.now())
        people.write_text(json.dumps(_people()))

    @contextmanager
    def reference(self) -> Iterator[None]:
        """The reference server, on the same database."""
        environment = os.environ | {"DATABASE_URL": _dsn(self._server.data)}
        command = [sys.executable, "-m", "tests.bench.reference", "--port"]
        process = subprocess.Popen(
            [*command, str(self._reference_port)], env=environment, start_new_session=True
        )
        try:
            wait_until(lambda: _answers(self._reference_port), seconds=30)
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait()

    def compare(self, name: str, events: int, connections: int) -> None:
        """The product beside its references, in turn, some rounds; medians are printed."""
        reports: dict[str, list[Report]] = {under: [] for _, under in PLACES}
        for _ in range(ROUNDS):
            for _, under in PLACES:
                reports[under].append(self._load(under, events, connections))
        table = _table(f"{name}, {SEGMENTS} segments, {PEOPLE:,} people who come back")
        ours = _median(reports[""])
        for place, under in PLACES:
            report = _median(reports[under])
            table.add_row(place, *_figures(report, ours))
        out.print(table)
        self._before[name] = ours

    def stages(self) -> None:
        """What an event costs, by stage, in one process with one connection."""
        project = load_project(self._database, self._project)
        assert project is not None
        _wire(self._server.data)
        traffic = Traffic(_people(), "stages", 1)
        costs = stages.measure(self._database, project, traffic, 150, clock.now)
        table = Table(title="Cost of an event by stage, batches of 100", title_justify="left")
        table.add_column("stage")
        table.add_column("µs an event", justify="right")
        for stage, cost in sorted(costs.items(), key=lambda one: -one[1]):
            table.add_row(stage, f"{cost:.1f}")
        table.add_row("all", f"{sum(costs.values()):.1f}", style="bold")
        out.print(table)

    def store(self, people: int) -> None:
        """Fill the project."""
        with out.status(f"Storing {people:,} people …"):
            population.load(self._database, self._project, people, now=clock.now())

    def again(self, name: str, events: int, connections: int) -> None:
        """The product once more, beside what it did with few people."""
        after = _median([self._load("", events, connections) for _ in range(ROUNDS)])
        before = self._before[name]
        table = _table(f"{name}, with {STORED:,} people stored")
        table.add_row("before", *_figures(before, before))
        table.add_row("now", *_figures(after, before))
        out.print(table)

    def _load(self, under: str, events: int, connections: int) -> Report:
        self._runs += 1
        port = self._reference_port if under else self._server.port
        command = [
            sys.executable, "-m", "tests.bench.load", "--host", f"127.0.0.1:{port}",
            "--key", self._key, "--people", str(self._people), "--events", str(events),
            "--connections", str(connections), "--seconds", str(SECONDS),
            "--prefix", f"run{self._runs}",
        ]  # fmt: skip
        if under:
            command += ["--under", under]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        report: Report = json.loads(done.stdout)
        if report["other"]:
            out.print(f"[red]{under or 'Regulars'}: other answers {report['other']}[/red]")
        return report


def _people() -> list[Who]:
    return [("user" if n % 3 == 0 else "anonymous", f"p{n}") for n in range(PEOPLE)]


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in ("events/s", "requests/s", "p50 ms", "p99 ms", "Regulars to this"):
        table.add_column(column, justify="right")
    return table


def _figures(report: Report, ours: Report) -> list[str]:
    ratio = ours["events_per_s"] / report["events_per_s"] if report["events_per_s"] else 0.0
    return [
        f"{report['events_per_s']:,.0f}",
        f"{report['requests_per_s']:,.0f}",
        f"{report['p50_ms']:.1f}",
        f"{report['p99_ms']:.1f}",
        f"{ratio:.2f}",
    ]


def _median(reports: list[Report]) -> Report:
    keys = ("events_per_s", "requests_per_s", "p50_ms", "p99_ms")
    return {key: median(report[key] for report in reports) for key in keys}


def _dsn(data: Path) -> str:
    dsn: str = json.loads((data / "run" / "state.json").read_text(encoding="utf-8"))["dsn"]
    return dsn


def _wire(data: Path) -> None:
    """The product's wiring, in this process, on the installation's database."""
    from regulars.config.installation import set_up_django

    os.environ |= {"DATABASE_URL": _dsn(data), "REGULARS_DATA": str(data)}
    set_up_django()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
