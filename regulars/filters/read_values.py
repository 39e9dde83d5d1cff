"""Values of conditions out of JSON: typed, bounded, and never coerced.

Public: `Reader`, `whole`, `identifier`, `shown`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from regulars.filters.ast import Value
from regulars.filters.behaviour import MAX_DAYS
from regulars.filters.errors import FilterError
from regulars.filters.operands import KINDS, Operand
from regulars.filters.times import read_iso
from regulars.filters.values import address_number, network_range
from regulars.kit.text import fold

MAX_TEXT = 8_192  # characters of one text
MAX_LIST = 1_000  # texts in one list
MAX_FILTER_TEXT = 262_144  # characters of all texts of one filter
MAX_NUMBER = 10**300
# Days of these years have a beginning and an end in every time zone.
FIRST_YEAR, LAST_YEAR = 1000, 9998
_SHOWN = 40


class Reader:
    """Reads the values of one filter; counts their text so that a filter stays a filter."""

    def __init__(self) -> None:
        self._text_left = MAX_FILTER_TEXT

    def value(self, operand: Operand, raw: Any, at: str) -> Value:
        """The value of an operator. Raises `FilterError` where it is not what `operand` says."""
        return self._readers[operand](self, raw, at)

    def text(self, raw: Any, at: str, what: str = "text") -> str:
        """Text that PostgreSQL can hold and that is not blank."""
        if not isinstance(raw, str):
            raise FilterError(f"Expected {what}, got {shown(raw)}", at)
        self._text_left -= len(raw)
        if len(raw) > MAX_TEXT:
            raise FilterError(f"Expected {what} of at most {MAX_TEXT:,} characters", at)
        if self._text_left < 0:
            raise FilterError(f"A filter may hold {MAX_FILTER_TEXT:,} characters of text", at)
        if "\0" in raw:
            raise FilterError(f"Expected {what} without NUL characters", at)
        if not raw.isascii() and any("\ud800" <= one <= "\udfff" for one in raw):
            raise FilterError(f"Expected {what} without unpaired surrogates", at)
        if not raw.strip():
            raise FilterError(f"Expected {what} that is not empty", at)
        return raw

    def _moment(self, raw: Any, at: str) -> str:
        moment = read_iso(fold(self.text(raw, at, Operand.MOMENT.value)))
        if moment is None:
            raise _expected(Operand.MOMENT, raw, at)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise FilterError(f"Expected a year from {FIRST_YEAR} to {LAST_YEAR}", at)
        return str(raw)

    def _address(self, raw: Any, at: str) -> str:
        if address_number(fold(self.text(raw, at, Operand.ADDRESS.value))) is None:
            raise _expected(Operand.ADDRESS, raw, at)
        return str(raw)

    def _network(self, raw: Any, at: str) -> str:
        text = fold(self.text(raw, at, Operand.NETWORK.value))
        address, slash, length = text.partition("/")
        numeric = length.isascii() and length.isdigit()
        if address_number(address) is None or (slash and not numeric):
            raise _expected(Operand.NETWORK, raw, at)
        try:
            network_range(text)
        except ValueError:
            raise _expected(Operand.NETWORK, raw, at) from None
        return str(raw)

    def _moments(self, raw: Any, at: str) -> Value:
        first, last = _pair(raw, Operand.MOMENTS, at)
        return self._moment(first, f"{at}[0]"), self._moment(last, f"{at}[1]")

    def _list_of_texts(self, raw: Any, at: str) -> Value:
        return tuple(self.text(one, f"{at}[{n}]") for n, one in _list(raw, Operand.TEXTS, at))

    _readers: ClassVar[dict[Operand, Callable[[Reader, Any, str], Value]]] = {
        Operand.NOTHING: lambda _, raw, at: _nothing(raw, at),
        Operand.TEXT: text,
        Operand.TEXTS: _list_of_texts,
        Operand.NUMBER: lambda _, raw, at: _number(raw, at),
        Operand.NUMBERS: lambda _, raw, at: _numbers(raw, at),
        Operand.MOMENT: _moment,
        Operand.MOMENTS: _moments,
        Operand.DAYS: lambda _, raw, at: whole(raw, 1, MAX_DAYS, at, Operand.DAYS.value),
        Operand.BOOLEAN: lambda _, raw, at: _boolean(raw, at),
        Operand.ADDRESS: _address,
        Operand.NETWORK: _network,
        Operand.KIND: lambda _, raw, at: _kind(raw, at),
        Operand.KINDS: lambda _, raw, at: _kinds(raw, at),
    }


def whole(raw: Any, low: int, high: int, at: str, what: str) -> int:
    """A whole number in a range; 28.0 is 28."""
    if isinstance(raw, float) and isfinite(raw) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
        raise FilterError(f"Expected {what} from {low:,} to {high:,}, got {shown(raw)}", at)
    return raw


def identifier(raw: Any, at: str, what: str) -> UUID:
    """An id as the API writes ids."""
    try:
        return UUID(raw)
    except (ValueError, TypeError, AttributeError):
        raise FilterError(f"Expected the id of {what}, got {shown(raw)}", at) from None


def shown(raw: Any) -> str:
    """What was found, short enough for an error and fit to be printed."""
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, str):
        short = raw if len(raw) <= _SHOWN else raw[: _SHOWN - 1] + "…"
        printable = "".join(
            one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in short
        )
        return f"“{printable}”"
    if isinstance(raw, int):
        return str(raw) if abs(raw) < MAX_NUMBER else "a number too large"
    if isinstance(raw, float):
        return str(raw)
    return "a list" if isinstance(raw, list | tuple) else "an object"


def _number(raw: Any, at: str) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _expected(Operand.NUMBER, raw, at)
    if not (isinstance(raw, int) or isfinite(raw)) or abs(raw) >= MAX_NUMBER:
        raise FilterError("Expected a number between -1e300 and 1e300", at)
    return raw


def _numbers(raw: Any, at: str) -> tuple[int | float, int | float]:
    low, high = _pair(raw, Operand.NUMBERS, at)
    return _number(low, f"{at}[0]"), _number(high, f"{at}[1]")


def _nothing(_: Any, at: str) -> NoReturn:
    raise FilterError("This operator takes no value", at)


def _boolean(raw: Any, at: str) -> bool:
    if not isinstance(raw, bool):
        raise _expected(Operand.BOOLEAN, raw, at)
    return raw


def _kinds(raw: Any, at: str) -> tuple[str, ...]:
    return tuple(_kind(one, f"{at}[{n}]") for n, one in _list(raw, Operand.KINDS, at))


def _kind(raw: Any, at: str) -> str:
    if raw not in KINDS:
        raise _expected(Operand.KIND, raw, at)
    return str(raw)


def _pair(raw: Any, operand: Operand, at: str) -> tuple[Any, Any]:
    if not isinstance(raw, list | tuple) or len(raw) != 2:  # noqa: PLR2004
        raise _expected(operand, raw, at)
    return raw[0], raw[1]


def _list(raw: Any, operand: Operand, at: str) -> enumerate[Any]:
    if not isinstance(raw, list | tuple):
        raise _expected(operand, raw, at)
    if not 1 <= len(raw) <= MAX_LIST:
        raise FilterError(f"Expected {operand.value}, 1 to {MAX_LIST:,} of them", at)
    return enumerate(raw)


def _expected(operand: Operand, raw: Any, at: str) -> FilterError:
    return FilterError(f"Expected {operand.value}, got {shown(raw)}", at)
