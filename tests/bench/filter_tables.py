"""The tables of the filters' benchmark, on the terminal."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.questions import ALONE

FIRST_PAGE, EXACT_COUNT, RAIL = 100, 250, 5  # ms
EVALUATION = 20  # µs a person

_console = Console(width=132)


@dataclass(frozen=True, slots=True)
class Line:
    """What one question took, in ms: the product's times, and the others' medians.

    `rivals` have each their (first page, count); `limit` is the bare scan, where there is one.
    """

    name: str
    people: int
    pages: Sequence[float]
    counts: Sequence[float]
    rivals: dict[str, tuple[float, float]]
    limit: float | None


def working(what: str) -> AbstractContextManager[Any]:
    """A line that says what is being done, while it is."""
    return _console.status(f"{what} …")


def machine(times: int) -> None:
    """What all this was measured on."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    _console.print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}; the product asked {times} "
        f"times, the others 3 times (their medians). Load average at the end: {load}. All found "
        "the same numbers."
    )


def pages_and_counts(lines: Sequence[Line]) -> None:
    """Each question's first page and exact count."""
    names = list(lines[0].rivals)
    table = Table(
        title="Time to the first page of 50 and to the exact count, in ms",
        title_justify="left", title_style="bold", expand=True,
    )  # fmt: skip
    table.add_column("", ratio=1)
    for name in ("people", "page p50", "p95", *names, "count p50", "p95", *names, "NumPy"):
        table.add_column(name, justify="right")
    for number, line in enumerate(lines):
        if number == len(ALONE) + 5:
            table.add_section()
        table.add_row(
            line.name, f"{line.people:,}",
            f"{statistics.median(line.pages):.0f}", _marked(line.pages, FIRST_PAGE),
            *(f"{line.rivals[name][0]:.0f}" for name in names),
            f"{statistics.median(line.counts):.0f}", _marked(line.counts, EXACT_COUNT),
            *(f"{line.rivals[name][1]:.0f}" for name in names),
            "–" if line.limit is None else f"{line.limit:.1f}",
        )  # fmt: skip
    _console.print(table)
    for what, goal, all_ in (
        ("first page", FIRST_PAGE, [line.pages for line in lines]),
        ("exact count", EXACT_COUNT, [line.counts for line in lines]),
    ):
        together = p95([one for times in all_ for one in times])
        kept = sum(p95(times) <= goal for times in all_)
        _verdict(f"{what} p95 ≤ {goal} ms over all questions: {together:.0f} ms", together <= goal)
        _verdict(f"… of each question alone: {kept} of {len(lines)}", kept == len(lines))


def small_figures(rail: Sequence[float], evaluated: Sequence[float]) -> None:
    """The rail and the generated code."""
    _verdict(f"rail of 24 counts ≤ {RAIL} ms: p95 {p95(rail):.1f} ms", p95(rail) <= RAIL)
    middle = statistics.median(evaluated)
    _verdict(f"200 segments ≤ {EVALUATION} µs a person: {middle:.1f} µs", middle <= EVALUATION)


def p95(times: Sequence[float]) -> float:
    """The time that 95 of 100 do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def _marked(times: Sequence[float], goal: float) -> str:
    found = p95(times)
    return f"{found:.0f} ✔" if found <= goal else f"[red]{found:.0f} ✘[/]"


def _verdict(what: str, kept: bool) -> None:
    _console.print(f"  [green]✔[/] {what}" if kept else f"  [red]✘[/] {what}")
