"""A push service on loopback: takes what is pushed, and keeps it as it came."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Taken:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class PushService:
    """Answers 201, or what a test wants for a path."""

    url: str
    taken: list[Taken] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    def to(self, path: str) -> list[Taken]:
        """What was sent to one browser."""
        return [one for one in self.taken if one.path == path]


@contextmanager
def push_service() -> Iterator[PushService]:
    """One that serves while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.taken.append(Taken(self.path, dict(self.headers), body))
            status = service.answers.get(self.path, 201)
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("Location", f"{service.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = PushService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
