"""Moves many people into and out of one segment that asks how often they did one thing.

What a filling does where the rule is a single event at least so many times, with or without
properties, at any time: history is read once a chunk, and written to people's rows as what they
remember of it, in the same statement that moves them. Everybody who changes meanwhile is moved by
`membership`. Such rules are most checkpoints; person by person they took thirty times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import All, AnyOf, EventCondition, Filter
from regulars.filters.events import event_key
from regulars.filters.to_sql import event_to_sql
from regulars.segments.needs import kept
from regulars.segments.steps import Step

Connection = psycopg.Connection[Any]
Sql = tuple[str, list[Any]]

# Whom the rule touches, of those who remember; who does not is found in history (`touching.DOERS`).
TOUCHED = """
(coalesce(jsonb_array_length(a.event_times -> %s), 0) >= %s) <> (a.segments @> %s::smallint[])
"""

MOVE = """
WITH did AS (
    SELECT e.person_id AS id, array_agg(e.happened_at ORDER BY e.happened_at DESC) AS times
    FROM event e
    WHERE e.project_id = %(project)s AND e.person_id = ANY(%(ids)s::uuid[]) AND {matching}
    GROUP BY e.person_id
), asked AS (
    SELECT a.project_id, a.id, coalesce(d.times, '{{}}') AS times,
           coalesce(cardinality(d.times), 0) >= %(count)s AS fits,
           a.segments @> ARRAY[%(own)s::smallint] AS is_in,
           least(greatest(d.times[cardinality(d.times) - %(count)s + 1], {signed_up}),
                 %(now)s::timestamptz) AS reached
    FROM person_activity a LEFT JOIN did d ON d.id = a.id{joined}
    WHERE a.project_id = %(project)s AND a.id = ANY(%(ids)s::uuid[])
)
UPDATE person_activity a
SET event_times = a.event_times || jsonb_build_object(%(need)s::text, asked.times[1:%(keep)s]),
    segments = CASE
        WHEN asked.fits = asked.is_in THEN a.segments
        WHEN asked.fits THEN ARRAY(SELECT unnest(a.segments || %(own)s::smallint) ORDER BY 1)
        ELSE array_remove(a.segments, %(own)s::smallint)
    END{more}
FROM asked
WHERE a.project_id = asked.project_id AND a.project_id = %(project)s AND a.id = asked.id
RETURNING a.id, asked.fits, asked.is_in{told}
"""
# Of a step: when it was reached, which never changes once it is known here.
REACHED = """,
    checkpoints = CASE
        WHEN asked.fits AND NOT a.checkpoints ? %(own)s::text
        THEN a.checkpoints || jsonb_build_object(%(own)s::text, asked.reached)
        ELSE a.checkpoints
    END"""
TOLD = ", (a.checkpoints ->> %(own)s::text)::timestamptz"
FACTS = "\n    JOIN person_compact p ON p.project_id = a.project_id AND p.id = a.id"
SIGNED_UP = "CASE WHEN p.kind = 'user' THEN p.signed_up_at END"


@dataclass(frozen=True, slots=True)
class Memory:
    """What people's rows remember of the event: under which name, and how many times."""

    name: str
    keep: int


def event_of(rule: Filter) -> EventCondition | None:
    """The event of a rule that asks only that it happened at least so often, whenever."""
    match rule:
        case All((part,)) | AnyOf((part,)):
            return event_of(part)
        case EventCondition(op="at_least", count=count, within_days=None) if count > 0:
            return rule
        case _:
            return None


def touched(event: EventCondition, number: int, names: Mapping[str, str]) -> Sql:
    """Whom it moves, by what their rows remember under these names."""
    return TOUCHED, [names.get(event_key(event), ""), event.count, [number]]


def memory_of(connection: Connection, project_id: UUID, rule: EventCondition) -> Memory | None:
    """The rule's memory; None where the project keeps none, since the rule was just let go."""
    need = kept(connection, project_id).get(event_key(rule))
    return Memory(need.name, need.keep) if need is not None else None


def move(
    connection: Connection,
    project_id: UUID,
    rule: EventCondition,
    number: int,
    ids: str,
    now: datetime,
    zone: tzinfo,
    step: tuple[Step, bool] | None,
) -> list[tuple[Any, ...]]:
    """Move them, whose rows are locked: id, whether they fit, were in, and of a step when they
    reached it. `step` comes with whether the funnel is over users.
    """
    memory = memory_of(connection, project_id, rule)
    if memory is None:
        return []
    matching, params = event_to_sql(rule, zone=zone, of_people=True)
    named = {f"e{n}": param for n, param in enumerate(params)}
    for name in named:
        matching = matching.replace("%s", f"%({name})s", 1)
    over_users = step is not None and step[1]
    statement = MOVE.format(
        matching=matching,
        signed_up=SIGNED_UP if over_users else "NULL::timestamptz",
        joined=FACTS if over_users else "",
        more=REACHED if step else "",
        told=TOLD if step else "",
    )
    asked = {
        **named, "project": project_id, "ids": ids, "count": rule.count, "own": number,
        "now": now, "need": memory.name, "keep": memory.keep,
    }  # fmt: skip
    return connection.execute(statement, asked, prepare=False).fetchall()
