"""How a script reaches a browser: less its comments and needless space, compressed once.

There is no build step. The sources are what a developer reads; what this takes out of them is all
that a browser does not need.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass

from regulars.public import http
from regulars.public.http import Headers, Scope, Send

_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Strings, templates and regular expressions: what must stay as it is.
_LITERAL = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""
    r"""|(?<=[(,=:\[!&|?{};\n])[ ]?/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*)"""
)
# Space that separates nothing. Around + and - it may keep two of them apart.
_SPACED = re.compile(r" ?([{}()\[\];,:?<>=!*/%&|]) ?|(?<![+-]) ([+-]) (?![+-])")
# Line ends where no statement can end, and what is left over before a closing bracket.
_WITHIN = re.compile(r"(?<=[{;,(\[=>|&?:])\n|\n(?=[}\])?:.|&])|[;,]\n?(?=\})|,\n?(?=\))")
# The only parameter of an arrow function needs no brackets.
_ONLY = re.compile(r"(?<![\w$)\]])\(([\w$]+)\)(?==>)")


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it goes over the wire."""

    plain: bytes
    gzipped: bytes
    etag: str
    cache: str


def without_comments(source: str) -> str:
    """The script less its comments, indentation and blank lines.

    Knows no JavaScript: it relies on the scripts' own rule that `//` comments stand on lines of
    their own, that no string holds `/*`, and that no template literal spans lines.
    """
    lines = (line.strip() for line in _BLOCK_COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def squeezed(source: str) -> str:
    """The script less its comments, and less the space between its words.

    Relies on two more rules: no template literal within another, and a regular expression follows
    an opening bracket, a comma or an operator; no loop without a body. Line ends after a closing
    bracket stay: they may end a statement.
    """
    parts = _LITERAL.split(without_comments(source))
    for at in range(0, len(parts), 2):
        spaceless = _WITHIN.sub("", _SPACED.sub(r"\1\2", parts[at]))
        parts[at] = _ONLY.sub(r"\1", spaceless)
    return "".join(parts)


def script(text: str, cache: str) -> Script:
    """A script to be served; `cache` is its Cache-Control."""
    plain = text.encode()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    # Weak, since one tag stands for the plain and the compressed form (RFC 9110, 8.8.1).
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'W/"{digest}"', cache)


def kept(seconds: int) -> str:
    """A Cache-Control for so many seconds; older ones may be shown while the new one is fetched."""
    return f"public, max-age={seconds}, stale-while-revalidate=86400"


async def answer(scope: Scope, send: Send, found: Script) -> None:
    """Answer a GET or HEAD with a script: whole, compressed, or `304` to who has it."""
    headers: Headers = [
        *http.CORS,
        (b"cache-control", found.cache.encode()),
        (b"etag", found.etag.encode()),
        (b"vary", b"Accept-Encoding"),
        (b"timing-allow-origin", b"*"),
    ]
    if _has(http.header(scope, b"if-none-match"), found.etag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
    ]
    body = found.plain
    if _accepts_gzip(http.header(scope, b"accept-encoding")):
        headers.append((b"content-encoding", b"gzip"))
        body = found.gzipped
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
