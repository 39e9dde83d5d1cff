"""Moves many people into and out of one segment that asks how often they did one thing.

What a filling does where the rule is a single event at least so many times, with or without
properties, at any time: history is read once for all people into a table of the filling's own, or
where that event is very common once for each few hundred. Whom it moves has it written to the row
as what they remember of it, in the same statement; what the others did that was not enough nobody
waits for (`remembering`). Such rules are most checkpoints; person by person they took thirty times
as long.

Who has done it since the filling began remembers that already: `membership` reads history for
everybody whom it changes, and moves them. So what was read at the beginning says what anybody else
has done, however long ago that was. That holds for the memory that there was when it was read:
where another segment makes it go deeper meanwhile, it is another, for which history is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import All, AnyOf, EventCondition, Filter
from regulars.filters.events import event_key
from regulars.segments import reading
from regulars.segments.fills import Fill
from regulars.segments.needs import kept
from regulars.segments.steps import Step

Connection = psycopg.Connection[Any]
Sql = tuple[str, list[Any]]

# Whom the rule touches, of those who remember; who does not is found in history (`touching.DOERS`).
TOUCHED = """
(coalesce(jsonb_array_length(a.event_times -> %s), 0) >= %s) <> (a.segments @> %s::smallint[])
"""

# Those among a range who did it often enough and have not what they did in their rows yet.
UNAWARE = """
SELECT d.id FROM {table} d JOIN person_activity a ON a.project_id = %s AND a.id = d.id
WHERE d.id > %s AND d.id <= %s AND d.nth IS NOT NULL AND NOT a.event_times ? %s
"""

MOVE = """
WITH did AS ({did}),
asked AS (
    SELECT a.project_id, a.id, a.event_times ? %(need)s::text AS remembers,
           coalesce(d.times, '{{}}') AS times,
           coalesce(jsonb_array_length(a.event_times -> %(need)s::text),
                    cardinality(d.times), 0) >= %(count)s AS fits,
           a.segments @> ARRAY[%(own)s::smallint] AS is_in,
           least(greatest(d.nth, {signed_up}), %(now)s::timestamptz) AS reached
    FROM person_activity a LEFT JOIN did d ON d.id = a.id{joined}
    WHERE a.project_id = %(project)s AND a.id = ANY(%(ids)s::uuid[])
)
UPDATE person_activity a
SET event_times = CASE
        WHEN asked.remembers THEN a.event_times
        ELSE a.event_times || jsonb_build_object(%(need)s::text, asked.times)
    END,
    segments = CASE
        WHEN asked.fits = asked.is_in THEN a.segments
        WHEN asked.fits AND %(own)s::smallint > a.segments[cardinality(a.segments)]
        THEN a.segments || %(own)s::smallint
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
TOLD = ", a.project_id, (a.checkpoints ->> %(own)s::text)::timestamptz, false"
FACTS = "\n    JOIN person_compact p ON p.project_id = a.project_id AND p.id = a.id"
SIGNED_UP = "CASE WHEN p.kind = 'user' THEN p.signed_up_at END"


@dataclass(frozen=True, slots=True)
class Memory:
    """What people's rows remember of the event: under which name, and how many times."""

    name: str
    keep: int


class Read(NamedTuple):
    """A table of what everybody had done of an event, and the memory it was read for."""

    table: str
    memory: str


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


def read_once(connection: Connection, fill: Fill, rule: EventCondition) -> Read | None:
    """The table of what everybody has done of the event, read now where that is to be done.

    None where there is none, by `reading.deeds_table`'s reasons.
    """
    memory = memory_of(connection, fill.project_id, rule)
    if memory is None:
        return None
    table = reading.deeds_table(
        connection, fill.project_id, f"did_{fill.mark}_{memory.name}", rule,
        count=rule.count, keep=memory.keep, zone=ZoneInfo(fill.time_zone),
    )  # fmt: skip
    return Read(table, memory.name) if table is not None else None


def unaware(connection: Connection, place: tuple[UUID, UUID, UUID], did: Read) -> set[UUID]:
    """Who of a range of people has done it often enough and does not remember.

    `place` is the project, and behind which id up to which they are.
    """
    statement = UNAWARE.format(table=did.table)
    rows = connection.execute(statement, (*place, did.memory), prepare=False)
    return {id_ for (id_,) in rows}


def move(
    connection: Connection,
    project_id: UUID,
    rule: EventCondition,
    zone: tzinfo,
    step: tuple[Step, bool] | None,
    read: Read | None = None,
) -> tuple[str, dict[str, object]] | None:
    """What moves people `ids`, whose rows are locked, as `moving.MOVED` wants it; None where nobody
    is to be moved. `step` comes with whether the funnel is over users, `read` is `read_once`'s.
    """
    memory = memory_of(connection, project_id, rule)
    if memory is None:
        return None
    table = read.table if read is not None and read.memory == memory.name else None
    did, named = reading.did(rule, zone, table)
    over_users = step is not None and step[1]
    statement = MOVE.format(
        did=did,
        signed_up=SIGNED_UP if over_users else "NULL::timestamptz",
        joined=FACTS if over_users else "",
        more=REACHED if step else "",
        told=TOLD if step else "",
    )
    return statement, {**named, "count": rule.count, "need": memory.name, "keep": memory.keep}
