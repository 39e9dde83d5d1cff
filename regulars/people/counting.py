"""How many people a filter holds for, where more than the compact rows tells it.

A segment's members are counted already. What people did and where they belong is counted among
those who did it or are in it, if that is all that is asked and compact rows do not tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from regulars.filters.ast import All, EventCondition, Filter, SegmentCondition
from regulars.filters.operands import When
from regulars.filters.sql import Sql
from regulars.filters.to_sql import compact_sql
from regulars.people.asking import Asked, Params, is_told
from regulars.people.doing import in_window
from regulars.people.filtering import one_number, room
from regulars.people.shares import added_up, shares

Connection = psycopg.Connection[Any]

DID = """
SELECT count(*) AS people FROM (
    SELECT FROM event e WHERE e.project_id = %s AND {matching}
    GROUP BY e.person_id HAVING {often}
) did
"""
SHARES = 2  # in which doers are counted: each reads all that the index has of the event
# Sets of people by what they did and where they belong, none of whom need be looked at.
AMONG = "SELECT count(*) FROM ({some}) p WHERE {besides}"
DOERS = """
SELECT e.person_id AS id FROM event e WHERE e.project_id = %s AND {matching}
GROUP BY e.person_id HAVING count(*) >= %s
"""
MEMBERS_OF = """
SELECT m.person_id AS id FROM segment_member m WHERE m.project_id = %s AND m.segment_id = %s
"""
MEMBERS = """
SELECT c.people FROM segment_count c JOIN segment s ON s.project_id = c.project_id AND s.id = c.id
WHERE c.project_id = %s AND c.id = %s AND s.deleted_at IS NULL
"""


def quick_count(connection: Connection, project_id: UUID, which: Asked, people: int) -> int | None:
    """How many of all people the filter holds for, where more than compact rows tells it.

    `people` is how many there are of all kinds. None for filters that ask for facts.
    """
    match which.filter:
        case SegmentCondition(segment, op):
            row = connection.execute(MEMBERS, (project_id, segment)).fetchone()
            if row is None:
                return None
            return int(row[0]) if op == "is_in" else people - int(row[0])
        case EventCondition() if not is_told(which.filter, which.apart.told):
            return _did(connection, project_id, which.filter, which.when, people)
        case All(parts) if not is_told(which.filter, which.apart.told):
            return _among(connection, project_id, parts, which.when)
        case _:
            return None


def _among(
    connection: Connection, project_id: UUID, parts: Sequence[Filter], when: When
) -> int | None:
    """Counted among those who did something or are in a segment, where all else is such, too."""
    if not all(isinstance(part, (EventCondition, SegmentCondition)) for part in parts):
        return None
    sets = (_set(part, project_id, when) for part in parts)
    some = next((found for found in sets if found is not None), None)
    if some is None:
        return None
    rest = tuple(part for part in parts if part is not some.all_of)
    besides, more = "TRUE", list[object]()
    if rest:
        besides, more = compact_sql(All(rest), now=when.now, zone=when.zone, apart=project_id)
    count = Sql(AMONG.format(some=some.text, besides=besides), (*some.params, *more))
    with room(connection):
        return one_number(connection, count)


class _Set(NamedTuple):
    """SQL for people by id, and the condition that holds for all of them, if any."""

    text: str
    params: Params
    all_of: Filter | None


def _set(part: Filter, project_id: UUID, when: When) -> _Set | None:
    """The people for whom alone a condition can hold, where it names them."""
    match part:
        case SegmentCondition(segment, "is_in"):
            return _Set(MEMBERS_OF, (project_id, segment), part)
        case EventCondition():
            fewest, too_many = part.operator.bounds(part.count)
            if not fewest:
                return None
            matching = in_window(part, when)
            often = (project_id, *matching.params, fewest)
            all_of = part if too_many is None else None
            return _Set(DOERS.format(matching=matching.text), often, all_of)
        case _:
            return None


def _did(
    connection: Connection, project_id: UUID, condition: EventCondition, when: When, people: int
) -> int:
    """Counted over the events of the name; whoever did none is everybody else."""
    fewest, too_many = condition.operator.bounds(condition.count)
    if not fewest and too_many is None:
        return people
    looked_at = in_window(condition, when)
    often = Sql("count(*) >= %s", (fewest or too_many,))
    if fewest and too_many is not None:
        often = often.then(" AND count(*) < %s", too_many)
    # Of late it is mostly the newest who did something.
    most = SHARES if condition.within_days is None else 1
    counts = (
        Sql(
            DID.format(matching=f"{looked_at.text} AND {share.text}", often=often.text),
            (project_id, *looked_at.params, *share.params, *often.params),
        )
        for share in shares(connection, "e.person_id", most)
    )
    with room(connection, by_page=bool(condition.where)):
        found = one_number(connection, added_up(counts))
    return found if fewest else people - found
