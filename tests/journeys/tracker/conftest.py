"""A real Chromium, and a server that remembers what it is sent."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .recorder import Recorder, recording


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
