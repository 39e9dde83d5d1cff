"""Custom fields of compact rows, where no slot tells: a key of one of two JSON objects.

Public: `Custom`, `one_of`, and the keys under which the rows are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from regulars.filters.columns import BEYOND_NUMBERS, number_parameter
from regulars.filters.operands import Network
from regulars.filters.slots import NEVER, NOWHERE, ticks
from regulars.filters.sql import Sql, joined
from regulars.filters.times import Span, wall_bound


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


class Custom:
    """A custom field: a text under its key in `texts`, or another value in `others`."""

    def __init__(self, key: str, zone: tzinfo, row: str = "p") -> None:
        self._key = key
        self._zone = zone
        self._row = row
        self._text = self._text_of(key)

    def known(self) -> Sql:
        known = f"({self._row}.texts ? %s::text OR {self._row}.others ? %s::text)"
        return Sql(known, (self._key, self._key))

    def text_in(self, texts: Sequence[str]) -> Sql:
        return one_of(self._text, texts)

    def when_text(self, near: str, test: Callable[[Sql], Sql]) -> Sql:  # noqa: ARG002
        return test(self._text)

    def number_is(self, number: float) -> Sql:
        return self._compared(self._key, "=", number)

    def number_side(self, sign: str, number: float) -> Sql:
        return self._compared(self._key, sign, number)

    def address(self, sign: str, network: Network) -> Sql:  # noqa: ARG002 - one is a range of one
        digits = self._text_of(address_key(self._key))
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
            sql = sql.then(f" AND {other.text} < {BEYOND_NUMBERS}", *other.params)
        return sql

    def _other(self, key: str) -> Sql:
        return Sql(f"({self._row}.others->%s::text)", (key,))

    def _text_of(self, key: str) -> Sql:
        return Sql(f'({self._row}.texts->>%s::text) COLLATE "C"', (key,))


def one_of(value: Sql, texts: Sequence[str]) -> Sql:
    """Whether the value is one of the texts."""
    if len(texts) == 1:
        return value.then(" = %s::text", texts[0])
    return value.then(" = ANY(%s::text[])", list(texts))
