"""The doors that stand in people's mail: tracked links, the pixel, unsubscribing, preferences.

Raw ASGI and no cookie. Links and pixels answer from their token alone, without the database: what
they tell is written down behind the answer. Only POST changes anything, since mail scanners follow
every link. A token that we did not make, or whose project is gone, gets a kind page and nothing
else; where a link leads is signed, so nobody can make it lead elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qs
from uuid import UUID

from regulars.kit.database import Away
from regulars.mail import links
from regulars.mail.links import CLICK, LEAVE, OPEN, Reader
from regulars.mail.machines import Hit
from regulars.public import http, mail_pages
from regulars.public.http import Headers, Receive, Scope, Send
from regulars.public.mail_hits import Hits
from regulars.public.mail_pages import Answer, Asked

MOST_BODY = 20_000

# A transparent GIF of one pixel.
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_LEAVE_PATH = re.compile(r"/u/([^/]{1,100})(?:/(preferences|back))?")
_STYLE_PATH, _ICON_PATH = "/u/style.css", "/u/icon.svg"
_NOT_KEPT: Headers = [
    (b"cache-control", b"no-store, private"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
_POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    b" base-uri 'none'; frame-ancestors 'none'"
)
_PAGE: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", _POLICY),
    *_NOT_KEPT,
]


class MailDoor:
    """Answers whatever stands in a mail."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.hits = Hits()

    def opens(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path.startswith((CLICK, OPEN, LEAVE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if path.startswith(CLICK):
            await self._click(scope, send)
        elif path.startswith(OPEN):
            await self._open(scope, send)
        elif path in (_STYLE_PATH, _ICON_PATH):
            await self._look(scope, send)
        else:
            await self._leave(scope, receive, send)

    async def _click(self, scope: Scope, send: Send) -> None:
        token, _, said = scope["path"].removeprefix(CLICK).partition("/")
        found = links.read_click(token, said)
        if found is None:
            await self._show(scope, send, mail_pages.lost(_language(scope)))
            return
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Follow it with GET.")
            return
        reader, url = found
        self.hits.add(self._hit(scope, "clicked"), reader, url)
        headers: Headers = [(b"location", _ascii(url)), *_NOT_KEPT]
        await http.answer(send, 302, b"", headers)

    async def _open(self, scope: Scope, send: Send) -> None:
        reader = links.read_open(scope["path"].removeprefix(OPEN).removesuffix(".gif"))
        if reader is not None and scope["method"] in ("GET", "HEAD"):
            self.hits.add(self._hit(scope, "opened"), reader, "")
        # The same for a token of nobody's: a broken picture in a mail helps nobody.
        body = b"" if scope["method"] == "HEAD" else PIXEL
        await http.answer(send, 200, body, [(b"content-type", b"image/gif"), *_NOT_KEPT])

    def _hit(self, scope: Scope, kind: str) -> Hit:
        return Hit(
            kind="clicked" if kind == "clicked" else "opened",
            method=scope["method"],
            user_agent=(http.header(scope, b"user-agent") or "")[:1_000],
            ip=http.client_ip(scope),
            at=self._now(),
        )

    async def _look(self, scope: Scope, send: Send) -> None:
        """The style of the pages, or their icon: both in the project's colour."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        colour = next(iter(query.get("c", [])), "")
        kept = (b"cache-control", b"public, max-age=3600")
        if scope["path"] == _ICON_PATH:
            body, kind = mail_pages.icon(colour), b"image/svg+xml"
        else:
            body, kind = mail_pages.style(colour), b"text/css; charset=utf-8"
        await http.answer(send, 200, body, [(b"content-type", kind), kept])

    async def _leave(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = _language(scope)
        found = _LEAVE_PATH.fullmatch(scope["path"])
        reader = links.read_leave(found[1]) if found else None
        method = scope["method"]
        if found is None or reader is None:
            await self._show(scope, send, mail_pages.lost(language))
            return
        if method not in ("GET", "HEAD", "POST"):
            await http.refuse(send, 405, "method_not_allowed", "Unsubscribe with POST.")
            return
        try:
            form = parse_qs((await http.read_body(receive, MOST_BODY)).decode("utf-8", "replace"))
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            await http.refuse(send, 400, "too_large", "That is too much for this form.")
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        topic = _uuid(next(iter(form.get("topic") or query.get("topic") or []), ""))
        asked = Asked(reader, found[1], topic, form, language, self._now())
        try:
            answer = await asyncio.to_thread(_answer, asked, found[2] or "", method)
        except (*Away, TimeoutError):
            await self._show(scope, send, mail_pages.away(language))
            return
        await self._show(scope, send, answer)

    async def _show(self, scope: Scope, send: Send, answer: Answer) -> None:
        body = b"" if scope["method"] == "HEAD" else answer.html.encode()
        headers = [*_PAGE, (b"content-language", answer.language.encode())]
        if answer.status == 503:  # noqa: PLR2004 - HTTP's own
            headers.append((b"retry-after", b"30"))
        await http.answer(send, answer.status, body, headers)


def _answer(asked: Asked, part: str, method: str) -> Answer:
    if method != "POST":
        return mail_pages.preferences(asked) if part == "preferences" else mail_pages.ask(asked)
    if part == "preferences":
        return mail_pages.save(asked)
    return mail_pages.come_back(asked) if part == "back" else mail_pages.leave(asked)


def _language(scope: Scope) -> str:
    return mail_pages.language_of(http.header(scope, b"accept-language") or "")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _ascii(url: str) -> bytes:
    """A URL as a header may hold it: what is not ASCII is percent-encoded as browsers do."""
    return b"".join(
        char.encode()
        if char.isascii()
        else "".join(f"%{byte:02X}" for byte in char.encode()).encode()
        for char in url
    )


__all__ = ["MailDoor", "Reader"]
