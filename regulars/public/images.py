"""The door that mail programs fetch pictures at: `/media/<project>/<picture>.<kind>`.

Anybody may who knows the address. It is a picture or nothing; what it is never changes, so that
mailboxes and their caches may keep it for good.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from uuid import UUID

from regulars.kit import database
from regulars.kit.database import Away
from regulars.kit.storage import GoneError, UnavailableError
from regulars.mail import images
from regulars.public import http
from regulars.public.http import Headers, Receive, Scope, Send

log = logging.getLogger(__name__)

MOST_REMEMBERED = 32_000_000  # bytes: a mailing's few pictures are asked for by thousands at once

_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PATH = re.compile(rf"{images.PREFIX}({_ID})/({_ID})\.(png|jpg|gif)")
_KINDS = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}
_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"public, max-age=31536000, immutable"),
]


class Images:
    """Hands pictures out, the last ones from memory."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._most = most

    def opens(self, path: str) -> bool:
        """Whether the path is a picture's."""
        return path.startswith(images.PREFIX)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
            return
        found = _PATH.fullmatch(scope["path"])
        try:
            content = await self._content(found) if found else None
        except (*Away, TimeoutError):
            await http.refuse(send, 503, "unavailable", "Try again.", retry_after=5)
            return
        except UnavailableError as away:
            log.warning("The storage of files: %s", away)
            await http.refuse(send, 503, "unavailable", "Try again.", retry_after=5)
            return
        if found is None or content is None:
            await http.refuse(send, 404, "not_found", "There is no such picture.")
            return
        kind = (b"content-type", _KINDS[found[3]].encode())
        body = b"" if scope["method"] == "HEAD" else content
        await http.answer(send, 200, body, [*_HEADERS, kind])

    async def _content(self, found: re.Match[str]) -> bytes | None:
        path = found[0]
        if path in self._known:
            self._known.move_to_end(path)
            return self._known[path]
        content = await asyncio.to_thread(_read, UUID(found[1]), UUID(found[2]), path)
        if content is not None and len(content) <= self._most:
            self._remember(path, content)
        return content

    def _remember(self, path: str, content: bytes) -> None:
        if path not in self._known:
            self._size += len(content)
        self._known[path] = content
        while self._size > self._most:
            _, gone = self._known.popitem(last=False)
            self._size -= len(gone)


def _read(project_id: UUID, image_id: UUID, path: str) -> bytes | None:
    """The picture's bytes. What is not a picture of mail is not there, whoever keeps it."""
    with database.pool().connection() as connection:
        kept = images.find(connection, project_id, image_id)
    if kept is None or kept.path != path:
        return None
    try:
        return kept.content()
    except GoneError:
        return None
