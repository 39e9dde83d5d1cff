"""A saved segment in a real browser: made from a list, looked into, changed, deleted."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from regulars.kit import clock
from regulars.kit import database as kit_database
from regulars.segments import filling
from regulars.segments.fills import fills_running
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser, site
from tests.slices.people.crowd import add_all
from tests.slices.segments.saved import save_and_fill
from tests.slices.tracking.site import Site, identify

__all__ = ["address", "browser", "cast", "site"]

ON_PRO = {"field": "attributes.plan", "op": "is", "value": "pro"}


@pytest.fixture(autouse=True)
def _people(site: Site) -> None:
    """Eight users, half of them on the pro plan."""
    add_all(
        site,
        [
            {
                "name": f"Person {number:03}",
                "email": f"person{number}@example.com",
                "last_seen": clock.now(),
                "attributes": {"plan": "pro" if number % 2 else "free"},
            }
            for number in range(8)
        ],
    )


@pytest.fixture
def worker(cast: Cast) -> Iterator[None]:
    """What fills segments, for this test's project alone: others share the database."""
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


def opened(browser: BrowserContext, cast: Cast, address: str, path: str) -> Page:
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url(path)}")
    return tab


def pros(site: Site, name: str = "Pros", rule: Any = ON_PRO) -> str:
    """A segment's path."""
    return f"segments/{save_and_fill(site, rule, name, at=clock.now())}/"


def menu(tab: Page, verb: str) -> None:
    """Open the segment's menu and choose."""
    tab.get_by_role("button", name="More about this segment").click()
    tab.get_by_role("button", name=verb).click()


def heading(tab: Page) -> Any:
    return tab.get_by_role("heading", level=1)


def rail(tab: Page) -> Any:
    return tab.locator("segment-rail")


