"""Liquid's filters that templates may use, each with a limit on what it makes.

What a filter gives is plain text, a number, a list or a time, never markup: so all of it is escaped
where it is put into HTML, whatever filters it went through. `newline_to_br` alone makes markup, of
text that it escapes itself. https://shopify.github.io/liquid/ says what each does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date as day
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

from liquid import Markup
from liquid.exceptions import FilterArgumentError
from liquid.undefined import Undefined

MOST_TEXT = 100_000  # letters that a filter may make
MOST_ITEMS = 10_000
MOST_NUMBER = 10**15
MOST_DIGITS = 10

_TAG = re.compile(r"<[^>]{0,2000}>")
_LINK = re.compile(r"(?:https?://|mailto:|tel:|#)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*-?\d{1,15}(?:\.\d{0,15})?\s*")
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
# The directives of strftime that mean the same everywhere; the C library is not asked for others.
_DIRECTIVES = frozenset("aAbBdHIjmMpSyYZz%e")

Filter = Callable[..., Any]


def _refuse(message: str) -> FilterArgumentError:
    return FilterArgumentError(message, token=None)


def text(value: Any) -> str:
    """A value as plain text."""
    if isinstance(value, str):
        made = str.__str__(value)
    elif value is None or isinstance(value, Undefined | Mapping):
        return ""
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, list | tuple | range):
        made = "".join(text(item) for item in items(value))
    else:
        made = str(value)
    return _fits(made)


def _fits(made: str) -> str:
    if len(made) > MOST_TEXT:
        raise _refuse("it makes a text of more than 100,000 letters")
    return made


def items(value: Any) -> list[Any]:
    """A value as a list."""
    if value is None or isinstance(value, Undefined):
        return []
    if isinstance(value, list | tuple | range):
        if len(value) > MOST_ITEMS:
            raise _refuse("it makes a list of more than 10,000 items")
        return list(value)
    return [value]


def number(value: Any) -> int | float:
    """A value as a number, 0 for what is none."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return _in_reach(value)


def _in_reach(made: float) -> int | float:
    if not -MOST_NUMBER <= made <= MOST_NUMBER:
        raise _refuse("it makes a number of more than 15 digits")
    return made


def _whole(value: Any) -> int:
    return int(number(value))


def default(value: Any, otherwise: Any = "", *, allow_false: bool = False) -> Any:
    """The value, or something else where it is unknown, empty or false."""
    if value is False:
        return value if allow_false else otherwise
    if value is None or isinstance(value, Undefined):
        return _plain(otherwise)
    if isinstance(value, str | list | tuple | Mapping) and not value:
        return _plain(otherwise)
    if isinstance(value, str) and value.isspace():
        return _plain(otherwise)
    return value


def _plain(value: Any) -> Any:
    return str.__str__(value) if isinstance(value, str) else value


def _capitalize(value: Any) -> str:
    said = text(value)
    return said[:1].upper() + said[1:].lower()


def _append(value: Any, more: Any) -> str:
    return _fits(text(value) + text(more))


def _prepend(value: Any, more: Any) -> str:
    return _fits(text(more) + text(value))


def _replace(value: Any, old: Any, new: Any = "", most: int = -1) -> str:
    said, gone, put = text(value), text(old), text(new)
    times = len(said) + 1 if not gone else said.count(gone)
    times = times if most < 0 else min(times, most)
    if len(said) + times * max(len(put) - len(gone), 0) > MOST_TEXT:
        raise _refuse("it makes a text of more than 100,000 letters")
    return said.replace(gone, put, most)


def _replace_first(value: Any, old: Any, new: Any = "") -> str:
    return _replace(value, old, new, 1)


def _remove(value: Any, old: Any) -> str:
    return _replace(value, old, "")


def _remove_first(value: Any, old: Any) -> str:
    return _replace(value, old, "", 1)


def _truncate(value: Any, most: Any = 50, end: Any = "…") -> str:
    said, last = text(value), text(end)
    length = _whole(most)
    return said if len(said) <= length else said[: max(length - len(last), 0)] + last


def _truncatewords(value: Any, most: Any = 15, end: Any = "…") -> str:
    words = text(value).split()
    length = max(_whole(most), 1)
    return " ".join(words) if len(words) <= length else " ".join(words[:length]) + text(end)


def _size(value: Any) -> int:
    if isinstance(value, str | list | tuple | range | Mapping):
        return len(value)
    return 0


def _split(value: Any, at: Any = " ") -> list[str]:
    said, mark = text(value), text(at)
    parts = list(said) if not mark else said.split(None if mark == " " else mark)
    if len(parts) > MOST_ITEMS:
        raise _refuse("it makes a list of more than 10,000 items")
    return parts


def _join(value: Any, between: Any = " ") -> str:
    said = [text(item) for item in items(value)]
    mark = text(between)
    if sum(map(len, said)) + len(mark) * len(said) > MOST_TEXT:
        raise _refuse("it makes a text of more than 100,000 letters")
    return mark.join(said)


