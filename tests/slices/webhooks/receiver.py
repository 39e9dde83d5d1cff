"""A company's server that takes deliveries: real HTTP on loopback, answering as it is told to."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.running import wait_until


class Receiver:
    """What came in, and what is answered: `statuses` one after the other, then 200."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks?from=regulars"
        self.by_name = f"http://localhost:{port}/hooks"
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.answer = "thanks"
        self.go_on = threading.Event()  # unset, nobody is answered
        self.go_on.set()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]

    def topics(self) -> list[str]:
        return [one["topic"] for one in self.told]

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.came) >= count, seconds=30)

    def is_signed(self, number: int, secret: str) -> bool:
        """As the how-to page says to check it."""
        headers, body = self.came[number]
        parts = [part.split("=", 1) for part in headers["X-Regulars-Signature"].split(",")]
        stamp = next(value for key, value in parts if key == "t")
        signed = f"{stamp}.".encode() + body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return any(key == "v1" and hmac.compare_digest(value, expected) for key, value in parts)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, served while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append((dict(self.headers), body))
            receiver.go_on.wait(30)
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            said = receiver.answer.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            if status == 302:
                self.send_header("Location", receiver.url)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go_on.set()
        server.shutdown()
        server.server_close()
