"""Segments that agents save: who is in them, who is told, and what they refuse."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.filters.errors import FilterError
from regulars.filters.parse import parse
from regulars.people import actions as people_actions
from regulars.people import numbers
from regulars.people.numbers import DEEDS
from regulars.segments import actions, doers, filling, queries, reasons
from regulars.segments.upkeep import follow_time_zones, let_go
from regulars.workspaces.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    UnknownError,
)
from tests.slices.people.crowd import add, add_all
from tests.slices.segments.saved import (
    check,
    check_memories,
    erase,
    fill,
    fills_of,
    members,
    merge,
    save,
    save_and_fill,
    save_picked,
    wait_until,
)
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

FIREFOX = {"field": "browser", "op": "is", "value": "firefox"}
ORDERED_TWICE = {"event": "Order Completed", "op": "at_least", "count": 2, "within_days": 7}


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def ways(site: Site, segment: UUID) -> list[tuple[str, str, str | None]]:
    """(way, cause, detail) of all who entered and left, the newest first."""
    found = queries.transitions(site.connection, site.project.id, segment)
    return [(one.way, one.cause, one.detail) for one in found]


def undo(site: Site, merge_id: UUID) -> None:
    with site.connection.transaction():
        people_actions.undo_merge(site.connection, site.project.id, merge_id, NOON)


# Filling


def test_a_new_segment_finds_who_fits_already_and_tells_nobody(site: Site) -> None:
    fits, _ = add(site, browser="Firefox"), add(site, browser="Safari")
    segment = save_and_fill(site, FIREFOX)
    assert members(site, segment) == {fits.id}
    assert queries.segment(site.connection, site.project.id, segment).people == 1
    assert ways(site, segment) == []


def test_a_segment_says_how_far_its_filling_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "A_RANGE", 2)
    add_all(site, [{"browser": "Firefox"} for _ in range(5)])
    segment = save(site, FIREFOX)
    (running,) = fills_of(site)
    filling.fill_range(site.connection, running, NOON)
    found = queries.segment(site.connection, site.project.id, segment)
    assert found.filling is not None
    assert (found.filling.done, found.filling.total, found.people) == (2, 5, 2)
    fill(site)
    assert queries.segment(site.connection, site.project.id, segment).filling is None


def test_in_a_project_without_people_there_is_nothing_to_fill(site: Site) -> None:
    segment = save(site, FIREFOX)
    assert queries.segment(site.connection, site.project.id, segment).filling is None


def test_who_comes_to_fit_while_a_segment_is_being_filled_enters(site: Site) -> None:
    pat = add(site, attributes={"plan": "free"})
    segment = save(site, {"field": "attributes.plan", "op": "is", "value": "pro"})
    with site.connection.transaction():
        people_actions.change(
            site.connection, site.project.id, pat.id, {"attributes": {"plan": "pro"}}, NOON
        )
    assert ways(site, segment) == [("in", "facts", None)]
    fill(site)
    assert ways(site, segment) == [("in", "facts", None)]
    assert members(site, segment) == {pat.id}


def test_who_fits_and_comes_by_while_a_segment_is_being_filled_does_not_enter(site: Site) -> None:
    site.send(page("a"), identify("pat", "a", {"plan": "pro"}))
    segment = save(site, {"field": "attributes.plan", "op": "is", "value": "pro"})
    site.send(page("a"))
    assert members(site, segment) == {site.only_person().id}
    assert ways(site, segment) == []


def test_what_was_done_long_before_a_segment_counts(site: Site) -> None:
    site.send(track("Order Completed", "a"), track("Order Completed", "a"), page("b"))
    segment = save_and_fill(site, ORDERED_TWICE)
    buyer = site.person_of(anon="a")
    assert buyer is not None
    assert members(site, segment) == {buyer.id}


def test_what_was_done_before_a_segment_and_after_counts_together(site: Site) -> None:
    site.send(track("Order Completed", "a"))
    segment = save(site, ORDERED_TWICE)
    site.send(track("Order Completed", "a"))
    assert members(site, segment) == {site.only_person().id}
    assert ways(site, segment) == [("in", "event", "Order Completed")]
    fill(site)
    assert members(site, segment) == {site.only_person().id}


def test_a_new_rule_lets_people_go_and_finds_others(site: Site) -> None:
    fox, lynx = add(site, browser="Firefox"), add(site, browser="Lynx")
    segment = save_and_fill(site, FIREFOX)
    with site.connection.transaction():
        rule = {**FIREFOX, "value": "lynx"}
        actions.change_filter(site.connection, site.project.id, segment, rule, NOON)
    fill(site)
    assert members(site, segment) == {lynx.id} != {fox.id}
    assert ways(site, segment) == []


def test_segments_built_on_a_changed_one_follow(site: Site) -> None:
    fox, lynx = add(site, browser="Firefox"), add(site, browser="Lynx")
    segment = save_and_fill(site, FIREFOX)
    others = save_and_fill(site, {"segment": str(segment), "op": "is_not_in"}, "Others")
    assert members(site, others) == {lynx.id}
    with site.connection.transaction():
        rule = {**FIREFOX, "value": "lynx"}
        actions.change_filter(site.connection, site.project.id, segment, rule, NOON)
    fill(site)
    assert members(site, others) == {fox.id}


# Living on


def test_an_event_lets_somebody_enter_and_time_lets_them_leave(site: Site) -> None:
    site.send(page("a"))
    segment = save_and_fill(site, ORDERED_TWICE)
    pat = site.only_person().id
    site.send(track("Order Completed", "a", at=NOON), at=NOON)
    site.send(track("Order Completed", "a", at=NOON + DAY), at=NOON + DAY)
    assert members(site, segment) == {pat}
    wait_until(site, NOON + timedelta(days=7))
    assert members(site, segment) == {pat}
    wait_until(site, NOON + timedelta(days=7) + TICK)
    assert members(site, segment) == set()
    assert ways(site, segment) == [("out", "time", None), ("in", "event", "Order Completed")]


def test_a_segment_says_who_is_the_next_to_leave(site: Site) -> None:
    soon = add(site, last_seen=NOON - timedelta(days=5))
    add(site, last_seen=NOON)
    segment = save_and_fill(site, {"field": "last_seen", "op": "within_last", "value": 7})
    leaving = reasons.next_to_leave(site.connection, site.project.id, segment, NOON)
    assert leaving == (soon.id, NOON + timedelta(days=2) + TICK)


def test_a_segment_nobody_leaves_by_time_has_no_next(site: Site) -> None:
    add(site, browser="Firefox")
    segment = save_and_fill(site, FIREFOX)
    assert reasons.next_to_leave(site.connection, site.project.id, segment, NOON) is None


def test_a_person_can_be_asked_why(site: Site) -> None:
    site.send(track("Order Completed", "a"), page("b"))
    segment = save_and_fill(site, {**ORDERED_TWICE, "count": 1})
    for anon, held in (("a", True), ("b", False)):
        person = site.person_of(anon=anon)
        assert person is not None
        why, membership = reasons.why(
            site.connection, site.project.id, segment, person.id, NOON + DAY
        )
        assert why is not None
        assert (why.held, why.value, membership is not None) == (held, int(held), held)


def test_each_day_is_kept(site: Site) -> None:
    site.send(page("a"), at=NOON - DAY)
    segment = save_and_fill(site, ORDERED_TWICE, at=NOON - DAY)
    for at in (NOON, NOON + TICK):
        site.send(track("Order Completed", "a"), at=at)
    days = queries.growth(site.connection, site.project.id, segment, (NOON + DAY).date())
    told = [(one.people, one.entered, one.left) for one in days]
    assert told == [(0, 0, 0), (1, 1, 0), (1, 0, 0)]


# Picked by hand


def test_people_picked_by_hand_stay_whatever_they_do(site: Site) -> None:
    site.send(page("a"), page("b"))
    pat = site.people()[0].id
    segment = save_picked(site, [pat])
    site.send(page("a"), identify("pat", "a"))
    wait_until(site, NOON + timedelta(days=400))
    assert members(site, segment) == {pat}
    check(site, NOON + timedelta(days=400))


def test_people_are_put_in_and_taken_out(site: Site) -> None:
    one, other = add(site), add(site)
    segment = save_picked(site, [one.id])
    asked = (site.connection, site.project.id, segment, [one.id, other.id], NOON)
    with site.connection.transaction():
        assert actions.add_people(*asked) == [other.id]
    with site.connection.transaction():
        assert set(actions.remove_people(*asked)) == {one.id, other.id}
    assert members(site, segment) == set()
    assert [way for way, _, _ in ways(site, segment)].count("out") == 2


def test_a_segment_built_on_a_picked_one_follows_at_once(site: Site) -> None:
    one, other = add(site, browser="Firefox"), add(site, browser="Firefox")
    picked = save_picked(site, [one.id])
    rule = {"all": [FIREFOX, {"segment": str(picked), "op": "is_in"}]}
    built = save_and_fill(site, rule, "Built on it")
    assert members(site, built) == {one.id}
    with site.connection.transaction():
        actions.add_people(site.connection, site.project.id, picked, [other.id], NOON)
    assert members(site, built) == {one.id, other.id}
    check(site, NOON)


def test_who_was_merged_stays_picked_and_the_undo_parts_them(site: Site) -> None:
    one, other = add(site), add(site)
    segment = save_picked(site, [one.id])
    merge_id = merge(site, one.id, other.id)
    assert members(site, segment) == {other.id}
    undo(site, merge_id)
    assert members(site, segment) == {one.id}
    check(site, NOON)


def test_who_was_picked_after_a_merge_stays_after_its_undo(site: Site) -> None:
    one, other = add(site), add(site)
    segment = save_picked(site, [])
    merge_id = merge(site, one.id, other.id)
    with site.connection.transaction():
        actions.add_people(site.connection, site.project.id, segment, [other.id], NOON)
    undo(site, merge_id)
    assert members(site, segment) == {other.id}


def test_the_transitions_of_a_merged_person_move_and_come_back(site: Site) -> None:
    one, other = add(site), add(site)
    segment = save_picked(site, [one.id])
    merge_id = merge(site, one.id, other.id)

    def told(person: UUID) -> list[str]:
        found = queries.transitions_of(site.connection, site.project.id, person)
        return [each.way for each in found if each.segment_id == segment]

    assert told(other.id) == ["in", "in"]
    undo(site, merge_id)
    assert told(one.id)[-1] == "in"


def test_nothing_is_left_of_an_erased_person(site: Site) -> None:
    one = add(site)
    segment = save_picked(site, [one.id])
    erase(site, one.id)
    assert members(site, segment) == set()
    assert ways(site, segment) == []


# Deleting


def test_a_deleted_segment_is_gone_at_once_and_its_people_stay(site: Site) -> None:
    pat = add(site, browser="Firefox")
    segment = save_and_fill(site, FIREFOX)
    with site.connection.transaction():
        actions.delete(site.connection, site.project.id, segment, NOON)
    with pytest.raises(UnknownError):
        queries.segment(site.connection, site.project.id, segment)
    let_go(site.connection)
    assert site.count("segment_member") == 1
    assert site.person(pat.id).browser == "Firefox"
    site.send(page("a"))
    check(site, NOON)


def test_the_name_of_a_deleted_segment_is_free(site: Site) -> None:
    segment = save(site, FIREFOX, "Foxes")
    with site.connection.transaction():
        actions.delete(site.connection, site.project.id, segment, NOON)
    save(site, FIREFOX, "foxes")


def test_a_segment_that_others_are_built_on_is_not_deleted(site: Site) -> None:
    segment = save(site, FIREFOX, "Foxes")
    save(site, {"segment": str(segment), "op": "is_in"}, "Built on it")
    with pytest.raises(ConflictError, match="Built on it"), site.connection.transaction():
        actions.delete(site.connection, site.project.id, segment, NOON)


def test_the_lists_every_project_has_stay(site: Site) -> None:
    (row,) = site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'active'", (site.project.id,)
    ).fetchall()
    with pytest.raises(ForbiddenError), site.connection.transaction():
        actions.delete(site.connection, site.project.id, row[0], NOON)


# What is refused


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\0b"])
def test_a_name_that_is_none_is_refused(site: Site, name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        save(site, FIREFOX, name)
    assert refused.value.field == "name"


def test_a_name_is_taken_whatever_its_case(site: Site) -> None:
    save(site, FIREFOX, "Fóxes")
    with pytest.raises(ConflictError, match="FÓXES"):
        save(site, FIREFOX, "FÓXES ")


def test_a_segment_is_not_made_from_itself(site: Site) -> None:
    one = save(site, FIREFOX, "One")
    other = save(site, {"segment": str(one), "op": "is_in"}, "Other")
    rule = {"segment": str(other), "op": "is_not_in"}
    with pytest.raises(FilterError, match="made from itself"), site.connection.transaction():
        actions.change_filter(site.connection, site.project.id, one, rule, NOON)
    fill(site)
    check(site, NOON)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"field": "shoe_size", "op": "is", "value": "42"}, "filter.field"),
        ({"segment": str(uuid4()), "op": "is_in"}, "filter"),
        ({"checkpoint": 5, "op": "reached"}, "filter"),
        ({"campaign": str(uuid4()), "op": "opened"}, "filter"),
        ({"field": "name", "op": "contains", "value": "x" * 1_000_000}, "filter.value"),
        ({"not": {"not": {"not": {"not": {"not": FIREFOX}}}}}, "filter.not.not.not.not.not"),
    ],
)
def test_a_rule_that_can_not_be_kept_is_refused_by_name(site: Site, rule: Any, field: str) -> None:
    with pytest.raises(FilterError) as refused:
        save(site, rule)
    assert refused.value.field == field


def test_another_projects_segments_and_people_are_unknown(site: Site, database: Database) -> None:
    theirs = open_site(database)
    segment, stranger = save(theirs, FIREFOX), add(theirs)
    with pytest.raises(UnknownError):
        queries.segment(site.connection, site.project.id, segment)
    with pytest.raises(FilterError):
        save(site, {"segment": str(segment), "op": "is_in"})
    with pytest.raises(InvalidError, match="no person"):
        save_picked(site, [stranger.id])


def test_a_project_that_moves_to_another_time_zone_is_counted_anew(site: Site) -> None:
    follow_time_zones(site.connection, NOON)
    late = add(site, signed_up_at=NOON.replace(hour=23))
    rule = {"field": "signed_up_at", "op": "on", "value": NOON.date().isoformat()}
    segment = save_and_fill(site, rule)
    assert members(site, segment) == {late.id}
    site.connection.execute(
        "UPDATE project SET time_zone = 'Asia/Tokyo' WHERE id = %s", (site.project.id,)
    )
    follow_time_zones(site.connection, NOON)
    fill(site)
    assert members(site, segment) == set()


def test_a_memory_that_must_go_deeper_meanwhile_is_not_filled_by_what_was_read_before(
    site: Site,
) -> None:
    site.send(page("a"), page("b"), at=NOON)
    ordered = {"event": "Order Completed", "op": "at_least", "count": 1}
    save(site, ordered)
    [begun] = fills_of(site)
    event = doers.event_of(parse(ordered))
    assert event is not None
    assert doers.read_once(site.connection, begun, event) is not None
    site.send(track("Order Completed", "a"), at=NOON)
    save(site, {**ordered, "count": 3}, "Deeper")
    filling.fill_range(site.connection, begun, NOON)
    fill(site, NOON)
    check(site, NOON)
    never = save_and_fill(site, {**ordered, "op": "at_most", "count": 0}, "Never")
    assert len(members(site, never)) == 1


def test_what_somebody_did_before_has_no_bit_and_counts_when_they_come_by(site: Site) -> None:
    others = Counter(f"Event {number}" for number in range(DEEDS))
    numbers.deeds.take(site.connection, site.project.id, others)
    site.send(track("Late", "a"), at=NOON)
    twice = save(site, {"event": "Late", "op": "at_least", "count": 2})
    site.send(track("Late", "a"), track("Late", "b"), at=NOON)
    assert len(members(site, twice)) == 1
    fill(site)
    assert len(members(site, twice)) == 1
    check_memories(site.connection, site.project.id, UTC)


def test_a_segment_is_full_before_everybody_remembers_what_it_asks_for(site: Site) -> None:
    site.send(*(track("Order Completed", one) for one in "aabc"), at=NOON)
    twice = save(site, {"event": "Order Completed", "op": "at_least", "count": 2})
    [begun] = fills_of(site)
    filling.fill_range(site.connection, begun, NOON)
    assert fills_of(site) == []
    assert len(members(site, twice)) == 1
    assert len(_remembering(site)) == 1
    site.send(track("Order Completed", "b"), at=NOON)
    assert len(members(site, twice)) == 2  # b was read from history
    fill(site)
    assert len(_remembering(site)) == 3
    check(site, NOON)


def _remembering(site: Site) -> list[UUID]:
    rows = site.connection.execute(
        "SELECT id FROM person_activity WHERE project_id = %s AND event_times <> '{}'",
        (site.project.id,),
    )
    return [id_ for (id_,) in rows.fetchall()]