def _first(value: Any) -> Any:
    found = items(value)
    return found[0] if found else None


def _last(value: Any) -> Any:
    found = items(value)
    return found[-1] if found else None


def _slice(value: Any, start: Any, length: Any = 1) -> Any:
    whole = items(value) if isinstance(value, list | tuple | range) else text(value)
    begin = _whole(start)
    begin = max(len(whole) + begin, 0) if begin < 0 else begin
    return whole[begin : begin + max(_whole(length), 0)]


def _sort(value: Any) -> list[Any]:
    return sorted(items(value), key=_order)


def _order(item: Any) -> tuple[int, float, str]:
    if isinstance(item, int | float) and not isinstance(item, bool):
        return 0, number(item), ""
    return 1, 0, text(item)


def _uniq(value: Any) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in items(value):
        seen.setdefault(text(item), item)
    return list(seen.values())


def _compact(value: Any) -> list[Any]:
    return [item for item in items(value) if item is not None]


def _map(value: Any, key: Any) -> list[Any]:
    name = text(key)
    return [item.get(name) if isinstance(item, Mapping) else None for item in items(value)]


def _times(value: Any, by: Any) -> int | float:
    return _in_reach(number(value) * number(by))


def _divided(value: Any, by: Any) -> int | float:
    dividend, divisor = number(value), number(by)
    if divisor == 0:
        raise _refuse("nothing can be divided by 0")
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend // divisor
    return _in_reach(dividend / divisor)


def _modulo(value: Any, by: Any) -> int | float:
    divisor = number(by)
    if divisor == 0:
        raise _refuse("nothing can be divided by 0")
    return number(value) % divisor


def _round(value: Any, digits: Any = 0) -> int | float:
    places = min(max(_whole(digits), 0), MOST_DIGITS)
    made = round(number(value), places)
    return made if places else int(made)


def _date(value: Any, form: Any = "%d %B %Y") -> str:
    """A time in the given form. There is no “now”: a mail says the same whenever it is made."""
    moment = moment_of(value)
    if moment is None:
        return text(value)
    return _DIRECTIVE.sub(lambda found: _directive(moment, found[1], found[2]), text(form)[:200])


def moment_of(value: Any) -> datetime | day | None:
    """The time that a value is or says, in ISO 8601."""
    if isinstance(value, datetime | day):
        return value
    if not isinstance(value, str) or len(value) > len("2026-11-29T10:00:00.000000+00:00"):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _directive(moment: datetime | day, bare: str, letter: str) -> str:
    if letter not in _DIRECTIVES:
        return f"%{bare}{letter}"
    if letter == "e":
        return str(moment.day)
    said = moment.strftime(f"%{letter}")
    return said.lstrip("0") or "0" if bare else said


def _newline_to_br(value: Any) -> Markup:
    return Markup("<br>\n").join(_lines(text(value)))


def _lines(said: str) -> list[str]:
    return said.replace("\r\n", "\n").split("\n")


def _as_link(value: Any) -> str:
    """An address of the web, of mail or of a telephone; nothing else is ever a link."""
    said = text(value).strip()
    return said if _LINK.match(said) else ""


FILTERS: Mapping[str, Filter] = {
    "abs": lambda value: abs(number(value)),
    "append": _append,
    "at_least": lambda value, least: max(number(value), number(least)),
    "at_most": lambda value, most: min(number(value), number(most)),
    "capitalize": _capitalize,
    "ceil": lambda value: math.ceil(number(value)),
    "compact": _compact,
    "date": _date,
    "default": default,
    "divided_by": _divided,
    "downcase": lambda value: _fits(text(value).lower()),
    "escape": text,  # all that is put into HTML is escaped anyhow, once
    "first": _first,
    "floor": lambda value: math.floor(number(value)),
    "join": _join,
    "last": _last,
    "lstrip": lambda value: text(value).lstrip(),
    "map": _map,
    "minus": lambda value, by: _in_reach(number(value) - number(by)),
    "modulo": _modulo,
    "newline_to_br": _newline_to_br,
    "plus": lambda value, by: _in_reach(number(value) + number(by)),
    "prepend": _prepend,
    "remove": _remove,
    "remove_first": _remove_first,
    "replace": lambda value, old, new="": _replace(value, old, new),
    "replace_first": _replace_first,
    "reverse": lambda value: items(value)[::-1],
    "round": _round,
    "rstrip": lambda value: text(value).rstrip(),
    "size": _size,
    "slice": _slice,
    "sort": _sort,
    "split": _split,
    "strip": lambda value: text(value).strip(),
    "strip_html": lambda value: _TAG.sub("", text(value)),
    "strip_newlines": lambda value: re.sub(r"[\r\n]+", "", text(value)),
    "times": _times,
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "uniq": _uniq,
    "upcase": lambda value: _fits(text(value).upper()),
    "url_encode": lambda value: _fits(quote_plus(text(value), errors="replace")),
    # Ours, put behind what begins an address; writing it oneself does no harm.
    "as_link": _as_link,
}
