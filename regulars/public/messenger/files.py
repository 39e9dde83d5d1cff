"""Files of conversations over HTTP: uploaded with a session's token, fetched with the file's own.

Nothing in a file can run: it is served as bytes to keep, or as one of a few kinds of pictures, in
a sandbox, and never sniffed.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote
from uuid import UUID

import msgspec

from regulars.inbox import attachments, settings
from regulars.inbox.attachments import Sender
from regulars.kit import database
from regulars.kit.database import Away
from regulars.kit.storage import GoneError, UnavailableError
from regulars.public import http
from regulars.public.http import Headers, Receive, Scope, Send
from regulars.public.messenger import tokens, wire
from regulars.public.messenger.wire import FILES
from regulars.workspaces.errors import InvalidError, UnknownError

log = logging.getLogger(__name__)

UPLOAD = "/messenger/files"
MOST_AT_ONCE = 8  # uploads that are in memory

PREFLIGHT: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"86400"),
]
SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
]

_FETCH = re.compile(r"/messenger/files/([A-Za-z0-9_.-]{1,600})/[^/]{0,900}")


class Files:
    """The door that files go in and out by."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def opens(self, path: str) -> bool:
        """Whether the path is one of a file's."""
        return path == UPLOAD or path.startswith(FILES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, path = scope["method"], scope["path"]
        try:
            if method == "OPTIONS":
                await http.answer(send, 204, b"", PREFLIGHT)
            elif path == UPLOAD and method == "POST":
                await self._take(scope, receive, send)
            elif path != UPLOAD and method in ("GET", "HEAD"):
                await self._hand_out(scope, send)
            else:
                await http.refuse(send, 405, "method_not_allowed", "Send with POST, ask with GET.")
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=2)
        except UnavailableError as away:
            log.warning("The storage of files: %s", away)
            message = "The storage of files is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=5)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = http.header(scope, b"authorization") or ""
        ticket = tokens.unseal("session", given.removeprefix("Bearer "), self._now())
        if ticket is None:
            await http.refuse(send, 401, "bad_session", "Connect again, then send the file.")
            return
        name = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("name", ["file"])[0]
        async with self._room:
            try:
                content = await http.read_body(receive, attachments.MOST_BYTES)
                said = await asyncio.to_thread(self._keep, ticket, name, content)
            except http.GoneError:
                return
            except http.BodyTooLargeError:
                most = attachments.MOST_BYTES // 1024 // 1024
                limit = f"A file has at most {most} MB."
                await http.refuse(send, 400, "too_large", limit, field="file")
                return
            except InvalidError as wrong:
                await http.refuse(send, 400, "invalid", wrong.message, field=wrong.field)
                return
        await http.answer_json(send, 201, said)

    def _keep(self, ticket: tokens.Ticket, name: str, content: bytes) -> dict[str, Any]:
        now = self._now()
        with database.pool().connection() as connection:
            if not settings.load(connection, ticket.project_id).allow_files:
                raise InvalidError("file", "Files are switched off here.")
            sender = Sender(browser=ticket.subject)
            kept = attachments.take(connection, ticket.project_id, sender, name, content, now)
        return wire.file(kept, ticket.project_id, now)

    async def _hand_out(self, scope: Scope, send: Send) -> None:
        found = _FETCH.fullmatch(scope["path"])
        ticket = tokens.unseal("file", found[1], self._now()) if found else None
        if ticket is None:
            await http.refuse(send, 404, "not_found", "There is no such file, or no longer.")
            return
        try:
            kept, content = await asyncio.to_thread(_read, ticket.project_id, ticket.subject)
        except (UnknownError, GoneError):
            await http.refuse(send, 404, "not_found", "There is no such file.")
            return
        media_type, disposition = attachments.served_as(kept.file.media_type)
        named = f"{disposition}; filename*=UTF-8''{quote(kept.file.name, safe='')}"
        headers: Headers = [
            *SAFE,
            (b"content-type", media_type.encode()),
            (b"content-disposition", named.encode()),
            (b"cache-control", b"private, max-age=86400, immutable"),
        ]
        await http.answer(send, 200, b"" if scope["method"] == "HEAD" else content, headers)


def _read(project_id: UUID, file_id: UUID) -> tuple[attachments.Kept, bytes]:
    with database.pool().connection() as connection:
        kept = attachments.find(connection, project_id, file_id)
    return kept, kept.content()


def hello_body(shown: settings.MessengerSettings, name: str) -> bytes:
    """What the launcher asks before it connects."""
    said = {"on": shown.on, "color": shown.color, "side": shown.side, "name": name}
    return msgspec.json.encode(said)
