"""What ingest is measured against: the same server doing less.

`/parse` reads a request with the product's parser and answers; `/bare` also stores the events, by
the same group commit, and does nothing else: no people, no sessions, no segments, nothing counted
once. Run as `python -m tests.bench.reference --port N` against `DATABASE_URL`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import uvicorn

from regulars.events import record
from regulars.kit import clock
from regulars.kit.ids import key_hash, texts_at
from regulars.people.person import new_person
from regulars.public import http
from regulars.public.collect import SUCCESS
from regulars.public.http import Receive, Scope, Send
from regulars.tracking import rows
from regulars.tracking.commit import Arrival
from regulars.tracking.intake import Intake
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.steps import Event, Request
from regulars.tracking.rows import Done
from regulars.workspaces.keys import ProjectConfig

PROJECT = ProjectConfig(
    id=UUID(int=1), name="bare", time_zone="UTC", dedupe_hours=72, honour_gpc=False,
    enforce_identity=False, identity_secret="", write_keys=(),
)  # fmt: skip


class BareCommitter:
    """Stores events and nothing else."""

    def __init__(self) -> None:
        self._partitions = record.Partitions()

    def commit(
        self, connection: psycopg.Connection[Any], arrivals: Sequence[Arrival], now: datetime
    ) -> None:
        self._partitions.ensure(connection, now)
        events = [event for arrival in arrivals for event in arrival.events]
        done = [
            Done(id_, event, new_person(PROJECT.id, _whose(event), now), None)
            for id_, event in zip(texts_at(now, len(events)), events, strict=True)
        ]
        with connection.transaction():
            lines = rows.event_lines(PROJECT.id, done)
            record.write_lines(connection, record.COPY_EVENTS, lines)


class Reference:
    """The two applications, by path."""

    def __init__(self) -> None:
        self._intake = Intake(clock.now, BareCommitter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = parse.open_body(await http.read_body(receive, parse.MAX_BODY))
        single = not scope["path"].endswith(("/b", "/batch"))
        pieces = [parse.read_single(body)[1]] if single else parse.read_batch(body)[1]
        if scope["path"].startswith("/bare/"):
            request = Request(received_at=clock.now(), browser_call=True)
            for piece in pieces:
                piece.message.type = piece.message.type or "track"
            found = [steps.run(piece.message, request) for piece in pieces]
            events = [event for event in found if isinstance(event, Event)]
            await self._intake.commit(Arrival(PROJECT, events))
        await http.answer(send, 200, SUCCESS, [http.JSON, *http.CORS])

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self._intake.start(asyncio.get_running_loop())
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.to_thread(self._intake.stop)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _whose(event: Event) -> UUID:
    return key_hash(event.user_id or event.anonymous_id or "")


def main() -> None:
    """Two processes on one socket, as the product runs them."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--port", type=int, required=True)
    port = options.parse_args().port
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    os.fork()
    sys.setswitchinterval(0.001)
    config = uvicorn.Config(
        Reference(), loop="uvloop", http="httptools", lifespan="on", log_config=None,
        access_log=False, server_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
