"""Until everybody remembers what a segment asks for, those are read from history who must be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.segments import queries
from tests.slices.segments.saved import check, fill, members, merge, save, save_and_fill
from tests.slices.tracking.site import NOON, Site, open_site, page, track

Database = psycopg.Connection[Any]
ORDER = "Order Completed"
REMEMBERED = """
SELECT t.times FROM person_activity a, jsonb_each(a.event_times) AS t (need, times)
WHERE a.project_id = %s AND a.id = %s
"""


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def ordered(times: int) -> Any:
    return {"event": ORDER, "op": "at_least", "count": times}


def person(site: Site, browser: str) -> UUID:
    found = site.person_of(anon=browser)
    assert found is not None
    return found.id


def remembered(site: Site, browser: str) -> int | None:
    """How many times the person's row has; None where nothing is known yet."""
    rows = site.connection.execute(REMEMBERED, (site.project.id, person(site, browser))).fetchall()
    return len(rows[0][0]) if rows else None


def test_who_comes_by_is_not_read_until_they_do_it(site: Site) -> None:
    site.send(track(ORDER, "a"), track(ORDER, "a"))
    segment = save(site, ordered(3))
    site.send(page("a"))
    assert remembered(site, "a") is None
    site.send(track(ORDER, "a"))
    assert remembered(site, "a") == 3
    assert members(site, segment) == {person(site, "a")}
    fill(site)
    check(site, NOON)


def test_who_comes_by_is_read_where_more_than_the_event_is_asked(site: Site) -> None:
    site.send(track(ORDER, "a"), track(ORDER, "a"))
    firefox = {"field": "browser", "op": "is", "value": "Firefox"}
    save(site, {"any": [ordered(2), firefox]})
    site.send(page("a"))
    assert remembered(site, "a") == 2


def test_who_did_it_often_enough_all_along_enters_nothing(site: Site) -> None:
    site.send(track(ORDER, "a"), track(ORDER, "a"), track(ORDER, "b"))
    segment = save(site, ordered(2))
    site.send(track(ORDER, "a"), track(ORDER, "b"))
    a, b = person(site, "a"), person(site, "b")
    assert members(site, segment) == {a, b}
    moved = queries.transitions(site.connection, site.project.id, segment)
    assert [(one.person_id, one.way) for one in moved] == [(b, "in")]


def test_who_is_in_stays_while_it_is_not_known_how_often_they_did_it(site: Site) -> None:
    site.send(track(ORDER, "a"))
    once = save_and_fill(site, ordered(1))
    save(site, ordered(4), "Deeper")  # rows are to remember more, and nobody's does
    site.send(page("a"))
    assert members(site, once) == {person(site, "a")}
    fill(site)
    check(site, NOON)


@pytest.mark.parametrize("reading", ["a", "b", "ab", ""])
def test_of_two_who_become_one_both_are_counted_whoever_was_read(site: Site, reading: str) -> None:
    before = [one for one in "ab" for _ in range(2 if one in reading else 3)]
    site.send(*(track(ORDER, one) for one in before))
    segment = save(site, ordered(6))
    site.send(*(track(ORDER, one) for one in reading), page("a"))
    gone, into = person(site, "a"), person(site, "b")
    merge(site, gone, into)
    assert members(site, segment) == {into}
    assert remembered(site, "b") == 6
    fill(site)
    check(site, NOON)
