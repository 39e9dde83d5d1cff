"""Handing a push message to the push service of a browser's maker.

Its address comes from the browser, so from anybody who is signed in: nothing but https on public
hosts is spoken to, at the very address that was looked at, and no redirect is followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from regulars.inbox import web_push
from regulars.inbox.web_push import BrowserKeys
from regulars.kit import environment

PATIENCE = 5.0  # seconds for each step of a delivery
DEADLINE = 12.0  # seconds for all of them
KEPT_FOR = 3600  # seconds that a push service keeps a message for a browser that is off
MOST_ENDPOINT = 1000  # characters

_HTTPS = 443


class EndpointError(ValueError):
    """A push service is not at such an address."""


class Outcome(Enum):
    """What became of a message."""

    SENT = "sent"
    GONE = "gone"  # the browser is subscribed no more, or to another key: forget it
    FAILED = "failed"  # it may go well another time


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message for one browser."""

    endpoint: str
    keys: BrowserKeys
    plain: bytes
    topic: str


def check_endpoint(endpoint: str) -> None:
    """Raises EndpointError for an address that no push service has."""
    parts = _parts(endpoint)
    if _is_of_tests(parts):
        return
    if parts.scheme != "https" or parts.username or parts.password or parts.fragment:
        raise EndpointError("A push service is reached by https.")
    if _port_of(parts) != _HTTPS or not parts.hostname or "." not in parts.hostname:
        raise EndpointError("A push service is reached at a public host.")
    try:
        is_public = ip_address(parts.hostname).is_global
    except ValueError:
        return  # a name: it is looked up each time
    if not is_public:
        raise EndpointError("A push service is reached at a public host.")


def deliver(push: Pushed, now: datetime) -> Outcome:
    """Encrypt the message, sign the request, and send it. Never raises for what the net does."""
    try:
        check_endpoint(push.endpoint)
        parts = urlsplit(push.endpoint)
        return _send(parts, web_push.encrypt(push.plain, push.keys), push, now)
    except EndpointError:
        return Outcome.GONE
    except (OSError, HTTPException):
        return Outcome.FAILED


def _send(parts: SplitResult, body: bytes, push: Pushed, now: datetime) -> Outcome:
    told = environment.read()
    headers = {
        "Host": parts.netloc,
        "Authorization": web_push.authorization(
            push.endpoint, told.secret_key, _contact(told.base_url), now
        ),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT_FOR),
        "Topic": web_push.topic_of(push.topic),
        "Urgency": "high",
    }
    path = parts.path or "/"
    connection = _connect(parts)
    # Patience is for each step: one that takes them slowly enough would keep us for days.
    end = threading.Timer(DEADLINE, _cut, [connection])
    end.start()
    try:
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, headers)
        return _outcome(connection.getresponse().status)
    finally:
        end.cancel()
        connection.close()


def _cut(connection: HTTPConnection) -> None:
    with suppress(OSError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _connect(parts: SplitResult) -> HTTPConnection:
    """A connection to an address that was seen to be public: no name can change its mind."""
    host, port = parts.hostname or "", _port_of(parts)
    plain = socket.create_connection((_public_address(parts, port), port), PATIENCE)
    connection = HTTPConnection(host, port, timeout=PATIENCE)
    if parts.scheme == "https":
        try:
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    connection.sock = plain
    return connection


def _public_address(parts: SplitResult, port: int) -> str:
    """An address of the host; all of them must be public. Raises EndpointError."""
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not _is_of_tests(parts) and not all(ip_address(each).is_global for each in addresses):
        raise EndpointError("A push service is reached at a public host.")
    return addresses[0]


def _outcome(status: int) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome.SENT
    # A subscription that ended; or one made with a key that is not ours (any more).
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN}:
        return Outcome.GONE
    return Outcome.FAILED


def _parts(endpoint: str) -> SplitResult:
    if len(endpoint) > MOST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
        raise EndpointError("This is not the address of a push service.")
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError as wrong:
        raise EndpointError("This is not the address of a push service.") from wrong
    if " " in endpoint or not parts.hostname:
        raise EndpointError("This is not the address of a push service.")
    return parts


def _port_of(parts: SplitResult) -> int:
    return parts.port or (_HTTPS if parts.scheme == "https" else 80)


def _is_of_tests(parts: SplitResult) -> bool:
    """A push service on loopback: for tests alone."""
    return environment.read().testing and parts.scheme == "http" and parts.hostname == "127.0.0.1"


def _contact(base_url: str) -> str:
    """Where a push service finds us (RFC 8292, section 2.1)."""
    if base_url.startswith("https://"):
        return base_url
    return f"mailto:regulars@{urlsplit(base_url).hostname or 'localhost'}"
