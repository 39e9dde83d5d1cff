"""Filters into SQL over the compact rows: `p` is a row of `person_compact`, and nothing else.

What stands in those rows is said in the migration that makes them: folded texts in columns of
their own, custom values in two JSON objects by type, dates that custom texts write as numbers, and
of `last_seen` the day alone. Where a bound lies within somebody's day, their own instant is looked
up in `person_activity`.

Public: `compact_column_of`, and the keys and numbers with which the rows are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from regulars.filters import slots as codes
from regulars.filters.catalog import Field, ValueType
from regulars.filters.columns import Column, between, number_parameter
from regulars.filters.operands import Network
from regulars.filters.slots import NEVER, NOWHERE, ticks
from regulars.filters.sql import Sql, joined
from regulars.filters.times import Span, wall_bound

_LAST_MINUTE = timedelta(hours=23, minutes=59)  # of a day

# PostgreSQL orders JSON by type: texts, then numbers, then truth values, then objects. There are
# no texts among the other values, so that numbers are all that comes before these.
_BEYOND_NUMBERS = "'false'::jsonb"

NO_SLOTS: Mapping[str, int] = MappingProxyType({})


def custom_key(bag: str, name: str) -> str:
    """Under which key a custom value stands."""
    return f"{bag[0]}:{name}"


def moment_key(key: str) -> str:
    return f"m:{key}"


def wall_key(key: str) -> str:
    return f"w:{key}"


def address_key(key: str) -> str:
    return f"i:{key}"


def address_digits(number: int) -> str:
    """An address as a text that is ordered like its number, which JSON has no room for."""
    return f"{number:033x}"


def compact_column_of(
    field: Field,
    zone: tzinfo,
    apart: UUID | None = None,
    slots: Mapping[str, int] = NO_SLOTS,
) -> Column:
    """Where compact rows have the field; `apart` and `slots` as in `to_sql.compact_sql`."""
    if field.bag is not None:
        key = custom_key(field.bag, field.name)
        plain = _Custom(key, zone)
        return _Slotted(slots[key], plain, zone) if key in slots else plain
    return _LastSeen(apart) if field.key == "last_seen" else _Standard(field)


class _Standard:
    """A standard field: a column that bears its name, NULL where it is unknown."""

    def __init__(self, field: Field) -> None:
        collated = ' COLLATE "C"' if field.type is ValueType.TEXT else ""
        self._value = Sql(f"p.{field.key}{collated}")

    def known(self) -> Sql:
        return self._value.then(" IS NOT NULL")

    def text_in(self, texts: Sequence[str]) -> Sql:
        return one_of(self._value, texts)

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:  # noqa: ARG002
        return test(self._value)

    def number_is(self, number: float) -> Sql:
        return self.number_side("=", number)

    def number_side(self, sign: str, number: float) -> Sql:
        return self._value.then(f" {sign} ").then(*number_parameter(number))

    def address(self, sign: str, network: Network) -> Sql:
        return self._value.then(f" {sign} %s::inet", network.text)

    def in_span(self, span: Span) -> Sql:
        return between(self._value, span.start, span.end, "timestamptz")

    def is_boolean(self, wanted: bool) -> Sql:  # noqa: FBT001
        raise AssertionError(f"no standard field is {wanted}")

    def has_tag(self, tag: str) -> Sql:
        return self._value.then(" @> %s::text[]", [tag])

    def kind_in(self, kinds: Sequence[str]) -> Sql:
        return one_of(self._value, kinds)


class _LastSeen(_Standard):
    """The day decides, but on the days of the span's ends the instant does."""

    def __init__(self, apart: UUID | None) -> None:
        self._value = Sql("p.seen_day")
        self._apart = apart

    def in_span(self, span: Span) -> Sql:
        sides = []
        if span.start is not None:
            sides.append(self._side(">", ">=", span.start))
        if span.end is not None:
            sides.append(self._side("<", "<", span.end))
        return joined(" AND ", sides)

    def _side(self, beyond: str, sign: str, bound: datetime) -> Sql:
        bound = bound.astimezone(UTC)
        day = bound.date()
        if bound.time() == time.min:
            return self._value.then(f" {sign} %s::date", day)
        instant = self._instant(sign, bound)
        open_ = f"(p.seen_day {beyond} %s::date OR (p.seen_day = %s::date AND "
        return instant.within(open_, "))")._replace(params=(day, day, *instant.params))

    def _instant(self, sign: str, bound: datetime) -> Sql:
        """Whether somebody seen on the bound's day was seen on the right side of it."""
        if self._apart is None:
            # A subquery that is only compared is asked of those alone whom the day leaves open.
            return Sql(
                "(SELECT a.last_seen FROM person_activity a WHERE a.project_id = p.project_id"
                f" AND a.id = p.id) {sign} %s::timestamptz",
                (bound,),
            )
        start = bound.replace(hour=0, minute=0, second=0, microsecond=0)
        return Sql(
            "p.id IN (SELECT a.id FROM person_activity a WHERE a.project_id = %s::uuid"
            " AND a.kind IN ('user', 'lead', 'visitor')"
            " AND a.last_seen_minute >= %s::timestamptz AND a.last_seen_minute <= %s::timestamptz"
            f" AND a.last_seen {sign} %s::timestamptz)",
            (self._apart, start, start + _LAST_MINUTE, bound),
        )


