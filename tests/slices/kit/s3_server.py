"""An S3-compatible server for tests that believes nobody.

It works every signature out anew (AWS Signature Version 4, "Authenticating Requests" in the S3 API
Reference), and the digest of every body, and refuses what differs, is late or lies elsewhere. Its
own arithmetic is tried against the worked example that Amazon publishes.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

ALGORITHM = "AWS4-HMAC-SHA256"
TOO_LATE = timedelta(minutes=15)
KEYS_A_PAGE = 2  # small, so that whoever lists has to ask again


@dataclass
class Shelf:
    """One bucket, and what has been asked of it."""

    bucket: str = "files"
    region: str = "eu-central-1"
    key: str = "AKIDEXAMPLE"
    secret: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    objects: dict[str, bytes] = field(default_factory=dict)
    kinds: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    failing: int = 0  # so many requests are answered 503 before one is looked at
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def address(self, *, prefix: str = "", secret: str | None = None, bucket: str = "") -> str:
        """What REGULARS_STORAGE_URL is to be."""
        known = f"{self.key}:{quote(secret or self.secret, safe='')}"
        path = f"{bucket or self.bucket}{f'/{prefix}' if prefix else ''}"
        return f"s3+http://{known}@127.0.0.1:{self.port}/{path}?region={self.region}"


def sign(
    secret: str, method: str, target: str, headers: Mapping[str, str], signed: str, scope: str
) -> str:
    """The signature that a request must have: of the headers that `signed` lists."""
    parts = urlsplit(target)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    lines = [
        method,
        quote(unquote(parts.path), safe="/-_.~"),
        "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed.split(";")),
        "",
        signed,
        headers["x-amz-content-sha256"],
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join([ALGORITHM, headers["x-amz-date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        if name := self._admitted():
            self.shelf.objects[name] = self.body
            self.shelf.kinds[name] = (
                self.headers.get("content-type"),
                self.headers.get("content-disposition"),
            )
            self._answer(200, headers={"ETag": f'"{hashlib.md5(self.body).hexdigest()}"'})

    def do_GET(self) -> None:
        name = self._admitted()
        if name == "":
            self._list()
        elif name is not None and name not in self.shelf.objects:
            self._refuse(404, "NoSuchKey")
        elif name is not None:
            content = self.shelf.objects[name]
            modified = "Sun, 29 Nov 2026 12:00:00 GMT"
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            self._answer(200, content, {"ETag": etag, "Last-Modified": modified})

    def do_DELETE(self) -> None:
        if name := self._admitted():
            self.shelf.objects.pop(name, None)
            self._answer(204)

    def _admitted(self) -> str | None:
        """The object asked for ("" is the bucket); None where the request has been refused."""
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.shelf.asked.append(f"{self.command} {self.path}")
        if self.shelf.failing:
            self.shelf.failing -= 1
            self._refuse(503, "SlowDown")
            return None
        if wrong := self._wrong():
            self._refuse(403, wrong)
            return None
        bucket, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if bucket != self.shelf.bucket:
            self._refuse(404, "NoSuchBucket")
            return None
        return name

    def _wrong(self) -> str | None:  # noqa: PLR0911 - each refusal has its own word
        given = self.headers.get("authorization") or ""
        kind, _, rest = given.partition(" ")
        if kind != ALGORITHM:
            return "AccessDenied"
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        key, _, scope = parts["Credential"].partition("/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if key != self.shelf.key:
            return "InvalidAccessKeyId"
        when = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - when) > TOO_LATE:
            return "RequestTimeTooSkewed"
        if scope != f"{when:%Y%m%d}/{self.shelf.region}/s3/aws4_request":
            return "AuthorizationHeaderMalformed"
        signed = parts["SignedHeaders"]
        must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
        if not must <= set(signed.split(";")):
            return "AccessDenied"
        if headers["x-amz-content-sha256"] != hashlib.sha256(self.body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        right = sign(self.shelf.secret, self.command, self.path, headers, signed, scope)
        return None if hmac.compare_digest(right, parts["Signature"]) else "SignatureDoesNotMatch"

    def _list(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        start = asked.get("continuation-token", "")
        names = sorted(
            name
            for name in self.shelf.objects
            if name.startswith(asked.get("prefix", "")) and name > start
        )
        page, more = names[:KEYS_A_PAGE], len(names) > KEYS_A_PAGE
        items = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.shelf.objects[name])}</Size>"
            '<LastModified>2026-11-29T12:00:00.000Z</LastModified><ETag>"x"</ETag></Contents>'
            for name in page
        )
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        says = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<KeyCount>{len(page)}</KeyCount>{token}{items}</ListBucketResult>"
        )
        self._answer(200, says.encode(), {"Content-Type": "application/xml"})

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing: tests say what they find."""


@contextmanager
def serving() -> Iterator[Shelf]:
    """A server with one empty bucket."""
    shelf = Shelf()
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        shelf.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()
