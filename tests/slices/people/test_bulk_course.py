"""Jobs that begin, go on, fail, are stopped and are taken back, by several workers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.people import actions, bulk, bulk_actions, bulk_jobs
from regulars.people.bulk_actions import Changing
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.people.selection import Everyone
from regulars.workspaces.errors import ConflictError
from tests.slices.people.bulk_work import (
    AGENT,
    EVERYBODY,
    ask,
    crowd,
    do,
    finish,
    look,
    step,
    tags_of,
    ticked,
    undo,
)
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, identify, open_site

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


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
