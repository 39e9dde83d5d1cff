"""A real Chromium, and a server that remembers what it is sent."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .recorder import Recorder, recording

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that is not this machine's own: a page there has no secure context.
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: the tracker was not tried in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """Somebody's browser, fresh."""
    context = chromium.new_context(locale="en-GB", timezone_id="Europe/Lisbon")
    yield context
    context.close()


@pytest.fixture
def tab(visitor: BrowserContext) -> Page:
    return visitor.new_page()


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder
