"""What agents do to many people at once: what is done, how it is counted, what is refused."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from regulars.people import actions, bulk, selection
from regulars.people.selection import Picked
from regulars.workspaces.errors import ConflictError, InvalidError
from tests.slices.people.bulk_work import (
    EVERYBODY,
    ask,
    crowd,
    do,
    listed,
    look,
    step,
    tags_of,
    ticked,
)
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, identify, open_site

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


# What is done, and how it is counted


def test_a_tag_reaches_everybody_who_was_ticked_and_nobody_else(site: Site) -> None:
    ana, ben, cleo = crowd(site, 3)
    job = do(site, "tag", ticked([ana, ben]), tag="  VIP ")
    assert tags_of(site, [ana, ben, cleo]) == [["vip"], ["vip"], []]
    assert (job.state, job.total, job.done, job.changed) == ("done", 2, 2, 2)


def test_who_had_the_tag_is_not_counted_as_changed(site: Site) -> None:
    people = [add(site, tags=["vip"]), *crowd(site, 2)]
    job = do(site, "tag", ticked(people), tag="vip")
    assert (job.done, job.changed) == (3, 2)


def test_who_has_as_many_tags_as_fit_holds_nobody_up(site: Site) -> None:
    full = add(site, tags=[f"t{number}" for number in range(actions.MAX_TAGS)])
    other = add(site)
    job = do(site, "tag", ticked([full, other]), tag="vip")
    assert (job.state, job.changed) == ("done", 1)
    assert site.person(other.id).tags == ["vip"]


def test_a_tag_is_taken_off_those_who_have_it(site: Site) -> None:
    people = [add(site, tags=["a", "vip", "b"]), add(site, tags=["a"])]
    job = do(site, "untag", ticked(people), tag="VIP")
    assert tags_of(site, people) == [["a", "b"], ["a"]]
    assert job.changed == 1


def test_a_crowd_is_done_in_small_steps(site: Site) -> None:
    people = crowd(site, 250)
    job = ask(site, "tag", EVERYBODY, tag="vip")
    seen = [step(site, job).done for _ in range(3)]
    assert seen == [100, 200, 250]
    assert look(site, job).state == "done"
    assert all(tags == ["vip"] for tags in tags_of(site, people))


def test_colleagues_pages_hear_of_those_who_changed(site: Site) -> None:
    old, fresh = add(site, tags=["vip"]), add(site)
    do(site, "tag", ticked([old, fresh]), tag="vip")
    topic, body = site.connection.execute(
        "SELECT topic, body FROM outbox WHERE project_id = %s ORDER BY id DESC LIMIT 1",
        (site.project.id,),
    ).fetchall()[0]
    assert (topic, body) == ("people", {"people": [str(fresh.id)]})


def test_erasing_many_leaves_nothing_of_each(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Ana"}), identify("u2", "b2", {"name": "Ben"}))
    rest = add(site)
    job = do(site, "erase", listed(kind="user", query="an"))
    assert job.changed == 1
    assert site.person_of(user="u1") is None
    assert site.person_of(user="u2") is not None
    assert site.person(rest.id)
    for table, column in (("event", "person_id"), ("identity", "person_id"), ("person", "id")):
        left = site.connection.execute(
            f"SELECT count(*) FROM {table} WHERE project_id = %s AND {column} NOT IN (%s, %s)",
            (site.project.id, rest.id, site.person_of(user="u2").id),  # type: ignore[union-attr]
        ).fetchone()
        assert left == (0,), table


def test_the_kinds_are_counted_right_after_many_were_erased(site: Site) -> None:
    crowd(site, 60)
    do(site, "erase", EVERYBODY)
    row = site.connection.execute(
        "SELECT people FROM kind_count WHERE project_id = %s AND id = 'user'", (site.project.id,)
    ).fetchone()
    assert row == (0,)


# What is refused


@pytest.mark.parametrize("tag", [None, "", "  ", "x" * 61, "a\x00b", 5, ["x"]])
def test_a_tag_that_is_none_is_refused_before_anything_begins(site: Site, tag: Any) -> None:
    with pytest.raises(InvalidError):
        ask(site, "tag", ticked(crowd(site, 1)), tag=tag)


def test_an_action_that_is_none_is_refused(site: Site) -> None:
    with pytest.raises(InvalidError):
        ask(site, "explode", ticked(crowd(site, 1)))


def test_nobody_is_nothing_to_do(site: Site) -> None:
    with pytest.raises(InvalidError, match="Nobody is selected"):
        ask(site, "tag", Picked(()), tag="vip")


def test_more_people_than_were_said_are_refused(site: Site) -> None:
    crowd(site, 3)
    with pytest.raises(ConflictError, match="3 people by now"), site.connection.transaction():
        bulk.start(site.connection, site.project.id, "erase", EVERYBODY, NOON, zone=UTC, most=2)


def test_nobody_ticks_more_people_than_a_request_may_carry() -> None:
    with pytest.raises(InvalidError, match="5,000"):
        selection.picked(uuid4() for _ in range(5_001))


def test_a_project_may_not_have_endless_jobs_at_once(site: Site) -> None:
    people = ticked(crowd(site, 1))
    for _ in range(bulk.MOST_OPEN):
        ask(site, "tag", people, tag="vip")
    with pytest.raises(ConflictError, match="at once"):
        ask(site, "tag", people, tag="vip")
