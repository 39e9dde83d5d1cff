"""Where SQL finds a field's value, and how it asks about it.

A `Column` answers the questions that operators ask. Every answer is true exactly where the value
is known, fits the type and meets the test; elsewhere it may be false or NULL.

Public: `Column`, `column_of`, `number_parameter`, `between`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from regulars.filters.catalog import Field, ValueType
from regulars.filters.operands import Network
from regulars.filters.sql import Sql, joined
from regulars.filters.sql_fold import folded_in_sql
from regulars.filters.times import MOMENT_PATTERN, WALL_PATTERN, Span, wall_bound
from regulars.filters.values import ADDRESS_PATTERN

# Up to so many texts, containment is asked for each, which the index on `folded` answers;
# beyond, one hashed comparison is quicker than that many.
_FEW_TEXTS = 8

_BIGINT = 2**63

# PostgreSQL orders JSON by type: null, texts, numbers, truth values, lists that are not empty,
# objects. So this comes after all numbers, and only what does not come before any.
BEYOND_NUMBERS = "'false'::jsonb"

# What a date or an address may be made of, once folded.
_DATE_CHARACTERS = "0123456789-:.+tz "
_ADDRESS_CHARACTERS = "0123456789abcdef:."

# PostgreSQL would round digits past the microsecond; Python cuts them off.
_CUT = r"regexp_replace({}, '(\.[0-9]{{6}})[0-9]+', '\1')"


class Column(Protocol):
    """The questions an operator may ask of a field's value."""

    def known(self) -> Sql: ...
    def text_in(self, texts: Sequence[str]) -> Sql: ...
    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql: ...
    def number_is(self, number: float) -> Sql: ...
    def number_side(self, sign: str, number: float) -> Sql: ...
    def address(self, sign: str, network: Network) -> Sql: ...
    def in_span(self, span: Span) -> Sql: ...
    def is_boolean(self, wanted: bool) -> Sql: ...  # noqa: FBT001
    def has_tag(self, tag: str) -> Sql: ...
    def kind_in(self, kinds: Sequence[str]) -> Sql: ...


def column_of(field: Field, zone: tzinfo) -> Column:
    if field.type is not None:
        return _Standard(field)
    return _Property(field, zone) if field.bag == "properties" else _Custom(field, zone)


