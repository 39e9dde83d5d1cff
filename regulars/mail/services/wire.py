"""HTTP to a mail service: one request at a time, never repeated, and known whether it was begun.

Once the first byte of a request has left, nobody but the service can say whether it took the mail;
before that nothing was taken. So every connection notes that it was made, and that it speaks.
Nothing is tried again by itself, no redirect is followed, and an answer has a size.
"""

from __future__ import annotations

import threading
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from regulars.mail.smtp import TIMEOUT

CONNECT_WITHIN = 10.0  # seconds
MOST_ANSWER = 1_000_000  # bytes


class _Spoken(threading.local):
    """Whether this thread's newest request has begun."""

    begun = False


_spoken = _Spoken()


class Session(requests.Session):
    """A session of one thread, with the connection that it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is  # not from anybody's .netrc
        self.mount("https://", _Adapter())
        self.mount("http://", _Adapter())

    def request(self, *args: Any, **said: Any) -> requests.Response:
        """As `requests` does; the answer has been read."""
        _spoken.begun = False
        said |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_WITHIN, TIMEOUT)}
        response = super().request(*args, **said)
        try:
            body = response.raw.read(MOST_ANSWER + 1, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as lost:
            response.close()
            raise requests.ConnectionError("The answer broke off") from lost
        if len(body) > MOST_ANSWER:
            response.close()
            raise requests.ConnectionError("The answer does not end")
        response._content = body  # noqa: SLF001 - where `requests` keeps what it has read
        return response


def was_begun() -> bool:
    """Whether any of this thread's newest request can have left."""
    return _spoken.begun


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Watched:
    """A connection that notes when it begins to speak to the service (not to a proxy before it)."""

    sock: Any

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        finally:
            _spoken.begun = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _spoken.begun = True
        super().send(data)  # type: ignore[misc]


class _Plain(_Watched, HTTPConnection):
    pass


class _Encrypted(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


_POOLS = {"http": _PlainPool, "https": _EncryptedPool}


class _Adapter(HTTPAdapter):
    """Connections of ours, directly and by way of a proxy; `max_retries` is none."""

    def init_poolmanager(self, *args: Any, **said: Any) -> None:
        super().init_poolmanager(*args, **said)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **said: Any) -> Any:
        manager = super().proxy_manager_for(*args, **said)
        manager.pool_classes_by_scheme = _POOLS
        return manager
