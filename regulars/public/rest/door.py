"""What stands before REST on the way to Django: sizes, a database that is away, plain HTTP.

Every error that leaves here is JSON of one shape, whoever made it: the API, Django's own 404, or
a host name that is not served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from regulars.public import http
from regulars.public.http import Receive, Scope, Send
from regulars.public.rest import errors

PREFIX = "/api/"
MAX_BODY = 1024 * 1024  # bytes
NEEDS_NO_DATABASE = frozenset({"/api/v1/openapi.json", "/api/v1/docs"})

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Message = MutableMapping[str, Any]


class RestDoor:
    """Serves what lies below `/api/` by the Django application."""

    def __init__(self, django: Application, serves: Callable[[], bool]) -> None:
        self._django = django
        self._serves = serves

    def opens(self, path: str) -> bool:
        """Whether the path is REST's."""
        return path.startswith(PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not self._serves() and scope["path"] not in NEEDS_NO_DATABASE:
            await _refuse(send, 503)
            return
        try:
            body = await http.read_body(receive, MAX_BODY)
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            message = f"A request may hold {MAX_BODY // 1024} KB."
            await _refuse(send, 400, code="too_large", message=message)
            return
        inner = {
            **scope,
            # Of a HEAD the server leaves the body out.
            "method": "GET" if scope["method"] == "HEAD" else scope["method"],
            # Only keys open anything here: a browser's cookies say nothing.
            "headers": [one for one in scope["headers"] if one[0] != b"cookie"],
        }
        await self._django(inner, _whole(body, receive), _Answer(scope["method"], send))


def _whole(body: bytes, receive: Receive) -> Receive:
    """Hands out the body that was read, then whatever else comes."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return unread.pop() if unread else await receive()

    return next_message


class _Answer:
    """Passes Django's answer on; an error that is not JSON is said anew."""

    def __init__(self, method: str, send: Send) -> None:
        self._method = method
        self._send = send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._replaced:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        headers = dict(message["headers"])
        status: int = message["status"]
        allowed = [(b"allow", _allowed(headers[b"Allow"]))] if b"Allow" in headers else []
        if self._method == "OPTIONS" and allowed:
            self._replaced = True
            await http.answer(self._send, HTTPStatus.NO_CONTENT, b"", allowed)
        elif HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            # Django would lead to an address with a slash at its end: REST has none.
            self._replaced = True
            await _refuse(self._send, HTTPStatus.NOT_FOUND)
        elif status >= HTTPStatus.BAD_REQUEST and not _is_json(headers):
            self._replaced = True
            await _refuse(self._send, status, headers=allowed)
        else:
            headers.setdefault(b"Cache-Control", b"no-store")
            await self._send({**message, "headers": list(headers.items())})


def _is_json(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"Content-Type", b"").startswith(http.JSON[1])


def _allowed(methods: bytes) -> bytes:
    """The methods an address takes, with those that come for nothing."""
    named = {one.strip() for one in methods.split(b",")} | {b"OPTIONS"}
    if b"GET" in named:
        named.add(b"HEAD")
    return b", ".join(sorted(named))


async def _refuse(
    send: Send,
    status: int,
    *,
    code: str | None = None,
    message: str | None = None,
    headers: http.Headers | None = None,
) -> None:
    usual_code, usual_message = errors.meaning_of(status)
    body = errors.body_of(code or usual_code, message or usual_message)
    explained = [
        (name.lower().encode(), value.encode())
        for name, value in errors.EXPLAINED.get(status, {}).items()
    ]
    await http.answer(
        send,
        status,
        body,
        [http.JSON, (b"cache-control", b"no-store"), *explained, *(headers or [])],
    )
