"""Home, Reports and the palette in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, expect

from regulars.kit import clock
from regulars.reports import keeping
from tests.cast import Cast, cast
from tests.journeys.desk import address, arrive, browser, crowd, site
from tests.slices.tracking.site import Site

__all__ = ["address", "browser", "cast", "site"]


def test_whoever_comes_appears_on_home_and_is_found_by_keyboard(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    complaints: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    tab.goto(f"{address}{cast.home.url()}")
    expect(tab.get_by_role("heading", name="Who is here")).to_be_visible()
    arrive(site, 2, "/checkout")
    here = tab.locator("#home-here li", has_text="/checkout")
    expect(here).to_contain_text("Person 002")

    tab.get_by_role("button", name="Pause").click()
    expect(tab.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")

    tab.keyboard.press("Control+k")
    box = tab.get_by_role("combobox", name=re.compile("Search people"))
    expect(box).to_be_focused()
    box.press_sequentially("person 002")
    expect(tab.get_by_role("option").first).to_contain_text("Person 002")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/people/*-*/**")
    expect(tab.get_by_role("heading", name="Person 002")).to_be_visible()
    assert complaints == []


def test_a_sentence_of_selects_asks_the_kept_counts(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    keeping.count_project(cast.connection, cast.home.id, clock.now())
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url()}")
    tab.keyboard.press("g")
    tab.keyboard.press("r")
    tab.wait_for_url("**/reports/")
    tab.get_by_label("By what").select_option("browser")
    tab.wait_for_url("**by=browser**")
    expect(tab.get_by_role("columnheader", name="Browser").first).to_be_visible()
    chart = tab.get_by_role("img", name=re.compile("Page views a day by browser"))
    expect(chart).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename.startswith("views-by-browser-")
