"""Looks for whom a new step's rule holds, and writes it beside people's own rows (`findings`)."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import Filter, conditions, is_timed
from regulars.filters.first_met import by_sightings
from regulars.filters.to_sql import compact_sql
from regulars.kit import arrays
from regulars.segments import doers
from regulars.segments.moving import is_plain, reached_sql
from regulars.segments.steps import Passing
from regulars.segments.windows import foreseen

Connection = psycopg.Connection[Any]

# How many of these people meet the rule. Ids go up, so that the key grows at its end.
FIND = """
WITH found AS (
    INSERT INTO step_found (project_id, number, id, at, is_in)
    SELECT project_id, %s, id, at, fits FROM (
        SELECT p.project_id, p.id, ({rule} IS TRUE) AS fits, ({ever} IS TRUE) AS met, {at} AS at
        FROM person_compact p{joined}
        WHERE p.project_id = %s AND {whose}
    ) AS asked
    WHERE fits OR met ORDER BY id
    ON CONFLICT (project_id, number, id) DO NOTHING
    RETURNING is_in
)
SELECT count(*) FILTER (WHERE is_in) FROM found
"""
OF_RANGE, OF_THESE = "p.id > %s AND p.id <= %s", "p.id = ANY(%s::uuid[])"
SEEN = " JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"

# Whom the filling passed over, and nobody has evaluated.
LOADED = """
DELETE FROM step_found WHERE project_id = %s AND number = %s AND at IS NULL AND NOT is_taken
RETURNING id
"""
BEGIN = "UPDATE segment SET has_found = true WHERE project_id = %s AND id = %s"


def may_find(rule: Filter) -> bool:
    """Whether SQL finds all there is to know of whom the rule moves, without waking anybody."""
    return (
        is_plain(rule)
        and doers.event_of(rule) is None
        and all(foreseen(one) for one in conditions(rule) if is_timed(one))
    )


def begin(connection: Connection, project_id: UUID, segment_id: UUID) -> None:
    """Let the filling of a new step, which begins now, write what it finds here.

    Under the plan's lock.
    """
    connection.execute(BEGIN, (project_id, segment_id))


def find(
    connection: Connection,
    project_id: UUID,
    rule: Filter,
    passing: Passing,
    *,
    after: UUID,
    reached: UUID,
    now: datetime,
    zone: tzinfo,
) -> int:
    """Look at the people behind one id and up to the other; how many the rule holds for.

    In a transaction that shares the plan.
    """
    return _find(connection, project_id, rule, passing, (OF_RANGE, after, reached), now, zone)


def find_loaded(
    connection: Connection,
    project_id: UUID,
    rule: Filter,
    passing: Passing,
    *,
    now: datetime,
    zone: tzinfo,
) -> int:
    """Look at those who were passed over since they had been loaded, and did not change then.

    Under the plan's lock. Returns how many the rule holds for.
    """
    asked = (project_id, passing.step.number)
    loaded = [id_ for (id_,) in connection.execute(LOADED, asked).fetchall()]
    if not loaded:
        return 0
    whose = (OF_THESE, arrays.of_ids(loaded))
    return _find(connection, project_id, rule, passing, whose, now, zone)


def _find(
    connection: Connection,
    project_id: UUID,
    rule: Filter,
    passing: Passing,
    whose: tuple[Any, ...],  # SQL with its parameters
    now: datetime,
    zone: tzinfo,
) -> int:
    origin = passing.step.origin
    text, params = compact_sql(rule, now=now, zone=zone)
    ever, ever_params = passing.ever(zone)
    at, at_params = reached_sql(passing, now, zone)
    is_seen = origin is not None and by_sightings(origin)
    statement = FIND.format(
        rule=text, ever=ever, at=at, whose=whose[0],
        joined=SEEN if is_seen or passing.twin else "",
    )  # fmt: skip
    asked = (
        passing.step.number, *params, *ever_params, *at_params, project_id, *whose[1:],
    )  # fmt: skip
    # Never prepared: without the range's ends in sight the planner reads everybody for it.
    [(count,)] = connection.execute(statement, asked, prepare=False).fetchall()
    return int(count)
