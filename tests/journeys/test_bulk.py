"""Selecting people in a real browser, and doing something to all of them."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from regulars.kit import clock
from regulars.kit import database as kit_database
from regulars.people import actions, bulk, bulk_jobs
from regulars.segments import actions as segments
from tests.cast import Cast, cast
from tests.journeys.desk import address, arrive, browser, crowd, site
from tests.slices.tracking.site import Site

__all__ = ["address", "browser", "cast", "site"]


@pytest.fixture
def worker(cast: Cast) -> Iterator[None]:
    """A worker that works for this test's project alone: others share the database."""
    stop = threading.Event()

    def work() -> None:
        with kit_database.connect() as connection:
            working = bulk.Working(connection)
            while not stop.wait(0.05):
                for project_id, job_id in bulk_jobs.open_jobs(connection, 1000):
                    if project_id == cast.home.id:
                        working.work_on(project_id, job_id, clock.now())

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(30)


def people(browser: BrowserContext, cast: Cast, address: str, query: str = "?sort=name") -> Page:
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('people/')}{query}")
    expect(tab.locator("#bulk-jobs")).to_be_attached()
    return tab


def tick(tab: Page, number: int, **how: Any) -> None:
    tab.get_by_role("checkbox", name=f"Select Person {number:03}").click(**how)


def ticked(tab: Page) -> list[int]:
    """The rows that are ticked, by the number in their name."""
    found = tab.locator("tbody tr:has(input:checked) .who b").all_inner_texts()
    return [int(name[-3:]) for name in found]


def bar(tab: Page) -> Any:
    return tab.get_by_role("toolbar", name="Selected people")


def press(tab: Page, button: str) -> None:
    bar(tab).get_by_role("button", name=button, exact=True).click()


def tags(cast: Cast, site: Site, *numbers: int) -> list[list[str]]:
    found = [site.person_of(user=f"u{number}") for number in numbers]
    return [person.tags if person else ["gone"] for person in found]


def test_people_are_ticked_one_by_one_in_a_range_and_all_at_once(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 9)
    tab = people(browser, cast, address)
    expect(bar(tab)).to_be_hidden()
    tick(tab, 1)
    expect(tab.locator("#picked")).to_have_text("1 person")
    tick(tab, 4, modifiers=["Shift"])
    assert ticked(tab) == [1, 2, 3, 4]
    tick(tab, 3)
    expect(tab.locator("#picked")).to_have_text("3 people")
    tab.locator("#pick-all").click()
    expect(tab.locator("#picked")).to_have_text("9 people")
    tab.keyboard.press("Escape")
    expect(bar(tab)).to_be_hidden()
    assert ticked(tab) == []


def test_x_ticks_and_shift_x_ticks_a_range(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 6)
    tab = people(browser, cast, address)
    for key in "jxjj":
        tab.keyboard.press(key)
    tab.keyboard.press("Shift+X")
    assert ticked(tab) == [0, 1, 2]
    expect(tab.locator("#picked")).to_have_text("3 people")
    tab.get_by_role("button", name="Clear selection").click()
    expect(bar(tab)).to_be_hidden()


def test_ticks_outlive_what_happens_to_the_rows(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 70)
    tab = people(browser, cast, address)
    tick(tab, 3)
    arrive(site, 3, "/checkout")
    expect(tab.locator("tr:has(.who:has-text('Person 003'))")).to_contain_text("/checkout")
    assert ticked(tab) == [3]
    tab.locator("#people-scroll").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(tab.locator("tbody .who")).to_have_count(70)
    assert ticked(tab) == [3]
    tab.get_by_role("link", name="Name").click()  # the other way round
    expect(tab.locator("tbody .who b").first).to_have_text("Person 069")
    expect(tab.locator("#picked")).to_have_text("1 person")


def test_another_list_begins_with_nobody_selected(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 12)
    tab = people(browser, cast, address)
    tab.locator("#pick-all").click()
    tab.keyboard.press("/")
    tab.keyboard.type("son 01")
    expect(tab.locator("tbody .who")).to_have_count(2)
    expect(bar(tab)).to_be_hidden()
    assert ticked(tab) == []


@pytest.mark.usefixtures("worker")
def test_everyone_on_the_list_but_one_is_tagged_and_that_is_undone(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 120)
    tab = people(browser, cast, address)
    tab.locator("#pick-all").click()
    expect(tab.locator("#picked")).to_have_text("50 people")
    tab.get_by_role("button", name="Select all 120").click()
    expect(tab.locator("#picked")).to_have_text("120 people")
    tick(tab, 7)
    expect(tab.locator("#picked")).to_have_text("119 people")
    tab.locator("#people-scroll").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(tab.get_by_role("checkbox", name="Select Person 080")).to_be_checked()
    press(tab, "Tag")
    tab.get_by_role("combobox", name="Tag").fill("Tasting panel")
    tab.keyboard.press("Enter")
    done = tab.get_by_role("region", name="Tagged 119 people “tasting panel”")
    expect(done).to_be_visible()
    assert tags(cast, site, 6, 7, 119) == [["tasting panel"], [], ["tasting panel"]]
    done.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("Took “tasting panel” off 119 people")).to_be_visible()
    assert tags(cast, site, 6, 7, 119) == [[], [], []]


@pytest.mark.usefixtures("worker")
def test_who_is_ticked_becomes_a_new_segment(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 4)
    tab = people(browser, cast, address)
    tick(tab, 0)
    tick(tab, 2)
    press(tab, "Add to segment")
    tab.get_by_role("button", name="New segment").click()
    expect(tab.get_by_role("heading", name="New segment of 2 people")).to_be_visible()
    tab.get_by_label("Name", exact=True).fill("Interview wish list")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Added 2 people to Interview wish list")).to_be_visible()
    expect(tab.get_by_role("dialog")).to_be_hidden()
    press(tab, "Add to segment")
    expect(tab.get_by_role("button", name="Interview wish list 2")).to_be_visible()


