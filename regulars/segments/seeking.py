"""Looks for whom a new step's rule holds, and writes it beside people's own rows (`findings`).

A rule on events is none of these: until people's rows remember an event, whoever comes by is read
from history, so a filling writes to the row at once what it has read (`doers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import Filter, conditions, is_timed
from regulars.filters.first_met import by_sightings
from regulars.filters.sql import by_name
from regulars.filters.to_sql import compact_sql
from regulars.segments import doers
from regulars.segments.moving import is_plain, reached_sql
from regulars.segments.steps import Passing, finding
from regulars.segments.windows import foreseen

Connection = psycopg.Connection[Any]

# How many people of a range meet the rule. Ids go up, so that the key grows at its end.
FIND = """
WITH found AS (
    INSERT INTO step_found (project_id, id, number, person_id, at, is_in)
    SELECT %(project)s, step_found_id(id, %(lane)s), %(own)s, id, at, fits FROM (
        SELECT p.id, ({rule} IS TRUE) AS fits, ({ever} IS TRUE) AS met, {at} AS at
        FROM person_compact p{joined}
        WHERE p.project_id = %(project)s AND p.id > %(after)s AND p.id <= %(reached)s
    ) AS asked
    WHERE (fits OR met) AND step_found_id(id, %(lane)s) <> ALL(ARRAY(
        SELECT id FROM step_evaluated
        WHERE project_id = %(project)s AND id > step_found_id(%(after)s, %(lane)s)
          AND id <= step_found_id(%(reached)s, %(lane)s)))
    ORDER BY id
    RETURNING project_id, person_id AS id, is_in
){kept}
SELECT count(*) FILTER (WHERE is_in) FROM found
"""
SEEN = "\n        JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"
BEGIN = "UPDATE segment SET has_found = true WHERE project_id = %s AND id = %s"


def may_find(rule: Filter) -> bool:
    """Whether SQL finds all there is to know of whom the rule moves, without waking anybody."""
    return (
        is_plain(rule)
        and doers.event_of(rule) is None
        and all(foreseen(one) for one in conditions(rule) if is_timed(one))
    )


def begin(connection: Connection, project_id: UUID, segment_id: UUID) -> None:
    """Let the filling of a new step, which begins now, write what it finds beside people's rows.

    Under the plan's lock.
    """
    connection.execute(BEGIN, (project_id, segment_id))


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for whom the rule of a new step holds."""

    project_id: UUID
    rule: Filter
    passing: Passing
    now: datetime
    zone: tzinfo

    def find(self, connection: Connection, after: UUID, reached: UUID) -> int:
        """Look at the people behind one id and up to the other; how many the rule holds for.

        In a transaction that shares the plan.
        """
        passing, origin = self.passing, self.passing.step.origin
        fits, params = compact_sql(self.rule, now=self.now, zone=self.zone)
        ever, ever_params = passing.ever(self.zone)
        at, at_params = reached_sql(passing, self.now, self.zone)
        is_seen = origin is not None and by_sightings(origin)
        find = FIND.format(
            rule=fits, ever=ever, at=at, joined=SEEN if is_seen or passing.twin else "",
            kept=finding(),
        )  # fmt: skip
        statement, named = by_name(find, [*params, *ever_params, *at_params])
        named |= {
            "after": after, "reached": reached, "project": self.project_id,
            "own": passing.step.number, "lane": passing.step.lane,
        }  # fmt: skip
        # Never prepared: without the range's ends in sight the planner reads everybody for it.
        [(count,)] = connection.execute(statement, named, prepare=False).fetchall()
        return int(count)
