"""The filter panel in a real browser, by keyboard: made, read, shared, undone and refused."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from regulars.kit import clock
from regulars.people import custom
from regulars.people.actions import change
from regulars.segments import actions
from tests.cast import Cast, cast
from tests.journeys.desk import address, arrive, browser, site
from tests.slices.people.crowd import add_all
from tests.slices.segments.saved import save
from tests.slices.tracking.site import Site, track

__all__ = ["address", "browser", "cast", "site"]

FIREFOX = {"field": "browser", "op": "is", "value": "Firefox"}


@pytest.fixture(autouse=True)
def _people(site: Site) -> None:
    """Twelve users: every second in Firefox, every third in India, three not seen for months."""
    now = clock.now()
    add_all(
        site,
        [
            {
                "name": f"Person {number:03}",
                "browser": "Firefox" if number % 2 else "Safari",
                "country": "India" if number % 3 else "Sweden",
                "last_seen": now - timedelta(days=100 if number > 8 else 1),
                "attributes": {"plan": "pro" if number % 4 else "free"},
            }
            for number in range(12)
        ],
    )
    custom.learn(site.connection, site.project.id, {("attributes", "plan"): "text"}, now)


def people(browser: BrowserContext, cast: Cast, address: str, query: str = "?sort=name") -> Page:
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('people/')}{query}")
    expect(tab.get_by_role("button", name="Add filter")).to_be_visible()
    return tab


def count(tab: Page) -> Any:
    return tab.locator("#people-count")


def names(tab: Page) -> list[int]:
    return [int(name[-3:]) for name in tab.locator("tbody .who b").all_inner_texts()]


def filter_of(tab: Page) -> Any:
    """The filter that the address holds."""
    found = parse_qs(urlsplit(tab.url).query).get("filter")
    return json.loads(found[0]) if found else None


def add_filter(tab: Page, typed: str) -> None:
    """By keyboard: the field's name, and Enter."""
    tab.get_by_role("button", name="Add filter").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_placeholder("Find a field")).to_be_focused()
    tab.keyboard.type(typed)
    tab.keyboard.press("Enter")


def at(rule: Any) -> str:
    return "?sort=name&filter=" + quote(json.dumps(rule))


def test_a_newcomer_drills_down_by_keyboard_alone(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    expect(count(tab)).to_have_text("12 users")
    add_filter(tab, "browser")
    tab.keyboard.type("Firef")
    expect(tab.get_by_role("option", name="Firefox")).to_be_visible()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(count(tab)).to_have_text("6 people match")
    add_filter(tab, "country")
    tab.keyboard.type("India")
    expect(count(tab)).to_have_text("4 people match")
    add_filter(tab, "last_seen")
    expect(count(tab)).to_have_text("3 people match")
    assert names(tab) == [1, 5, 7]
    assert filter_of(tab) == {
        "all": [
            FIREFOX,
            {"field": "country", "op": "is", "value": "India"},
            {"field": "last_seen", "op": "within_last", "value": 28},
        ]
    }


def test_the_address_is_the_filter(browser: BrowserContext, cast: Cast, address: str) -> None:
    tab = people(browser, cast, address, at({"all": [FIREFOX]}))
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.get_by_label("Value of browser")).to_have_value("Firefox")
    add_filter(tab, "country")
    tab.keyboard.type("India")
    expect(count(tab)).to_have_text("4 people match")
    shared = browser.new_page()
    shared.goto(tab.url)
    expect(count(shared)).to_have_text("4 people match")
    expect(shared.get_by_label("Value of country")).to_have_value("India")


def test_the_filter_that_was_typed_last_counts_however_late_the_answers(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    add_filter(tab, "browser")
    tab.route("**/people/?*", lambda _: None, times=1)  # the first answer never comes
    for typed in ("Fire", "Firef", "Firefox"):
        with tab.expect_request("**/people/?*"):
            tab.get_by_label("Value of browser").fill(typed)
    expect(count(tab)).to_have_text("6 people match")
    assert filter_of(tab) == {"all": [FIREFOX]}


def test_back_and_forward_walk_through_filters(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    add_filter(tab, "browser")
    tab.keyboard.type("Firefox")
    expect(count(tab)).to_have_text("6 people match")
    add_filter(tab, "country")
    tab.keyboard.type("India")
    expect(count(tab)).to_have_text("4 people match")
    tab.go_back()
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.get_by_label("Value of country")).to_have_count(0)
    tab.go_back()
    expect(count(tab)).to_have_text("12 users")
    tab.go_forward()
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.get_by_label("Value of browser")).to_have_value("Firefox")


