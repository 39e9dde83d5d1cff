"""Many connections at once: the same people, and nobody twice, nothing lost, no deadlock."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import Any

import psycopg
import pytest

from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.kit import database as kit_database
from regulars.people import actions, merge
from regulars.people.changes import CollidedError
from regulars.segments import clock
from regulars.tracking.commit import Arrival, Committer
from regulars.workspaces.errors import UnknownError
from tests.slices.people.packs import check_packs, pack_some
from tests.slices.tracking.site import NOON, Site, alias, identify, open_site, page
from tests.slices.tracking.truths import check_counts, check_members

Database = psycopg.Connection[Any]

THREADS = 8
SECONDS = float(os.environ.get("REGULARS_CONCURRENCY_SECONDS", "4"))

Work = Callable[[Database, int], None]

FILTERS = [
    parse({"field": "kind", "op": "is", "value": "user"}),
    parse({"field": "last_seen", "op": "within_last", "value": 1}),
    parse({"field": "sessions", "op": "gte", "value": 2}),
    parse({"field": "user_id", "op": "contains", "value": "u"}),
    parse({"field": "email", "op": "is_unknown"}),
]


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def test_one_user_identified_by_many_at_once_is_one_person(site: Site) -> None:
    _commit_at_once(site, lambda _: site.arrival(identify("u1", "a1"), page("a1")))
    user = site.only_person()
    assert (user.user_id, user.page_views) == ("u1", THREADS)
    assert len(site.events(of=user)) == 2 * THREADS
    check_counts(site, [user])


def test_one_new_browser_seen_by_many_at_once_is_one_visitor(site: Site) -> None:
    _commit_at_once(site, lambda _: site.arrival(page("a1")))
    assert (site.only_person().page_views, site.kinds()) == (THREADS, {"visitor": 1})


def test_one_address_named_by_many_at_once_is_one_lead(site: Site) -> None:
    lead = identify(None, traits={"email": "pat@example.com"})
    _commit_at_once(site, lambda _: site.arrival(lead, way="secret"))
    assert site.kinds() == {"lead": 1}
    assert len(site.events(of=site.only_person())) == THREADS


def test_many_browsers_that_join_one_user_at_once_all_join(site: Site) -> None:
    site.send(*[page(f"a{number}") for number in range(THREADS)])
    assert site.kinds() == {"visitor": THREADS}
    _commit_at_once(site, lambda number: site.arrival(identify("u1", f"a{number}")))
    assert (site.only_person().page_views, site.kinds()) == (THREADS, {"user": 1})
    check_counts(site, site.people())


def test_one_visitor_claimed_by_many_users_at_once_is_one_of_them(site: Site) -> None:
    site.send(page("a1", "/before"))
    _commit_at_once(site, lambda number: site.arrival(identify(f"u{number}", "a1")))
    assert site.kinds() == {"user": THREADS}
    assert [site.paths(person) for person in site.people()].count(["/before"]) == 1
    check_counts(site, site.people())


def test_opposite_orders_end_in_no_deadlock(site: Site) -> None:
    def commit(number: int) -> Arrival:
        people = [identify(f"u{n}", f"a{n}") for n in range(20)]
        return site.arrival(*(people if number % 2 else people[::-1]))

    for _ in range(3):
        _commit_at_once(site, commit)
    assert site.kinds() == {"user": 20}
    assert site.count("event") == 3 * THREADS * 20


def test_a_message_sent_over_many_connections_at_once_counts_once(site: Site) -> None:
    _commit_at_once(
        site, lambda _: site.arrival(*[page("a1", messageId=f"m{n}") for n in range(9)])
    )
    assert site.count("event") == 9


def test_two_projects_in_opposite_orders_end_in_no_deadlock(database: Database) -> None:
    one, other = open_site(database), open_site(database)

    def commit(number: int) -> list[Arrival]:
        arrivals = [one.arrival(page("a1")), other.arrival(page("a1"))]
        return arrivals if number % 2 else arrivals[::-1]

    for _ in range(5):
        _commit_at_once(one, commit)
    assert one.only_person().page_views == other.only_person().page_views == 5 * THREADS


def test_tracking_merging_undoing_erasing_and_the_clock_at_once(site: Site) -> None:
    """Everything that changes people, for some seconds, each in a connection of its own."""
    accepted: list[int] = []
    refused: list[str] = []
    looks: list[int] = []
    now = _Now()

    def track(connection: Database, number: int) -> None:
        committer, dice = Committer(), random.Random(number)
        while now.runs():
            batch = [_anything(dice) for _ in range(dice.randint(1, 10))]
            arrival = site.arrival(*batch, at=now.at)
            committer.commit(connection, [arrival], now.at)
            accepted.append(sum(outcome is None for outcome in arrival.outcomes))

    def manage(connection: Database, number: int) -> None:
        dice = random.Random(number)
        while now.runs():
            with _forgiving(refused):
                _change_somebody(connection, site, dice, now)
            time.sleep(0.02)

    def tick(connection: Database, _: int) -> None:
        while now.runs():
            clock.move_project(connection, site.project.id, now.at)
            time.sleep(0.01)

    pack, look = _packing(site, now), _looking(site, now, looks)
    _at_once([track, track, track, manage, manage, tick, pack, look])
    end = now.at
    while clock.move_project(site.connection, site.project.id, end):
        pass
    people = site.people()
    check_counts(site, people)
    check_members(site, people, end)
    assert len(accepted) > 10
    assert sum(looks) > 10
    check_packs(site.connection, site.project.id, When(end, UTC), FILTERS)
    print(
        f"{len(accepted)} batches, {len(refused)} changes met another writer,"
        f" {sum(looks)} answers of packs were right"
    )


def _packing(site: Site, now: _Now) -> Work:
    def pack(connection: Database, number: int) -> None:
        dice = random.Random(number)
        while now.runs():
            pack_some(connection, site.project.id, now.at, dice)
            time.sleep(0.02)

    return pack


def _looking(site: Site, now: _Now, looks: list[int]) -> Work:
    def look(connection: Database, _: int) -> None:
        """Packs tell at any moment what the rows do at that moment."""
        while now.runs():
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                when = When(now.at, UTC)
                looks.append(check_packs(connection, site.project.id, when, FILTERS))
            time.sleep(0.02)

    return look


class _Now:
    """A clock that all share: an hour a real second, so that time moves people too."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def runs(self) -> bool:
        return time.monotonic() - self._started < SECONDS

    @property
    def at(self) -> Any:
        return NOON + timedelta(hours=40) * (time.monotonic() - self._started)


