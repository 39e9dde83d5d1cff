"""One try at telling a webhook: a signed POST, and what became of it.

The host is somebody else's choice, so it must be public (`kit.public_hosts`), redirects are not
followed, and no answer is waited for or read for long.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

from regulars.kit import public_hosts
from regulars.kit.public_hosts import NotPublicError
from regulars.webhooks import signing, webhooks

PATIENCE = 5.0  # seconds for each step of a try
DEADLINE = 10.0  # seconds for all of them
MOST_READ = 2_000  # bytes of an answer, kept to be shown

AGENT = "Regulars-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try; without a `status` nothing was answered."""

    status: int | None
    answer: str
    problem: str
    took_ms: int

    @property
    def was_taken(self) -> bool:
        """Whether it need not be told again."""
        return self.status is not None and not self.problem


def tell(
    url: str, body: str, headers: dict[str, str], keys: Sequence[str], now: datetime
) -> Outcome:
    """Post the body to the URL, signed. Never raises for what the net does."""
    started = time.monotonic()
    status, answer = None, ""
    try:
        status, answer = _post(urlsplit(url), body.encode(), headers, keys, now)
        problem = _problem_of(status)
    except NotPublicError:
        problem = "The host is not public."
    except TimeoutError:
        problem = f"No answer within {DEADLINE:.0f} seconds."
    except (OSError, HTTPException, ValueError) as wrong:
        took = time.monotonic() - started
        problem = (
            f"No answer within {DEADLINE:.0f} seconds."
            if took >= DEADLINE
            else f"It can’t be reached: {_words(wrong)}."
        )
    return Outcome(status, answer, problem, int((time.monotonic() - started) * 1000))


def _post(
    parts: SplitResult, body: bytes, headers: dict[str, str], keys: Sequence[str], now: datetime
) -> tuple[int, str]:
    sent = {
        **headers,
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Connection": "close",
        signing.HEADER: signing.signature(body, keys, now),
    }
    path = parts.path or "/"
    connection = public_hosts.connect(parts, PATIENCE, webhooks.allowed())
    # Patience is for each step: one that takes them slowly enough would keep us for days.
    end = threading.Timer(DEADLINE, _cut, [connection])
    end.daemon = True
    end.start()
    try:
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, sent)
        response = connection.getresponse()
        return response.status, response.read(MOST_READ).decode("utf-8", "replace")
    finally:
        end.cancel()
        connection.close()


def _cut(connection: HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _problem_of(status: int) -> str:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"It answered {status}, a redirect, which is not followed."
    return f"It answered {status}."


def _words(wrong: Exception) -> str:
    told = getattr(wrong, "strerror", None) or str(wrong) or type(wrong).__name__
    return str(told)[:200].rstrip(".")