@pytest.mark.usefixtures("worker")
def test_who_is_taken_out_of_a_segment_leaves_its_list(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    everybody = [person.id for n in range(3) if (person := site.person_of(user=f"u{n}"))]
    with cast.connection.transaction():
        panel = segments.create(
            cast.connection, cast.home.id, "Panel", clock.now(), people=everybody
        )
    tab = people(browser, cast, address, f"?segment={panel}&sort=name")
    tick(tab, 1)
    press(tab, "Add to segment")
    tab.get_by_role("button", name="Remove from Panel").click()
    expect(tab.get_by_text("Took 1 person out of Panel")).to_be_visible()
    expect(tab.locator("tbody .who b")).to_have_text(["Person 000", "Person 002"])


@pytest.mark.usefixtures("worker")
def test_an_export_comes_as_a_file(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 3)
    tab = people(browser, cast, address)
    tab.locator("#pick-all").click()
    press(tab, "Export")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    names = {row["name"] for row in csv.DictReader(io.StringIO(text))}
    assert names == {"Person 000", "Person 001", "Person 002"}
    assert download.value.suggested_filename.startswith("people-20")


@pytest.mark.usefixtures("worker")
def test_many_are_deleted_only_once_their_number_is_typed(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 14)
    tab = people(browser, cast, address)
    tab.locator("#pick-all").click()
    tick(tab, 5)
    press(tab, "Delete")
    dialog = tab.get_by_role("dialog", name="Delete 13 people?")
    expect(dialog.get_by_role("button", name="Keep them")).to_be_focused()
    delete = dialog.get_by_role("button", name="Delete 13 people")
    expect(delete).to_be_disabled()
    dialog.get_by_role("textbox").fill("12")
    expect(delete).to_be_disabled()
    dialog.get_by_role("textbox").fill("13")
    delete.click()
    expect(tab.get_by_role("status").filter(has_text="Deleted 13 people")).to_be_visible()
    expect(bar(tab)).to_be_hidden()
    expect(tab.locator("tbody .who b")).to_have_text(["Person 005"])
    expect(tab.locator("#people-count")).to_have_text("1 user")
    assert site.person_of(user="u5") is not None
    assert site.person_of(user="u6") is None


def test_what_runs_is_seen_after_a_reload_and_by_a_colleague_who_may_stop_it(
    browser: BrowserContext, cast: Cast, address: str, site: Site, chromium: Browser
) -> None:
    crowd(site, 2)
    tab = people(browser, cast, address)
    tick(tab, 0)
    press(tab, "Tag")
    tab.get_by_role("combobox", name="Tag").fill("vip")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Tagging 1 person “vip”")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("progressbar", name="Tagging 1 person “vip”")).to_be_visible()
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as bobs:
        cookie = cast.bob.client.cookies[settings.SESSION_COOKIE_NAME].value
        bobs.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
        theirs = people(bobs, cast, address)
        expect(theirs.get_by_text("by Alice")).to_be_visible()
        theirs.get_by_role("button", name="Cancel", exact=True).click()
        expect(theirs.locator(".bulk-job")).to_have_count(0)
    expect(tab.get_by_text("Stopped after 0 of 1")).to_be_visible()
    assert tags(cast, site, 0) == [[]]


def test_an_agent_is_told_who_may_export_and_delete(
    cast: Cast, address: str, site: Site, chromium: Browser
) -> None:
    crowd(site, 2)
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as bobs:
        cookie = cast.bob.client.cookies[settings.SESSION_COOKIE_NAME].value
        bobs.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
        tab = people(bobs, cast, address)
        tick(tab, 0)
        press(tab, "Delete")
        expect(tab.get_by_text("Only owners and admins can export people.")).to_be_visible()


def test_what_is_refused_is_said_and_nothing_is_lost(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    crowd(site, 2)
    tab = people(browser, cast, address)
    tick(tab, 0)
    press(tab, "Tag")
    tab.get_by_role("combobox", name="Tag").evaluate("box => box.removeAttribute('maxlength')")
    tab.get_by_role("combobox", name="Tag").fill("x" * 61)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("A tag has at most 60 characters.")
    expect(tab.locator("#picked")).to_have_text("1 person")


def test_whoever_is_selected_alone_can_be_talked_to(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    arrive(site, 2)
    with cast.connection.transaction():
        away = {"user_id": "u1", "name": "Person 001"}
        actions.create_or_update(cast.connection, cast.home.id, away, clock.now())
    tab = people(browser, cast, address)
    offer = tab.get_by_role("link", name="Start conversation")
    tick(tab, 1)
    expect(offer).to_have_attribute("title", "They find it when they come back")
    tick(tab, 2)
    expect(offer).to_be_hidden()
    tick(tab, 1)
    expect(offer).to_have_attribute("title", "They are here now")
    offer.click()
    dialog = tab.get_by_role("dialog", name="New conversation")
    expect(dialog).to_contain_text("Person 002")
    dialog.get_by_label("Message").fill("Can I help you find a grinder?")
    dialog.get_by_role("button", name="Send").click()
    tab.wait_for_url("**/inbox/**")
    expect(tab.get_by_text("Can I help you find a grinder?").first).to_be_visible()
    person = site.person_of(user="u2")
    assert person is not None
    (row,) = cast.connection.execute(
        "SELECT person_id FROM conversation WHERE project_id = %s", (cast.home.id,)
    ).fetchall()
    assert row == (person.id,)
