"""The benchmark's tables, on the terminal."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tests.bench.costs import Cost

if TYPE_CHECKING:
    from tests.bench.backfill import Filled

Middle = Callable[[str, str], dict[str, Any]]
Shapes = Mapping[str, tuple[int, int]]

_console = Console(width=100)
_NAMES = {
    "parse": "parsed and answered, nothing stored",
    "bare": "events stored as rows, nothing else",
    "product": "the product, every promise kept",
}
_TARGETS = {"batches": 10_000, "single": 5_000}  # events a second, on two cores
_OF_BARE = 0.4
_AMONG_MANY = 2 / 3
_FILLED_WITHIN = 20  # seconds
_P99 = 100  # ms
_HEARD_WITHIN = 50  # ms
_MOST_WAITING = 60  # KB


def working(what: str) -> AbstractContextManager[Any]:
    """A line that says what is being done, while it is."""
    return _console.status(f"{what} …")


def machine(processes: int, seconds: float, rounds: int) -> None:
    """What all this is measured on."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    _console.print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {processes} web processes, "
        f"the load generator on the same cores; {seconds:g} s a measurement, the middle of "
        f"{rounds} rounds by turns. Load average at the start: {load}."
    )


def comparison(middle: Middle, shapes: Shapes, segments: int) -> None:
    """The product beside the same server doing less."""
    for shape, (size, connections) in shapes.items():
        table = _table(f"{_title(size)}, {connections} connections, {segments} segments")
        for name in ("events/s", "requests/s", "p50 ms", "p99 ms", "of bare", "load"):
            table.add_column(name, justify="right")
        bare = middle("bare", shape)["events_per_s"]
        for label, name in _NAMES.items():
            found = middle(label, shape)
            table.add_row(
                name, *_speeds(found), f"{found['events_per_s'] / bare:.2f}", _load(found)
            )
        _console.print(table)
        found = middle("product", shape)
        _verdict(f"{_TARGETS[shape]:,} events/s", found["events_per_s"] >= _TARGETS[shape])
        if shape == "batches":
            _verdict(f"{_OF_BARE} of bare", found["events_per_s"] >= _OF_BARE * bare)


def costs(steps: Sequence[Cost]) -> None:
    """Where the time goes."""
    table = _table("CPU time of one event of many, in µs")
    for name in ("Python", "PostgreSQL"):
        table.add_column(name, justify="right")
    for cost in steps:
        table.add_row(cost.step, f"{cost.python:.2f}", f"{cost.postgres:.2f}")
    table.add_section()
    python, postgres = sum(c.python for c in steps), sum(c.postgres for c in steps)
    table.add_row("together", f"{python:.1f}", f"{postgres:.1f}")
    _console.print(table)


def among_many(middle: Middle, shapes: Shapes, few: int, many: int) -> None:
    """The product with many people stored, beside itself with few."""
    table = _table(f"With {many:,} people stored, {few:,} of them coming back")
    for name in ("events/s", "requests/s", "p50 ms", "p99 ms", "of few", "load"):
        table.add_column(name, justify="right")
    for shape, (size, _) in shapes.items():
        found, before = middle("among many", shape), middle("product", shape)
        ratio = found["events_per_s"] / before["events_per_s"]
        table.add_row(_title(size), *_speeds(found), f"{ratio:.2f}", _load(found))
    _console.print(table)
    for shape in shapes:
        found, before = middle("among many", shape), middle("product", shape)
        kept = found["events_per_s"] >= _AMONG_MANY * before["events_per_s"]
        _verdict(f"no more than a third slower ({shape})", kept)


def filling(alone: dict[str, Any], filled: Sequence[Filled]) -> None:
    """New segments being filled while events keep arriving."""
    table = _table("A new segment is filled while events arrive steadily")
    for name in ("people", "of", "s", "saved in ms", "events/s", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    table.add_row(
        "the stream alone", "", "", "", "", f"{alone['events_per_s']:,.0f}",
        f"{alone['p50_ms']:.1f}", f"{alone['p99_ms']:.1f}",
    )  # fmt: skip
    for one in filled:
        table.add_row(
            one.name, f"{one.people:,}", f"{one.everybody:,}", f"{one.seconds:.1f}",
            f"{one.saved_ms:.0f}", f"{one.events_per_s:,.0f}", f"{one.p50_ms:.1f}",
            f"{one.p99_ms:.1f}",
        )  # fmt: skip
    _console.print(table)
    for one in filled:
        _verdict(f"{one.name}: filled within {_FILLED_WITHIN} s", one.seconds <= _FILLED_WITHIN)
        _verdict(f"{one.name}: p99 of the stream ≤ {_P99} ms", one.p99_ms <= _P99)
        off = f", {one.wrong:,} wrong" if one.wrong else ""
        _verdict(f"{one.name}: exact when nothing arrives any more{off}", not one.wrong)


def check(answered: int, stored: int) -> None:
    """Whether what was answered is there."""
    _verdict(f"{answered:,} events answered 200, {stored:,} stored", answered == stored)


def messages(
    heard: Mapping[str, Mapping[str, float]],
    costs: Mapping[str, float],
    *,
    idle: int,
    busy: int,
    echo: str,
) -> None:
    """Messages between sockets, and what one that waits costs; beside the same server echoing."""
    table = _table(f"A message's way, {idle} connections waiting and {busy} busy")
    for name in ("messages", "p50 ms", "p99 ms", "longest", "p99 of echo"):
        table.add_column(name, justify="right")
    reference = heard[echo]
    for by, found in heard.items():
        table.add_row(
            by if by == echo else f"heard by {by}",
            f"{found['messages']:,.0f}",
            *(f"{found[name]:.1f}" for name in ("p50", "p99", "longest")),
            f"{found['p99'] / reference['p99']:.1f}",
        )
    _console.print(table)
    slowest = max(found["p99"] for by, found in heard.items() if by != echo)
    _verdict(f"p99 of {_HEARD_WITHIN} ms", slowest <= _HEARD_WITHIN)
    table = _table(f"Memory of a connection that waits, of {idle}")
    for name in ("KB", "of echo"):
        table.add_column(name, justify="right")
    for name, cost in costs.items():
        table.add_row(_NAMES.get(name, name), f"{cost / 1024:.1f}", f"{cost / costs[echo]:.1f}")
    _console.print(table)
    _verdict(f"{_MOST_WAITING} KB", costs["product"] <= 1024 * _MOST_WAITING)


def end(seconds: float) -> None:
    """How long it took."""
    _console.print(f"All of it took {seconds / 60:.1f} minutes.")


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    table.add_column("", ratio=1)
    return table


def _title(size: int) -> str:
    return f"Batches of {size}" if size > 1 else "Single events"


def _speeds(found: dict[str, Any]) -> tuple[str, str, str, str]:
    return (
        f"{found['events_per_s']:,.0f}",
        f"{found['requests_per_s']:,.0f}",
        f"{found['p50_ms']:.1f}",
        f"{found['p99_ms']:.1f}",
    )


def _load(found: dict[str, Any]) -> str:
    return f"{found['load']:.1f}"


def _verdict(what: str, kept: bool) -> None:
    _console.print(f"  [green]✔[/] {what}" if kept else f"  [red]✘[/] {what}")
