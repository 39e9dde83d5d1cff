"""Segments made, changed, filled by two workers and deleted while people come, go and do things."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from regulars.filters.errors import FilterError
from regulars.kit import database as kit_database
from regulars.people import actions as people_actions
from regulars.people.changes import CollidedError
from regulars.segments import actions, clock, filling, fills, queries
from regulars.segments.upkeep import let_go
from regulars.tracking.commit import Committer
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError
from tests.slices.segments.campaigning import Campaigning
from tests.slices.segments.saved import (
    check,
    fill,
    in_small_steps,
    remember_a_little,
    take_up_a_little,
    wait_until,
)
from tests.slices.segments.test_interleavings import RULES
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]
Work = Callable[[Database, random.Random], None]

PEOPLE = "SELECT id FROM person WHERE project_id = %s ORDER BY id"
SECONDS = float(os.environ.get("REGULARS_CONCURRENCY_SECONDS", "4"))


def test_whatever_happens_at_once_everybody_is_where_they_belong(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    site = open_site(database)
    site.send(*(page(f"a{number}") for number in range(60)))
    world = _World(site)
    works = [world.come_by] * 3 + [world.change_segments] * 2 + [world.fill] * 2
    campaign = [world.move_campaign] * 2 + [world.send, world.hear_back]
    failures = _at_once([*works, world.merge, world.tick, *campaign])
    assert failures == []
    end = world.now()
    fill(site, end)
    wait_until(site, end)
    check(site, end)
    assert world.filled > 5
    assert world.made > 5
    assert world.came > 5


class _World:
    """A project, and hands that do things to it for some seconds. Half a day a second goes by."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.filled = self.made = self.came = 0
        self.campaigning = Campaigning(site)
        self.rules = [*RULES, *self.campaigning.rules() * 2]
        self._started = time.monotonic()

    def now(self) -> datetime:
        return NOON + timedelta(hours=12) * (time.monotonic() - self._started)

    def runs(self) -> bool:
        return time.monotonic() - self._started < SECONDS

    def come_by(self, connection: Database, dice: random.Random) -> None:
        committer = Committer()
        while self.runs():
            now = self.now()
            arrival = self.site.arrival(*(_anything(dice, now) for _ in range(6)), at=now)
            committer.commit(connection, [arrival], now)

    def change_segments(self, connection: Database, dice: random.Random) -> None:
        while self.runs():
            try:
                with connection.transaction():
                    self._change_one(connection, dice)
            except (UnknownError, ConflictError, FilterError, InvalidError, *_MET):
                pass  # another hand was quicker, or it would be made from itself
            time.sleep(0.02)

    def _change_one(self, connection: Database, dice: random.Random) -> None:
        project, now = self.site.project.id, self.now()
        mine = queries.saved(connection, project)
        what, name = dice.random(), f"S{dice.randrange(10**9)}"
        if what < 0.5 or not mine:
            if len(mine) < 12:
                actions.create(connection, project, name, now, filter_=dice.choice(self.rules))
                self.made += 1
        elif what < 0.7:
            rule = dice.choice([*self.rules, {"segment": str(dice.choice(mine).id), "op": "is_in"}])
            actions.change_filter(connection, project, dice.choice(mine).id, rule, now)
        else:
            actions.delete(connection, project, dice.choice(mine).id, now)

    def fill(self, connection: Database, dice: random.Random) -> None:
        while self.runs():
            for one in fills.fills_running(connection):
                if one.project_id == self.site.project.id:
                    filling.fill_range(connection, one, self.now())
                    self.filled += 1
            if dice.random() < 0.3:
                take_up_a_little(connection, self.site.project.id)
            remember_a_little(connection, self.site.project.id)
            let_go(connection)
            time.sleep(0.002)

    def merge(self, connection: Database, dice: random.Random) -> None:
        while self.runs():
            rows = connection.execute(PEOPLE, (self.site.project.id,)).fetchall()
            people = [row[0] for row in rows]
            try:
                with connection.transaction():
                    gone, into = dice.sample(people, 2)
                    people_actions.merge_people(
                        connection, self.site.project.id, gone, into, self.now(), cause="agent"
                    )
            except (UnknownError, *_MET):
                pass
            time.sleep(0.1)

    def move_campaign(self, connection: Database, _dice: random.Random) -> None:
        while self.runs():
            with suppress(*_MET):
                self.campaigning.move(connection, self.now())
            time.sleep(0.01)

    def send(self, connection: Database, dice: random.Random) -> None:
        while self.runs():
            with suppress(*_MET):
                self.campaigning.send(connection, dice, self.now())
            time.sleep(0.005)

    def hear_back(self, connection: Database, dice: random.Random) -> None:
        while self.runs():
            with suppress(*_MET):
                self.campaigning.come(connection, dice, self.now())
                self.came += 1
            time.sleep(0.005)

    def tick(self, connection: Database, _dice: random.Random) -> None:
        while self.runs():
            clock.move_project(connection, self.site.project.id, self.now())
            time.sleep(0.01)


_MET = (CollidedError, *kit_database.Collision)


def _anything(dice: random.Random, now: datetime) -> dict[str, Any]:
    anon = f"a{dice.randrange(200)}"
    at = now - timedelta(days=dice.choice([0, 0, 0, 1, 2, 3]))
    more = {"total": dice.choice([10, 60]), "plan": dice.choice(["pro", "x"])}
    user = f"u{dice.randrange(20)}"
    traits = {
        "plan": dice.choice(["pro", "free"]),
        "due": at.isoformat(),
        "email": f"{user}@example.com",
    }
    return dice.choice(
        [
            page(anon),
            track("Order Completed", anon, properties=more, at=at),
            track("Order Completed", anon, properties=more, at=at),
            identify(user, anon, traits),
        ]
    )


def _at_once(works: list[Work]) -> list[BaseException]:
    """Each in a thread and a connection of its own; returns what failed."""
    failures: list[BaseException] = []

    def run(work: Work, seed: int) -> None:
        try:
            with kit_database.connect() as connection:
                work(connection, random.Random(seed))
        except BaseException as failure:  # noqa: BLE001 - told by the test
            failures.append(failure)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(works, range(99), strict=False)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures
