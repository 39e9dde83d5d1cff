"""Checkpoints: what every project has, what may be changed, and who reached them when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from regulars.filters.errors import FilterError
from regulars.funnels import actions, kept, queries
from regulars.funnels.rows import Draft
from regulars.funnels.upkeep import clear_lanes
from regulars.people import actions as people
from regulars.segments import actions as segments
from regulars.workspaces.errors import ConflictError, InvalidError
from tests.slices.funnels.funnel import (
    ACTIVE,
    FIREFOX,
    SIGNED_UP,
    VISITED,
    count,
    did,
    put,
    reached,
    rows,
    told,
)
from tests.slices.segments.saved import erase, members, save, save_and_fill, wait_until
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEPT = """
SELECT filter FROM segment
WHERE project_id = %s AND builtin = 'checkpoint' AND deleted_at IS NULL
"""
ON_FIREFOX = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
}


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def test_every_project_begins_with_two(site: Site) -> None:
    found = queries.checkpoints(site.connection, site.project.id)
    assert [(one.number, one.title, one.filter) for one in found] == [
        (1, "Signed up", SIGNED_UP),
        (2, "Active", ACTIVE),
    ]


def test_a_visitor_is_active_and_a_user_from_when_they_signed_up(site: Site) -> None:
    site.send(page("a"), at=NOON)
    pat = site.only_person()
    assert reached(site, pat) == {2: NOON}
    site.send(identify("pat", "a"), at=NOON + HOUR)
    pat = site.only_person()
    assert reached(site, pat) == {1: NOON + HOUR, 2: NOON + HOUR}
    assert told(site) == [(pat.id, 2), (pat.id, 1)]


def test_a_firefox_visitor_reaches_the_firefox_checkpoint(site: Site) -> None:
    put(site, VISITED, FIREFOX)
    site.send(page("a"), at=NOON)
    site.send(page("b"), at=NOON + HOUR, headers=ON_FIREFOX)
    numbers = sorted(tuple(sorted(found)) for found in rows(site).values())
    assert numbers == [(1,), (1, 2)]


def test_what_was_reached_stays_when_the_condition_no_longer_holds(site: Site) -> None:
    site.send(page("a"), at=NOON)
    pat = site.only_person()
    wait_until(site, NOON + 29 * DAY)
    (_, active) = queries.progress_of(site.connection, site.project.id, site.person(pat.id))
    assert (active.at, active.still) == (NOON, False)


def test_an_event_that_comes_in_late_dates_its_checkpoint_back(site: Site) -> None:
    put(site, VISITED, did("Ordered", 2))
    site.send(track("Ordered", "a"), track("Ordered", "a"), at=NOON)
    pat = site.only_person()
    assert reached(site, pat)[2] == NOON
    late = {**track("Ordered", "a"), "timestamp": (NOON - DAY).isoformat()}
    earlier = {**track("Ordered", "a"), "timestamp": (NOON - 2 * DAY).isoformat()}
    site.send(late, earlier, at=NOON + HOUR, way="server")
    assert reached(site, pat)[2] == NOON - DAY


def test_a_new_condition_counts_everybody_while_the_old_results_stand(site: Site) -> None:
    for n in range(3):
        site.send(page("a"), track("Ordered", "a"), at=NOON + n * HOUR)
    pat = site.only_person()
    put(site, SIGNED_UP, did("Ordered", 2), at=NOON + 3 * HOUR)
    assert reached(site, pat) == {2: NOON}
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.filter, second.next_filter) == (ACTIVE, did("Ordered", 2))
    assert second.counting is not None
    count(site, NOON + 3 * HOUR)
    assert reached(site, pat) == {2: NOON + HOUR}
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.filter, second.next_filter, second.counting) == (did("Ordered", 2), None, None)
    assert told(site) == [(pat.id, 2)]  # as Active: counting tells nobody


def test_what_has_no_known_past_is_dated_when_it_is_counted(site: Site) -> None:
    site.send(page("a"), at=NOON, headers=ON_FIREFOX)
    pat = site.only_person()
    put(site, SIGNED_UP, FIREFOX, at=NOON + DAY)
    count(site, NOON + DAY)
    found = queries.progress_of(site.connection, site.project.id, site.person(pat.id))
    assert [(one.at, one.is_dated) for one in found] == [(None, False), (NOON + DAY, True)]


def test_who_comes_by_while_everybody_is_counted_is_counted_once(site: Site) -> None:
    site.send(page("a"), at=NOON, headers=ON_FIREFOX)
    put(site, VISITED, FIREFOX, at=NOON + HOUR)
    site.send(page("a"), at=NOON + 2 * HOUR)
    count(site, NOON + 3 * HOUR)
    assert reached(site, site.only_person()) == {1: NOON + 2 * HOUR, 2: NOON + 2 * HOUR}


def test_the_earliest_time_survives_a_merge_and_an_undo_gives_both_back(site: Site) -> None:
    site.send(page("a"), at=NOON)
    site.send(page("b"), at=NOON + DAY)
    one, other = site.people()
    with site.connection.transaction():
        merged = people.merge_people(
            site.connection, site.project.id, one.id, other.id, NOON + 2 * DAY, cause="agent"
        )
    assert reached(site, other) == {2: NOON}
    assert one.id not in rows(site)
    with site.connection.transaction():
        people.undo_merge(site.connection, site.project.id, merged, NOON + 3 * DAY)
    assert reached(site, one) == {2: NOON}
    assert reached(site, other) == {2: NOON + DAY}


def test_nothing_is_left_of_the_erased(site: Site) -> None:
    site.send(page("a"))
    erase(site, site.only_person().id)
    assert rows(site) == {}


def test_a_segment_asks_for_a_checkpoint_and_follows_it(site: Site) -> None:
    waiting = save_and_fill(site, {"checkpoint": 1, "op": "not_reached"}, "Not signed up")
    lately = save_and_fill(site, {"checkpoint": 2, "op": "reached_within", "days": 7}, "Lately")
    site.send(page("a"), at=NOON)
    pat = site.only_person()
    assert members(site, waiting) == members(site, lately) == {pat.id}
    site.send(identify("pat", "a"), at=NOON + HOUR)
    assert members(site, waiting) == set()
    wait_until(site, NOON + 9 * DAY)
    assert members(site, lately) == set()


def test_a_segment_on_a_checkpoint_is_filled_anew_when_its_condition_is_another(
    site: Site,
) -> None:
    site.send(page("a"), at=NOON, headers=ON_FIREFOX)
    site.send(page("b"), at=NOON)
    both = save_and_fill(site, {"checkpoint": 2, "op": "reached"})
    assert len(members(site, both)) == 2
    put(site, SIGNED_UP, FIREFOX)
    count(site)
    assert members(site, both) == {one.id for one in site.people() if one.browser == "Firefox"}


def test_a_checkpoint_is_not_made_from_checkpoints(site: Site) -> None:
    segment = save(site, {"checkpoint": 1, "op": "reached"})
    with pytest.raises(FilterError, match="checkpoint"):
        put(site, SIGNED_UP, {"segment": str(segment), "op": "is_in"})
    with pytest.raises(FilterError, match="checkpoint"):
        put(site, SIGNED_UP, {"checkpoint": 1, "op": "reached"})


def test_a_segment_that_a_checkpoint_is_made_from_can_not_ask_for_one(site: Site) -> None:
    segment = save(site, FIREFOX)
    put(site, SIGNED_UP, {"segment": str(segment), "op": "is_in"})
    with pytest.raises(FilterError, match="checkpoint"), site.connection.transaction():
        segments.change_filter(
            site.connection, site.project.id, segment, {"checkpoint": 1, "op": "reached"}, NOON
        )


def test_there_are_two_to_five(site: Site) -> None:
    with pytest.raises(InvalidError, match="2 to 5"):
        put(site, SIGNED_UP)
    put(site, *(did(f"Event {n}") for n in range(5)))
    with pytest.raises(InvalidError, match="at most 5"), site.connection.transaction():
        actions.add(site.connection, site.project.id, Draft("Six", "", FIREFOX), NOON)


def test_they_are_moved_without_changing_what_their_numbers_mean(site: Site) -> None:
    with site.connection.transaction():
        actions.move(site.connection, site.project.id, 2, -1, NOON)
    found = queries.checkpoints(site.connection, site.project.id)
    assert [(one.number, one.title) for one in found] == [(2, "Active"), (1, "Signed up")]


def test_one_that_a_segment_asks_for_is_not_deleted(site: Site) -> None:
    put(site, SIGNED_UP, ACTIVE, FIREFOX)
    save(site, {"checkpoint": 3, "op": "reached"}, "Foxes")
    with pytest.raises(ConflictError, match="Foxes"), site.connection.transaction():
        actions.remove(site.connection, site.project.id, 3, NOON)


def test_a_deleted_one_leaves_its_lane_clean_for_the_next(site: Site) -> None:
    put(site, SIGNED_UP, ACTIVE, VISITED)
    site.send(page("a"), at=NOON)
    with site.connection.transaction():
        actions.remove(site.connection, site.project.id, 3, NOON)
    clear_lanes(site.connection)
    put(site, SIGNED_UP, ACTIVE, FIREFOX)
    count(site)
    assert reached(site, site.only_person()) == {2: NOON}


def test_who_was_active_once_has_reached_it_however_late_it_is_counted(site: Site) -> None:
    site.send(page("a"), at=NOON)
    wait_until(site, NOON + 60 * DAY)
    fortnight = {**ACTIVE, "value": 14}
    put(site, SIGNED_UP, fortnight, at=NOON + 60 * DAY)
    count(site, NOON + 60 * DAY)
    assert reached(site, site.only_person()) == {2: NOON}


def test_events_of_long_ago_reach_at_their_own_time(site: Site) -> None:
    old = {**page("a"), "timestamp": (NOON - 90 * DAY).isoformat()}
    site.send(old, at=NOON, way="server")
    assert reached(site, site.only_person()) == {2: NOON - 90 * DAY}


def test_who_a_server_registers_is_active_when_they_are_seen(site: Site) -> None:
    site.send(identify("pat"), at=NOON, way="server")
    assert reached(site, site.only_person()) == {1: NOON}
    site.send(page("a", user="pat"), at=NOON + DAY)
    assert reached(site, site.only_person()) == {1: NOON, 2: NOON + DAY}


def test_a_sign_up_that_turns_out_to_be_earlier_takes_the_others_with_it(site: Site) -> None:
    site.send(page("a"), at=NOON - 9 * DAY)
    site.send(identify("pat", "a"), at=NOON)
    assert reached(site, site.only_person()) == {1: NOON, 2: NOON}
    site.send(identify("pat", "a", {"createdAt": (NOON - DAY).isoformat()}), at=NOON + HOUR)
    assert reached(site, site.only_person()) == {1: NOON - DAY, 2: NOON - DAY}


def test_the_report_of_a_large_project_is_kept_and_counted_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FEW", 0)

    def reached_at(at: datetime) -> tuple[list[int], list[str], datetime]:
        found, counted = kept.report_of(site.connection, site.project.id, 28, "country", at)
        return [one.reached for one in found.stages], [one.label for one in found.parts], counted

    site.send(identify("one", "a"), page("a"), at=NOON)
    first = reached_at(NOON + HOUR)
    assert first == ([1, 1], ["Not known"], NOON + HOUR)
    site.send(identify("two", "b"), page("b"), at=NOON + HOUR)
    assert reached_at(NOON + HOUR + 2 * MINUTE) == first
    kept.count_stale(site.connection, NOON + HOUR + 3 * MINUTE)
    assert reached_at(NOON + HOUR + 3 * MINUTE) == (
        [2, 2], ["Not known"], NOON + HOUR + 3 * MINUTE,
    )  # fmt: skip
    asked = (site.connection, site.project.id, 28, "country")
    assert kept.report_at_hand(*asked, NOON + HOUR + 17 * MINUTE) is not None
    assert kept.report_at_hand(*asked, NOON + 2 * HOUR) is None  # too old to show
    assert reached_at(NOON + 2 * HOUR)[2] == NOON + 2 * HOUR


def test_who_is_counted_for_other_days_is_dated_as_before(site: Site) -> None:
    site.send(page("a"), at=NOON)
    site.send(identify("pat", "a"), at=NOON + DAY)
    site.send(page("a"), at=NOON + 20 * DAY)
    site.send(page("b"), at=NOON + 2 * DAY)
    later = NOON + 21 * DAY
    put(site, SIGNED_UP, {**ACTIVE, "value": 14}, at=later)
    count(site, later)
    found = sorted(rows(site).values(), key=len)
    assert found == [{2: NOON + 2 * DAY}, {1: NOON + DAY, 2: NOON + DAY}]


def test_being_seen_is_in_force_at_once_where_a_checkpoint_asked_for_it_before(
    site: Site,
) -> None:
    lately = save_and_fill(site, {"checkpoint": 2, "op": "reached"})
    site.send(page("a"), at=NOON)
    put(site, SIGNED_UP, FIREFOX, at=NOON + HOUR)
    count(site, NOON + HOUR)
    assert rows(site) == {}
    old = {**page("a"), "timestamp": (NOON - DAY).isoformat()}
    site.send(old, at=NOON + DAY, way="server")
    site.send(page("b"), at=NOON + DAY)
    put(site, SIGNED_UP, ACTIVE, at=NOON + 2 * DAY)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.filter, second.next_filter, second.counting) == (ACTIVE, None, None)
    assert second.meeting == 2
    assert sorted(rows(site).values(), key=str) == [{2: NOON + DAY}, {2: NOON - DAY}]
    count(site, NOON + 2 * DAY)  # whoever asks for it follows
    assert members(site, lately) == {one.id for one in site.people()}
    assert [number for _, number in told(site)] == [2]  # as it was there for the first time


def test_being_seen_comes_back_with_other_days(site: Site) -> None:
    site.send(page("a"), at=NOON)
    site.send(page("b"), at=NOON + 20 * DAY)
    before = rows(site)
    put(site, SIGNED_UP, did("Ordered"), at=NOON + 21 * DAY)
    count(site, NOON + 21 * DAY)
    put(site, SIGNED_UP, {**ACTIVE, "value": 14}, at=NOON + 21 * DAY)
    assert rows(site) == before
    count(site, NOON + 21 * DAY)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.meeting, second.counting) == (1, None)
    assert rows(site) == before


def test_of_two_checkpoints_on_being_seen_one_is_kept(site: Site) -> None:
    fortnight = {**ACTIVE, "value": 14}
    put(site, SIGNED_UP, ACTIVE, fortnight)
    site.send(page("a"), at=NOON)
    put(site, SIGNED_UP, FIREFOX, did("Ordered"), at=NOON + HOUR)
    count(site, NOON + HOUR)
    clear_lanes(site.connection)
    kept_filters = site.connection.execute(KEPT, (site.project.id,)).fetchall()
    assert len(kept_filters) == 4
    put(site, SIGNED_UP, fortnight, ACTIVE, at=NOON + 2 * HOUR)
    count(site, NOON + 2 * HOUR)
    assert reached(site, site.only_person()) == {2: NOON, 3: NOON}


def test_other_days_are_in_force_at_once_and_leave_what_was_reached(site: Site) -> None:
    site.send(page("a"), at=NOON)
    site.send(page("b"), at=NOON + 20 * DAY)
    before = rows(site)
    put(site, SIGNED_UP, {**ACTIVE, "value": 14}, at=NOON + 21 * DAY)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.filter["value"], second.next_filter) == (14, None)
    assert second.counting is not None
    assert not second.counting.is_first
    count(site, NOON + 21 * DAY)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.meeting, second.counting) == (1, None)
    assert rows(site) == before