@pytest.mark.usefixtures("worker")
def test_a_filtered_list_becomes_a_segment_that_counts_itself(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    elsewhere = opened(browser, cast, address, "people/")
    expect(rail(elsewhere)).to_contain_text("Make a segment")
    tab = opened(browser, cast, address, f"people/?filter={quote(json.dumps(ON_PRO))}")
    tab.get_by_role("button", name="Save as segment").click()
    dialog = tab.get_by_role("dialog", name="Save as segment")
    expect(dialog).to_contain_text("4 people match today")
    expect(dialog.get_by_label("Name")).to_be_focused()
    tab.keyboard.type("Pros")
    tab.keyboard.press("Enter")
    expect(heading(tab)).to_have_text("Pros")
    # It says how far it is, unless everybody was counted before the page was there.
    about = tab.get_by_role("complementary", name="About this segment")
    expect(about).to_contain_text(re.compile(r"Members now\s*4"))
    expect(tab.locator("#segment-numbers .value")).to_have_text("4")
    expect(tab.locator("#segment-state")).to_have_text("Live")
    expect(rail(tab).get_by_role("link", name="Pros")).to_contain_text("4")
    # On another page it appears without a reload.
    expect(rail(elsewhere).get_by_role("link", name="Pros")).to_contain_text("4")


def test_a_name_that_is_taken_is_refused_beside_what_was_typed(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    pros(site)
    tab = opened(browser, cast, address, f"people/?filter={quote(json.dumps(ON_PRO))}")
    tab.get_by_role("button", name="Save as segment").click()
    dialog = tab.get_by_role("dialog", name="Save as segment")
    dialog.get_by_label("Name").fill("PROS")
    dialog.get_by_role("button", name="Save segment").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is a segment “PROS” already.")
    expect(dialog.get_by_label("Name")).to_have_value("PROS")
    dialog.get_by_label("Name").fill("Other pros")
    dialog.get_by_role("button", name="Save segment").click()
    expect(heading(tab)).to_have_text("Other pros")


def test_the_page_follows_who_comes_and_goes(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    tab = opened(browser, cast, address, pros(site))
    expect(tab.locator("#segment-numbers .value")).to_have_text("4")
    site.send(identify("zoe", "z", {"name": "Zoe", "plan": "pro"}), at=clock.now())
    expect(tab.locator("#segment-numbers .value")).to_have_text("5")
    expect(rail(tab).get_by_role("link", name="Pros")).to_contain_text("5")
    first = tab.locator(".moves li").first
    expect(first).to_contain_text("Zoe")
    expect(first).to_contain_text("Entered")
    site.send(identify("zoe", "z", {"plan": "free"}), at=clock.now())
    expect(tab.locator(".moves li").first).to_contain_text("Left")
    tab.get_by_role("radiogroup", name="Show").get_by_text("Entered").click()
    expect(tab.locator(".moves li")).to_have_count(1)
    expect(tab.locator(".moves li")).to_contain_text("Entered")


def test_whether_somebody_is_in_and_why_can_be_asked(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    tab = opened(browser, cast, address, pros(site))
    tab.get_by_label("Is someone in?").fill("person")
    tab.get_by_role("button", name="Person 004").click()
    answer = tab.locator("#is-in-answer")
    expect(answer).to_contain_text("Not in")
    expect(answer.locator("li")).to_contain_text("plan is pro")
    expect(answer.locator("li b")).to_contain_text("free")
    tab.get_by_label("Is someone in?").fill("person3@example.com")
    expect(answer).to_contain_text("In, since")
    expect(answer.get_by_role("link", name="Person 003")).to_be_visible()


def test_a_segment_is_renamed_copied_and_deleted(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    pros(site, "Others", {"not": ON_PRO})
    tab = opened(browser, cast, address, pros(site))
    menu(tab, "Rename")
    name = tab.get_by_role("dialog").get_by_label("Name")
    expect(name).to_be_focused()
    name.fill("others")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("already")
    name.fill("Paying")
    tab.keyboard.press("Enter")
    expect(heading(tab)).to_have_text("Paying")
    expect(rail(tab).get_by_role("link", name="Paying")).to_have_attribute("aria-current", "page")
    menu(tab, "Duplicate")
    expect(heading(tab)).to_have_text("Paying (copy)")
    menu(tab, "Delete segment")
    # The way out comes first.
    expect(tab.get_by_role("button", name="Keep it")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    menu(tab, "Delete segment")
    tab.get_by_role("dialog").get_by_role("button", name="Delete segment").click()
    expect(heading(tab)).to_have_text("Segments")
    expect(tab.locator(".segments-table tbody tr")).to_have_count(2)
    expect(rail(tab)).not_to_contain_text("(copy)")


def test_who_is_in_it_is_exported_from_its_page(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    tab = opened(browser, cast, address, pros(site))
    menu(tab, "Export CSV")
    expect(tab.locator("#bulk-jobs")).to_contain_text("4 people")
    expect(tab.locator("#segment-actions")).to_be_hidden()


def test_what_others_are_built_on_is_kept_and_says_so(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    path = pros(site)
    below = {"segment": path.split("/")[1], "op": "is_not_in"}
    pros(site, "Not pros", below)
    tab = opened(browser, cast, address, path)
    menu(tab, "Delete segment")
    dialog = tab.get_by_role("dialog", name="Pros can’t be deleted yet")
    dialog.get_by_role("link", name="Not pros").click()
    expect(heading(tab)).to_have_text("Not pros")
    expect(tab.locator(".rule-sentence").get_by_role("link", name="Pros")).to_be_visible()


def test_on_a_phone_segments_are_one_tap_from_the_people(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    pros(site)
    tab = opened(browser, cast, address, "people/")
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.get_by_role("link", name="Segments", exact=True).click()
    expect(heading(tab)).to_have_text("Segments")
    tab.get_by_role("link", name="Pros").click()
    expect(tab.get_by_role("link", name=re.compile("People 4"))).to_be_visible()
    wide = tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
