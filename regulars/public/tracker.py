"""Serves the scripts a customer's pages load: the tracker and its Interakt-compatible form.

`/t.js` is one text for everybody: it finds its write key in its own address (`?k=`) or on its tag
(`data-key`). `/interakt/<app_id>.js` carries the write key of the project that the address names.
Both are compressed once, and answer `304` to a browser that has them.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from uuid import UUID

from regulars.kit.database import Away
from regulars.public import http
from regulars.public.http import Headers, Receive, Scope, Send
from regulars.public.projects import Projects

STATIC = Path(__file__).parent.parent / "static"

# A new tracker reaches every page within the hour, a rotated key within five minutes.
TRACKER_SECONDS = 3600
INTERAKT_SECONDS = 300

# The write key of the project with this id, or None. Raises the database's error where it is away.
WriteKeyOf = Callable[[UUID], Awaitable[str | None]]

_INTERAKT = re.compile(r"/interakt/([^/]+)\.js")
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WRITE_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it goes over the wire."""

    plain: bytes
    gzipped: bytes
    etag: str
    max_age: int


class Tracker:
    """The door that `/t.js` and `/interakt/<app_id>.js` are had at."""

    def __init__(self, write_key_of: WriteKeyOf) -> None:
        self._write_key_of = write_key_of

    def opens(self, path: str) -> bool:
        """Whether the path is a script's."""
        return path == "/t.js" or _INTERAKT.fullmatch(path) is not None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
            return
        found = _INTERAKT.fullmatch(scope["path"])
        if found is None:
            await _answer(scope, send, tracker_script())
            return
        try:
            write_key = await self._key_of(found[1])
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=1)
            return
        if write_key is None:
            await http.refuse(send, 404, "unknown_app_id", "No project has this app_id.")
            return
        await _answer(scope, send, interakt_script(write_key))

    async def _key_of(self, app_id: str) -> str | None:
        try:
            project_id = UUID(app_id)
        except ValueError:
            return None
        return await self._write_key_of(project_id)


def newest_write_key(projects: Projects) -> WriteKeyOf:
    """Looks a project's write key up where the other doors do."""

    async def write_key_of(project_id: UUID) -> str | None:
        project = await projects.by_id(project_id)
        return project.write_keys[0] if project is not None and project.write_keys else None

    return write_key_of


def without_comments(source: str) -> str:
    """The script less its comments, indentation and blank lines.

    Knows no JavaScript: it relies on the scripts' own rule that `//` comments stand on lines of
    their own, that no string holds `/*`, and that no template literal spans lines.
    """
    lines = (line.strip() for line in _BLOCK_COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


@cache
def tracker_script() -> Script:
    """What `/t.js` answers."""
    return _script(_read("tracker.js"), TRACKER_SECONDS)


@lru_cache(maxsize=256)
def interakt_script(write_key: str) -> Script:
    """What `/interakt/<app_id>.js` answers for the project with this write key."""
    if not _WRITE_KEY.fullmatch(write_key):
        # It is put inside a JavaScript string.
        raise ValueError("a write key is made of letters, digits, _ and -")
    opening = _read("interakt.js").replace("__WRITE_KEY__", write_key)
    return _script(opening + _read("tracker.js"), INTERAKT_SECONDS)


@cache
def _read(name: str) -> str:
    return without_comments((STATIC / name).read_text("utf-8"))


def _script(text: str, max_age: int) -> Script:
    plain = text.encode()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    # Weak, since one tag stands for the plain and the compressed form (RFC 9110, 8.8.1).
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'W/"{digest}"', max_age)


async def _answer(scope: Scope, send: Send, script: Script) -> None:
    headers: Headers = [
        *http.CORS,
        (b"cache-control", b"public, max-age=%d, stale-while-revalidate=86400" % script.max_age),
        (b"etag", script.etag.encode()),
        (b"vary", b"Accept-Encoding"),
        (b"timing-allow-origin", b"*"),
    ]
    if _has(http.header(scope, b"if-none-match"), script.etag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
    ]
    body = script.plain
    if _accepts_gzip(http.header(scope, b"accept-encoding")):
        headers.append((b"content-encoding", b"gzip"))
        body = script.gzipped
    if scope["method"] == "HEAD":
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await http.answer(send, 200, body, headers)


def _has(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def _accepts_gzip(accept_encoding: str | None) -> bool:
    for offer in (accept_encoding or "").lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in ("gzip", "*"):
            return not re.fullmatch(r"q=0(\.0*)?", weight.replace(" ", ""))
    return False
