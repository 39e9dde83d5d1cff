"""Serves the scripts a customer's pages load: the tracker and its Interakt-compatible form.

`/t.js` is one text for everybody: it finds its write key in its own address
(`?k=`) or on its tag (`data-key`). `/interakt/<app_id>.js` carries the write key
of the project that the address names. Both are read and compressed once, and
answer `304` to a browser that has them.
"""

import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

STATIC = Path(__file__).parent.parent / "static"

# A new tracker reaches every page within the hour; a rotated key within five minutes.
TRACKER_SECONDS = 3600
INTERAKT_SECONDS = 300

# The write key of the project with this id, or None. May block: it is called off the event loop.
WriteKeyOf = Callable[[str], str | None]

_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WRITE_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_APP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Script:
    """A script as it goes over the wire."""

    plain: bytes
    gzipped: bytes
    etag: str
    max_age: int


def without_comments(source: str) -> str:
    """The script less its comments, indentation and blank lines.

    Knows no JavaScript: it relies on the scripts' own rule that `//` comments
    stand on lines of their own, that no string holds `/*`, and that no template
    literal spans lines.
    """
    lines = (line.strip() for line in _BLOCK_COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def _script(text: str, max_age: int) -> Script:
    plain = text.encode()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    # Weak, since one tag stands for the plain and the compressed form (RFC 9110, 8.8.1).
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'W/"{digest}"', max_age)


@cache
def _read(name: str) -> str:
    return without_comments((STATIC / name).read_text("utf-8"))


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


def _accepts_gzip(accepted: str) -> bool:
    for offer in accepted.lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _answer(request: Request, script: Script) -> Response:
    headers = {
        "Cache-Control": f"public, max-age={script.max_age}, stale-while-revalidate=86400",
        "ETag": script.etag,
        "Vary": "Accept-Encoding",
        # Any page may load it: with `crossorigin`, and under Cross-Origin-Embedder-Policy.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    known = (tag.strip() for tag in request.headers.get("if-none-match", "").split(","))
    if any(tag in {"*", script.etag, script.etag.removeprefix("W/")} for tag in known):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    body = script.plain
    if _accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = script.gzipped
    return Response(body, headers=headers, media_type="text/javascript")


async def serve_tracker(request: Request) -> Response:
    """`GET /t.js`."""
    return _answer(request, tracker_script())


def routes(write_key_of: WriteKeyOf) -> list[Route]:
    """The two addresses, for a Starlette application."""

    async def serve_interakt(request: Request) -> Response:
        app_id = request.path_params["app_id"]
        if not _APP_ID.fullmatch(app_id):
            return PlainTextResponse("There is no such project.\n", HTTPStatus.NOT_FOUND)
        try:
            write_key = await run_in_threadpool(write_key_of, app_id)
        except psycopg.OperationalError:
            return PlainTextResponse(
                "The database is away; try again shortly.\n",
                HTTPStatus.SERVICE_UNAVAILABLE,
                headers={"Retry-After": "1"},
            )
        if write_key is None:
            return PlainTextResponse("There is no such project.\n", HTTPStatus.NOT_FOUND)
        return _answer(request, interakt_script(write_key))

    return [
        Route("/t.js", serve_tracker, methods=["GET"]),
        Route("/interakt/{app_id}.js", serve_interakt, methods=["GET"]),
    ]


def tracker_app(write_key_of: WriteKeyOf) -> ASGIApp:
    """The two addresses as an ASGI application of their own."""
    return Router(routes=routes(write_key_of))
