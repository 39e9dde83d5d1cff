"""What everybody asked for must have done, and how: counted from who may have, not from all events.

To read what an event says costs more than all else that a count asks. So where a filter requires an
event with properties that is common, people are asked for all the rest first, and what they did is
read of those alone who are left.

Public: `Doing`, `must_do`, `ever`, `doing`, `in_window`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from regulars.filters.ast import EventCondition, Filter
from regulars.filters.operands import When
from regulars.filters.sql import Sql
from regulars.filters.to_sql import event_to_sql


class Doing(NamedTuple):
    """An event that somebody must have done so many times, with such properties.

    `looked_at` and `so` are conditions on events `e`, the first without the properties. `besides`
    is the rest of the filter, over compact rows `p`.
    """

    project_id: UUID
    looked_at: Sql
    so: Sql
    fewest: int
    besides: Sql

    def among(self, people: Sql) -> Sql:
        """Those of the people who did it; `people` are conditions on `p`."""
        sql = people.within(
            "SELECT p.id FROM person_compact p JOIN event e ON e.person_id = p.id WHERE ",
            f" AND e.project_id = %s AND {self.looked_at.text}",
            self.project_id,
            *self.looked_at.params,
        )
        # It names the person, so that it is asked when others' events have been left out.
        sql = sql.then(
            f" AND CASE WHEN e.person_id = p.id THEN {self.so.text} END", *self.so.params
        )
        return sql.then(" GROUP BY p.id HAVING count(*) >= %s", self.fewest)


def must_do(parts: Iterable[Filter]) -> EventCondition | None:
    """Of the parts of a filter, all of them required, an event with properties."""
    for part in parts:
        if isinstance(part, EventCondition) and part.where:
            fewest, too_many = part.operator.bounds(part.count)
            if fewest and too_many is None:
                return part
    return None


def ever(must: EventCondition) -> EventCondition:
    """What holds for whoever did it: that they ever did, which compact rows tell."""
    return replace(must, where=(), within_days=None, count=1)


def doing(project_id: UUID, must: EventCondition, when: When, besides: Sql) -> Doing:
    """The event, and what is asked besides."""
    fewest, _ = must.operator.bounds(must.count)
    looked_at = in_window(replace(must, where=()), when)
    return Doing(project_id, looked_at, in_window(must, when).within("(", ")"), fewest, besides)


def in_window(condition: EventCondition, when: When) -> Sql:
    """Which events `e` the condition asks for."""
    text, params = event_to_sql(condition, zone=when.zone)
    if condition.within_days is None:
        return Sql(text, tuple(params))
    since = when.now - timedelta(days=condition.within_days)
    return Sql(f"{text} AND e.happened_at >= %s", (*params, since))
