"""A saved segment follows what people do, and time: in a real installation, with a real worker."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.running import Running, running, wait_until

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
INDIA = "49.36.10.1"  # a network in India
PATIENCE = 5.0  # seconds on a busy machine; promised is one, on an idle one


class Clock:
    """What time it is for the whole installation."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(datetime.now(UTC).replace(microsecond=0))

    def set(self, now: datetime) -> None:
        self.now = now
        fresh = self._file.with_suffix(".new")
        fresh.write_text(now.isoformat(), encoding="utf-8")
        fresh.rename(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def installation(tmp_path: Path, clock: Clock) -> Iterator[Running]:
    settings = {
        "REGULARS_TRUSTED_PROXIES": "127.0.0.1",
        "REGULARS_CLOCK": str(tmp_path / "clock"),
        "REGULARS_TESTING": "1",
    }
    with running(tmp_path / "data", settings=settings) as server:
        yield server


@pytest.fixture
def people(chromium: Browser, installation: Running) -> Iterator[Page]:
    """The new owner's list of users."""
    wait_until(lambda: "/first-sign-in/" in installation.said(), seconds=20)
    link = re.search(r"\S+/first-sign-in/\S+", installation.said())
    assert link is not None
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    tab = context.new_page()
    tab.goto(link[0])
    tab.get_by_label("Name").fill("Ines Carvalho")
    tab.get_by_label("Email").fill("ines@example.com")
    tab.locator("input[type=password]").first.fill("a sentence is easiest to keep")
    tab.locator("form button.primary").click()
    tab.wait_for_url("**/welcome/")
    tab.goto(tab.url.replace("/welcome/", "/people/"))
    yield tab
    context.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """Somebody in India with Firefox."""
    context = chromium.new_context(
        user_agent=FIREFOX, extra_http_headers={"X-Forwarded-For": INDIA}
    )
    yield context
    context.close()


def add_filter(tab: Page, typed: str) -> None:
    tab.get_by_role("button", name="Add filter").click()
    tab.keyboard.type(typed)
    tab.keyboard.press("Enter")


def in_the_rail(tab: Page, name: str) -> Locator:
    return tab.get_by_role("navigation", name="Main").get_by_role("link", name=name)


def test_one_event_lets_somebody_into_a_segment_and_time_lets_them_out(
    people: Page, visitor: BrowserContext, installation: Running, clock: Clock
) -> None:
    add_filter(people, "browser")
    people.keyboard.type("Firefox")
    add_filter(people, "country")
    people.keyboard.type("India")
    add_filter(people, "last_seen")
    expect(people.locator("#people-count")).to_have_text("0 people match")
    people.get_by_role("button", name="Save as segment").click()
    dialog = people.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Indian foxes")
    dialog.get_by_role("button", name="Save segment").click()
    expect(people.get_by_role("heading", name="Indian foxes")).to_be_visible()
    count = in_the_rail(people, "Indian foxes").locator(".n")
    expect(count).to_have_text("0")

    shop = visitor.new_page()
    shop.goto(f"{installation.url}/demo/sign-up/")
    shop.get_by_label("Name", exact=True).fill("Priya Raghunathan")
    shop.get_by_label("Email", exact=True).fill("priya@example.com")
    expect(count).to_have_text("0")
    shop.get_by_role("button", name="Sign up").click()
    began = time.monotonic()
    expect(count).to_have_text("1")
    assert time.monotonic() - began < PATIENCE
    shop.close()

    clock.set(clock.now + timedelta(days=28) - timedelta(minutes=1))
    people.wait_for_timeout(1500)
    expect(count).to_have_text("1")
    clock.set(clock.now + timedelta(minutes=1))
    began = time.monotonic()
    expect(count).to_have_text("0")
    assert time.monotonic() - began < PATIENCE

    people.reload()
    feed = people.locator(".moves")
    expect(feed).to_contain_text("Priya Raghunathan")
    expect(feed).to_contain_text("Entered")
    expect(feed).to_contain_text("Left")
    expect(feed).to_contain_text("As time passed")
