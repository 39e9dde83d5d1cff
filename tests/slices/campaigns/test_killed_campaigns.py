"""Random campaigns over random people, killed between any two statements, paused, resumed, over
changes of the clocks: held against a plain account of what should have happened when.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from regulars.campaigns import campaigns_loop, hearing
from regulars.kit import database as kit_database
from tests.slices.campaigns.stage import DAY, HOUR, Stage, email, wait
from tests.slices.tracking.site import open_site, track

EXAMPLES = max(1, int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40")) // 5)
STEPS = 14

# The days around the nights in which clocks go forward in Lisbon and back in Auckland.
BEGIN = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
ZONES = ("Europe/Lisbon", "America/New_York", "Pacific/Auckland", "Asia/Kolkata")
DONE = """
SELECT e.person_id, e.entered_at, d.step, d.at FROM campaign_done d
JOIN campaign_entry e ON e.project_id = d.project_id AND e.id = d.entry_id
WHERE d.project_id = %s AND d.campaign_id = %s
"""
names = count()


class KilledError(Exception):
    """The worker died here."""


class _Dying(psycopg.Cursor[Any]):
    """Runs so many statements, and dies before or right after the next."""

    def execute(self, *args: Any, **more: Any) -> Any:
        plan = self.connection.plan  # type: ignore[attr-defined]
        plan.left -= 1
        if plan.left == 0 and plan.before:
            raise KilledError
        ran = super().execute(*args, **more)
        if plan.left == 0:
            raise KilledError
        return ran


@dataclass
class Plan:
    """When to die: at which statement, before it or after it."""

    left: int
    before: bool


def run_and_die(stage: Stage, at: datetime, statement: int, *, before: bool) -> None:
    """Work until the statement, then be gone: what was not committed is not there."""
    connection = psycopg.connect(
        kit_database.dsn(), autocommit=True, cursor_factory=_Dying, connect_timeout=5
    )
    connection.plan = Plan(statement, before)  # type: ignore[attr-defined]
    try:
        while campaigns_loop.step_project(connection, stage.project_id, at):
            pass
    except KilledError:
        pass
    finally:
        connection.close()


@dataclass
class Entry:
    """One entry as it should go."""

    person: UUID
    zone: str
    entered: datetime
    place: int = 0
    since: datetime | None = None
    until: datetime | None = None
    over: bool = False
    done: list[tuple[str, datetime]] = field(default_factory=list)

    def tick(self, steps: list[dict[str, Any]], now: datetime, bought: list[datetime]) -> None:
        while not self.over:
            if self.place == len(steps):
                self.over = True
                return
            step = steps[self.place]
            if step["type"].startswith("wait"):
                self.since = self.since or now
                self.until = self.until or waited(step, now, self.zone)
                came = any(self.since <= at <= self.until for at in bought)
                if step["type"] == "wait" or not came:
                    if now < self.until:
                        return
                    self.over = step["type"] == "wait_event"
                self.since = self.until = None
            else:
                self.done.append((step["id"], now))
            self.place += 1


def waited(step: dict[str, Any], now: datetime, zone: str) -> datetime:
    """The same reading of the person's clock so many days on, and hours that just pass."""
    wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    there = (wall + timedelta(days=step.get("days", 0))).replace(tzinfo=ZoneInfo(zone))
    return there.astimezone(UTC) + timedelta(hours=step.get("hours", 0))


