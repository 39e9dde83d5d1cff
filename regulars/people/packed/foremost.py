"""The first of those whom packs find, in the order of a number that packs have.

A page needs a few dozen of maybe many thousands. Packs have some orders themselves, one of them by
the day alone: so they leave so many that the page is among them, and SQL says which it is.

Public: `Foremost`, `foremost`, `Some`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regulars.filters.slots import NEVER, ticks
from regulars.people.orders import Cursor, Sort
from regulars.people.packed.asking import DAY
from regulars.people.packed.columns import Column, Mask

Ids = NDArray[np.bytes_]  # of 16 bytes each; no two differ by zeros at the end alone

# Orders and the columns that hold them.
_COLUMNS = {
    "last_seen": "seen_day", "first_seen": "first_seen", "signed_up_at": "signed_up_at",
    "last_contacted": "last_contacted", "last_emailed": "last_emailed", "sessions": "sessions",
}  # fmt: skip


@dataclass(frozen=True)
class Foremost:
    """The first `most` by a column of whole numbers; behind `start`, with all at it, if given."""

    field: str
    descending: bool
    most: int
    start: int | None = None

    def of(self, found: Sequence[Some]) -> list[Ids]:
        """Who may be among the first; whose number is not known comes last."""
        sign = -1 if self.descending else 1
        known = [(one.ids[one.known], sign * one.numbers[one.known]) for one in found]
        ids = np.concatenate([ids for ids, _ in known])
        numbers = np.concatenate([numbers for _, numbers in known])
        at_start = ids[:0]
        if self.start is not None:
            start = sign * self.start
            at_start = ids[numbers == start]
            ids, numbers = ids[numbers > start], numbers[numbers > start]
        if len(numbers) <= self.most:
            return [at_start, ids, *(one.ids[~one.known] for one in found)]
        last = np.partition(numbers, self.most - 1)[self.most - 1]
        return [at_start, ids[numbers <= last]]


class Some(NamedTuple):
    """People found, and their numbers in the order; where these are not known, any."""

    ids: Ids
    numbers: NDArray[np.int64]
    known: Mask


def some(ids: Ids, holds: Mask, column: Column | None) -> Some:
    """Those of a pack of whom something holds, where the column has their numbers, if any has."""
    numbers = None if column is None else column.whole()
    if column is None or numbers is None:
        found = ids[holds]
        return Some(found, np.zeros(len(found), np.int64), np.zeros(len(found), bool))
    return Some(ids[holds], numbers[holds], column.known()[holds])


def foremost(sort: Sort, most: int, after: Cursor | None) -> Foremost | None:
    """What packs can say of the page behind the cursor; None where they have not the order."""
    column = _COLUMNS.get(sort.order.key)
    if column is None or (after is not None and after.value is None):
        return None
    start = None if after is None else _number(column, after.value)
    return Foremost(column, sort.descending, most, start)


def _number(column: str, value: Any) -> int:
    if column == "sessions":
        return int(value)
    return (value - NEVER) // DAY if column == "seen_day" else ticks(value, NEVER)
