"""What a filter asks of compact rows, made ready: person by person, and of everybody at once.

Of what people did, compact rows tell whether they ever did it, and of segments those whose rules
ask for facts. The rest is looked up in events and memberships.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import (
    All,
    AnyOf,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
    conditions,
)
from regulars.filters.catalog import ValueType
from regulars.filters.compact_custom import custom_key
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.sql import Sql
from regulars.filters.times import Span
from regulars.filters.to_sql import compact_sql
from regulars.people.doing import Doing, doing, ever, must_do
from regulars.people.numbers import deeds, slots

Connection = psycopg.Connection[Any]
Params = tuple[Any, ...]

# What few did, their events tell sooner than a look at everybody.
TIMES = """
SELECT count(*) FROM (
    SELECT FROM event WHERE project_id = %s AND kind = 'track' AND name = %s LIMIT %s
) times
"""
A_FEW_EVENTS = 50_000
# Of segments that are being filled membership says more than the rule.
RULES = """
SELECT s.id, s.filter, p.time_zone FROM segment s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s AND s.id = ANY(%s) AND s.deleted_at IS NULL AND s.filter IS NOT NULL
  AND NOT EXISTS (SELECT FROM segment_fill f WHERE f.project_id = s.project_id AND f.id = s.id)
"""


class Rule(NamedTuple):
    """A segment's, and the time zone in which it is asked."""

    filter: Filter
    zone: ZoneInfo


class Apart(NamedTuple):
    """A filter as everybody is asked at once.

    `told` is what compact rows tell of deeds and segments without a look at others: names of
    events, and segments. `is_told` where they tell all that is asked, `doing` where they tell
    all but what people did, which is then asked of those alone who are left.
    """

    text: str
    params: Params
    told: frozenset[str | UUID]
    is_told: bool
    doing: Doing | None


@dataclass(frozen=True)
class Asked:
    """A filter, ready to be asked of compact rows `p`.

    `each` asks person by person; `bounds` are spans that the filter alone requires of dates, `bits`
    those that events have which it asks for.
    """

    filter: Filter
    when: When
    each: tuple[str, Params]
    bounds: Mapping[str, Span]
    bits: Mapping[str, int]
    _make_apart: Callable[[Mapping[UUID, Rule]], Apart]
    _find_rules: Callable[[], Mapping[UUID, Rule]]

    @cached_property
    def apart(self) -> Apart:
        """Made when it is asked for: it takes a look at events and segments, which pages spare."""
        return self._make_apart(self.rules)

    @cached_property
    def rules(self) -> Mapping[UUID, Rule]:
        """The segments of the filter whose rules ask for facts alone, and are in force."""
        return self._find_rules()


def asked(connection: Connection, project_id: UUID, filter_: Filter, when: When) -> Asked:
    """The filter made ready."""
    having = slots.known(connection, project_id, _keys(filter_))
    write = partial(compact_sql, now=when.now, zone=when.zone, slots=having)
    must = must_do(required(filter_))
    events = _events(filter_) | ({must.event} if must else set())
    bits = deeds.known(connection, project_id, events) if events else {}
    each, params = write(filter_, deeds=bits)

    def apart(rules: Mapping[UUID, Rule]) -> Apart:
        common = {
            name: bits[name]
            for name in events & bits.keys()
            if is_common(connection, project_id, name)
        }
        written = {
            segment: _over_all(connection, project_id, rule, when.now)
            for segment, rule in rules.items()
        }
        over_all = partial(write, apart=project_id, deeds=common, rules=written)
        text, params = over_all(filter_)
        told: frozenset[str | UUID] = frozenset((*common, *rules))
        last = None
        if must is not None and must.event in common:
            rest = All((ever(must), *(part for part in required(filter_) if part is not must)))
            if is_told(rest, told):
                besides, more = over_all(rest)
                last = doing(project_id, must, when, Sql(besides, tuple(more)))
        return Apart(text, tuple(params), told, is_told(filter_, told), last)

    find_rules = partial(_rules, connection, project_id, filter_)
    return Asked(
        filter_, when, (each, tuple(params)), _bounds(filter_, when), bits, apart, find_rules
    )


def is_told(part: Filter, told: frozenset[str | UUID]) -> bool:
    """Whether compact rows alone say whether the part of a filter holds."""
    match part:
        case All(parts) | AnyOf(parts):
            return all(is_told(one, told) for one in parts)
        case Not(inner):
            return is_told(inner, told)
        case FieldCondition():
            return True
        case EventCondition(event):
            fewest, too_many = part.operator.bounds(part.count)
            return part.is_ever and event in told and {fewest, too_many} <= {0, 1, None}
        case SegmentCondition(segment):
            return segment in told
        case _:
            return False


def is_common(connection: Connection, project_id: UUID, event: str) -> bool:
    """Whether an event happened many times."""
    row = connection.execute(TIMES, (project_id, event, A_FEW_EVENTS)).fetchone()
    return row is not None and row[0] >= A_FEW_EVENTS


def _rules(connection: Connection, project_id: UUID, filter_: Filter) -> dict[UUID, Rule]:
    """The segments of the filter whose rules ask for facts alone, which are quicker to look at."""
    asked_for = {one.segment for one in conditions(filter_) if isinstance(one, SegmentCondition)}
    if not asked_for:
        return {}
    rows = connection.execute(RULES, (project_id, list(asked_for))).fetchall()
    rules = {segment: Rule(parse(text), ZoneInfo(zone)) for segment, text, zone in rows}
    return {
        segment: rule
        for segment, rule in rules.items()
        if all(isinstance(one, FieldCondition) for one in conditions(rule.filter))
    }


def _over_all(connection: Connection, project_id: UUID, rule: Rule, now: datetime) -> Sql:
    """The rule as everybody is asked."""
    having = slots.known(connection, project_id, _keys(rule.filter))
    sql, params = compact_sql(rule.filter, now=now, zone=rule.zone, apart=project_id, slots=having)
    return Sql(sql, tuple(params))


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
        one.event
        for one in conditions(filter_)
        if isinstance(one, EventCondition) and one.is_ever and 1 in one.operator.bounds(one.count)
    }


def kinds_of(filter_: Filter, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Of these kinds of people those that the filter can hold for, as far as is plain to see."""
    for part in required(filter_):
        if isinstance(part, FieldCondition) and part.type is ValueType.KIND:
            wanted = (part.value,) if isinstance(part.value, str) else part.value
            kinds = tuple(kind for kind in kinds if kind in (wanted or ()))  # type: ignore[operator]
    return kinds


def required(filter_: Filter) -> Iterator[Filter]:
    """The parts without which the filter can't hold."""
    if isinstance(filter_, All):
        for part in filter_.parts:
            yield from required(part)
    else:
        yield filter_


def _bounds(filter_: Filter, when: When) -> dict[str, Span]:
    """What the filter requires of dates whose values are known."""
    found: dict[str, Span] = {}
    for part in required(filter_):
        if not isinstance(part, FieldCondition) or part.type is not ValueType.DATE:
            continue
        span = part.operator.prepare(part.value, when)
        if part.operator.negates:
            # Within the last days is open at its end: not within them is what comes before.
            span = Span(None, span.start) if span.end is None else None
        if span is not None:
            found.setdefault(part.field, span)
    return found