def test_conditions_are_nested_negated_and_removed(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address, at({"all": [FIREFOX]}))
    expect(count(tab)).to_have_text("6 people match")
    tab.get_by_role("button", name="Add group").click()
    for value in ("pro", "free"):
        tab.get_by_role("button", name="Or…").click()
        tab.keyboard.type("plan")
        tab.keyboard.press("Enter")
        tab.keyboard.type(value)
    expect(count(tab)).to_have_text("6 people match")
    tab.get_by_label("Match or not").last.select_option("not")
    expect(count(tab)).to_have_text("0 people match")
    expect(tab.get_by_text("No users match these filters")).to_be_visible()
    tab.get_by_role("button", name="Remove group").click()
    expect(count(tab)).to_have_text("6 people match")
    tab.get_by_role("button", name="Remove browser").focus()
    tab.keyboard.press("Enter")
    expect(count(tab)).to_have_text("12 users")
    expect(tab.get_by_role("button", name="Add filter")).to_be_focused()


def test_a_chip_drops_its_part_and_clear_drops_all(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    rule = {"all": [FIREFOX, {"field": "country", "op": "is", "value": "India"}]}
    tab = people(browser, cast, address, at(rule))
    expect(count(tab)).to_have_text("4 people match")
    tab.get_by_role("link", name="Remove: Country is India").click()
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.get_by_label("Value of country")).to_have_count(0)
    tab.get_by_role("button", name="Clear", exact=True).click()
    expect(count(tab)).to_have_text("12 users")
    assert filter_of(tab) is None


def test_what_people_did_is_a_filter(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    said = {"total": 80, "plan": "pro"}
    site.send(track("Order Completed", "b1", user="buyer", properties=said), at=clock.now())
    tab = people(browser, cast, address)
    add_filter(tab, "order")
    expect(count(tab)).to_have_text("1 person matches")
    tab.get_by_label("Times").fill("2")
    expect(count(tab)).to_have_text("0 people match")
    tab.get_by_label("How often Order Completed").select_option("never")
    expect(count(tab)).to_have_text("12 people match")
    tab.get_by_label("How often Order Completed").select_option("at_least")
    tab.get_by_label("Property of Order Completed").fill("total")
    tab.keyboard.press("Enter")
    tab.get_by_label("Condition on total").select_option("number:gt")
    tab.get_by_label("Value", exact=True).fill("50")
    expect(count(tab)).to_have_text("1 person matches")
    tab.get_by_label("Value", exact=True).fill("100")
    expect(count(tab)).to_have_text("0 people match")


def test_a_segment_is_a_filter(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    picked = [person.id for person in site.people()[:2]]
    with site.connection.transaction():
        actions.create(site.connection, site.project.id, "Tasters", clock.now(), people=picked)
    tab = people(browser, cast, address)
    add_filter(tab, "tasters")
    expect(count(tab)).to_have_text("2 people match")
    tab.get_by_label("In or not in").select_option("is_not_in")
    expect(count(tab)).to_have_text("10 people match")


def test_several_values_are_chips(browser: BrowserContext, cast: Cast, address: str) -> None:
    tab = people(browser, cast, address, at({"all": [{**FIREFOX, "field": "country"}]}))
    tab.get_by_label("Condition on country").select_option("text:is_any_of")
    tab.get_by_label("Add a value of country").fill("India")
    tab.keyboard.press("Enter")
    tab.get_by_label("Add a value of country").fill("Sweden")
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Remove Firefox").click()
    expect(count(tab)).to_have_text("12 people match")
    tab.get_by_role("button", name="Remove Sweden").click()
    expect(count(tab)).to_have_text("8 people match")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('{"field": "shoe_size", "op": "is", "value": "42"}', "is not a field"),
        ("select * from person", "Expected a filter as JSON"),
        ('{"all": []}', "Expected at least one filter"),
    ],
)
def test_a_filter_that_is_none_is_refused_in_words(
    browser: BrowserContext, cast: Cast, address: str, rule: str, said: str
) -> None:
    tab = people(browser, cast, address, "?filter=" + quote(rule))
    expect(tab.get_by_role("alert").first).to_contain_text(said)
    expect(tab.locator("tbody")).to_have_count(0)
    tab.get_by_role("link", name="Clear the filters").click()
    expect(count(tab)).to_have_text("12 users")


