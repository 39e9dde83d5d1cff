"""A saved segment follows what people do, and time: in a real installation, with a real worker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from tests.journeys.desk import first_owner
from tests.migrated import migrated
from tests.running import Running, running

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
INDIA = "49.36.10.1"  # a network in India
PATIENCE = 15.0  # seconds on a busy machine; promised is one, on an idle one


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
    with running(migrated(tmp_path / "data"), settings=settings) as server:
        yield server


@pytest.fixture
def people(chromium: Browser, installation: Running) -> Iterator[Page]:
    """The new owner's list of users."""
    context = first_owner(chromium, installation)
    tab = context.new_page()
    tab.goto(f"{installation.url}/")
    tab.goto(re.sub(r"/p/([0-9a-f-]+)/.*", r"/p/\1/people/", tab.url))
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


def arrival_of(path: str) -> Callable[[Response], bool]:
    """Whether an answer is the one to a batch that tells of this page."""

    def is_it(answer: Response) -> bool:
        return answer.request.method == "POST" and path in (answer.request.post_data or "")

    return is_it


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
    asked = people.locator("filter-builder .rule-name")
    expect(asked).to_have_text(["browser", "country", "last_seen"])
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
    with shop.expect_response(arrival_of("/demo/account/")):
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