def _anything(dice: random.Random) -> dict[str, Any]:
    anon, user = f"a{dice.randint(1, 12)}", f"u{dice.randint(1, 6)}"
    return dice.choice(
        [page(anon), page(anon, user=user), identify(user, anon), alias(anon, user), page(anon)]
    )


def _change_somebody(connection: Database, site: Site, dice: random.Random, now: _Now) -> None:
    project = site.project.id
    with connection.transaction():
        ids = [
            row[0]
            for row in connection.execute("SELECT id FROM person WHERE project_id = %s", (project,))
        ]
        merges = connection.execute(
            "SELECT id FROM merge WHERE project_id = %s AND undone_at IS NULL", (project,)
        ).fetchall()
        what = dice.random()
        if what < 0.1 and ids:
            actions.erase(connection, project, dice.choice(ids), now.at)
        elif what < 0.5 and merges:
            actions.undo_merge(connection, project, dice.choice(merges)[0], now.at)
        elif len(ids) > 1:
            gone, into = dice.sample(ids, 2)
            actions.merge_people(connection, project, gone, into, now.at, cause="agent")


@contextmanager
def _forgiving(refused: list[str]) -> Iterator[None]:
    """Somebody else was quicker: that is an answer, not a fault."""
    try:
        yield
    except (
        CollidedError,
        *kit_database.Collision,
        UnknownError,
        merge.NothingToUndoError,
    ) as error:
        refused.append(type(error).__name__)


def _commit_at_once(site: Site, make: Callable[[int], Arrival | list[Arrival]]) -> None:
    made = [make(number) for number in range(THREADS)]

    def commit(connection: Database, number: int) -> None:
        arrivals = made[number]
        committer = Committer()
        together.wait(10)
        committer.commit(connection, arrivals if isinstance(arrivals, list) else [arrivals], NOON)

    together = threading.Barrier(THREADS)
    _at_once([commit] * THREADS)


def _at_once(works: list[Work]) -> None:
    """Each in a thread with a connection of its own; what fails in one fails the test."""
    failures: list[BaseException] = []

    def run(work: Work, number: int) -> None:
        try:
            with kit_database.connect() as connection:
                work(connection, number)
        except BaseException as failure:  # noqa: BLE001 - told by the test
            failures.append(failure)

    threads = [
        threading.Thread(target=run, args=(work, number)) for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
