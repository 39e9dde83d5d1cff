"""Lets people's rows remember what they had done before a segment began to ask for it.

Where a segment's filling goes by history itself (`doers`) it writes that to the rows of those whom
it moves, and is done: nobody waits for the others, since whoever comes by without the memory is
read from history then (`membership`). So theirs is written when nothing is to be filled, a few at a
time, from where a stop left off. When everybody has it, nobody is looked up any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.events import EventNeed, event_needs
from regulars.kit import arrays, database
from regulars.kit.connection import later
from regulars.kit.giving_way import Rest, no_rest
from regulars.people.actions import settled
from regulars.segments import reading
from regulars.segments.plan import lock_plan, renew_plan, segments_written_out
from regulars.segments.ranges import BEFORE_ALL, BEHIND_ALL, LOCK, UNHURRIED, chunks

Connection = psycopg.Connection[Any]

A_RANGE, AT_ONCE = 4_000, 200  # people looked at by one statement, and written by one

# Of those that no filling is about to write.
BEGUN = """
SELECT n.project_id, n.id, n.key, n.keep, n.cursor, p.time_zone
FROM segment_need n JOIN project p ON p.id = n.project_id
WHERE NOT n.filled AND NOT EXISTS (
    SELECT FROM segment_fill f WHERE f.project_id = n.project_id AND f.last_need >= n.id)
ORDER BY n.project_id, n.id
"""
END_OF_RANGE = """
SELECT id FROM person_activity WHERE project_id = %s AND id > %s ORDER BY id OFFSET %s LIMIT 1
"""
UNAWARE_READ = """
SELECT d.id FROM {table} d JOIN person_activity a ON a.project_id = %(project)s AND a.id = d.id
WHERE d.id > %(after)s AND d.id <= %(end)s AND NOT a.event_times ? %(need)s ORDER BY d.id
"""
UNAWARE = """
SELECT id FROM person_activity
WHERE project_id = %(project)s AND id > %(after)s AND id <= %(end)s
  AND NOT event_times ? %(need)s ORDER BY id
"""
# One worker at a time goes on, from where it stood when the worker looked.
ADVANCE = """
UPDATE segment_need SET cursor = %s
WHERE project_id = %s AND id = %s AND cursor IS NOT DISTINCT FROM %s AND NOT filled
"""
# Whoever came by since remembers already, and what has happened since too.
REMEMBER = """
WITH did AS ({did})
UPDATE person_activity a
SET event_times = a.event_times || jsonb_build_object(%(need)s::text, did.times)
FROM did
WHERE a.project_id = %(project)s AND a.id = ANY(%(ids)s::uuid[]) AND a.id = did.id
  AND NOT a.event_times ? %(need)s::text
"""
DONE = """
UPDATE segment_need SET filled = true
WHERE project_id = %s AND id = %s AND cursor IS NOT DISTINCT FROM %s
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A memory that not everybody has: those up to `cursor` do."""

    project_id: UUID
    number: int
    key: str
    keep: int
    cursor: UUID | None
    time_zone: str


def memories_begun(connection: Connection) -> list[Begun]:
    """All that are to be gone on with."""
    return [Begun(*row) for row in connection.execute(BEGUN).fetchall()]


def remember_range(connection: Connection, begun: Begun, rest: Rest = no_rest) -> bool:
    """Let the next people in the order of ids remember; behind the last of them it is complete.

    False where nothing was done: nobody asks for it any more, or another worker is at it.
    """
    filters = segments_written_out(connection, begun.project_id).values()
    need = event_needs(filters).get(begun.key)
    if need is None:
        return False
    name = f"remembered_{begun.project_id.hex}_{begun.number}"
    table = reading.deeds_table(
        connection, begun.project_id, name, need,
        count=1, keep=begun.keep, zone=ZoneInfo(begun.time_zone),
    )  # fmt: skip
    after = begun.cursor or BEFORE_ALL
    end = _end_of_range(connection, begun.project_id, after)
    people = _unaware(connection, begun, table, after, end)
    at = begun.cursor
    for chunk, is_last in chunks(people, AT_ONCE):
        reached = end if is_last else chunk[-1]
        began = monotonic()
        step = partial(
            _step, begun=begun, need=need, people=chunk, table=table, at=at, reached=reached
        )
        if not settled(partial(database.inside, connection), step):
            return False
        rest(monotonic() - began)
        at = reached
    if end == BEHIND_ALL:
        with connection.transaction():
            lock_plan(connection, begun.project_id)
            connection.execute(DONE, (begun.project_id, begun.number, end))
            renew_plan(connection, begun.project_id)
    return True


def _end_of_range(connection: Connection, project_id: UUID, after: UUID) -> UUID:
    place = (project_id, after, A_RANGE - 1)
    row = connection.execute(END_OF_RANGE, place, prepare=False).fetchone()
    return row[0] if row else BEHIND_ALL


def _unaware(
    connection: Connection, begun: Begun, table: str | None, after: UUID, end: UUID
) -> list[UUID]:
    statement = UNAWARE if table is None else UNAWARE_READ.format(table=table)
    place = {
        "project": begun.project_id, "after": after, "end": end, "need": str(begun.number)
    }  # fmt: skip
    return [id_ for (id_,) in connection.execute(statement, place, prepare=False).fetchall()]


def _step(
    connection: Connection, *, begun: Begun, need: EventNeed, people: list[UUID],
    table: str | None, at: UUID | None, reached: UUID,
) -> bool:  # fmt: skip
    """Write it to these people's rows; False where another worker has gone on from `at`."""
    later(connection, UNHURRIED)
    place = (reached, begun.project_id, begun.number, at)
    if not connection.execute(ADVANCE, place, prepare=True).rowcount:
        return False
    if not people:
        return True
    ids = arrays.of_ids(people)
    later(connection, LOCK, (begun.project_id, ids))
    did, named = reading.did(need, ZoneInfo(begun.time_zone), table)
    asked = {
        **named, "project": begun.project_id, "ids": ids, "need": str(begun.number),
        "count": 1, "keep": begun.keep,
    }  # fmt: skip
    later(connection, REMEMBER.format(did=did), asked)
    return True
