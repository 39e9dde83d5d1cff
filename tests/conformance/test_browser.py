"""Segment's published browser SDK, on a page of another origin, delivers every event once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import PERSON
from tests.conformance.conftest import Shop
from tests.conformance.proxy import Line
from tests.running import wait_until

MANY = 5
PAGE = b"<!doctype html><meta charset=utf-8><title>A shop</title><script src=/page.js></script>"
VISIT = """async ([start, key, url, many]) => {
  const starts = { startFromPackage, startFromSnippet };
  return visit(await starts[start](key, url), "pat", many);
}"""


class _Files(BaseHTTPRequestHandler):
    """A customer's site: one page, and the SDK as it was published."""

    def __init__(self, *request: Any, clients: Path) -> None:
        self._scripts = {
            "/page.js": clients / "page.js",
            **{f"/{name}": _published(clients) / name for name in ("index.js", "standalone.js")},
        }
        super().__init__(*request)

    def do_GET(self) -> None:
        found = self._scripts.get(self.path)
        body = found.read_bytes() if found else PAGE
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if found else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Nothing is said of requests."""


def _published(clients: Path) -> Path:
    return clients / "node_modules" / "@segment" / "analytics-next" / "dist" / "umd"


@pytest.fixture(scope="module")
def site(clients: Path) -> Iterator[str]:
    """Where the customer's site is: another origin than ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, clients=clients)) as server:
        thread = threading.Thread(target=server.serve_forever, name="site")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    """A person's browser on the customer's page."""
    context = chromium.new_context(user_agent=PERSON)
    opened = context.new_page()
    opened.goto(site)
    yield opened
    context.close()


def _visit(page: Page, start: str, key: str, url: str) -> Any:
    if start == "startFromPackage":
        page.add_script_tag(url="/index.js")
    return page.evaluate(VISIT, [start, key, url, MANY])


def _the_visit_is_told_right(shop: Shop, said: Any) -> None:
    """Pat is one user, from the first page on; who came after `reset` is another."""
    pat = shop.person("pat")
    assert (pat["kind"], pat["email"], pat["name"]) == ("user", "pat@example.com", "Pat Doe")
    assert pat["plan"] == "pro"
    assert shop.owner_of(said["anonymousId"]) == pat["id"]
    assert pat["events"] == MANY + 6
    assert shop.owner_of(said["stranger"]) not in (None, pat["id"])
    assert shop.kinds() == {"page", "track", "identify", "screen", "group", "alias"}


@pytest.mark.parametrize("start", ["startFromPackage", "startFromSnippet"])
def test_the_browser_sdk_delivers_everything_once(shop: Shop, page: Page, start: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said = _visit(page, start, shop.key, shop.up.url)
    shop.holds_exactly(said["ids"])
    _the_visit_is_told_right(shop, said)
    strangers = [url for url in asked if not url.startswith((shop.up.url, page.url))]
    assert strangers == []


def test_the_browser_sdk_may_repeat_what_was_stored(shop: Shop, page: Page) -> None:
    with Line(shop.up.port, cuts=3) as broken:
        said = _visit(page, "startFromPackage", shop.key, broken.url)
        # What was cut comes again, after the pause that the SDK makes.
        posts = len(said["ids"]) + 3
        wait_until(lambda: broken.answered["POST"] >= posts, seconds=30)
        assert broken.cut == 3
        assert broken.answered["OPTIONS"] > 0, "no preflight was asked: the page is no stranger"
    shop.holds_exactly(said["ids"])
    _the_visit_is_told_right(shop, said)
