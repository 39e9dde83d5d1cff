"""Moves many people into and out of one segment that asks how often they did one thing.

What a filling does where the rule is a single event at least so many times, with or without
properties, at any time: history is read once for all people into a table of the filling's own, or
where that event is very common once for each few hundred, and written to people's rows as what they
remember of it, in the same statement that moves them. Such rules are most checkpoints; person by
person they took thirty times as long.

Who has done it since the filling began remembers that already: `membership` reads history for
everybody whom it changes, and moves them. So what was read at the beginning says what anybody else
has done, however long ago that was. That holds for the memory that there was when it was read:
where another segment makes it go deeper meanwhile, it is another, for which history is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import All, AnyOf, EventCondition, Filter
from regulars.filters.events import event_key
from regulars.filters.to_sql import event_to_sql
from regulars.segments.fills import Fill
from regulars.segments.needs import kept
from regulars.segments.steps import Step

Connection = psycopg.Connection[Any]
Sql = tuple[str, list[Any]]

# Whom the rule touches, of those who remember; who does not is found in history (`touching.DOERS`).
TOUCHED = """
(coalesce(jsonb_array_length(a.event_times -> %s), 0) >= %s) <> (a.segments @> %s::smallint[])
"""

# What people have done of it: the newest times that their rows are to remember, and when they had
# done it often enough.
DID = """
SELECT e.person_id AS id,
       (array_agg(e.happened_at ORDER BY e.happened_at DESC))[1:%(keep)s] AS times,
       (array_agg(e.happened_at ORDER BY e.happened_at))[%(count)s] AS nth
FROM event e WHERE e.project_id = %(project)s AND {matching}{whose} GROUP BY e.person_id
"""
OF_THESE = " AND e.person_id = ANY(%(ids)s::uuid[])"
TABLE = "CREATE TEMP TABLE {table} (id uuid PRIMARY KEY, times timestamptz[], nth timestamptz)"
READ = "INSERT INTO {table} {did}"
IS_READ = """
SELECT to_regclass(%s) IS NOT NULL, has_database_privilege(current_database(), 'TEMPORARY')
"""
EVENTS = "EXPLAIN (FORMAT JSON) SELECT FROM event e WHERE e.project_id = %(project)s AND {matching}"
# What is sorted and hashed meanwhile stays in memory; the setting ends with the transaction.
ROOM = "SELECT set_config('work_mem', '128MB', true)"
MOST_READ_AT_ONCE = 5_000_000  # events, as the planner expects them: some seconds, and 300 MB
# Those among a range who have not what they did in their rows yet.
UNAWARE = """
SELECT d.id FROM {table} d JOIN person_activity a ON a.project_id = %s AND a.id = d.id
WHERE d.id > %s AND d.id <= %s AND NOT a.event_times ? %s
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
TOLD = ", (a.checkpoints ->> %(own)s::text)::timestamptz, false"
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

    It is the connection's own and lasts as long as that, or until it is let go (DISCARD TEMP). None
    where the event is so common that history is to be asked about a few people at a time, or where
    the database allows nobody tables of their own.
    """
    memory = memory_of(connection, fill.project_id, rule)
    if memory is None:
        return None
    began = f"{fill.started_at.timestamp():.6f}".replace(".", "_")
    table = f"did_{fill.segment_id.hex}_{memory.name}_{began}"
    read = Read(table, memory.name)
    is_read, may_have = connection.execute(IS_READ, (f"pg_temp.{table}",)).fetchall()[0]
    if is_read or not may_have:
        return read if is_read else None
    matching, named = _matching(rule, ZoneInfo(fill.time_zone), of_people=False)
    asked = {**named, "project": fill.project_id, "count": rule.count, "keep": memory.keep}
    if _events(connection, matching, asked) > MOST_READ_AT_ONCE:
        return None
    did = DID.format(matching=matching, whose="")
    with connection.transaction():
        connection.execute(ROOM)
        connection.execute(TABLE.format(table=table))
        connection.execute(READ.format(table=table, did=did), asked, prepare=False)
    connection.execute(f"ANALYZE {table}")
    return read


def _events(connection: Connection, matching: str, asked: dict[str, Any]) -> float:
    statement = EVENTS.format(matching=matching)
    [plan] = connection.execute(statement, asked, prepare=False).fetchall()[0][0]
    rows: float = plan["Plan"]["Plan Rows"]
    return rows


def unaware(
    connection: Connection, project_id: UUID, table: str, memory: str, after: UUID, end: UUID
) -> set[UUID]:
    """Who of a range of people has done it and does not remember."""
    place = (project_id, after, end, memory)
    rows = connection.execute(UNAWARE.format(table=table), place, prepare=False)
    return {id_ for (id_,) in rows}


def move(
    connection: Connection,
    project_id: UUID,
    rule: EventCondition,
    number: int,
    ids: str,
    now: datetime,
    zone: tzinfo,
    step: tuple[Step, bool] | None,
    read: Read | None = None,
) -> list[tuple[Any, ...]]:
    """Move them, whose rows are locked: id, whether they fit, were in; of a step when they have
    reached it, and whether they ceased to have: none does. `step` comes with whether the funnel is
    over users, `read` is `read_once`'s.
    """
    memory = memory_of(connection, project_id, rule)
    if memory is None:
        return []
    if read is None or read.memory != memory.name:
        matching, named = _matching(rule, zone, of_people=True)
        did = DID.format(matching=matching, whose=OF_THESE)
    else:
        named, did = {}, f"SELECT * FROM {read.table} WHERE id = ANY(%(ids)s::uuid[])"
    over_users = step is not None and step[1]
    statement = MOVE.format(
        did=did,
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


def _matching(
    rule: EventCondition, zone: tzinfo, *, of_people: bool
) -> tuple[str, dict[str, object]]:
    """Which events count, with the parameters by name."""
    text, params = event_to_sql(rule, zone=zone, of_people=of_people)
    named = {f"e{n}": param for n, param in enumerate(params)}
    for name in named:
        text = text.replace("%s", f"%({name})s", 1)
    return text, named