class _Custom:
    """A custom field: a text under its key in `texts`, or another value in `others`."""

    def __init__(self, key: str, zone: tzinfo) -> None:
        self._key = key
        self._zone = zone
        self._text = Sql('(p.texts->>%s::text) COLLATE "C"', (key,))

    def known(self) -> Sql:
        return Sql("(p.texts ? %s::text OR p.others ? %s::text)", (self._key, self._key))

    def text_in(self, texts: Sequence[str]) -> Sql:
        return one_of(self._text, texts)

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:  # noqa: ARG002
        return test(self._text)

    def number_is(self, number: float) -> Sql:
        return self._compared(self._key, "=", number)

    def number_side(self, sign: str, number: float) -> Sql:
        return self._compared(self._key, sign, number)

    def address(self, sign: str, network: Network) -> Sql:  # noqa: ARG002 - one is a range of one
        digits = Sql('(p.texts->>%s::text) COLLATE "C"', (address_key(self._key),))
        sides = (
            digits.then(" >= %s::text", address_digits(network.first)),
            digits.then(" <= %s::text", address_digits(network.last)),
        )
        return joined(" AND ", sides)

    def in_span(self, span: Span) -> Sql:
        start = None if span.start is None else wall_bound(span.start, self._zone)
        end = None if span.end is None else wall_bound(span.end, self._zone)
        walls = self._ticks(wall_key(self._key), start, end, NOWHERE)
        moments = self._ticks(moment_key(self._key), span.start, span.end, NEVER)
        return joined(" OR ", (walls.within("(", ")"), moments.within("(", ")"))).within("(", ")")

    def is_boolean(self, wanted: bool) -> Sql:  # noqa: FBT001
        return self._other(self._key).then(" = %s::jsonb", json.dumps(wanted))

    def has_tag(self, tag: str) -> Sql:
        raise AssertionError(f"custom values are no tags: {tag}")

    def kind_in(self, kinds: Sequence[str]) -> Sql:
        raise AssertionError(f"custom values are no kinds: {kinds}")

    def _ticks(
        self, key: str, start: datetime | None, end: datetime | None, since: datetime
    ) -> Sql:
        sides = []
        if start is not None:
            sides.append(self._other(key).then(" >= %s::jsonb", str(ticks(start, since))))
        if end is not None:
            sides.append(self._other(key).then(" < %s::jsonb", str(ticks(end, since))))
        return joined(" AND ", sides)

    def _compared(self, key: str, sign: str, number: float) -> Sql:
        _, exactly = number_parameter(number)
        other = self._other(key)
        sql = other.then(f" {sign} %s::jsonb", str(exactly))
        if sign.startswith(">"):
            sql = sql.then(f" AND {other.text} < {_BEYOND_NUMBERS}", *other.params)
        return sql

    def _other(self, key: str) -> Sql:
        return Sql("(p.others->%s::text)", (key,))


class Bound(NamedTuple):
    """The first or the last number of a range; sharp where all that it stands for belongs."""

    code: int
    is_sharp: bool = True


