"""A collecting server that remembers: serves the real scripts, and any page a test lays out.

It answers `POST /v1/batch` as a test tells it to, and keeps what it was sent, so
that a test can say what a browser delivered, when, and how often.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from regulars.demo.shop import shop_app
from regulars.public.messenger.scripts import MessengerScripts
from regulars.public.tracker import Tracker

WRITE_KEY = "wk_journey"
APP_ID = "0192f3a0-0000-7000-8000-000000000001"
PATIENCE = 30.0

Event = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One request to `/v1/batch`."""

    at: float
    status: int
    content_type: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def events(self) -> list[Event]:
        batch: list[Event] = self.body["batch"]
        return batch


@dataclass
class Recorder:
    """What the browser sent, and what it is answered."""

    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    # Statuses (with headers) for the next requests; 200 when there are none left.
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    hold: threading.Event = field(default_factory=threading.Event)
    database_is_away: bool = False

    @property
    def here(self) -> str:
        """The server's own origin."""
        return f"http://127.0.0.1:{self.port}"

    def at(self, host: str) -> str:
        """The same server under another name, which is another origin to a browser."""
        return f"http://{host}:{self.port}"

    def tag(self, extra: str = "") -> str:
        """The tag as a customer pastes it."""
        return f'<script async src="{self.here}/t.js" data-key="{WRITE_KEY}" {extra}></script>'

    def page(
        self, path: str, head: str, *, title: str = "A page", csp: str = "", body: str = ""
    ) -> str:
        """Lays out a page and says where it is."""
        headers = {"Content-Security-Policy": csp} if csp else {}
        text = (
            "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>"
            f"<title>{title}</title>{head}<body>{body}</body>"
        )
        self.pages[path] = (text, headers)
        return self.here + path

    @property
    def accepted(self) -> list[Event]:
        """Every event in a request answered 200, in the order it came."""
        return [event for sent in self.deliveries if sent.status == 200 for event in sent.events]

    def named(self, *types: str) -> list[Event]:
        return [event for event in self.accepted if event["type"] in types]

    def wait(self, for_what: Callable[[], object], patience: float = PATIENCE) -> None:
        """Until it is so; fails the test when it does not come about."""
        until = time.monotonic() + patience
        while not for_what():
            if time.monotonic() > until:
                heard = [(sent.status, sent.events) for sent in self.deliveries]
                raise AssertionError(f"did not come about; the server heard {heard}")
            time.sleep(0.02)

    def wait_for_events(self, number: int) -> list[Event]:
        self.wait(lambda: len(self.accepted) >= number)
        return self.accepted

    # The server itself

    async def _collect(self, request: Request) -> Response:
        raw = await request.body()
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        if self.hold.is_set():
            # Said to be slow: the answer comes once the test lets go.
            while self.hold.is_set():  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.02)
        self.deliveries.append(
            Delivery(
                at=time.time(),
                status=status,
                content_type=request.headers.get("content-type", ""),
                headers=dict(request.headers),
                body=json.loads(raw),
            )
        )
        cors = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        return JSONResponse({"success": status == 200}, status, headers={**cors, **headers})

    async def _messenger(self, _request: Request) -> Response:
        """There is none: the tracker is tried alone."""
        return JSONResponse({"on": False}, headers={"Access-Control-Allow-Origin": "*"})

    async def _page(self, request: Request) -> Response:
        text, headers = self.pages.get(request.url.path, ("<title>Elsewhere</title>", {}))
        return HTMLResponse(text, headers=headers)

    async def _write_key_of(self, project_id: UUID) -> str | None:
        if self.database_is_away:
            raise psycopg.OperationalError
        return WRITE_KEY if str(project_id) == APP_ID else None

    def application(self) -> Starlette:
        scripts = Tracker(self._write_key_of)
        return Starlette(
            routes=[
                Route("/t.js", scripts),
                Route("/interakt/{name}", scripts),
                Route("/messenger/hello", self._messenger),
                Route("/messenger/{name}", MessengerScripts()),
                Route("/v1/batch", self._collect, methods=["POST"]),
                Route("/demo/{rest:path}", shop_app(lambda: WRITE_KEY)),
                Route("/{path:path}", self._page, methods=["GET"]),
            ]
        )


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder that listens on a free port of this machine."""
    recorder = Recorder()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        recorder.port = listening.getsockname()[1]
        config = uvicorn.Config(
            recorder.application(),
            log_level="error",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            recorder.wait(lambda: server.started)
            yield recorder
        finally:
            recorder.hold.clear()
            server.should_exit = True
            thread.join(10)
