"""Numbers that stand for custom values, so that a count compares integers instead of reading JSON.

The first attributes of a project have a column each in the compact rows, a slot, and what stands in
it says what the value is: 0 where it is unknown, numbers in their order, then truth values, lists
and objects, then dates in their order and by the millisecond, then all other texts: long ones by a
hash, short ones of plain letters by a number that is theirs alone.
What two values may share is looked up in JSON: a date on the bound's own millisecond, a text of the
wanted hash, whole numbers past 2^53.

Public: `SLOTS`, `other_code`, `text_code`, `date_code`, `number_code`, `ticks`, and what is
compared with.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from regulars.filters.times import read_iso

SLOTS = 12  # attributes of a project that have one: eight bytes a person each

# What times in compact rows count from: instants, and readings of a wall clock.
NEVER, NOWHERE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1)  # noqa: DTZ001
_MICROSECOND = timedelta(microseconds=1)

# Numbers take what the bits of a float do; these stand above the largest of them.
_SIGN = 1 << 63
_PAST_ALL_FLOATS = 0x7FF0 << 48
BEYOND_NUMBERS = 0x7FF1 << 48
NO, YES, COMPOUND = BEYOND_NUMBERS, BEYOND_NUMBERS + 1, BEYOND_NUMBERS + 2
DATES = 0x7FF2 << 48
TEXTS = 0x7FF8 << 48  # dates are texts, too: these are the others
_HASHED = (1 << 50) - 1
SHORT_TEXTS = 0x7FFC << 48  # of these no two share a number
_WORDS = SHORT_TEXTS, 10, "abcdefghijklmnopqrstuvwxyz -"
_CODES = 0x7FFE << 48, 9, "abcdefghijklmnopqrstuvwxyz0123456789 -_"
_BEFORE_ALL_DATES = 1 << 46  # milliseconds before 2000, which lie before the year 1

# Whole numbers below it have a float of their own.
EXACT_BELOW = 2**53
_LONGEST_DATE = 40  # characters
_REMEMBERED = 16_384


def ticks(at: datetime, since: datetime) -> int:
    """Microseconds since one of the two beginnings."""
    return (at - since) // _MICROSECOND


def other_code(value: Any) -> int:
    """What stands for a custom value that is no text and not unknown."""
    if value is True:
        return YES
    if value is False:
        return NO
    return COMPOUND if isinstance(value, (list, dict)) else number_code(value)


def number_code(number: float) -> int:
    """What stands for a number: greater for a greater one, never 0."""
    bits: int
    try:
        (bits,) = struct.unpack(">Q", struct.pack(">d", float(number) or 0.0))
    except OverflowError:
        bits = _PAST_ALL_FLOATS if number > 0 else _PAST_ALL_FLOATS | _SIGN
    return bits + 1 if bits < _SIGN else -(bits - _SIGN)


@lru_cache(maxsize=_REMEMBERED)
def text_code(text: str) -> int:
    """What stands for a folded text."""
    if len(text) <= _LONGEST_DATE and text[0] in "0123456789":
        moment = read_iso(text)
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return date_code(ticks(moment, NEVER), is_moment=True)
        if moment is not None:
            wall = moment if isinstance(moment, datetime) else datetime(*moment.timetuple()[:3])  # noqa: DTZ001
            return date_code(ticks(wall, NOWHERE), is_moment=False)
    for first, longest, alphabet in (_WORDS, _CODES):
        if len(text) <= longest and not set(text).difference(alphabet):
            return first + _spelled(text, alphabet)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return TEXTS + (int.from_bytes(digest, "big") & _HASHED)


def _spelled(text: str, alphabet: str) -> int:
    """A number for each text of the alphabet."""
    number = 0
    for letter in text:
        number = number * len(alphabet) + alphabet.index(letter) + 1
    return number


def date_code(at: int, *, is_moment: bool) -> int:
    """What stands for a time, given in ticks: odd for a moment, even for a reading."""
    return DATES + 2 * (at // 1000 + _BEFORE_ALL_DATES) + is_moment


def is_whole(at: int) -> bool:
    """Whether the time begins its millisecond."""
    return at % 1000 == 0
