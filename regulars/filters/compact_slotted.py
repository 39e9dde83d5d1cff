"""Custom fields of compact rows that have a slot: comparisons of whole numbers (`slots.py`).

Public: `Slotted`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from regulars.filters import slots as codes
from regulars.filters.compact_custom import Custom
from regulars.filters.operands import Network
from regulars.filters.slots import NEVER, NOWHERE, ticks
from regulars.filters.sql import Sql, joined
from regulars.filters.times import Span, wall_bound


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


class Slotted:
    """A custom field that has a slot. JSON is asked where the number there does not tell all."""

    def __init__(self, slot: int, key: str, zone: tzinfo) -> None:
        self._slot = Sql(f"p.s{slot}")
        self._plain = Custom(key, zone)
        self._again = Custom(key, zone, "again")
        self._zone = zone

    def known(self) -> Sql:
        return self._slot.then(" <> 0")

    def text_in(self, texts: Sequence[str]) -> Sql:
        wanted = [codes.text_code(text) for text in texts]
        if len(wanted) == 1:
            near = self._slot.then(" = %s::bigint", wanted[0])
        else:
            near = self._slot.then(" = ANY(%s::bigint[])", wanted)
        if all(code >= codes.SHORT_TEXTS for code in wanted):
            return near
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
        # Asked apart, of the few on a bound: so that the primary key's index answers for the rest.
        exactly = self._again.in_span(span).within(
            "(SELECT ",
            " FROM person_compact again WHERE again.project_id = p.project_id AND again.id = p.id)",
        )
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
