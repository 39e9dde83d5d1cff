"""What each stage of ingest costs: timers around the product's own functions, in one process.

Wall time a function spends, PostgreSQL's share included; a stage inside another is taken off it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import psycopg

from regulars.events import arriving, outbox, record
from regulars.people import store
from regulars.people.changes import Changes
from regulars.segments.membership import Membership
from regulars.tracking import commit, refusals
from regulars.tracking.catalogue import Known
from regulars.tracking.commit import Arrival, Committer
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.once import Memory
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.steps import Event, Request
from regulars.tracking.resolve import Resolver
from regulars.workspaces.keys import ProjectConfig
from tests.bench.load import Traffic

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("each message once", Memory, "claim"),
    ("whose it is: look up, lock, read", Resolver, "__init__"),
    ("fold into people", commit, "_fold_all"),
    ("segments: evaluate", Membership, "changed"),
    ("segments: write moves", Membership, "written"),
    ("segments: counts", Membership, "counted"),
    ("people: write", store, "write"),
    ("events and sessions: write", record, "write_lines"),
    ("names and keys: learn", Known, "learn"),
    ("drops and refusals: count", refusals, "count"),
    ("events a minute: count", arriving, "count"),
    ("outbox", outbox, "append"),
    ("people: identities and the rest", Changes, "flush"),
)


class Timers:
    """Seconds by stage, each without what stages inside it took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = time.perf_counter() - started
                inner = self._inside.pop()
                self.seconds[name] = self.seconds.get(name, 0.0) + took - inner
                if self._inside:
                    self._inside[-1] += took

        return timed


def measure(
    connection: psycopg.Connection[Any],
    project: ProjectConfig,
    traffic: Traffic,
    batches: int,
    now: Callable[[], datetime],
) -> dict[str, float]:
    """Microseconds an event of each stage, over so many batches of 100."""
    geo = GeoDatabase.open()
    committer = Committer()
    timers = Timers()
    read = timers.around("parse", lambda: parse.read_batch(traffic_body(traffic))[1])
    run = timers.around("steps: device, place, page, time", _run)
    write = timers.around("transaction and commit", committer.commit)
    with _patched(timers):
        for number in range(2 * batches):
            if number == batches:
                timers.seconds.clear()  # the first half warms caches and makes the people
            events = run(read(), geo, now())
            write(connection, [Arrival(project, events)], now())
    return {name: 1e6 * took / (batches * 100) for name, took in timers.seconds.items()}


def traffic_body(traffic: Traffic) -> bytes:
    """One batch of 100, as bytes."""
    return traffic.batch(100).body


def _run(pieces: list[Any], geo: GeoDatabase, now: datetime) -> list[Event]:
    request = Request(received_at=now, browser_call=True)
    found = [steps.run(piece.message, request) for piece in pieces]
    events = [event for event in found if isinstance(event, Event)]
    for event in events:
        steps.locate(event, geo)
    return events


@contextmanager
def _patched(timers: Timers) -> Iterator[None]:
    patches = [
        patch.object(owner, name, timers.around(stage, getattr(owner, name)))
        for stage, owner, name in STAGES
    ]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()
