"""Checkpoints changed, counted and cleared while people come, go, merge and are moved by time."""

from __future__ import annotations

import random
import time
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from regulars.filters.errors import FilterError
from regulars.filters.to_sql import to_sql
from regulars.funnels import actions, queries
from regulars.funnels.rows import Draft
from regulars.funnels.upkeep import clear_lanes
from regulars.people.person import Person
from regulars.segments import queries as segments
from regulars.segments.plan import segments_written_out
from regulars.workspaces.errors import ConflictError, InvalidError
from tests.slices.funnels.funnel import FIREFOX, SIGNED_UP, did, rows
from tests.slices.segments.saved import PEOPLE, check, fill, in_small_steps, wait_until
from tests.slices.segments.test_at_once import _MET, _at_once, _World
from tests.slices.tracking.site import Site, open_site, page

Database = psycopg.Connection[Any]

CONDITIONS: list[dict[str, Any]] = [
    SIGNED_UP,
    FIREFOX,
    {"field": "last_seen", "op": "within_last", "value": 1},
    {"field": "last_seen", "op": "within_last", "value": 28},
    {"all": [SIGNED_UP, {"field": "last_seen", "op": "not_within_last", "value": 1}]},
    did("Order Completed"),
    did("Order Completed", 3),
    {"event": "Order Completed", "op": "at_least", "count": 1, "within_days": 1},
]


class _Funnelled(_World):
    """The same hands, and one that changes the funnel."""

    changed = 0

    def change_funnel(self, connection: Database, dice: random.Random) -> None:
        project = self.site.project.id
        while self.runs():
            wanted = dice.sample(CONDITIONS, dice.randint(2, 4))
            drafts = [Draft(f"Step {n}", "", one) for n, one in enumerate(wanted)]
            try:
                with connection.transaction():
                    actions.put(connection, project, drafts, self.now())
                    self.changed += 1
            except (ConflictError, FilterError, InvalidError, *_MET):
                pass
            clear_lanes(connection)
            time.sleep(0.15)


def test_whatever_happens_at_once_everybody_has_reached_what_they_met(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    site = open_site(database)
    site.send(*(page(f"a{number}") for number in range(40)))
    world = _Funnelled(site)
    works = [world.come_by] * 2 + [world.fill] * 2 + [world.change_funnel]
    assert _at_once([*works, world.merge, world.tick]) == []
    end = world.now()
    fill(site, end)
    wait_until(site, end)
    check(site, end)
    check_funnel(site, end)
    assert world.changed > 2


def check_funnel(site: Site, now: datetime) -> None:
    """Whoever meets a condition is known to and has reached it; all rows say the same."""
    core, project = site.connection, site.project.id
    people = site.people()
    steps = segments.steps(core, project)
    said = rows(site)
    for person in people:
        assert said.get(person.id, {}) == {
            steps[key]: at for key, at in person.checkpoints.items() if key in steps
        }
    filters = segments_written_out(core, project)
    zone = ZoneInfo(site.project.time_zone)
    for one in queries.checkpoints(core, project):
        assert one.counting is None
        text, params = to_sql(filters[one.segment_id], now=now, zone=zone)
        meeting: set[UUID] = {
            row[0] for row in core.execute(PEOPLE.format(filter=text), (project, *params))
        }
        number = next(int(key) for key, n in steps.items() if n == one.number)
        assert {person.id for person in people if number in person.segments} == meeting
        assert meeting <= {person.id for person in people if _has(person, number)}
        assert one.meeting == len(meeting)


def _has(person: Person, number: int) -> bool:
    return str(number) in person.checkpoints
