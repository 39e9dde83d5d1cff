"""What an event costs, step by step: CPU time around the product's real functions.

One process commits batches over one connection. Each function's time is its own, without that of
others in the table; Python's is this thread's, PostgreSQL's that of the connection's backend (read
from /proc: nought where there is none). Waiting costs no CPU, so it is not in here. Statements are
run one by one, by psycopg's cursors, so that each is its step's: the intake, whose statements
travel together, takes less.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from inspect import isgeneratorfunction, unwrap
from statistics import median
from typing import Any

import psycopg

from regulars.events import arriving, outbox, record
from regulars.kit import clock
from regulars.people import store
from regulars.people.changes import Changes
from regulars.segments.membership import Membership
from regulars.tracking import commit, refusals, rows
from regulars.tracking.catalogue import Known
from regulars.tracking.commit import Arrival, Committer
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.steps import Event, Request
from regulars.tracking.resolve import Resolver
from regulars.workspaces.keys import ProjectConfig
from tests.bench.load import Traffic

A_BATCH = 1000  # events a transaction, as they come together under load
WARM_UP, BATCHES = 25, 40

# Where the time goes in a transaction: whose function, and what it does for the promise.
WATCHED: tuple[tuple[Any, str, str], ...] = (
    (Committer, "_once", "count each message once"),
    (Resolver, "__init__", "find whose it is, lock and read them"),
    (commit, "_fold_all", "fold events into people"),
    (Membership, "changed", "evaluate the segments"),
    (Membership, "written", "move people between segments"),
    (Membership, "counted", "count the segments"),
    (store, "rows_of", "write people"),
    (store, "write", "write people"),
    (Changes, "_write_identities", "write identities"),
    (rows, "event_lines", "write events"),
    (rows, "session_columns", "write sessions"),
    (record, "writing", "write events"),
    (Known, "learn", "learn names and attributes"),
    (refusals, "write", "note refusals and rates"),
    (refusals, "count", "note refusals and rates"),
    (arriving, "count", "note refusals and rates"),
    (store, "count_kinds", "count people by kind"),
    (outbox, "append", "write the outbox"),
    (Committer, "commit", "begin, share the plan, commit"),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step takes, in µs of CPU an event."""

    step: str
    python: float
    postgres: float


class Watch:
    """Two stop-watches over nested calls: Python's time and the backend's."""

    def __init__(self, backend: int) -> None:
        self._stat: int | None = None
        with suppress(OSError):
            self._stat = os.open(f"/proc/{backend}/schedstat", os.O_RDONLY)
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._running: list[str] = []
        self._since = self._now()

    def _now(self) -> tuple[float, float]:
        ran = 0.0
        if self._stat is not None:
            ran = int(os.pread(self._stat, 64, 0).split()[0]) / 1e9
        return time.thread_time(), ran

    def _switch(self) -> None:
        now = self._now()
        if self._running:
            spent = self.spent[self._running[-1]]
            spent[0] += now[0] - self._since[0]
            spent[1] += now[1] - self._since[1]
        self._since = now

    @contextmanager
    def on(self, step: str) -> Iterator[None]:
        """The block is this step's, but for what is watched within it."""
        self._switch()
        self._running.append(step)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def watched(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        """The function, watched; of a context manager the block too, but for what is in it."""
        if isgeneratorfunction(unwrap(function)):

            @contextmanager
            def around(*args: Any, **kwargs: Any) -> Iterator[Any]:
                with self.on(step), function(*args, **kwargs) as given:
                    yield given

            return around

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.on(step):
                return function(*args, **kwargs)

        return timed


def measure(
    connection: psycopg.Connection[Any], project: ProjectConfig, traffic: Traffic
) -> list[Cost]:
    """The steps in their order; the median over batches of people coming back."""
    watch = Watch(connection.info.backend_pid)
    geo = GeoDatabase.open(None)
    committer = Committer()
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with _watching(watch):
        for number in range(WARM_UP + BATCHES):
            watch.spent.clear()
            events = _events_of(watch, traffic.batch(A_BATCH).body, geo)
            committer.commit(connection, [Arrival(project, events)], clock.now())
            if number >= WARM_UP:
                for step, (python, postgres) in watch.spent.items():
                    seen[step].append((python, postgres))
    return [
        Cost(step, *(1e6 * median(each) / A_BATCH for each in zip(*times, strict=True)))
        for step, times in seen.items()
    ]


def _events_of(watch: Watch, body: bytes, geo: GeoDatabase) -> list[Event]:
    """What the door does with a request, one step after the other over the whole batch."""
    with watch.on("parse"):
        _, pieces = parse.read_batch(body)
    request = Request(clock.now(), browser_call=True)
    with watch.on("steps: make the event"):
        events = [Event(piece.message, request, request.trusted) for piece in pieces]
    for step in steps.STEPS:
        with watch.on(f"steps: {step.__name__}"):
            for event in events:
                step(event)
    with watch.on("steps: locate"):
        for event in events:
            steps.locate(event, geo)
    return events


@contextmanager
def _watching(watch: Watch) -> Iterator[None]:
    """Put the watch around the real functions for the block."""
    real = [(owner, name, getattr(owner, name)) for owner, name, _ in WATCHED]
    try:
        for owner, name, step in WATCHED:
            setattr(owner, name, watch.watched(getattr(owner, name), step))
        yield
    finally:
        for owner, name, function in real:
            setattr(owner, name, function)
