"""Settings, Tracking in a real browser: it turns green by itself and shows what arrives."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from regulars.kit import clock
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser, site
from tests.slices.tracking.site import Site, page, track

__all__ = ["address", "browser", "cast", "site"]


@pytest.fixture
def tracking(browser: BrowserContext, cast: Cast, address: str) -> Page:
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('settings/tracking/')}")
    return tab


def test_waiting_for_the_first_event_ends_by_itself(tracking: Page, site: Site) -> None:
    waiting = tracking.get_by_role("heading", name="Waiting for the first event")
    expect(waiting).to_be_visible()
    site.send(page("b1", "/first"), at=clock.now())
    expect(waiting).to_be_hidden()
    expect(tracking.locator("#live-rows")).to_contain_text("/first")


def test_events_appear_as_they_arrive(tracking: Page, site: Site) -> None:
    site.send(page("b1", "/one"), at=clock.now())
    rows = tracking.locator("#live-rows tr")
    expect(rows.first).to_contain_text("/one")
    site.send(track("Order Placed", "b1", properties={"total": 58}), at=clock.now())
    expect(rows.first).to_contain_text("Order Placed")


def test_what_is_refused_appears_with_its_reason(tracking: Page, site: Site) -> None:
    site.send({"type": "dance", "anonymousId": "b1"}, at=clock.now())
    expect(tracking.locator("#refused")).to_contain_text("Unknown call")
