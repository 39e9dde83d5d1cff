"""Filters into SQL over the compact rows: `p` is a row of `person_compact`, and nothing else.

What stands in those rows is said in the migration that makes them: folded texts in columns of
their own, custom values in two JSON objects by type, dates that custom texts write as numbers, and
of `last_seen` the day alone. Where a bound lies within somebody's day, their own instant is looked
up in `person_activity`.

Public: `compact_column_of`, `seen_that_day`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from uuid import UUID

from regulars.filters.catalog import Field, ValueType
from regulars.filters.columns import Column, between, number_parameter
from regulars.filters.compact_custom import Custom, custom_key, one_of
from regulars.filters.compact_slotted import Slotted
from regulars.filters.operands import Network
from regulars.filters.sql import Sql, joined
from regulars.filters.times import Span

_LAST_MINUTE = timedelta(hours=23, minutes=59)  # of a day

NONE: Mapping[str, int] = MappingProxyType({})


def compact_column_of(
    field: Field,
    zone: tzinfo,
    apart: UUID | None = None,
    slots: Mapping[str, int] = NONE,
) -> Column:
    """Where compact rows have the field; `apart` and `slots` as in `to_sql.compact_sql`."""
    if field.bag is not None:
        key = custom_key(field.bag, field.name)
        return Slotted(slots[key], key, zone) if key in slots else Custom(key, zone)
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
        return seen_that_day(self._apart, bound, sign).within("p.id IN (", ")")


def seen_that_day(project_id: UUID, bound: datetime, sign: str) -> Sql:
    """A statement for the ids of those who were last seen on the bound's day (UTC), and `<` it or
    `>=` it.
    """
    bound = bound.astimezone(UTC)
    start = bound.replace(hour=0, minute=0, second=0, microsecond=0)
    minute = bound.replace(second=0, microsecond=0)
    first, last = (minute, start + _LAST_MINUTE) if sign == ">=" else (start, minute)
    return Sql(
        "SELECT a.id FROM person_activity a WHERE a.project_id = %s::uuid"
        " AND a.kind IN ('user', 'lead', 'visitor')"
        " AND a.last_seen_minute >= %s::timestamptz AND a.last_seen_minute <= %s::timestamptz"
        f" AND a.last_seen {sign} %s::timestamptz",
        (project_id, first, last, bound),
    )