def _codes(
    start: datetime | None, end: datetime | None, since: datetime, *, is_moment: bool
) -> tuple[Bound, Bound]:
    """What stands for the times of a span."""
    first, last = Bound(codes.DATES), Bound(codes.TEXTS - 1)
    if start is not None:
        at = ticks(start, since)
        first = Bound(codes.date_code(at, is_moment=is_moment), codes.is_whole(at))
    if end is not None:
        at = ticks(end, since)
        code = codes.date_code(at, is_moment=is_moment)
        last = Bound(code - 1) if codes.is_whole(at) else Bound(code, is_sharp=False)
    return first, last


class _Slotted:
    """A custom field that has a slot. JSON is asked where the number there does not tell all."""

    def __init__(self, slot: int, plain: _Custom, zone: tzinfo) -> None:
        self._slot = Sql(f"p.s{slot}")
        self._plain = plain
        self._zone = zone

    def known(self) -> Sql:
        return self._slot.then(" <> 0")

    def text_in(self, texts: Sequence[str]) -> Sql:
        wanted = [codes.text_code(text) for text in texts]
        if len(wanted) == 1:
            near = self._slot.then(" = %s::bigint", wanted[0])
        else:
            near = self._slot.then(" = ANY(%s::bigint[])", wanted)
        return joined(" AND ", (near, self._plain.text_in(texts)))

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:
        return joined(" AND ", (self._from(codes.DATES), self._plain.when_text(near, test)))

    def number_is(self, number: float) -> Sql:
        return self.number_side("=", number)

    def number_side(self, sign: str, number: float) -> Sql:
        if not -codes.EXACT_BELOW < number < codes.EXACT_BELOW:
            return self._plain.number_side(sign, number)
        side = self._slot.then(f" {sign} %s::bigint", codes.number_code(number))
        if sign.startswith(">"):
            return side.then(f" AND {self._slot.text} < %s::bigint", codes.BEYOND_NUMBERS)
        return side.then(f" AND {self._slot.text} <> 0")

    def address(self, sign: str, network: Network) -> Sql:
        return joined(" AND ", (self._from(codes.TEXTS), self._plain.address(sign, network)))

    def in_span(self, span: Span) -> Sql:
        start = None if span.start is None else wall_bound(span.start, self._zone)
        end = None if span.end is None else wall_bound(span.end, self._zone)
        exactly = self._plain.in_span(span)
        wall, moment = (
            self._between(*bounds, exactly)
            for bounds in (
                _codes(start, end, NOWHERE, is_moment=False),
                _codes(span.start, span.end, NEVER, is_moment=True),
            )
        )
        kind = wall.within(f"CASE WHEN {self._slot.text} & 1 = 0 THEN ", " ELSE ")
        either = Sql(f"{kind.text}{moment.text} END", kind.params + moment.params)
        dates = self._from(codes.DATES).then(f" AND {self._slot.text} < %s::bigint", codes.TEXTS)
        return joined(" AND ", (dates, either))

    def _between(self, first: Bound, last: Bound, exactly: Sql) -> Sql:
        """Whether the slot is in the range; JSON decides where a bound lies within a number's."""
        sql = self._from(first.code).then(f" AND {self._slot.text} <= %s::bigint", last.code)
        for bound in (first, last):
            if not bound.is_sharp:
                unless = self._slot.then(" <> %s::bigint OR ", bound.code)
                sql = joined(" AND (", (sql, joined("", (unless, exactly)))).then(")")
        return sql

    def is_boolean(self, wanted: bool) -> Sql:  # noqa: FBT001
        return self._slot.then(" = %s::bigint", codes.YES if wanted else codes.NO)

    def has_tag(self, tag: str) -> Sql:
        return self._plain.has_tag(tag)

    def kind_in(self, kinds: Sequence[str]) -> Sql:
        return self._plain.kind_in(kinds)

    def _from(self, first: int) -> Sql:
        return self._slot.then(" >= %s::bigint", first)


def one_of(value: Sql, texts: Sequence[str]) -> Sql:
    """Whether the value is one of the texts."""
    if len(texts) == 1:
        return value.then(" = %s::text", texts[0])
    return value.then(" = ANY(%s::text[])", list(texts))
