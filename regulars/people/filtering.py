"""Lists that a filter narrows down, however many people there are: their pages.

A page is walked for first: along the index that holds the order, in steps, each step's people asked
whether they belong. Where many belong, a few hundred fill a page. How many belonged of those looked
at says how far it still is, and whether it is worth going on; after some thousands the walk ends in
any case. Then, if the filter requires texts to be just so, the index on these is asked for whom it
finds, as long as they are few. At last everybody is asked at once, which reads all of the compact
rows and no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import FieldCondition, Filter
from regulars.filters.catalog import ValueType
from regulars.filters.sql import Sql
from regulars.kit import arrays
from regulars.kit.text import fold
from regulars.people import compact
from regulars.people.asking import Asked, required
from regulars.people.shares import added_up, shares

Connection = psycopg.Connection[Any]

FIRST_STEP, SECOND_STEP = 200, 1_800  # people looked at before anything is concluded
LONGEST_WALK = 10_000  # people looked at in all
PACKED_WALK = 2_000  # the same where packs find who belongs
FOUND_BY_TEXTS = 8_000  # people that the index on texts may find
SHARES = 4  # in which everybody is counted by the index alone

# Hashes of hundreds of thousands of people are made in memory; the setting ends with the block.
ROOM = "SELECT set_config('work_mem', '64MB', true)"
# What the primary key's index of compact rows carries: where a count asks for nothing else, it
# answers alone. The planner sees that, but is led astray by what is asked again of a few rows.
CARRIED = frozenset(
    (
        "project_id",
        "id",
        "kind",
        "sessions",
        "seen_day",
        "signed_up_at",
        "did",
        *compact.SLOT_COLUMNS,
    )
)
_COLUMN = re.compile(r"\bp\.(\w+)")
BELONGING = """
SELECT p.id FROM person_compact p
WHERE p.project_id = %s AND p.id = ANY(%s::uuid[]) AND {each}
"""
# The planner can't know how rare texts are together, and might read all of the wide rows.
BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)"
# Workers that read one index take turns at each of its pages, and are no quicker than one alone.
ALONE = "SELECT set_config('max_parallel_workers_per_gather', '0', true)"
# An index that begins with the project is held to be in the order of the table, by which what each
# event says looks cheap to read one after the other.
BY_PAGE = "SELECT set_config('enable_indexscan', 'off', true)"
TEXTS = "SELECT id FROM person WHERE project_id = %s AND folded @> %s::jsonb LIMIT %s"


def belonging(
    connection: Connection, project_id: UUID, which: Asked, ids: list[UUID]
) -> frozenset[UUID]:
    """Those of the people for whom the filter holds."""
    text, params = which.each
    found = connection.execute(
        BELONGING.format(each=text), (project_id, arrays.of_ids(ids), *params)
    ).fetchall()
    return frozenset(id_ for (id_,) in found)


def next_step(found: int, looked: int, limit: int, *, is_packed: bool = False) -> int:
    """How many more to look at, by how many were found so far; 0 where the walk should end.

    `is_packed` where packs find who belongs, which is soon quicker, if they are few.
    """
    if looked == 0:
        return FIRST_STEP
    is_first = looked <= FIRST_STEP
    if found == 0:
        return SECOND_STEP if is_first and not is_packed else 0
    needed = (limit - found) * looked * 5 // (4 * found)  # a quarter more than seems enough
    if is_packed and looked + needed > PACKED_WALK:
        return 0
    if is_first:
        return max(FIRST_STEP, min(needed, SECOND_STEP))
    return max(needed, FIRST_STEP) if looked + needed <= LONGEST_WALK else 0


def found_by_texts(connection: Connection, project_id: UUID, which: Asked) -> list[UUID] | None:
    """Those who have the texts that the filter requires; None where they are many, or unknown."""
    wanted = _required_texts(which.filter)
    if not wanted:
        return None
    with connection.transaction():
        connection.execute(BY_INDEX)
        found = connection.execute(
            TEXTS, (project_id, json.dumps(wanted, ensure_ascii=False), FOUND_BY_TEXTS + 1)
        ).fetchall()
    return [id_ for (id_,) in found] if len(found) <= FOUND_BY_TEXTS else None


def counted(connection: Connection, everybody: Sql, *, in_shares: bool) -> int:
    """How many rows there are; `everybody` is FROM and WHERE over rows `p`.

    `in_shares` where no set of people need be made for each share.
    """
    count = everybody.within("SELECT count(*) AS people ", "")
    is_carried = _is_carried(everybody.text)
    within = shares(connection, "p.id", SHARES) if in_shares and is_carried else []
    if len(within) > 1:
        count = added_up(count.then(f" AND {one.text}", *one.params) for one in within)
    with room(connection, everybody.text, is_shared=len(within) > 1):
        return one_number(connection, count)


def counted_doers(connection: Connection, doers: Sql) -> int:
    """How many rows there are of a query that asks events what they say."""
    with room(connection, by_page=True):
        return one_number(connection, doers.within("SELECT count(*) FROM (", ") did"))


def one_number(connection: Connection, count: Sql) -> int:
    """The number that a statement over many people answers, which is 0 where there are none."""
    row = connection.execute(count.text, count.params, prepare=False).fetchone()
    return int(row[0] or 0) if row else 0


@contextmanager
def room(
    connection: Connection, asks: str = "", *, is_shared: bool = False, by_page: bool = False
) -> Iterator[None]:
    """More memory for the statements of the block, which ask this of rows `p`.

    `by_page` where they ask many events what they say.
    """
    with connection.transaction():
        connection.execute(ROOM)
        if by_page:
            connection.execute(BY_PAGE)
        if _is_carried(asks):
            connection.execute(BY_INDEX)
            if not is_shared:
                connection.execute(ALONE)
        yield


def _is_carried(asks: str) -> bool:
    """Whether the primary key's index answers alone."""
    return bool(asks) and CARRIED.issuperset(_COLUMN.findall(asks))


def _required_texts(filter_: Filter) -> dict[str, str]:
    """Fields whose folded texts the filter requires to be just so."""
    return {
        part.field: fold(part.value)
        for part in required(filter_)
        if isinstance(part, FieldCondition)
        and part.type is ValueType.TEXT
        and part.op == "is"
        and isinstance(part.value, str)
    }
