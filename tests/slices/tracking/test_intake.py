"""The queue in front of the database: what it does with a bad event, with too much, with nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.tracking import intake as intake_module
from regulars.tracking.commit import Arrival
from regulars.tracking.intake import AwayError, Intake, OverloadedError
from regulars.tracking.pipeline.drops import DropReason
from regulars.tracking.refusals import Refused
from tests.slices.tracking.site import NOON, Site, identify, open_site, page

Database = psycopg.Connection[Any]


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


class Line:
    """An intake on an event loop of its own."""

    def __init__(self) -> None:
        self.intake = Intake(lambda: NOON)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._loop.call_soon_threadsafe(self.intake.start, self._loop)
        while not self.intake.serves:
            threading.Event().wait(0.01)

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def commit(self, *arrivals: Arrival) -> list[BaseException | None]:
        """Hand all in at once; what became of each."""

        async def together() -> list[BaseException | None]:
            commits = [self.intake.commit(arrival) for arrival in arrivals]
            return await asyncio.gather(*commits, return_exceptions=True)

        found: list[BaseException | None] = self.begin(together()).result(30)
        return found

    def close(self) -> None:
        self.intake.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def line(database: Database) -> Iterator[Line]:
    opened = Line()
    yield opened
    opened.close()


# What the steps let through although it can't be stored is refused alone.


def _unstorable(site: Site, *neighbours: Any) -> Arrival:
    arrival = site.arrival(page("bad"), *neighbours)
    arrival.events[0].ip = "no address"
    return arrival


def _breaking(site: Site, *neighbours: Any) -> Arrival:
    arrival = site.arrival(page("bad"), *neighbours)
    arrival.events[0].happened_at = None  # type: ignore[assignment]  # a bug, for the test's sake
    return arrival


@pytest.mark.parametrize("bad", [_unstorable, _breaking], ids=["database", "code"])
def test_an_event_that_can_t_be_stored_is_refused_alone(site: Site, line: Line, bad: Any) -> None:
    arrivals = [site.arrival(page("a1")), bad(site, page("a2")), site.arrival(page("a3"))]
    assert line.commit(*arrivals) == [None, None, None]
    assert site.kinds() == {"visitor": 3}
    assert site.reasons() == ["not_storable"]
    assert site.drops() == {"not_storable": 1}
    (refused, kept) = arrivals[1].outcomes
    assert refused is not None
    assert (refused.reason, kept) == (DropReason.NOT_STORABLE, None)


def test_afterwards_all_is_as_before(site: Site, line: Line) -> None:
    line.commit(_unstorable(site))
    assert line.commit(site.arrival(identify("u1", "a1"))) == [None]
    assert line.intake.serves


# Overload is told early instead of growing without bound.


def test_above_its_measure_the_queue_sends_away(
    site: Site, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MAX_WAITING", 10)
    with kit_database.connect() as other, other.transaction():
        other.execute(
            "SELECT FROM segment_plan WHERE project_id = %s FOR UPDATE", (site.project.id,)
        )
        first = line.begin(line.intake.commit(site.arrival(page("a0"))))
        _until_somebody_waits_for(other)
        outcomes = line.begin(_each(line, site, 20)).result(30)
        assert sum(isinstance(outcome, OverloadedError) for outcome in outcomes) == 10
        assert line.intake.waiting_events == 10
    assert first.result(30) is None
    waited = [outcome for outcome in outcomes if isinstance(outcome, asyncio.Task)]
    for task in waited:
        line.begin(_awaited(task)).result(30)
    assert site.count("event") == 11


def test_refused_events_take_room_in_the_queue_too(
    site: Site, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MAX_WAITING", 10)
    many = Arrival(site.project, [], [Refused("bad_text", None, "", "")] * 6)
    outcomes = line.commit(many, many)
    assert [type(outcome) for outcome in outcomes] == [type(None), OverloadedError]


async def _each(line: Line, site: Site, number: int) -> list[Any]:
    """Hand in one event a request; those taken stay tasks, those sent away are their errors."""
    tasks = [
        asyncio.ensure_future(line.intake.commit(site.arrival(page(f"b{n}"))))
        for n in range(number)
    ]
    await asyncio.sleep(0.1)
    return [task.exception() if task.done() else task for task in tasks]


async def _awaited(task: Any) -> None:
    await task


# A client that goes away cancels nothing.


def test_a_client_that_goes_away_cancels_nothing(site: Site, line: Line) -> None:
    with kit_database.connect() as other, other.transaction():
        other.execute(
            "SELECT FROM segment_plan WHERE project_id = %s FOR UPDATE", (site.project.id,)
        )
        request = line.begin(line.intake.commit(site.arrival(page("a1"))))
        _until_somebody_waits_for(other)
        request.cancel()
    line.commit(site.arrival(page("a2")))
    assert site.kinds() == {"visitor": 2}


# While the database is away nobody waits for it.


def test_a_lost_connection_is_told_and_made_anew(site: Site, line: Line) -> None:
    with kit_database.connect() as other, other.transaction():
        other.execute(
            "SELECT FROM segment_plan WHERE project_id = %s FOR UPDATE", (site.project.id,)
        )
        request = line.begin(line.intake.commit(site.arrival(page("a1"))))
        (waiting,) = _until_somebody_waits_for(other)
        other.execute("SELECT pg_terminate_backend(%s)", (waiting,))
        with pytest.raises(AwayError):
            request.result(30)
    while not line.intake.serves:
        threading.Event().wait(0.01)
    assert line.commit(site.arrival(page("a1"))) == [None]
    assert site.count("event") == 1


def _until_somebody_waits_for(connection: Database) -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    while not (found := connection.execute(query).fetchall()):
        threading.Event().wait(0.01)
    return [row[0] for row in found]
