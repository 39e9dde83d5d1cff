"""What the product is measured against: the same server, doing less.

`parse` reads a request with the product's parser and answers. `bare` is the product's own door,
steps and group commit in front of a committer that stores events as rows and keeps no promise
beyond that: nothing is deduplicated, nobody is known, no segment moves, no outbox is written.

    python -m tests.bench.reference parse|bare --fd N
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.config.web import server_for
from regulars.events import record
from regulars.kit import clock, environment
from regulars.kit.connection import copying
from regulars.kit.ids import key_hash, texts_at
from regulars.people.person import Person
from regulars.public import http
from regulars.public.collect import SUCCESS, Collect
from regulars.public.http import Receive, Scope, Send
from regulars.public.projects import Projects
from regulars.tracking import rows
from regulars.tracking.commit import Arrival
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.intake import Intake
from regulars.tracking.pipeline import parse
from regulars.tracking.pipeline.steps import Event

_NOWHERE = UUID(int=0)

Door = Callable[[Scope, Receive, Send], Awaitable[None]]


class BareCommitter:
    """Stores events as rows in one transaction, and that is all."""

    def __init__(self) -> None:
        self._partitions = record.Partitions()
        self._people: dict[str, Person] = {}  # a row needs somebody, and indexes want a spread

    def commit(
        self, connection: psycopg.Connection[Any], arrivals: Sequence[Arrival], now: datetime
    ) -> None:
        """Write the rows."""
        self._partitions.ensure(connection, now)
        lines: list[str] = []
        for arrival in arrivals:
            ids = texts_at(now, len(arrival.events))
            done = [
                rows.Done(id_, event, self._person(event), None)
                for id_, event in zip(ids, arrival.events, strict=True)
            ]
            lines += rows.event_lines(arrival.project.id, done)
            arrival.outcomes = [None] * len(done)
        with connection.transaction(), copying(connection, record.COPY_EVENTS, "".join(lines)):
            pass

    def _person(self, event: Event) -> Person:
        name = event.anonymous_id or ""
        if name not in self._people:
            self._people[name] = Person(_NOWHERE, key_hash(name))
        return self._people[name]


class Reference:
    """An ASGI application with one door."""

    def __init__(self, kind: str) -> None:
        self._intake: Intake | None = None
        self._door: Door = _parse_only
        if kind == "bare":
            self._intake = Intake(clock.now, BareCommitter)
            geo = GeoDatabase.open(environment.read().data)
            self._door = Collect(self._intake, Projects(), geo, clock.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "GET":
            await http.answer(send, 200, b"", [])
        else:
            await self._door(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._intake is not None:
            self._intake.start(asyncio.get_running_loop())
            await asyncio.to_thread(_until_it_serves, self._intake)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._intake is not None:
            await asyncio.to_thread(self._intake.stop)
        await send({"type": "lifespan.shutdown.complete"})


def _until_it_serves(intake: Intake) -> None:
    while not intake.serves:
        time.sleep(0.01)


async def _parse_only(scope: Scope, receive: Receive, send: Send) -> None:
    body = parse.open_body(await http.read_body(receive, parse.MAX_BODY))
    if scope["path"] == "/v1/b":
        parse.read_batch(body)
    else:
        parse.read_single(body)
    await http.answer(send, 200, SUCCESS, [http.JSON, *http.CORS])


def main() -> None:
    """The command: what `regulars web` does, with another application."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("kind", choices=["parse", "bare"])
    options.add_argument("--fd", type=int, required=True)
    given = options.parse_args()
    server = server_for(Reference(given.kind))
    server.run(sockets=[socket.socket(fileno=given.fd)])


if __name__ == "__main__":
    main()
