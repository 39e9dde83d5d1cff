"""Lists that a filter narrows down, however many people there are: their pages and their counts.

A page is walked for first: along the index that holds the order, in steps, each step's people asked
whether they belong. Where many belong, a few hundred fill a page. How many belonged of those looked
at says how far it still is, and whether it is worth going on; after some thousands the walk ends in
any case. Then, if the filter requires texts to be just so, the index on these is asked for whom it
finds, as long as they are few. At last everybody is asked at once, which reads all of the compact
rows and no more; so do counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import (
    All,
    EventCondition,
    FieldCondition,
    Filter,
    SegmentCondition,
    conditions,
)
from regulars.filters.catalog import ValueType
from regulars.filters.compact_custom import custom_key
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.sql import Sql
from regulars.filters.times import Span
from regulars.filters.to_sql import compact_sql, event_to_sql
from regulars.kit import arrays
from regulars.kit.text import fold
from regulars.people import compact
from regulars.people.numbers import deeds, slots

Connection = psycopg.Connection[Any]
Params = tuple[Any, ...]

FIRST_STEP, SECOND_STEP = 200, 1_800  # people looked at before anything is concluded
LONGEST_WALK = 10_000  # people looked at in all
FOUND_BY_TEXTS = 8_000  # people that the index on texts may find

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
# Workers that share an index take turns at each of its pages, and are no quicker than one alone.
ALONE = "SELECT set_config('max_parallel_workers_per_gather', '0', true)"
TIMES = """
SELECT count(*) FROM (
    SELECT FROM event WHERE project_id = %s AND kind = 'track' AND name = %s LIMIT %s
) times
"""
A_FEW_EVENTS = 50_000
RULES = """
SELECT s.id, s.filter, p.time_zone FROM segment s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s AND s.id = ANY(%s) AND s.deleted_at IS NULL AND s.filter IS NOT NULL
  AND NOT EXISTS (SELECT FROM segment_fill f WHERE f.project_id = s.project_id AND f.id = s.id)
"""
TEXTS = "SELECT id FROM person WHERE project_id = %s AND folded @> %s::jsonb LIMIT %s"
DID = """
SELECT count(*) FROM (
    SELECT FROM event e WHERE e.project_id = %s AND {matching}
    GROUP BY e.person_id HAVING {often}
) did
"""
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter, ready to be asked of compact rows `p`.

    `each` asks person by person, `apart` everybody at once; `bounds` are spans that the filter
    alone requires of dates. `told` is what compact rows tell of deeds and segments without a look
    at others: names of events, and segments.
    """

    filter: Filter
    when: When
    each: tuple[str, Params]
    apart: tuple[str, Params]
    bounds: Mapping[str, Span]
    told: frozenset[str | UUID] = frozenset()


def asked(connection: Connection, project_id: UUID, filter_: Filter, when: When) -> Asked:
    """The filter made ready."""
    having = slots.known(connection, project_id, _keys(filter_))
    write = partial(compact_sql, filter_, now=when.now, zone=when.zone, slots=having)
    events = _events(filter_)
    bits = deeds.known(connection, project_id, events) if events else {}
    each, params = write(deeds=bits)
    # What few did, their events tell sooner than a look at everybody.
    common = {
        name: bits[name] for name in events & bits.keys() if is_common(connection, project_id, name)
    }
    rules = _rules(connection, project_id, filter_, when.now)
    apart, apart_params = write(apart=project_id, deeds=common, rules=rules)
    return Asked(
        filter_, when, (each, tuple(params)), (apart, tuple(apart_params)), _bounds(filter_, when),
        frozenset((*common, *rules)),
    )  # fmt: skip


def is_common(connection: Connection, project_id: UUID, event: str) -> bool:
    """Whether an event happened many times."""
    row = connection.execute(TIMES, (project_id, event, A_FEW_EVENTS)).fetchone()
    return row is not None and row[0] >= A_FEW_EVENTS


def _rules(
    connection: Connection, project_id: UUID, filter_: Filter, now: datetime
) -> dict[UUID, Sql]:
    """The segments of the filter whose rules ask for facts alone, which are quicker to look at.

    Not those that are being filled: there membership says more than the rule.
    """
    asked_for = {one.segment for one in conditions(filter_) if isinstance(one, SegmentCondition)}
    if not asked_for:
        return {}
    found: dict[UUID, Sql] = {}
    rows = connection.execute(RULES, (project_id, list(asked_for))).fetchall()
    for segment, text, zone in rows:
        rule = parse(text)
        if all(isinstance(one, FieldCondition) for one in conditions(rule)):
            having = slots.known(connection, project_id, _keys(rule))
            sql, params = compact_sql(
                rule, now=now, zone=ZoneInfo(zone), apart=project_id, slots=having
            )
            found[segment] = Sql(sql, tuple(params))
    return found


def _keys(filter_: Filter) -> set[str]:
    """Under which keys the filter asks for custom values."""
    return {
        custom_key(one.about.bag, one.about.name)
        for one in conditions(filter_)
        if isinstance(one, FieldCondition) and one.about.bag is not None
    }


