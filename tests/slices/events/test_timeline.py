"""What a person did, as their profile tells it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from regulars.events import timeline, visits
from regulars.events.timeline import Event, Group, Timeline
from regulars.events.visits import Visit
from regulars.workspaces.errors import InvalidError
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def read(site: Site, **asked: Any) -> Timeline:
    return timeline.timeline(site.connection, site.project.id, site.only_person().id, **asked)


def all_of(site: Site, limit: int, groups: tuple[Group, ...] = tuple(timeline.GROUPS)) -> list[Any]:
    items: list[Any] = []
    cursor = None
    while True:
        part = read(site, limit=limit, cursor=cursor, groups=groups)
        items += part.items
        if part.next is None:
            return items
        cursor = part.next


def said(items: list[Visit | Event]) -> list[Any]:
    """The items in short: a visit by its paths, an event by its name or kind."""
    return [
        [view.path for view in item.pages] if isinstance(item, Visit) else item.name or item.kind
        for item in items
    ]


def browse(site: Site, *paths: str, start: timedelta = timedelta(0), browser: str = "b1") -> None:
    """A visit with a minute on each page."""
    for number, path in enumerate(paths):
        site.send(page(browser, path), at=NOON + start + number * MINUTE)


def test_a_visit_holds_its_pages_oldest_first(site: Site) -> None:
    browse(site, "/", "/shop", "/cart")
    (visit,) = read(site).items
    assert isinstance(visit, Visit)
    assert [view.path for view in visit.pages] == ["/", "/shop", "/cart"]
    assert (visit.started_at, visit.ended_at) == (NOON, NOON + 2 * MINUTE)


def test_a_page_lasts_until_the_next_one(site: Site) -> None:
    browse(site, "/", "/shop")
    site.send(track("Looked", "b1"), at=NOON + 5 * MINUTE)
    visit = next(item for item in read(site).items if isinstance(item, Visit))
    assert [view.seconds for view in visit.pages] == [60, 240]


def test_nobody_knows_how_long_the_last_page_was_looked_at(site: Site) -> None:
    browse(site, "/", "/shop")
    (visit,) = read(site).items
    assert isinstance(visit, Visit)
    assert visit.pages[-1].seconds is None


def test_events_stand_between_the_visits(site: Site) -> None:
    browse(site, "/", "/shop")
    site.send(track("Order Completed", "b1"), at=NOON + 2 * MINUTE)
    browse(site, "/account", start=timedelta(hours=2))
    assert said(read(site).items) == [["/account"], "Order Completed", ["/", "/shop"]]


def test_a_visit_goes_on_after_an_event_and_stands_at_its_newest_page(site: Site) -> None:
    browse(site, "/")
    site.send(track("Added", "b1"), at=NOON + MINUTE)
    browse(site, "/cart", start=2 * MINUTE)
    assert said(read(site).items) == [["/", "/cart"], "Added"]


def test_two_browsers_at_once_are_two_visits(site: Site) -> None:
    site.send(identify("u1", "b1"), identify("u1", "b2"), at=NOON)
    browse(site, "/phone", browser="b1")
    browse(site, "/laptop", browser="b2", start=MINUTE / 2)
    found = said(read(site, groups=("pages",)).items)
    assert found == [["/laptop"], ["/phone"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_parts_make_the_same_whole_however_they_are_cut(site: Site, limit: int) -> None:
    chance = random.Random(limit)
    for number in range(24):
        gap = timedelta(minutes=chance.choice((1, 1, 1, 50)) + 60 * (number // 8))
        what = page("b1", f"/{number}") if chance.random() < 0.7 else track(f"E{number}", "b1")
        site.send(what, at=NOON + number * MINUTE + gap)
    assert said(all_of(site, limit)) == said(all_of(site, 1000))


def test_a_visit_longer_than_a_part_is_told_once(site: Site) -> None:
    browse(site, *(f"/{n}" for n in range(9)))
    assert said(all_of(site, 2)) == [[f"/{n}" for n in range(9)]]


@pytest.mark.parametrize(
    ("group", "wanted"),
    [("pages", [["/"]]), ("events", ["Bought"]), ("facts", ["identify"])],
)
def test_one_kind_can_be_looked_at_alone(site: Site, group: Group, wanted: list[Any]) -> None:
    site.send(page("b1", "/"), track("Bought", "b1"), identify("u1", "b1"), at=NOON)
    assert said(all_of(site, 50, (group,))) == wanted


def test_counts_tell_how_much_there_is_of_each_kind(site: Site) -> None:
    browse(site, "/", "/a", "/b")
    site.send(track("Bought", "b1"), identify("u1", "b1"), at=NOON)
    found = timeline.counts(site.connection, site.project.id, site.only_person().id)
    assert found == timeline.Counts({"pages": 3, "events": 1, "facts": 1})
    assert timeline.held(site.connection, site.project.id, site.only_person().id) == (5, 1)


def test_events_carry_their_properties(site: Site) -> None:
    properties = {"total": 58.0, "items": [{"sku": "<b>"}]}
    site.send(track("Bought", "b1", properties=properties), at=NOON)
    (event,) = read(site).items
    assert isinstance(event, Event)
    assert event.properties == properties


def test_the_visit_that_began_last_is_the_current_one(site: Site) -> None:
    browse(site, "/")
    browse(site, "/again", start=timedelta(hours=2))
    visit = visits.latest_visit(site.connection, site.project.id, site.only_person().id)
    assert visit is not None
    assert [view.path for view in visit.pages] == ["/again"]


def test_a_person_who_was_never_here_has_no_visit(site: Site) -> None:
    site.send(identify("u1"), way="server")
    assert visits.latest_visit(site.connection, site.project.id, site.only_person().id) is None


@pytest.mark.parametrize("cursor", ["%", "bnVsbA", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwieCJd", "é"])
def test_a_cursor_that_is_none_is_refused(site: Site, cursor: str) -> None:
    browse(site, "/")
    with pytest.raises(InvalidError):
        read(site, cursor=cursor)