class Campaign(RuleBasedStateMachine):
    """One campaign that an event lets people into, every time."""

    connection: ClassVar[psycopg.Connection[Any]]

    @initialize(kinds=st.lists(st.sampled_from(["email", "wait", "hours", "tag", "event"]),
                               min_size=1, max_size=6))  # fmt: skip
    def begin(self, kinds: list[str]) -> None:
        self.stage = Stage(open_site(self.connection))
        self.now = BEGIN
        self.zones: dict[UUID, str] = {}
        self.named: dict[UUID, str] = {}
        self.entries: list[Entry] = []
        self.pending: list[UUID] = []
        self.at_goal: set[UUID] = set()
        self.bought: dict[UUID, list[datetime]] = {}
        self.running = True
        self.steps = [_step(kind, n) for n, kind in enumerate(kinds)]
        for zone in ZONES:
            name = f"person{next(names)}"
            person = self.stage.user(name, at=BEGIN - DAY, timezone=zone)
            self.zones[person.id], self.named[person.id] = zone, name
        self.campaign = self.stage.started(
            *self.steps,
            at=BEGIN,
            trigger={"type": "event", "event": "Go"},
            entry={"rule": "every_time"},
            goal={
                "filter": {"field": "attributes.plan", "op": "is", "value": "pro"},
                "days": 300,
            },
        )

    @rule(who=st.integers(0, len(ZONES) - 1))
    def goes(self, who: int) -> None:
        person = list(self.zones)[who]
        self.stage.site.send(track("Go", f"{self.named[person]}-browser"), at=self.now)
        if self.running and person not in self.at_goal:
            self.pending.append(person)

    @rule(who=st.integers(0, len(ZONES) - 1), early=st.sampled_from([0, 0, 1, 5, 26]))
    def buys(self, who: int, early: int) -> None:
        """Told now, though it may have happened hours ago."""
        person = list(self.zones)[who]
        at = self.now - early * HOUR
        self.stage.site.send(track("Bought", f"{self.named[person]}-browser", at=at), at=self.now)
        self.bought.setdefault(person, []).append(at)

    @rule(who=st.integers(0, len(ZONES) - 1))
    @precondition(lambda self: len(self.entries) > 3)
    def reaches_the_goal(self, who: int) -> None:
        person = list(self.zones)[who]
        self.stage.user(self.named[person], at=self.now, plan="pro")
        self.at_goal.add(person)

    @rule()
    def pauses_or_resumes(self) -> None:
        self.stage.do("pause" if self.running else "resume", self.campaign, self.now)
        self.running = not self.running
        self.pending = []

    @rule(
        hours=st.sampled_from([1, 7, 24, 25, 49]),
        deaths=st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=4),
    )
    def time_passes(self, hours: int, deaths: list[tuple[int, bool]]) -> None:
        self.now += hours * HOUR
        for statement, before in deaths:
            run_and_die(self.stage, self.now, statement, before=before)
        self.stage.run(self.now)
        for entry in self.entries:
            entry.over = entry.over or entry.person in self.at_goal
        if not self.running:
            return
        for person in self.pending:
            if person not in self.at_goal:
                self.entries.append(Entry(person, self.zones[person], self.now))
        self.pending = []
        for entry in self.entries:
            entry.tick(self.steps, self.now, self.bought.get(entry.person, []))
        self.holds()

    def holds(self) -> None:
        project = self.stage.project_id
        found = self.connection.execute(DONE, (project, self.campaign)).fetchall()
        meant = [
            (one.person, one.entered, step, at) for one in self.entries for step, at in one.done
        ]
        assert sorted(found) == sorted(meant)
        emails = sum(step.startswith("email") for _, _, step, _ in meant)
        assert len(self.stage.emailed(self.campaign)) == emails


def _step(kind: str, n: int) -> dict[str, Any]:
    match kind:
        case "email":
            return email(f"email{n}", f"Subject {n}")
        case "wait":
            return wait(f"wait{n}", days=1 + n % 2)
        case "hours":
            return wait(f"wait{n}", hours=3)
        case "event":
            said = {"event": "Bought", "hours": 30, "on_deadline": "leave"}
            return {"id": f"event{n}", "type": "wait_event", **said}
        case _:
            return {"id": f"tag{n}", "type": "tag", "add": [f"tag{n}"]}


@pytest.mark.usefixtures("_reachable")
def test_killed_anywhere_nothing_is_done_twice_or_left_out(
    database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "AT_ONCE", 2)  # so that it is behind when deadlines come
    Campaign.connection = database
    run_machine(
        Campaign,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_workers_that_overlap_do_each_thing_once(database: psycopg.Connection[Any]) -> None:
    stage = Stage(open_site(database))
    people = [stage.user(f"person{n}", at=BEGIN) for n in range(60)]
    one = stage.started(
        email("a"), {"id": "t", "type": "tag", "add": ["x"]}, wait(hours=1), email("b"), at=BEGIN
    )
    for at in (BEGIN, BEGIN + HOUR):
        _side_by_side(stage, at)
    assert sorted(stage.emailed(one)) == sorted(person.id for person in people for _ in range(2))
    assert len(stage.done(one)) == 3 * len(people)
    assert stage.counts(one)["ended_finished"] == len(people)


def _side_by_side(stage: Stage, at: datetime) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with kit_database.connect() as own:
                while campaigns_loop.step_project(own, stage.project_id, at):
                    pass
        except BaseException as error:  # noqa: BLE001 - said below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    stage.run(at)
