"""What a column of a pack can be asked; each answer is a truth for each of its people.

Public: `unpacked`, `Mask`, and the columns that it gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regulars.filters.slots import EXACT_BELOW
from regulars.filters.values import exact_number
from regulars.people.packed.forms import BETWEEN, SIZES, Packed

Mask = NDArray[np.bool_]
Compares = Callable[[Any, Any], Any]  # a number, or an array of them, with what is wanted
_Numbers = NDArray[np.uint64]  # or smaller ones
_Bytes = NDArray[np.uint8]


def unpacked(packed: Packed, people: int) -> Column:
    """What the column of so many people can be asked."""
    return _FORMS[packed.form](packed, people)


class Column:
    """The values of some people in one field, of which nothing holds that does not fit them."""

    def __init__(self, packed: Packed, people: int) -> None:
        self._packed = packed
        self._people = people

    def known(self) -> Mask:
        """Whose value is known."""
        return self._numbers().astype(bool)

    def where(self, holds: Callable[[Any], bool]) -> Mask:  # noqa: ARG002
        """Whose value is a text, or what else numbers can't be, and so."""
        return self._nobody()

    def between(self, first: int | None, beyond: int | None) -> Mask:  # noqa: ARG002
        """Whose whole number is not below the first and below the other."""
        return self._nobody()

    def compared(self, holds: Compares, wanted: Any) -> Mask:  # noqa: ARG002
        """Whose number stands so to what is wanted: a number, or two."""
        return self._nobody()

    def having(self, bit: int) -> Mask:  # noqa: ARG002
        """Whose whole number has that bit set, from 0."""
        return self._nobody()

    def whole(self) -> NDArray[np.int64] | None:
        """The whole numbers, if that is what all values are; where none is known, any."""
        return None

    def _nobody(self) -> Mask:
        return np.zeros(self._people, bool)

    def _numbers(self) -> _Numbers:
        size = len(self._packed.codes) // self._people
        return np.frombuffer(self._packed.codes, SIZES[size.bit_length() - 1])


class _Listed(Column):
    """Values of which each person has the number."""

    def _told(self, truths: Sequence[bool] | Mask) -> Mask:
        """Of each person what is true of their value; of no value nothing is."""
        told: Mask = np.concatenate((np.zeros(1, bool), np.asarray(truths, bool)))
        return told[self._numbers()]


class Words(_Listed):
    """Texts."""

    def where(self, holds: Callable[[Any], bool]) -> Mask:
        return self._told([holds(word) for word in self._packed.words.decode().split(BETWEEN)])

    def containing(self, part: str) -> Mask:
        return self._found(part, _containing)

    def starting(self, part: str) -> Mask:
        return self._found(part, lambda bare, sought: bare.having_at(bare.starts, sought))

    def ending(self, part: str) -> Mask:
        return self._found(
            part, lambda bare, sought: bare.having_at(bare.ends - len(sought), sought)
        )

    def _found(self, part: str, find: Callable[[_Bare, _Bytes], Mask]) -> Mask:
        bare = _Bare(self._packed.words)
        return self._told(find(bare, np.frombuffer(part.encode(), np.uint8)))


class Mixed(_Listed):
    """Values of any type."""

    def where(self, holds: Callable[[Any], bool]) -> Mask:
        return self._told([holds(value) for value in json.loads(self._packed.words)])

    def between(self, first: int | None, beyond: int | None) -> Mask:
        def holds(value: Any) -> bool:
            return (
                type(value) is int
                and (first is None or first <= value)
                and (beyond is None or value < beyond)
            )

        return self.where(holds)

    def compared(self, holds: Compares, wanted: Any) -> Mask:
        def fits(value: Any) -> bool:
            number = exact_number(value)
            return number is not None and bool(holds(number, wanted))

        return self.where(fits)


class Whole(Column):
    """Whole numbers."""

    def __init__(self, packed: Packed, people: int) -> None:
        super().__init__(packed, people)
        self._least = int(packed.words)

    def between(self, first: int | None, beyond: int | None) -> Mask:
        above = self._numbers()
        top = int(np.iinfo(above.dtype).max)
        start = 1 if first is None else max(first - self._least + 1, 1)
        end = top + 1 if beyond is None else beyond - self._least + 1
        if start > top or end <= start:
            return self._nobody()
        found: Mask = above >= above.dtype.type(start)
        if end <= top:
            found &= above < above.dtype.type(end)
        return found

    def having(self, bit: int) -> Mask:
        found: Mask = self.whole() & np.int64(1 << bit) != 0
        return self.known() & found

    def compared(self, holds: Compares, wanted: Any) -> Mask:
        found: Mask = self.known() & holds(self.whole(), _no_further(wanted))
        return found

    def whole(self) -> NDArray[np.int64]:
        above = self._numbers().astype(np.uint64)
        return (above + np.uint64((self._least - 1) % 2**64)).view(np.int64)


class Floats(Column):
    """Numbers that a float is exactly."""

    def known(self) -> Mask:
        return ~np.isnan(self._values())

    def compared(self, holds: Compares, wanted: Any) -> Mask:
        found: Mask = self.known() & holds(self._values(), _no_further(wanted))
        return found

    def _values(self) -> NDArray[np.float64]:
        return np.frombuffer(self._packed.codes, np.float64)


_FORMS: dict[str, type[Column]] = {
    "words": Words, "mixed": Mixed, "whole": Whole, "floats": Floats,
}  # fmt: skip


class _Bare:
    """Texts as the bytes that they are: of many, that is quicker than one by one."""

    def __init__(self, written: bytes) -> None:
        self.bytes = np.frombuffer(written, np.uint8)
        breaks = np.flatnonzero(self.bytes == 0)
        self.starts = np.concatenate((np.zeros(1, breaks.dtype), breaks + 1))
        self.ends = np.concatenate((breaks, np.full(1, len(written), breaks.dtype)))

    def having_at(self, places: NDArray[np.intp], sought: _Bytes) -> Mask:
        """Which texts have that at these places, one in each."""
        found = self.ends - self.starts >= len(sought)
        for n, byte in enumerate(sought):
            left = np.flatnonzero(found)
            found[left] = self.bytes[places[left] + n] == byte
        return found


def _containing(bare: _Bare, sought: _Bytes) -> Mask:
    begins = np.zeros(len(bare.bytes), bool)
    last = len(bare.bytes) - len(sought) + 1
    if last <= 0:
        return np.zeros(len(bare.starts), bool)
    begins[:last] = True
    for n, byte in enumerate(sought):
        begins[:last] &= bare.bytes[n : last + n] == byte
    found: Mask = np.logical_or.reduceat(begins, bare.starts)
    return found


def _no_further(wanted: Any) -> Any:
    """What stands to all numbers that a float is exactly as this does, and is one itself."""
    if isinstance(wanted, tuple):
        return tuple(_no_further(one) for one in wanted)
    return max(-EXACT_BELOW, min(wanted, EXACT_BELOW))
