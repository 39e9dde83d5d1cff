"""What a cell says: text made a number, a date or a truth value, as its column's type wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from regulars.people import facts
from regulars.people.export import FORMULA

# Types a column can have, and what they are called.
TYPES = {
    "auto": "as it looks",
    "text": "text",
    "number": "number",
    "boolean": "yes or no",
    "date": "date",
    "date_dmy": "date, day first",
    "date_mdy": "date, month first",
}
DATES = ("date", "date_dmy", "date_mdy")
YES = frozenset({"yes", "y", "true", "t", "1", "x", "on", "ja", "oui", "si", "sim", "subscribed"})
NO = frozenset(
    {"no", "n", "false", "f", "0", "off", "nein", "non", "nao", "unsubscribed", "cleaned"}
)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,10}")
_PARTS = re.compile(r"(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{1,4})")
_NOT_A_DIGIT = re.compile(r"[\s\u00a0\u202f'’]|[A-Z]{3}\b|[€$£¥₹%]")
_A_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_YEAR_DIGITS = 4
_THOUSAND = 3  # digits of a group
_HALF = 12  # months: a larger number is a day
_MOSTLY = 0.9


def bare(text: str) -> str:
    """A cell without the apostrophe that an export puts before what looks like a formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def typed(text: str) -> Any:
    """A value as it looks: a number, a truth value, a list or an object where it plainly is one."""
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def converted(text: str, type_: str) -> Any:
    """The cell as its column's type wants it. Raises ValueError, which says what would help."""
    match type_:
        case "auto":
            return typed(text)
        case "number":
            return number(text)
        case "boolean":
            return truth(text)
        case "date" | "date_dmy" | "date_mdy":
            return instant(text, type_)
        case _:
            return text


def truth(text: str) -> bool:
    """A yes or a no."""
    folded = text.casefold().replace("ã", "a").replace("í", "i")
    if folded in YES or folded in NO:
        return folded in YES
    raise ValueError("Write yes or no")


def number(text: str) -> int | float:
    """A number, without the sign of its currency, whichever of point and comma groups."""
    plain = _NOT_A_DIGIT.sub("", text)
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and point >= 0:
        grouping, decimal = (".", ",") if comma > point else (",", ".")
        plain = plain.replace(grouping, "").replace(decimal, ".")
    elif comma >= 0:
        is_group = plain.count(",") > 1 or len(plain) - comma - 1 == _THOUSAND
        plain = plain.replace(",", "" if is_group else ".")
    if not _A_NUMBER.fullmatch(plain):
        raise ValueError("Leave it empty, or write 1204.50")
    return float(plain) if "." in plain else int(plain)


def instant(text: str, type_: str) -> datetime:
    """A date, or a date and a time; the type says which part of 03/11/2024 is the day."""
    found = facts.instant_of(text) if not _PARTS.fullmatch(text) else None
    if found is None:
        day, _, rest = text.partition(" ")
        parts = _PARTS.fullmatch(text) or _PARTS.fullmatch(day)
        found = _day(parts, type_) if parts else None
        if found and parts and rest and not _PARTS.fullmatch(text):
            found = facts.instant_of(f"{found:%Y-%m-%d}T{_clock(rest)}")
    if found is None:
        raise ValueError("Leave it empty, or write 2025-02-28")
    return found


def _clock(text: str) -> str:
    hour, colon, rest = text.strip().partition(":")
    return f"{hour:0>2}{colon}{rest}"


def _day(parts: re.Match[str], type_: str) -> datetime | None:
    first, second, third = parts.groups()
    if len(first) == _YEAR_DIGITS:
        year, month, day = int(first), int(second), int(third)
    else:
        one, two = int(first), int(second)
        year = int(third) + (2000 if len(third) < _YEAR_DIGITS else 0)
        month, day = (one, two) if type_ == "date_mdy" else (two, one)
    try:
        return facts.instant_of(date(year, month, day).isoformat())
    except ValueError:
        return None


def as_kept(value: Any) -> Any:
    """A value as a custom attribute keeps it: dates are ISO texts there."""
    if not isinstance(value, datetime):
        return value
    midnight = value.astimezone(UTC).time().isoformat() == "00:00:00"
    return value.date().isoformat() if midnight else value.isoformat().replace("+00:00", "Z")


def guessed(samples: Iterable[str]) -> tuple[str, str]:
    """What type a column's cells seem to have, and what is unsure about it."""
    seen = [text for text in samples if text]
    if not seen:
        return "text", ""
    dates = [match for text in seen if (match := _PARTS.fullmatch(text.partition(" ")[0]))]
    if len(dates) >= len(seen) * _MOSTLY:
        return _guessed_date(dates)
    if all(facts.instant_of(text) for text in seen if not text.isdigit()) and not all(
        _fits(number, text) for text in seen
    ):
        return "date", ""
    if all(text.casefold() in YES | NO for text in seen) and not all(
        text in ("0", "1", "x") for text in seen
    ):
        return "boolean", ""
    numbers = [text for text in seen if _fits(number, text)]
    if len(numbers) >= len(seen) * _MOSTLY and not any(_is_code(text) for text in seen):
        signs = {sign for text in seen for sign in "€$£¥₹" if sign in text}
        return "number", f"{len(signs)} currencies" if len(signs) > 1 else ""
    return "text", ""


def _guessed_date(dates: list[re.Match[str]]) -> tuple[str, str]:
    if all(len(match[1]) == _YEAR_DIGITS for match in dates):
        return "date", ""
    if any(int(match[1]) > _HALF for match in dates):
        return "date_dmy", ""
    if any(int(match[2]) > _HALF for match in dates):
        return "date_mdy", ""
    return "date_dmy", "Day first?"


def _is_code(text: str) -> bool:
    """A number that is a name: a postcode or an article, whose zeros count."""
    return text.startswith("0") and len(text) > 1 and text[1].isdigit()


def _fits(convert: Callable[[str], Any], text: str) -> bool:
    try:
        convert(text)
    except ValueError:
        return False
    return True
