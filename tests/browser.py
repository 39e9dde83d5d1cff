"""One real Chromium for all tests that need one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# Playwright keeps an event loop in the tests' own thread, beside which Django would not do a thing.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# How long to wait for what will be seen, for a click or a page, in ms: a busy machine is slow, and
# waiting costs nothing where it comes at once.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE / 2)

# Headless Chromium says so in its name, and crawlers are kept out of people: this one visits
# as a person's browser does.
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
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


def chromium_path() -> str | None:
    """Where this machine has one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, headless."""
    path = chromium_path()
    if path is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: nothing was tried in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield browser
        browser.close()
