"""The messenger's doors: scripts, what the launcher asks first, files, and the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from regulars.inbox import settings
from regulars.kit import database
from regulars.kit.database import Away
from regulars.public import http
from regulars.public.collect import arrival_of
from regulars.public.http import Headers, Receive, Scope, Send
from regulars.public.messenger.files import Files, hello_body
from regulars.public.messenger.frames import Hello
from regulars.public.messenger.scripts import MessengerScripts
from regulars.public.messenger.socket import PATH, Sockets
from regulars.public.projects import Projects
from regulars.tracking.intake import Intake
from regulars.tracking.pipeline import parse
from regulars.tracking.pipeline.steps import Request
from regulars.workspaces.keys import ProjectConfig

HELLO = "/messenger/hello"
KEPT: Headers = [(b"cache-control", b"public, max-age=60")]


class MessengerDoor:
    """Everything below `/messenger/`."""

    def __init__(self, intake: Intake, projects: Projects, now: Callable[[], datetime]) -> None:
        self._intake = intake
        self._projects = projects
        self._now = now
        self._scripts = MessengerScripts()
        self._files = Files(now)
        self._sockets = Sockets(projects, self._introduce, now)

    def opens(self, path: str) -> bool:
        """Whether the path is the messenger's."""
        return path.startswith("/messenger/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one socket."""
        path = scope["path"]
        if scope["type"] == "websocket":
            if path == PATH:
                await self._sockets(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 4404})
        elif self._scripts.opens(path):
            await self._scripts(scope, receive, send)
        elif self._files.opens(path):
            await self._files(scope, receive, send)
        elif path == HELLO:
            await self._hello(scope, send)
        else:
            await http.refuse(send, 404, "not_found", "There is nothing here.")

    async def _hello(self, scope: Scope, send: Send) -> None:
        key = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("k", [""])[0]
        try:
            project = await self._projects.by_write_key(key) if key else None
            shown = await asyncio.to_thread(_settings, project.id) if project else None
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=2)
            return
        if project is None or shown is None:
            await http.refuse(send, 401, "unknown_key", "No project has this write key.")
            return
        headers = [http.JSON, *http.CORS, *KEPT]
        await http.answer(send, 200, hello_body(shown, project.name), headers)

    async def _introduce(
        self, project: ProjectConfig, hello: Hello, scope: Scope, traits: dict[str, Any] | None
    ) -> None:
        """What the page's own identify call would say, so that the person is known by now."""
        said = {
            "type": "identify",
            "anonymousId": hello.anon,
            "userId": hello.user,
            "token": hello.token,
            "traits": traits or {},
        }
        body = msgspec.json.encode({"batch": [{k: v for k, v in said.items() if v is not None}]})
        request = Request(
            received_at=self._now(),
            ip=http.client_ip(scope),
            user_agent=http.header(scope, b"user-agent"),
            browser_call=True,
            honour_gpc=project.honour_gpc,
            enforce_identity=project.enforce_identity,
            identity_secret=project.identity_secret,
        )
        _, pieces = parse.read_batch(body, care=True)
        await self._intake.commit(arrival_of(project, request, pieces, None))


def _settings(project_id: UUID) -> settings.MessengerSettings:
    with database.pool().connection() as connection:
        return settings.load(connection, project_id)
