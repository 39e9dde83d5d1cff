"""A real Chromium in front of the shell and its components, under the product's own policy."""

from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from playwright.sync_api import Browser, Page

from regulars.console.headers import ContentSecurityPolicy
from regulars.console.rhythm import DAYS
from tests.slices.console.shells import shell

STATIC = Path(__file__).parents[3] / "regulars" / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def gallery() -> str:
    template = engines["django"].from_string(
        (Path(__file__).parent / "gallery.html").read_text(encoding="utf-8")
    )
    names = ("Amara Okafor", "Tomasz Wiśniewski", "Linnea Sjöberg", "Haruki Tanabe")
    return template.render(
        {
            "shell": shell(),
            "csrf_token": "t0ken",
            "people": names,
            "counts": bytes(range(DAYS)),
            "snippet": '<script async\n  src="/t.js"></script>',
        }
    )


def policy() -> dict[str, str]:
    """The headers that the console sends with a page."""
    sent = ContentSecurityPolicy(lambda _request: HttpResponse())(RequestFactory().get("/"))
    return dict(sent.headers)


class Handler(BaseHTTPRequestHandler):
    """Serves the gallery and the static files; a POST answers with a toast."""

    def __init__(self, page: bytes, headers: dict[str, str], *rest: object) -> None:
        self.page, self.policy = page, headers
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if not self.path.startswith("/static/"):
            return self.answer(self.page, "text/html; charset=utf-8")
        file = STATIC / self.path.split("/", 3)[3]  # past the hash of the contents
        return self.answer(file.read_bytes(), TYPES[file.suffix])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = f"{body} {self.headers['X-CSRFToken']}"
        html = f'<div hx-swap-oob="beforeend:#toasts"><div class="toast">{told}</div></div>'
        self.answer(html.encode(), "text/html")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        for name, value in (self.policy | {"Content-Type": kind}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Tests are quiet."""


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    handler = partial(Handler, gallery().encode(), policy())
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The gallery, open on a wide screen; whatever the browser complains of fails the test."""
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Lisbon"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    complaints: list[str] = []
    tab = context.new_page()
    tab.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(address)
    yield tab
    context.close()
    assert complaints == []
