"""What stands on the right of an operator: which JSON it may be, and how it is made ready.

Public: `Operand`, `Moving`, `Network`, `When`, `prepared`, `KINDS`, and a `span_…` for each
operator on dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum, StrEnum
from typing import Any

from regulars.filters.times import TICK, Span, day_of, first_instant, read_iso, start_of_day
from regulars.filters.values import exact_number, network_range
from regulars.kit.text import fold

KINDS = ("visitor", "lead", "user")

_ONE_DAY = timedelta(days=1)


class Operand(StrEnum):
    """The shape of an operator's value; the member's value is how an error asks for it."""

    NOTHING = "no value"
    TEXT = "text"
    TEXTS = "a list of texts"
    NUMBER = "a number"
    NUMBERS = "a list of two numbers, [low, high]"
    MOMENT = "an ISO date or time"
    MOMENTS = "a list of two ISO dates or times, [first, last]"
    DAYS = "a whole number of days"
    BOOLEAN = "true or false"
    ADDRESS = "an IP address"
    NETWORK = "an IP network such as 10.0.0.0/8, or an IP address"
    KIND = "visitor, lead or user"
    KINDS = "a list of visitor, lead or user"


class Moving(Enum):
    """How a span of dates follows the clock."""

    WITHIN = "begins a number of days ago, and never ends"
    AGO = "ends a number of days ago"


@dataclass(frozen=True, slots=True)
class When:
    """The instant (aware) and time zone for which a filter is asked."""

    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Network:
    """First and last address as `values.address_number` counts them, and the network's text."""

    first: int
    last: int
    text: str


def prepared(operand: Operand, value: Any) -> Any:  # noqa: PLR0911  # one a case
    """An operator's value as its tests take it; dates have functions of their own below."""
    match operand:
        case Operand.TEXT:
            return fold(value)
        case Operand.TEXTS:
            return tuple(dict.fromkeys(fold(one) for one in value))
        case Operand.NUMBER:
            return exact_number(value)
        case Operand.NUMBERS:
            return exact_number(value[0]), exact_number(value[1])
        case Operand.ADDRESS | Operand.NETWORK:
            return Network(*network_range(fold(value)))
        case Operand.KIND:
            return (value,)
        case _:
            return value


def span_before(value: str, when: When) -> Span:
    moment = _moment(value)
    if isinstance(moment, datetime):
        return Span(None, _instant(moment, when.zone))
    return Span(None, start_of_day(moment, when.zone))


def span_after(value: str, when: When) -> Span:
    moment = _moment(value)
    if isinstance(moment, datetime):
        return Span(_instant(moment, when.zone) + TICK, None)
    return Span(start_of_day(moment + _ONE_DAY, when.zone), None)


def span_on(value: str, when: When) -> Span:
    return span_between((value, value), when)


def span_between(value: tuple[str, str], when: When) -> Span:
    first, last = (day_of(_moment(one), when.zone) for one in value)
    return Span(start_of_day(first, when.zone), start_of_day(last + _ONE_DAY, when.zone))


def span_within(value: int, when: When) -> Span:
    return Span(when.now - timedelta(days=value), None)


def span_ago(value: int, when: When) -> Span:
    return Span(None, when.now - timedelta(days=value) + TICK)


def _moment(text: str) -> date | datetime:
    moment = read_iso(fold(text))
    if moment is None:
        raise ValueError(f"not an ISO date or time: {text!r}")
    return moment


def _instant(moment: datetime, zone: tzinfo) -> datetime:
    return first_instant(moment, zone) if moment.tzinfo is None else moment
