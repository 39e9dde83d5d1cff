"""The People list in a real browser while things happen: true within a second, and still."""

from __future__ import annotations

import re
import time

from playwright.sync_api import BrowserContext, Page, expect

from regulars.kit import clock
from regulars.people import actions, queries
from tests.cast import Cast, cast
from tests.journeys.desk import address, arrive, browser, crowd, site
from tests.slices.tracking.site import Site, page

__all__ = ["address", "browser", "cast", "site"]


def people(browser: BrowserContext, cast: Cast, address: str, query: str = "") -> Page:
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('people/')}{query}")
    return tab


def names(tab: Page) -> list[str]:
    return tab.locator("tbody .who b").all_inner_texts()


def row(tab: Page, number: int) -> str:
    return f"tr:has(.who:has-text('Person {number:03}'))"


def test_a_row_is_true_within_a_second_and_stays_where_it_is(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 12)
    tab = people(browser, cast, address)
    before = names(tab)
    sent = time.monotonic()
    arrive(site, 3, "/checkout")
    cell = tab.locator(f"{row(tab, 3)} [data-col=last_seen]")
    expect(cell).to_contain_text("/checkout")
    assert time.monotonic() - sent < 15  # on a busy machine; a thirtieth of it on an idle one
    expect(cell).to_have_class(re.compile("changed"))
    assert names(tab) == before


def test_the_row_that_has_the_focus_keeps_it(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 5)
    tab = people(browser, cast, address)
    for _ in range(3):
        tab.keyboard.press("j")
    focused = tab.evaluate("document.activeElement.querySelector('b').textContent")
    arrive(site, int(focused[-3:]), "/checkout")
    expect(tab.locator(f"{row(tab, int(focused[-3:]))} .avatar")).to_have_class(
        re.compile("online")
    )
    assert tab.evaluate("document.activeElement.querySelector('b').textContent") == focused


