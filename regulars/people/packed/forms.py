"""How a column of a pack is written.

A column is of one of four forms. `words`: each distinct text once, and for each person the number
of theirs. `mixed`: the same of JSON values. `whole`: whole numbers, counted from the least.
`floats`: numbers that a float is exactly. Who has no value has 0, and among floats not-a-number.
Of a column whose distinct values are too long to be read each time, it is written that it is left
out.

Public: `Packed`, `MOST`, `LEFT_OUT`, `words`, `mixed`, `whole`, `floats`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regulars.filters.slots import EXACT_BELOW

MOST = 60_000  # people of a pack: numbers of values take two bytes at most
LONGEST = 8 * 1024 * 1024  # bytes of the distinct values of a column
BETWEEN = "\x00"  # words: PostgreSQL has it in no text
SIZES = (np.uint8, np.uint16, np.uint32, np.uint64)  # of numbers, in the order of their bytes


LEFT_OUT = "left out"  # the form of a column that is too long


class Packed(NamedTuple):
    """A column as it is stored: numbers for people, and what is said once for all."""

    form: str
    codes: bytes
    words: bytes


def words(values: Sequence[str | None]) -> Packed | None:
    """Texts; None where nobody has one."""
    codes, distinct = _numbered(values)
    return _packed("words", codes, BETWEEN.join(distinct).encode()) if distinct else None


def mixed(values: Sequence[Any]) -> Packed | None:
    """Values of any type that JSON has; None where nobody has one."""
    # Written out, since True is 1 in Python, and not in filters.
    written = [None if value is None else json.dumps(value) for value in values]
    codes, distinct = _numbered(written)
    return _packed("mixed", codes, f"[{','.join(distinct)}]".encode()) if distinct else None


def whole(values: NDArray[np.int64], known: NDArray[np.bool_]) -> Packed | None:
    """Whole numbers with a sign and 64 bits; None where nobody has one."""
    if not known.any():
        return None
    least = int(values[known].min())
    above = np.where(known, values.view(np.uint64) - np.uint64(least % 2**64) + np.uint64(1), 0)
    size = next(size for size in SIZES if int(above.max()) <= np.iinfo(size).max)
    return Packed("whole", above.astype(size).tobytes(), str(least).encode())


def floats(values: Sequence[Any]) -> Packed | None:
    """Numbers, None where unknown; no column where a float would not do for one of them."""
    if any(value is not None and not -EXACT_BELOW < value < EXACT_BELOW for value in values):
        return None
    column = np.array([np.nan if value is None else value for value in values], np.float64)
    return Packed("floats", column.tobytes(), b"")


def _numbered(values: Iterable[str | None]) -> tuple[list[int], list[str]]:
    """For each value the number of its text, from 1, 0 for none; and the texts."""
    numbers: dict[str | None, int] = {None: 0}
    codes = [numbers.setdefault(value, len(numbers)) for value in values]
    return codes, [text for text in numbers if text is not None]


def _packed(form: str, codes: list[int], written: bytes) -> Packed:
    if len(written) > LONGEST:
        return Packed(LEFT_OUT, b"", b"")
    size = np.uint8 if max(codes) <= np.iinfo(np.uint8).max else np.uint16
    return Packed(form, np.array(codes, size).tobytes(), written)
