"""The little of HTTP that the raw doors need: bodies, headers and answers, straight on ASGI."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
PREFLIGHT: Headers = [
    *CORS,
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, anonymousid, sentat, x-retry-count",
    ),
    (b"access-control-max-age", b"86400"),
]


class BodyTooLargeError(Exception):
    """More bytes came than the door takes."""


class GoneError(Exception):
    """The client went away before its request was whole."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises BodyTooLargeError or GoneError."""
    event = await receive()
    if event["type"] == "http.disconnect":
        raise GoneError
    body: bytes = event.get("body", b"")
    if not event.get("more_body"):
        if len(body) > limit:
            raise BodyTooLargeError
        return body
    parts = [body]
    size = len(body)
    while event.get("more_body"):
        if size > limit:
            raise BodyTooLargeError
        event = await receive()
        if event["type"] == "http.disconnect":
            raise GoneError
        parts.append(event.get("body", b""))
        size += len(parts[-1])
    if size > limit:
        raise BodyTooLargeError
    return b"".join(parts)


async def answer(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: Any, headers: Headers | None = None) -> None:
    """Send a JSON answer that any origin may read."""
    await answer(send, status, msgspec.json.encode(value), [JSON, *CORS, *(headers or [])])


async def refuse(
    send: Send,
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    retry_after: int | None = None,
) -> None:
    """Send an error: a stable code, and words for people."""
    body: dict[str, Any] = {"code": code, "message": message}
    if field is not None:
        body["field"] = field
    headers: Headers = []
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await answer_json(send, status, body, headers)


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


def basic(authorization: str | None) -> tuple[str, str] | None:
    """User name and password of HTTP Basic (RFC 7617), or None."""
    if authorization is None or authorization[:6].lower() != "basic ":
        return None
    try:
        decoded = base64.b64decode(authorization[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, _, password = decoded.partition(":")
    return user, password


def client_ip(scope: Scope) -> str | None:
    """The address the request came from (the server has applied trusted proxies to it)."""
    client = scope.get("client")
    return client[0] if client else None
