"""A filter made ready for packs: which columns it needs, and what they say together.

Operators are what they are everywhere: each is tried on the distinct values of a column by its own
reference (`filters/operators.py`), but where values are many and a range of numbers or a search of
bytes says the same. Of conditions that columns do not tell, `NotTold` says so, and SQL is asked.

Public: `told`, `tells`, `Told`, `People`, `NotTold`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from regulars.filters.ast import (
    All,
    AnyOf,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
)
from regulars.filters.behaviour import SEGMENT_OPERATORS
from regulars.filters.catalog import ValueType
from regulars.filters.compact import seen_that_day
from regulars.filters.compact_custom import address_key, custom_key, moment_key, wall_key
from regulars.filters.operands import KINDS, Network, When
from regulars.filters.slots import NEVER, NOWHERE, ticks
from regulars.filters.sql import Sql
from regulars.filters.times import Span, wall_bound
from regulars.people.asking import Asked, is_told
from regulars.people.packed.columns import Column, Mask, Words

DAY = timedelta(days=1)
_NOWHERE = "\x00"  # no text has it
_CUSTOM = ":"  # in names of columns with custom values


class NotTold(Exception):  # noqa: N818 - nothing went wrong
    """Columns do not tell what is asked."""


@dataclass
class People:
    """The people of one pack: their columns by name, and what was looked up of them besides."""

    number: int
    columns: Mapping[str, Column]
    besides: tuple[Mask, ...] = ()

    def nobody(self) -> Mask:
        return np.zeros(self.number, bool)

    def everybody(self) -> Mask:
        return np.ones(self.number, bool)


Test = Callable[[People], Mask]


@dataclass(frozen=True)
class Told:
    """A filter over packs: the columns that it needs, by name, and its answer.

    `besides` are statements for ids of people, each of which becomes a truth for every person of a
    pack, in `People.besides`.
    """

    holds: Test
    fields: frozenset[str]
    besides: tuple[Sql, ...]

    @property
    def is_of_custom(self) -> bool:
        """Whether custom values are asked for, of which a pack may have too many."""
        return any(_CUSTOM in name for name in self.fields)


def told(project_id: UUID, asked: Asked, kinds: tuple[str, ...]) -> Told:
    """The filter of people of these kinds.

    Raises `NotTold` where it asks what columns do not tell.
    """
    writer = _Writer(project_id, asked)
    holds = writer.test(asked.filter, asked.when)
    if set(kinds) != set(KINDS):
        holds = _every([holds, writer.words("kind", lambda kind: kind in kinds)])
    return Told(holds, frozenset(writer.fields), tuple(writer.besides))


def tells(project_id: UUID, asked: Asked) -> bool:
    """Whether columns tell all that the filter asks."""
    try:
        told(project_id, asked, KINDS)
    except NotTold:
        return False
    return True


class _Writer:
    def __init__(self, project_id: UUID, asked: Asked) -> None:
        self._project_id = project_id
        self._asked = asked
        self.fields: set[str] = set()
        self.besides: list[Sql] = []

    def test(self, filter_: Filter, when: When) -> Test:
        match filter_:
            case All(parts) | AnyOf(parts):
                tests = [self.test(part, when) for part in parts]
                return _every(tests) if isinstance(filter_, All) else _any(tests)
            case Not(part):
                return _not(self.test(part, when))
            case FieldCondition():
                positive = self._field(filter_, when)
                return _not(positive) if filter_.operator.negates else positive
            case EventCondition():
                return self._event(filter_)
            case SegmentCondition(segment, op):
                rule = self._asked.rules.get(segment)
                if rule is None:
                    raise NotTold
                inside = self.test(rule.filter, When(when.now, rule.zone))
                return _not(inside) if SEGMENT_OPERATORS[op].negates else inside
            case _:
                raise NotTold

    def words(self, name: str, holds: Callable[[Any], bool]) -> Test:
        """Whose value in a column is known and so."""
        return self._of(name, lambda column: column.where(holds))

    def _of(self, name: str, ask: Callable[[Column], Mask]) -> Test:
        self.fields.add(name)

        def test(people: People) -> Mask:
            column = people.columns.get(name)
            return people.nobody() if column is None else ask(column)

        return test

    def _event(self, condition: EventCondition) -> Test:
        """Whether somebody ever did it, where the event has a bit."""
        bits = self._asked.bits
        if not is_told(condition, frozenset(bits)):
            raise NotTold
        fewest, too_many = condition.operator.bounds(condition.count)
        did = self._of("did", lambda column: column.having(bits[condition.event]))
        tests = [did] if fewest else []
        return _every([*tests, _not(did)] if too_many is not None else tests)

    def _field(self, condition: FieldCondition, when: When) -> Test:  # noqa: PLR0911  # one a case
        """The positive side of a condition on a value."""
        operator, about = condition.operator, condition.about
        wanted = operator.prepare(condition.value, when)
        name = about.key if about.bag is None else custom_key(about.bag, about.name)
        if name == "last_seen":
            return self._last_seen(wanted, is_date=condition.type is ValueType.DATE)
        match condition.type:
            case ValueType.ANY:
                return self._of(name, _known)
            case ValueType.TEXT:
                return self._text(name, operator.holds, operator.negates or operator.key, wanted)
            case ValueType.NUMBER:
                return self._of(name, lambda column: column.compared(operator.holds, wanted))
            case ValueType.DATE:
                return self._date(name, wanted, when, is_custom=about.bag is not None)
            case ValueType.IP:
                return self._address(name, wanted, is_custom=about.bag is not None)
            case ValueType.LIST:
                return self.words(name, lambda tags: wanted in json.loads(tags))
            case _:
                return self.words(name, lambda value: operator.holds(value, wanted))

    def _text(self, name: str, holds: Callable[[Any, Any], bool], key: str, wanted: Any) -> Test:
        def ask(column: Column) -> Mask:
            search = _SEARCHES.get(key)
            if search is not None and isinstance(column, Words):
                return search(column, wanted)
            return column.where(lambda value: isinstance(value, str) and holds(value, wanted))

        if key in _SEARCHES and (_NOWHERE in wanted or not _is_written(wanted)):
            return People.nobody
        return self._of(name, ask)

    def _date(self, name: str, span: Span, when: When, *, is_custom: bool) -> Test:
        moments = _between(_ticks(span.start, NEVER), _ticks(span.end, NEVER))
        if not is_custom:
            return self._of(name, moments)
        # A wall clock's reading stands for the first instant at which the clock shows it.
        first, beyond = (
            None if at is None else ticks(wall_bound(at, when.zone), NOWHERE)
            for at in (span.start, span.end)
        )
        walls = self._of(wall_key(name), _between(first, beyond))
        return _any([walls, self._of(moment_key(name), moments)])

    def _address(self, name: str, network: Network, *, is_custom: bool) -> Test:
        if is_custom:
            return self.words(
                address_key(name),
                lambda digits: network.first <= int(digits, 16) <= network.last,
            )

        return self._of(name, _between(network.first, network.last + 1))

    def _last_seen(self, span: Span | None, *, is_date: bool) -> Test:
        known = self._of("seen_day", _known)
        if not is_date or span is None:
            return known
        sides = [known]
        if span.start is not None:
            sides.append(self._since(span.start))
        if span.end is not None:
            sides.append(self._until(span.end))
        return _every(sides)

    def _since(self, start: datetime) -> Test:
        day, begins = _day(start)
        later = self._of("seen_day", _between(day + (not begins), None))
        return later if begins else _any([later, self._besides(start, ">=")])

    def _until(self, end: datetime) -> Test:
        day, begins = _day(end)
        earlier = self._of("seen_day", _between(None, day))
        return earlier if begins else _any([earlier, self._besides(end, "<")])

    def _besides(self, bound: datetime, sign: str) -> Test:
        """Who was seen on the bound's day, and on the right side of it."""
        place = len(self.besides)
        self.besides.append(seen_that_day(self._project_id, bound, sign))
        return lambda people: people.besides[place]


_SEARCHES: dict[str, Callable[[Words, str], Mask]] = {
    "contains": Words.containing, "starts_with": Words.starting, "ends_with": Words.ending,
}  # fmt: skip


def _every(tests: list[Test]) -> Test:
    def test(people: People) -> Mask:
        found = people.everybody()
        for one in tests:
            found &= one(people)
        return found

    return test


def _any(tests: list[Test]) -> Test:
    def test(people: People) -> Mask:
        found = people.nobody()
        for one in tests:
            found |= one(people)
        return found

    return test


def _not(test: Test) -> Test:
    return lambda people: ~test(people)


def _known(column: Column) -> Mask:
    return column.known()


def _between(first: int | None, beyond: int | None) -> Callable[[Column], Mask]:
    return lambda column: column.between(first, beyond)


def _ticks(at: datetime | None, since: datetime) -> int | None:
    return None if at is None else ticks(at, since)


def _day(at: datetime) -> tuple[int, bool]:
    """The day of an instant, counted from 2000, and whether the instant begins it."""
    day, rest = divmod(at - NEVER, DAY)
    return day, not rest


def _is_written(text: str) -> bool:
    """Whether the text can be in a database at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