class _Standard:
    """A standard field: a column of its own, and a folded copy where it is text."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._value = Sql(field.column or "")

    def known(self) -> Sql:
        if self._field.type is ValueType.TEXT:
            return self._text().then(" <> ''")
        if self._field.type is ValueType.LIST:
            return self._value.within("cardinality(", ") > 0")
        return self._value.then(" IS NOT NULL")

    def text_in(self, texts: Sequence[str]) -> Sql:
        if self._field.folded is None:
            return _contained(self._field.key, self._text(), texts)
        if len(texts) == 1:
            return self._text().then(" = %s::text", texts[0])
        return self._text().then(" = ANY(%s::text[])", list(texts))

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:  # noqa: ARG002
        return test(self._text())

    def number_is(self, number: float) -> Sql:
        return self.number_side("=", number)

    def number_side(self, sign: str, number: float) -> Sql:
        return self._value.then(f" {sign} ").then(*number_parameter(number))

    def address(self, sign: str, network: Network) -> Sql:
        return self._value.then(f" {sign} %s::inet", network.text)

    def in_span(self, span: Span) -> Sql:
        return between(self._value, span.start, span.end, "timestamptz")

    def is_boolean(self, wanted: bool) -> Sql:  # noqa: FBT001
        return self._value.then(" = %s::boolean", wanted)

    def has_tag(self, tag: str) -> Sql:
        return self._value.then(" @> %s::text[]", [tag])

    def kind_in(self, kinds: Sequence[str]) -> Sql:
        if len(kinds) == 1:
            return self._value.then(" = %s::text", kinds[0])
        return self._value.then(" = ANY(%s::text[])", list(kinds))

    def _text(self) -> Sql:
        if self._field.folded is not None:
            return Sql(f'{self._field.folded} COLLATE "C"')
        return Sql('(p.folded->>%s::text) COLLATE "C"', (self._field.key,))


class _Custom:
    """A custom field of a person: a key of a JSON object, and a folded copy where it is text."""

    def __init__(self, field: Field, zone: tzinfo) -> None:
        self._field = field
        self._zone = zone
        alias = "e" if field.bag == "properties" else "p"
        self._object = f"{alias}.{field.bag}"
        self._json = Sql(f"({self._object}->%s::text)", (field.name,))

    def known(self) -> Sql:
        kind = self._json.within("CASE coalesce(jsonb_typeof(", "), 'null')")
        blank = self._unfolded().within("coalesce(", ", '') <> ''")
        return kind.then(" WHEN 'null' THEN false WHEN 'string' THEN ").then(
            f"{blank.text} ELSE true END", *blank.params
        )

    def text_in(self, texts: Sequence[str]) -> Sql:
        return _contained(self._field.key, self._text(""), texts)

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:
        return test(self._text(near))

    def number_is(self, number: float) -> Sql:
        return self._contains(number)

    def number_side(self, sign: str, number: float) -> Sql:
        # JSON is ordered by type, and compares numbers as they are: a cast would cost more.
        _, exactly = number_parameter(number)
        side = self._json.then(f" {sign} %s::jsonb", str(exactly))
        others = (
            self._json.then(f" < {BEYOND_NUMBERS}")
            if sign.startswith(">")
            else self._json.within("jsonb_typeof(", ") = 'number'")
        )
        return joined(" AND ", (side, others))

    def address(self, sign: str, network: Network) -> Sql:
        text = self._text(_ADDRESS_CHARACTERS)
        holds = text.within("(", f")::inet {sign} ").then("%s::inet", network.text)
        return text.within("CASE WHEN ", f" ~ '{ADDRESS_PATTERN}' THEN ").then(
            f"{holds.text} ELSE false END", *holds.params
        )

    def in_span(self, span: Span) -> Sql:
        text = self._text(_DATE_CHARACTERS)
        cut = Sql(_CUT.format(text.text), text.params)
        start = None if span.start is None else wall_bound(span.start, self._zone)
        end = None if span.end is None else wall_bound(span.end, self._zone)
        moment = between(cut.then("::timestamptz"), span.start, span.end, "timestamptz")
        wall = between(cut.then("::timestamp"), start, end, "timestamp")
        return joined(
            "",
            (
                _roughly(text, span),
                text.within(" AND CASE WHEN ", f" ~ '{MOMENT_PATTERN}' THEN "),
                moment,
                text.within(" WHEN ", f" ~ '{WALL_PATTERN}' THEN "),
                wall,
                Sql(" ELSE false END"),
            ),
        )

    def is_boolean(self, wanted: bool) -> Sql:  # noqa: FBT001
        return self._contains(wanted)

    def has_tag(self, tag: str) -> Sql:
        raise AssertionError(f"custom values are no tags: {tag}")

    def kind_in(self, kinds: Sequence[str]) -> Sql:
        raise AssertionError(f"custom values are no kinds: {kinds}")

    def _contains(self, value: object) -> Sql:
        return Sql(f"{self._object} @> %s::jsonb", (_json({self._field.name: value}),))

    def _text(self, near: str) -> Sql:  # noqa: ARG002
        """The folded text, or NULL where the value is not text; `near` helps where SQL folds."""
        return Sql('(p.folded->>%s::text) COLLATE "C"', (self._field.key,))

    def _unfolded(self) -> Sql:
        """Text that is blank just where the value is blank text."""
        return self._text("")


class _Property(_Custom):
    """A property of an event. Events keep no folded copy, so SQL folds."""

    def text_in(self, texts: Sequence[str]) -> Sql:
        text = self._text("".join(texts))
        if len(texts) == 1:
            return text.then(" = %s::text", texts[0])
        return text.then(" = ANY(%s::text[])", list(texts))

    def _text(self, near: str) -> Sql:
        return folded_in_sql(self._raw(), near).within("(", ') COLLATE "C"')

    def _unfolded(self) -> Sql:
        return folded_in_sql(self._raw(), "")

    def _raw(self) -> Sql:
        raw = Sql(f"{self._object}->>%s::text", (self._field.name,))
        return self._json.within("CASE WHEN jsonb_typeof(", ") = 'string' THEN ").then(
            f"{raw.text} END", *raw.params
        )


def number_parameter(number: float) -> tuple[str, object]:
    """A placeholder and its parameter; of the type that lets an index on whole numbers serve."""
    if isinstance(number, int):
        return ("%s::bigint", number) if abs(number) < _BIGINT else ("%s::numeric", Decimal(number))
    return "%s::numeric", Decimal(repr(number))


def _contained(key: str, text: Sql, texts: Sequence[str]) -> Sql:
    """Whether a person's folded copies hold one of the texts under `key`."""
    if len(texts) > _FEW_TEXTS:
        return text.then(" = ANY(%s::text[])", list(texts))
    wanted = [_json({key: one}) for one in texts]
    if len(wanted) == 1:
        return Sql("p.folded @> %s::jsonb", (wanted[0],))
    return Sql("p.folded @> ANY(%s::text[]::jsonb[])", (wanted,))


def _roughly(text: Sql, span: Span) -> Sql:
    """A quick test that texts of dates in the span pass, most others do not.

    A date's text begins with a day, which is off its day in UTC by one at most. Matching a
    pattern takes PostgreSQL ten times as long.
    """
    tests = []
    if span.start is not None:
        first = span.start.astimezone(UTC).date() - timedelta(days=1)
        tests.append(text.then(" >= %s::text", first.isoformat()))
    if span.end is not None:
        beyond = span.end.astimezone(UTC).date() + timedelta(days=2)
        tests.append(text.then(" < %s::text", beyond.isoformat()))
    return joined(" AND ", tests)


def between(value: Sql, start: datetime | None, end: datetime | None, kind: str) -> Sql:
    """Whether a time lies in the span, its end left out."""
    bounds = []
    if start is not None:
        bounds.append(value.then(f" >= %s::{kind}", start))
    if end is not None:
        bounds.append(value.then(f" < %s::{kind}", end))
    return joined(" AND ", bounds)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
