"""Who is meant when many people are selected: ticked, or everyone on a list."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from regulars.people import actions, bulk, selection
from regulars.people.queries import Which
from regulars.people.selection import Asked, Everyone, everyone
from regulars.segments import actions as segments
from regulars.workspaces.errors import UnknownError
from tests.slices.people.bulk_work import (
    AGENT,
    EVERYBODY,
    ask,
    crowd,
    do,
    finish,
    listed,
    look,
    tags_of,
    ticked,
)
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, identify, open_site

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def test_everyone_on_a_list_but_who_was_unticked(site: Site) -> None:
    people = crowd(site, 5)
    meant = everyone(Which(NOON, "user"), without=[people[1].id, people[3].id])
    job = do(site, "tag", meant, tag="vip")
    assert [bool(tags) for tags in tags_of(site, people)] == [True, False, True, False, True]
    assert job.total == 3


def test_a_list_is_kept_as_its_question_and_not_as_ids(site: Site) -> None:
    crowd(site, 5)
    meant = listed(
        kind="user", builtin="all", query="p", filter={"field": "name", "op": "is_known"}
    )
    kept = ask(site, "tag", meant, tag="vip").selection
    assert kept == {
        "list": {
            "kind": "user",
            "builtin": "all",
            "query": "p",
            "filter": {"field": "name", "op": "is_known"},
        }
    }
    assert selection.from_json(kept) == meant


def test_what_is_kept_of_a_selection_reads_back_as_it_was() -> None:
    one, two = uuid4(), uuid4()
    for meant in (
        selection.picked([one, two]),
        selection.ChangedBy(one),
        Everyone(segment=one, without=(two,), before=NOON),
        EVERYBODY,
    ):
        assert selection.from_json(selection.to_json(meant)) == meant


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"kind": "lead"}, {"Lea"}),
        ({"kind": "user", "query": "an"}, {"Ana", "Anton"}),
        ({"filter": {"field": "sessions", "op": "gt", "value": 3}}, {"Anton"}),
        ({"kind": "user", "builtin": "new"}, {"Ana"}),
        ({"kind": "user", "builtin": "all"}, {"Ana", "Anton"}),
        ({}, {"Lea", "Ana", "Anton"}),
    ],
)
def test_each_way_to_list_people_selects_the_same_people(
    site: Site, asked: dict[str, Any], names: set[str]
) -> None:
    add(site, "lead", name="Lea")
    add(site, name="Ana", signed_up_at=NOON - timedelta(days=1))
    add(site, name="Anton", sessions=5, signed_up_at=NOON - timedelta(days=100))
    meant = Asked(site.project.id, listed(**asked), NOON, UTC)
    ids = selection.ids_behind(site.connection, meant, None, 10)
    assert {site.person(id_).name for id_ in ids} == names
    assert selection.count(site.connection, meant) == len(names)
    assert selection.still(site.connection, meant, ids) == set(ids)


def test_a_segment_is_selected_as_it_is_listed_of_one_kind_or_of_all(site: Site) -> None:
    ana, lea = add(site, name="Ana"), add(site, "lead", name="Lea")
    with site.connection.transaction():
        picked = segments.create(
            site.connection, site.project.id, "Panel", NOON, people=[ana.id, lea.id]
        )
    for kind, whom in (("lead", {lea.id}), ("user", {ana.id}), (None, {ana.id, lea.id})):
        meant = Asked(site.project.id, Everyone(kind=kind, segment=picked), NOON, UTC)
        assert set(selection.ids_behind(site.connection, meant, None, 10)) == whom
        assert selection.count(site.connection, meant) == len(whom)


def test_the_number_is_of_those_who_are_meant(site: Site) -> None:
    people = crowd(site, 6)
    other = add(site, "lead", name="Lea")
    site.send(identify("late", "b9"), at=NOON + timedelta(seconds=1))
    without = [people[0].id, other.id, uuid4()]  # two of whom are not on the list
    meant = everyone(Which(LATER, "user", query="p"), without=without, before=NOON)
    assert selection.count(site.connection, Asked(site.project.id, meant, LATER, UTC)) == 5
    meant = everyone(Which(LATER, "user"), without=without, before=NOON)
    assert selection.count(site.connection, Asked(site.project.id, meant, LATER, UTC)) == 5


def test_an_action_that_takes_people_off_its_own_list_reaches_them_all(site: Site) -> None:
    people = crowd(site, 450)
    untagged = listed(filter={"field": "tags", "op": "has_not", "value": "vip"})
    job = do(site, "tag", untagged, tag="vip")
    assert (job.done, job.changed) == (450, 450)
    assert all(tags == ["vip"] for tags in tags_of(site, people))


def test_an_action_that_brings_people_onto_its_own_list_ends(site: Site) -> None:
    crowd(site, 300)
    job = do(
        site, "untag", listed(filter={"field": "tags", "op": "has_not", "value": "vip"}), tag="x"
    )
    assert (job.state, job.done, job.changed) == ("done", 300, 0)


def test_who_has_left_the_list_when_their_turn_comes_is_spared(site: Site) -> None:
    people = sorted(crowd(site, 30, tags=["old"]), key=lambda one: one.id)
    job = ask(site, "erase", listed(filter={"field": "tags", "op": "has", "value": "old"}))
    working = bulk.Working(site.connection)
    working.work_on(job.project_id, job.id, NOON)  # the first 10; the rest is read ahead
    with site.connection.transaction():
        actions.tag(site.connection, site.project.id, people[-1].id, NOON, remove=["old"])
    while working.work_on(job.project_id, job.id, NOON):
        pass
    assert look(site, job).changed == 29
    assert site.person(people[-1].id)


def test_who_came_after_everyone_was_selected_is_not_meant(site: Site) -> None:
    crowd(site, 2)
    meant = everyone(Which(NOON), before=NOON)
    site.send(identify("late", "b9"), at=NOON + timedelta(seconds=1))
    assert do(site, "tag", meant, LATER, tag="vip").total == 2
    late = site.person_of(user="late")
    assert late is not None
    assert late.tags == []


def test_who_was_ticked_and_is_gone_holds_nobody_up(site: Site) -> None:
    ana, ben = crowd(site, 2)
    job = ask(site, "tag", ticked([ana, ben]), tag="vip")
    with site.connection.transaction():
        actions.erase(site.connection, site.project.id, ana.id, NOON)
    done = finish(site, job)
    assert (done.state, done.done, done.changed) == ("done", 2, 1)


def test_people_of_another_project_are_out_of_reach(site: Site) -> None:
    other = open_site(site.connection)
    theirs, ours = add(other), add(site)
    job = do(site, "tag", ticked([theirs, ours]), tag="vip")
    assert (job.total, job.changed) == (1, 1)
    assert other.person(theirs.id).tags == []
    with pytest.raises(UnknownError), site.connection.transaction():
        bulk.cancel(site.connection, other.project.id, job.id, NOON)
    with pytest.raises(UnknownError), site.connection.transaction():
        bulk.undo(site.connection, other.project.id, job.id, NOON, AGENT)


def test_a_segment_of_another_project_is_none(site: Site) -> None:
    theirs = open_site(site.connection)
    row = site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s LIMIT 1", (theirs.project.id,)
    ).fetchone()
    assert row is not None
    with pytest.raises(UnknownError):
        ask(site, "tag", Everyone(segment=row[0]), tag="vip")
