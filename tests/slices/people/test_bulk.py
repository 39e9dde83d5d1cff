"""What agents do to many people at once: jobs that begin, go on, stop and are taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.filters.parse import parse
from regulars.kit import database as kit_database
from regulars.people import actions, bulk, bulk_actions, bulk_jobs, selection
from regulars.people.bulk_actions import Changing
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.people.selection import Asked, Everyone, Picked, everyone
from regulars.segments import actions as segments
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError
from tests.slices.people.bulk_work import (
    AGENT,
    EVERYBODY,
    ask,
    do,
    finish,
    look,
    step,
    ticked,
    undo,
)
from tests.slices.people.crowd import add, add_all
from tests.slices.tracking.site import NOON, Site, identify, open_site

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def tags_of(site: Site, people: Sequence[Person]) -> list[list[str]]:
    return [site.person(person.id).tags for person in people]


def crowd(site: Site, count: int, **said: Any) -> list[Person]:
    return add_all(site, [{"name": f"P{number}", **said} for number in range(count)])


def listed(**said: Any) -> Everyone:
    filter_ = said.pop("filter", None)
    return everyone(Which(NOON, filter=parse(filter_) if filter_ else None, **said))


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


# Who is meant


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


# Stopping and taking back


def test_a_stopped_job_leaves_what_is_done_and_does_no_more(site: Site) -> None:
    people = crowd(site, 300)
    job = ask(site, "tag", EVERYBODY, tag="vip")
    step(site, job)
    with site.connection.transaction():
        bulk.cancel(site.connection, site.project.id, job.id, LATER)
    after = finish(site, job)
    assert (after.state, after.changed, after.ended_at) == ("cancelled", 100, LATER)
    assert sum(tags == ["vip"] for tags in tags_of(site, people)) == 100
    with pytest.raises(ConflictError), site.connection.transaction():
        bulk.cancel(site.connection, site.project.id, job.id, LATER)


def test_undo_takes_it_back_from_those_it_changed_alone(site: Site) -> None:
    had, got = add(site, tags=["vip"]), add(site, tags=["a"])
    job = do(site, "tag", ticked([had, got]), tag="vip")
    undoing = undo(site, job)
    assert tags_of(site, [had, got]) == [["vip"], ["a"]]
    assert (undoing.total, undoing.changed, undoing.undoes) == (1, 1, job.id)
    assert look(site, job).undone_by == undoing.id


def test_a_stopped_job_is_taken_back_as_far_as_it_came(site: Site) -> None:
    people = crowd(site, 300)
    job = ask(site, "tag", EVERYBODY, tag="vip")
    step(site, job)
    with site.connection.transaction():
        bulk.cancel(site.connection, site.project.id, job.id, LATER)
    assert undo(site, job).changed == 100
    assert not any(tags_of(site, people))


def test_taking_tags_off_is_undone_too(site: Site) -> None:
    people = [add(site, tags=["vip"]), add(site)]
    undo(site, do(site, "untag", ticked(people), tag="vip"))
    assert tags_of(site, people) == [["vip"], []]


def test_whoever_lost_the_tag_since_is_left_as_they_are(site: Site) -> None:
    ana, ben = crowd(site, 2)
    job = do(site, "tag", ticked([ana, ben]), tag="vip")
    with site.connection.transaction():
        actions.tag(site.connection, site.project.id, ana.id, LATER, remove=["vip"])
    assert undo(site, job).changed == 1


def test_nothing_is_undone_twice_or_while_it_runs(site: Site) -> None:
    running = ask(site, "tag", ticked(crowd(site, 1)), tag="vip")
    with pytest.raises(ConflictError), site.connection.transaction():
        bulk.undo(site.connection, site.project.id, running.id, NOON, AGENT)
    done = finish(site, running)
    undoing = undo(site, done)
    for job in (done, undoing):
        with pytest.raises(ConflictError), site.connection.transaction():
            bulk.undo(site.connection, site.project.id, job.id, NOON, AGENT)


def test_erasing_cannot_be_undone(site: Site) -> None:
    job = do(site, "erase", ticked(crowd(site, 1)))
    with pytest.raises(ConflictError, match="can't be undone"), site.connection.transaction():
        bulk.undo(site.connection, site.project.id, job.id, NOON, AGENT)


def test_whoever_is_erased_is_forgotten_by_the_jobs_that_changed_them(site: Site) -> None:
    ana, ben = crowd(site, 2)
    job = do(site, "tag", ticked([ana, ben]), tag="vip")
    with site.connection.transaction():
        actions.merge_people(site.connection, site.project.id, ana.id, ben.id, NOON, cause="agent")
        actions.erase(site.connection, site.project.id, ben.id, NOON)
    left = site.connection.execute(
        "SELECT count(*) FROM bulk_change WHERE project_id = %s", (site.project.id,)
    ).fetchone()
    assert left == (0,)
    assert undo(site, job).changed == 0


# Failures


class Touchy(Changing):
    """Fails where somebody named so is met."""

    def change(
        self, _changes: Changes, people: Sequence[Person], _arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        if any(person.name == "Boom" for person in people):
            raise RuntimeError("boom")
        for person in people:
            person.tags, person.changed = ["touched"], True
        return [person.id for person in people]

    at_once = 10


@pytest.fixture
def touchy() -> Iterator[None]:
    bulk_actions.ACTIONS["touch"] = Touchy()
    yield
    del bulk_actions.ACTIONS["touch"]


@pytest.mark.usefixtures("touchy")
def test_other_slices_add_actions_of_their_own(site: Site) -> None:
    people = crowd(site, 25)
    assert do(site, "touch", EVERYBODY).changed == 25
    assert tags_of(site, people) == [["touched"]] * 25


@pytest.mark.usefixtures("touchy")
def test_a_job_that_keeps_failing_ends_and_says_so(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    people = sorted(crowd(site, 15), key=lambda one: one.id)
    with site.connection.transaction():
        actions.change(site.connection, site.project.id, people[12].id, {"name": "Boom"}, NOON)
    job = finish(site, ask(site, "touch", EVERYBODY))
    assert (job.state, job.changed) == ("failed", 10)
    assert job.error == "Something went wrong on our side."
    assert "boom" in caplog.text
    assert [bool(tags) for tags in tags_of(site, people)] == [True] * 10 + [False] * 5


def test_a_job_on_a_segment_that_is_gone_says_so(site: Site) -> None:
    crowd(site, 1)
    row = site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'all'", (site.project.id,)
    ).fetchone()
    assert row is not None
    job = ask(site, "tag", Everyone(segment=row[0]), tag="vip")
    site.connection.execute(
        "UPDATE bulk_job SET selection = jsonb_set(selection, '{list,segment}', to_jsonb(%s::text))"
        " WHERE project_id = %s AND id = %s",
        (str(uuid4()), site.project.id, job.id),
    )
    ended = finish(site, job)
    assert (ended.state, ended.error) == ("failed", "There is no such segment.")


# Several workers


def test_two_workers_at_once_do_everybody_exactly_once(site: Site) -> None:
    people = crowd(site, 1500)
    jobs = [ask(site, "tag", EVERYBODY, tag=tag) for tag in ("a", "b")]
    together = threading.Barrier(2)

    def work() -> None:
        with kit_database.connect() as connection:
            working = bulk.Working(connection)
            together.wait()
            while any(look(site_of(connection), job).ended_at is None for job in jobs):
                for job in jobs:
                    working.work_on(job.project_id, job.id, NOON)

    def site_of(connection: psycopg.Connection[Any]) -> Site:
        return Site(connection, site.project, "")

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for job in jobs:
        done = look(site, job)
        assert (done.state, done.done, done.changed) == ("done", 1500, 1500)
    assert all(sorted(tags) == ["a", "b"] for tags in tags_of(site, people))


def test_a_job_that_another_worker_holds_is_left_to_it(site: Site) -> None:
    job = ask(site, "tag", ticked(crowd(site, 1)), tag="vip")
    with kit_database.connect() as other, other.transaction():
        assert bulk_jobs.claim(other, job.project_id, job.id) is not None
        assert not bulk.Working(site.connection).work_on(job.project_id, job.id, NOON)
    assert finish(site, job).changed == 1


def test_events_that_keep_coming_and_a_job_do_not_lose_each_others_changes(site: Site) -> None:
    crowd(site, 1)
    site.send(*(identify(f"u{number}", f"b{number}") for number in range(400)))
    job = ask(site, "tag", EVERYBODY, tag="vip")
    stop = threading.Event()

    def work() -> None:
        with kit_database.connect() as connection:
            working = bulk.Working(connection)
            while not stop.is_set():
                working.work_on(job.project_id, job.id, NOON)

    thread = threading.Thread(target=work)
    thread.start()
    for turn in range(10):
        site.send(
            *(identify(f"u{n}", f"b{n}", {"turn": turn}) for n in range(0, 400, 7)),
            at=NOON + timedelta(seconds=turn),
        )
    stop.set()
    thread.join(30)
    assert finish(site, job).changed == 401
    for number in range(0, 400, 7):
        person = site.person_of(user=f"u{number}")
        assert person is not None
        assert (person.tags, person.attributes) == (["vip"], {"turn": 9})


# What is kept


def test_an_old_job_is_forgotten_with_whom_it_changed(site: Site) -> None:
    long_ago = NOON - timedelta(days=1000)  # other tests' jobs are younger
    job = do(site, "tag", ticked(crowd(site, 3)), long_ago, tag="vip")
    bulk.tidy(site.connection, long_ago + bulk_jobs.KEPT - timedelta(seconds=1))
    assert look(site, job)
    bulk.tidy(site.connection, long_ago + bulk_jobs.KEPT + timedelta(seconds=1))
    assert bulk_jobs.find(site.connection, site.project.id, job.id) is None


def test_an_agent_sees_what_runs_and_what_they_asked_for_lately(site: Site) -> None:
    people = ticked(crowd(site, 1))
    running = ask(site, "tag", people, tag="a")
    mine = do(site, "tag", people, tag="b")

    def shown(agent: UUID, now: datetime) -> list[UUID]:
        return [job.id for job in bulk_jobs.shown_to(site.connection, site.project.id, agent, now)]

    assert shown(AGENT, NOON) == [running.id, mine.id]
    assert shown(uuid4(), NOON) == [running.id]
    assert shown(AGENT, NOON + timedelta(minutes=11)) == [running.id]
    bulk_jobs.close(site.connection, site.project.id, mine.id, NOON)
    assert shown(AGENT, NOON) == [running.id]