def test_whoever_comes_into_the_list_waits_until_asked_for(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    tab = people(browser, cast, address)
    arrive(site, 7)
    arrive(site, 8)
    pill = tab.get_by_role("button", name="2 more people")
    expect(pill).to_be_visible()
    assert len(names(tab)) == 3
    pill.click()
    expect(tab.locator("tbody .who b").first).to_have_text("Person 008")
    expect(pill).to_be_hidden()


def test_the_first_person_appears_by_themselves(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    tab = people(browser, cast, address)
    expect(tab.get_by_text("No one here yet")).to_be_visible()
    arrive(site, 1, "/welcome")
    expect(tab.locator(row(tab, 1))).to_contain_text("/welcome")


def test_the_numbers_beside_the_lists_follow(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    tab = people(browser, cast, address)
    site.send(page("somebody"), at=clock.now())
    expect(tab.locator(".segmented [data-live=visitor]")).to_have_text("1")
    expect(tab.locator("#online-count")).to_have_text("1")
    arrive(site, 1)
    expect(tab.locator(".tabs [data-live=new]")).to_have_text("1")


def test_what_a_colleague_changes_is_seen_at_once(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    tab = people(browser, cast, address)
    person = site.person_of(user="u1")
    assert person is not None
    with cast.connection.transaction():
        given = {"name": "Linnea Sjöberg"}
        actions.change(cast.connection, cast.home.id, person.id, given, clock.now())
    expect(tab.get_by_text("Linnea Sjöberg")).to_be_visible()


def test_nobody_stays_online_who_has_gone(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    arrive(site, 1)
    tab = people(browser, cast, address)
    expect(tab.locator(row(tab, 1))).to_contain_text("Online now")
    # Five minutes later, as the page and the database see it.
    cast.connection.execute(
        "UPDATE person_activity SET browser_seen_at = browser_seen_at - %s WHERE project_id = %s",
        (queries.ONLINE_FOR, cast.home.id),
    )
    tab.locator(row(tab, 1)).evaluate("row => { row.dataset.onlineUntil = '1'; }")
    expect(tab.locator(row(tab, 1))).not_to_contain_text("Online now")


def test_the_list_goes_on_without_a_join(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 170)
    tab = people(browser, cast, address, "?sort=name")
    scroll = tab.locator("#people-scroll")
    for _ in range(20):
        scroll.evaluate("box => box.scrollBy(0, 1500)")
        if len(names(tab)) == 170:
            break
        tab.wait_for_timeout(200)
    assert names(tab) == [f"Person {number:03}" for number in range(170)]
    expect(tab.locator("tr.more")).to_have_count(0)


def test_who_comes_back_from_a_profile_stands_where_they_stood(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 170)
    tab = people(browser, cast, address, "?sort=name")
    scroll = tab.locator("#people-scroll")
    while len(names(tab)) < 150:
        scroll.evaluate("box => box.scrollTo(0, box.scrollHeight)")
        tab.wait_for_timeout(200)
    tab.locator(row(tab, 130)).scroll_into_view_if_needed()
    top = scroll.evaluate("box => box.scrollTop")
    tab.get_by_text("Person 130").click()
    expect(tab.get_by_role("heading", name="Person 130")).to_be_visible()
    tab.go_back()
    expect(tab.get_by_text("Person 130")).to_be_in_viewport()
    assert abs(scroll.evaluate("box => box.scrollTop") - top) < 50


def test_j_and_k_lead_from_profile_to_profile(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    tab = people(browser, cast, address, "?sort=name")
    tab.get_by_text("Person 000").click()
    expect(tab.get_by_role("heading", name="Person 000")).to_be_visible()
    tab.keyboard.press("j")
    expect(tab.get_by_role("heading", name="Person 001")).to_be_visible()
    tab.keyboard.press("k")
    expect(tab.get_by_role("heading", name="Person 000")).to_be_visible()


def test_an_open_profile_follows_what_the_person_does(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    tab = people(browser, cast, address)
    tab.get_by_text("Person 001").click()
    expect(tab.get_by_role("heading", name="Person 001")).to_be_visible()
    arrive(site, 1, "/checkout")
    expect(tab.locator("#right-now, .now-page").first).to_contain_text("/checkout")
    expect(tab.locator("#timeline")).to_contain_text("/checkout")


def test_the_search_finds_as_one_types_and_the_address_says_so(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 12)
    tab = people(browser, cast, address, "?sort=name")
    tab.keyboard.press("/")
    tab.keyboard.type("son 01", delay=30)
    expect(tab.locator("#people-count")).to_have_text("2 users match")
    assert names(tab) == ["Person 010", "Person 011"]
    assert tab.url.endswith("?sort=name&q=son+01")
    assert tab.evaluate("document.activeElement.id") == "people-query"
    tab.reload()
    assert names(tab) == ["Person 010", "Person 011"]


def test_columns_are_chosen_one_after_the_other(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    tab = people(browser, cast, address)
    tab.get_by_role("button", name="Columns").click()
    tab.get_by_label("Phone").check()
    expect(tab.get_by_role("columnheader", name="Phone")).to_be_visible()
    tab.get_by_label("Language").check()
    expect(tab.get_by_role("columnheader", name="Language")).to_be_visible()
    expect(tab.locator("#columns-menu")).to_be_visible()


def test_a_stream_that_is_cut_off_is_said_so_and_taken_up_again(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    tab = browser.new_page()
    tab.route("**/live?*", lambda route: route.abort())
    tab.goto(f"{address}{cast.home.url('people/')}")
    expect(tab.get_by_text("Live updates paused.")).to_be_visible(timeout=10_000)
    arrive(site, 1, "/while-away")
    tab.unroute("**/live?*")
    tab.get_by_role("button", name="Now", exact=True).click()
    expect(tab.get_by_text("Live updates paused.")).to_be_hidden()
    expect(tab.locator(row(tab, 1))).to_contain_text("/while-away")


def test_a_list_is_still_a_list_on_a_phone(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    tab = people(browser, cast, address)
    tab.set_viewport_size({"width": 390, "height": 780})
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    expect(tab.get_by_role("columnheader", name="Last seen")).to_be_visible()
    expect(tab.get_by_role("columnheader", name="Location")).to_be_hidden()