def _events(filter_: Filter) -> set[str]:
    """What the filter asks whether somebody has ever done."""
    return {
        one.event for one in conditions(filter_) if isinstance(one, EventCondition) and one.is_ever
    }


def kinds_of(filter_: Filter, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Of these kinds of people those that the filter can hold for, as far as is plain to see."""
    for part in _required(filter_):
        if isinstance(part, FieldCondition) and part.type is ValueType.KIND:
            wanted = (part.value,) if isinstance(part.value, str) else part.value
            kinds = tuple(kind for kind in kinds if kind in (wanted or ()))  # type: ignore[operator]
    return kinds


def belonging(
    connection: Connection, project_id: UUID, which: Asked, ids: list[UUID]
) -> frozenset[UUID]:
    """Those of the people for whom the filter holds."""
    text, params = which.each
    found = connection.execute(
        BELONGING.format(each=text), (project_id, arrays.of_ids(ids), *params)
    ).fetchall()
    return frozenset(id_ for (id_,) in found)


def next_step(found: int, looked: int, limit: int) -> int:
    """How many more to look at, by how many were found so far; 0 where the walk should end."""
    if looked == 0:
        return FIRST_STEP
    if found == 0:
        return SECOND_STEP if looked <= FIRST_STEP else 0
    needed = (limit - found) * looked * 5 // (4 * found)  # a quarter more than seems enough
    if looked <= FIRST_STEP:
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
        case EventCondition() if not _is_told(which.filter, which.told):
            return _did(connection, project_id, which.filter, which.when, people)
        case All(parts) if not all(_is_told(part, which.told) for part in parts):
            return _among(connection, project_id, parts, which.when)
        case _:
            return None


def _is_told(part: Filter, told: frozenset[str | UUID]) -> bool:
    """Whether compact rows alone say whether the part holds."""
    match part:
        case EventCondition(event):
            fewest, too_many = part.operator.bounds(part.count)
            return part.is_ever and event in told and {fewest, too_many} <= {0, 1, None}
        case SegmentCondition(segment):
            return segment in told
        case _:
            return False


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
    with room(connection):
        row = connection.execute(
            AMONG.format(some=some.text, besides=besides), (*some.params, *more)
        ).fetchone()
    return int(row[0]) if row else 0


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
            matching, params = _in_window(part, when)
            often = (project_id, *params, fewest)
            return _Set(DOERS.format(matching=matching), often, part if too_many is None else None)
        case _:
            return None


def _in_window(condition: EventCondition, when: When) -> tuple[str, list[object]]:
    """Which events `e` the condition asks for."""
    matching, params = event_to_sql(condition, zone=when.zone)
    if condition.within_days is not None:
        matching += " AND e.happened_at >= %s"
        params.append(when.now - timedelta(days=condition.within_days))
    return matching, params


def _did(
    connection: Connection, project_id: UUID, condition: EventCondition, when: When, people: int
) -> int:
    """Counted over the events of the name; whoever did none is everybody else."""
    fewest, too_many = condition.operator.bounds(condition.count)
    matching, params = _in_window(condition, when)
    often = "count(*) >= %s" if fewest else "count(*) < %s"
    bounds = [fewest] if fewest else [too_many]
    if fewest and too_many is not None:
        often += " AND count(*) < %s"
        bounds.append(too_many)
    if not fewest:
        if too_many is None:
            return people
        often = "count(*) >= %s"
    row = connection.execute(
        DID.format(matching=matching, often=often), (project_id, *params, *bounds)
    ).fetchone()
    found = int(row[0]) if row else 0
    return found if fewest else people - found


@contextmanager
def room(connection: Connection, asks: str = "") -> Iterator[None]:
    """More memory for the statements of the block, which ask this of rows `p`."""
    with connection.transaction():
        connection.execute(ROOM)
        if asks and CARRIED.issuperset(_COLUMN.findall(asks)):
            connection.execute(BY_INDEX)
            connection.execute(ALONE)
        yield


def _required(filter_: Filter) -> Iterator[Filter]:
    """The parts without which the filter can't hold."""
    if isinstance(filter_, All):
        for part in filter_.parts:
            yield from _required(part)
    else:
        yield filter_


def _required_texts(filter_: Filter) -> dict[str, str]:
    """Fields whose folded texts the filter requires to be just so."""
    return {
        part.field: fold(part.value)
        for part in _required(filter_)
        if isinstance(part, FieldCondition)
        and part.type is ValueType.TEXT
        and part.op == "is"
        and isinstance(part.value, str)
    }


def _bounds(filter_: Filter, when: When) -> dict[str, Span]:
    """What the filter requires of dates whose values are known."""
    found: dict[str, Span] = {}
    for part in _required(filter_):
        if not isinstance(part, FieldCondition) or part.type is not ValueType.DATE:
            continue
        span = part.operator.prepare(part.value, when)
        if part.operator.negates:
            # Within the last days is open at its end: not within them is what comes before.
            span = Span(None, span.start) if span.end is None else None
        if span is not None:
            found.setdefault(part.field, span)
    return found