def test_a_value_the_server_refuses_is_told_at_its_condition(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    add_filter(tab, "ip")
    tab.keyboard.type("not an address")
    card = tab.locator(".rule.wrong")
    expect(card.get_by_role("alert")).to_contain_text("IP address")
    tab.get_by_label("Value of IP address").fill("203.0.113.7")
    expect(card).to_have_count(0)
    expect(count(tab)).to_have_text("0 people match")


def test_on_a_phone_the_filters_are_a_sheet(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = browser.new_page()
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{address}{cast.home.url('people/')}{at({'all': [FIREFOX]})}")
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.get_by_label("Value of browser")).to_be_hidden()
    tab.locator("label.show-filters").click()
    expect(tab.get_by_label("Value of browser")).to_be_visible()
    tab.get_by_label("Value of browser").fill("Safari")
    tab.get_by_text("Show the list").click()
    expect(tab.get_by_label("Value of browser")).to_be_hidden()
    expect(tab).to_have_url(re.compile("Safari"))
    expect(count(tab)).to_have_text("6 people match")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_comes_to_match_waits_and_who_does_not_any_more_stays_paler(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    arrive(site, 50)
    arrive(site, 51)
    rule = {"field": "name", "op": "ends_with", "value": "51"}
    tab = people(browser, cast, address, at(rule))
    expect(count(tab)).to_have_text("1 person matches")
    one, other = (site.person_of(user=user) for user in ("u50", "u51"))
    assert one
    assert other
    with cast.connection.transaction():
        for id_, name in ((one.id, "Number 51"), (other.id, "Number 52")):
            change(cast.connection, cast.home.id, id_, {"name": name}, clock.now())
    row = tab.locator("tr", has_text="Number 52")
    expect(row).to_have_class("gone")
    expect(tab.locator("tbody .who")).to_have_count(1)
    tab.get_by_role("button", name="1 more person matches").click()
    expect(tab.locator("tbody .who b")).to_have_text(["Number 51"])


def test_a_segments_rule_is_edited_beside_its_people(
    browser: BrowserContext, cast: Cast, address: str, site: Site
) -> None:
    segment = save(site, {"all": [FIREFOX]}, "Foxes", at=clock.now())
    tab = people(browser, cast, address, f"?segment={segment}&edit=1&sort=name")
    expect(tab.get_by_role("heading", name="Foxes")).to_be_visible()
    expect(count(tab)).to_have_text("6 people match")
    tab.get_by_label("Value of browser").fill("Safari")
    expect(count(tab)).to_have_text("6 people match")
    expect(tab.locator("tbody .who b").first).to_have_text("Person 000")
    tab.get_by_role("button", name="Save changes").click()
    expect(tab).to_have_url(re.compile(f"segments/{segment}/"))
    expect(tab.get_by_text("Safari").first).to_be_visible()


def test_a_condition_without_a_value_says_that_it_is_not_applied(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    add_filter(tab, "browser")
    said = tab.get_by_text("Not applied yet")
    expect(said).to_be_visible()
    tab.keyboard.type("Firefox")
    expect(said).to_be_hidden()
    expect(count(tab)).to_have_text("6 people match")


def test_tabs_lead_to_other_lists_by_the_filter_there_is_now(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = people(browser, cast, address)
    add_filter(tab, "browser")
    tab.keyboard.type("Firefox")
    expect(count(tab)).to_have_text("6 people match")
    tab.get_by_role("link", name=re.compile("^Active")).click()
    expect(tab).to_have_url(re.compile("list=active"))
    expect(tab.get_by_label("Value of browser")).to_have_value("Firefox")
    assert filter_of(tab) == {"all": [FIREFOX]}
