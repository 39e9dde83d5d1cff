"""A checkpoint made and reached in a real browser: “Firefox users”."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from regulars.kit import clock
from regulars.kit import database as kit_database
from regulars.segments import filling
from regulars.segments.fills import fills_running
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser, site
from tests.slices.tracking.site import Site, identify, page

__all__ = ["address", "browser", "cast", "site"]

ON_FIREFOX = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
}


@pytest.fixture
def _worker(cast: Cast) -> Iterator[None]:
    """What counts checkpoints, for this test's project alone: others share the database."""
    stop = threading.Event()

    def work() -> None:
        with kit_database.connect() as connection:
            while not stop.wait(0.05):
                for fill in fills_running(connection):
                    if fill.project_id == cast.home.id:
                        filling.fill_range(connection, fill, clock.now())

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(30)


@pytest.mark.usefixtures("_worker")
def test_a_firefox_visitor_reaches_a_checkpoint_that_was_just_made(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    site.send(page("before"), at=clock.now(), headers=ON_FIREFOX)
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('settings/funnel/')}")
    tab.get_by_role("link", name="Add a checkpoint").click()
    tab.get_by_label("Title").fill("Firefox users")
    tab.get_by_role("button", name="Add filter").click()
    tab.get_by_label("Find a field, an event or a segment").fill("browser")
    tab.get_by_role("button", name="browser", exact=True).click()
    tab.locator("filter-builder .rule input").first.fill("Firefox")
    tab.get_by_role("button", name="Add checkpoint").click()
    row = tab.get_by_role("listitem").filter(has_text="Firefox users")
    expect(row.locator(".cp-reach b")).to_have_text("1")

    site.send(page("after"), at=clock.now(), headers=ON_FIREFOX)
    tab.reload()
    expect(row.locator(".cp-reach b")).to_have_text("2")
    tab.get_by_role("link", name="How people do").click()
    expect(tab.get_by_role("img", name=re.compile("3 checkpoints"))).to_be_visible()
    expect(tab.get_by_role("heading", name="What our channels do")).to_be_visible()
    expect(tab.get_by_role("heading", name="Week by week")).to_be_visible()


def test_a_bar_leads_to_its_people_and_they_to_a_campaign_or_an_email(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    pat = identify("pat", "a", {"email": "pat@example.com"})
    site.send(pat, page("a"), at=clock.now())
    tab = browser.new_page()
    funnel = f"{address}{cast.home.url('funnel/?days=')}"
    tab.goto(funnel)
    tab.locator(".cps").get_by_role("link", name="Active").click()
    expect(tab.locator("#people-count")).to_have_text("1 person matches")

    tab.get_by_role("link", name="Campaign", exact=True).click()
    form = tab.get_by_role("dialog", name="New campaign")
    form.get_by_label("Name").fill("To the active")
    form.get_by_role("button", name="Open draft").click()
    expect(tab).to_have_url(re.compile(r"/campaigns/[0-9a-f-]{36}/"))
    who = tab.get_by_role("region", name="Flow").get_by_text(
        re.compile("Reached checkpoint .+, after ")
    )
    expect(who).to_be_visible()

    tab.goto(funnel)
    tab.locator(".cps").get_by_role("link", name="Active").click()
    tab.get_by_role("button", name="Email", exact=True).click()
    expect(tab).to_have_url(re.compile(r"/emails/[0-9a-f-]{36}/"))
    expect(tab.get_by_role("form", name="Who gets it").get_by_text("1 of 1")).to_be_visible()
