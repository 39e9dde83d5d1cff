"""What is said of a person becomes facts: the rules of CONTRACT.md, 'Traits'.

Pure. Every fact carries when it was said; the newest saying wins, whatever the order in which
sayings arrive. A trait that can't be used is dropped alone and named in the warnings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from regulars.kit.text import fold
from regulars.people.person import TEXT_FACTS, Person

Warn = Callable[[str, str], None]  # (trait, what was wrong with it)

MAX_TRAITS = 300
MAX_TRAIT_BYTES = 8192
MAX_LINE = 1000  # characters of a single-line text
MAX_DEPTH = 20
MILLISECONDS_FROM = 1e11  # larger can only be milliseconds: as seconds it is the year 5138
YEARS = (1900, 2200)
MAX_LINE_BYTES = 2000  # of it as UTF-8, folded or not: a B-tree takes 2,704

# Names under which SDKs send the standard traits.
STANDARD = {
    "email": "email",
    "name": "name",
    "firstName": "first_name",
    "first_name": "first_name",
    "lastName": "last_name",
    "last_name": "last_name",
    "gender": "gender",
    "phone": "phone",
}
SIGNED_UP = frozenset({"createdAt", "created_at"})
_CONTROL = re.compile(r"[\r\n\t\x00-\x1f\x7f]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def apply_traits(person: Person, traits: Mapping[str, Any], said_at: datetime, warn: Warn) -> None:
    """Take the traits into the person; `said_at` decides against older and newer sayings."""
    stamp = said_at.timestamp()
    for number, (key, value) in enumerate(traits.items()):
        if number >= MAX_TRAITS:
            warn(key, f"more than {MAX_TRAITS} traits: the rest was left out")
            break
        _apply_trait(person, key, value, stamp, warn)
    complete_names(person)


def _apply_trait(person: Person, key: str, value: Any, stamp: float, warn: Warn) -> None:
    if key in STANDARD:
        line = single_line(value, key, warn)
        if line is not _UNUSABLE:
            set_fact(person, STANDARD[key], line, stamp)
    elif key in SIGNED_UP:
        instant = instant_of(value)
        if instant is None and value not in (None, ""):
            warn(key, "neither an ISO date nor unix seconds")
        elif instant is not None:
            set_fact(person, "signed_up_at", instant, stamp)
    elif key == "address" and isinstance(value, Mapping):
        _apply_address(person, value, stamp, warn)
    elif key == "company":
        apply_company(person, value if isinstance(value, Mapping) else {"name": value}, stamp, warn)
    else:
        set_custom(person, person.attributes, "attributes", key, value, stamp, warn)


def _apply_address(person: Person, address: Mapping[str, Any], stamp: float, warn: Warn) -> None:
    """City, country and state from an address count only where the IP gave none."""
    for key, column in (("city", "city"), ("country", "country"), ("state", "region")):
        line = single_line(address.get(key), f"address.{key}", warn)
        if line is _UNUSABLE or line is None or f"geo.{column}" in person.stamps:
            continue
        set_fact(person, column, line, stamp)


def apply_company(person: Person, company: Mapping[str, Any], stamp: float, warn: Warn) -> None:
    """Facts about the person's company: `id`, `name` and traits."""
    for key, value in company.items():
        if value is not None:
            set_custom(person, person.company, "company", str(key), value, stamp, warn)


def set_custom(
    person: Person,
    target: dict[str, Any],
    scope: str,
    key: str,
    value: Any,
    stamp: float,
    warn: Warn,
) -> None:
    """One custom attribute; null removes it. Copies on write: rows may share what was read."""
    if not key or "\x00" in key or _SURROGATE.search(key) or len(key) > MAX_LINE // 4:
        warn(key[:40], "a name must be 1 to 250 characters without NUL")
        return
    slot = f"{scope}.{key}"
    if stamp < person.stamps.get(slot, -math.inf):
        return
    problem = unusable(value)
    if problem:
        warn(key, problem)
        return
    if value is not None and key not in target and len(target) >= MAX_TRAITS:
        warn(key, f"a person can have {MAX_TRAITS} custom attributes")
        return
    _stamp(person, slot, stamp)
    if target.get(key, _UNUSABLE) == value and type(target.get(key)) is type(value):
        return
    if value is None:
        target.pop(key, None)
    else:
        target[key] = value
    _fold(person, slot, value)
    person.changed = True


def set_fact(person: Person, column: str, value: Any, stamp: float) -> bool:
    """One standard fact. Blank text means unknown. True when the person changed."""
    if stamp < person.stamps.get(column, -math.inf):
        return False
    _stamp(person, column, stamp)
    if column in _NAMES:
        _note_blank(person, column, is_blank=not value)
    return put(person, column, value or None)


def put(person: Person, column: str, value: Any) -> bool:
    """Set a column and the folded copies that go with it. True when it was different."""
    if getattr(person, column) == value:
        return False
    setattr(person, column, value)
    person.changed = True
    if column in _TEXT:
        _fold(person, column, value)
    if column == "email":
        person.email_folded = person.folded.get("email")
    elif column == "name":
        person.name_folded = person.folded.get("name")
    if column in _SEARCHED:
        person.name_sort = person.name_folded or person.email_folded or ""
        person.search = search_text(person)
    return True


def search_text(person: Person) -> str | None:
    """What the search box looks in: visitors have none."""
    parts = (person.name_folded, person.email_folded, person.folded.get("user_id"))
    found = "\n".join(part for part in parts if part)
    return found or None


def unusable(value: Any) -> str | None:
    """Why a value can't be kept, or None."""
    if isinstance(value, str):
        return _unusable_text(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else "not a finite number"
    if isinstance(value, int) or value is None:
        return None if value is None or abs(value) < 10**300 else "too large a number"
    return _unusable_tree(value)


def _unusable_text(text: str) -> str | None:
    if "\x00" in text:
        return "holds a NUL character"
    if not text.isascii():
        if _SURROGATE.search(text):
            return "holds half a character (an unpaired surrogate)"
        if len(text.encode()) > MAX_TRAIT_BYTES:
            return "over 8 KB"
    return "over 8 KB" if len(text) > MAX_TRAIT_BYTES else None


def _unusable_tree(value: Any) -> str | None:
    size = 0
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            return "nested too deeply"
        if isinstance(node, Mapping):
            stack.extend((child, depth + 1) for child in node.values())
            stack.extend((str(key), depth + 1) for key in node)
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node)
        else:
            problem = unusable(node)
            if problem:
                return problem
            size += len(node) if isinstance(node, str) else 8
        if size > MAX_TRAIT_BYTES:
            return "over 8 KB"
    return None


def single_line(value: Any, key: str, warn: Warn) -> Any:
    """A single-line text: line breaks become spaces; None where there is none."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = f"{value:g}" if isinstance(value, float) else str(value)
    if not isinstance(value, str):
        warn(key, "not a text")
        return _UNUSABLE
    problem = _unusable_text(value)
    if problem:
        warn(key, problem)
        return _UNUSABLE
    line = _CONTROL.sub(" ", value).strip() if not value.isprintable() else value.strip()
    short = cut_line(line)
    if short != line:
        warn(key, f"cut to {len(short)} characters")
    return short or None


def cut_line(line: str) -> str:
    """As much of a single-line text as is kept, and as an index can hold."""
    line = line[:MAX_LINE]
    if not line.isascii():
        while (size := max(len(line.encode()), len(fold(line).encode()))) > MAX_LINE_BYTES:
            line = line[: len(line) * MAX_LINE_BYTES // size]
    return line.strip()


def instant_of(value: Any) -> datetime | None:
    """An ISO date or time, or unix seconds (else milliseconds); years 1900 to 2200."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, str) and value.strip().replace(".", "", 1).isdecimal():
            value = float(value)
        if isinstance(value, (int, float)):
            seconds = float(value)
            if abs(seconds) >= MILLISECONDS_FROM:
                seconds /= 1000
            instant = datetime.fromtimestamp(seconds, UTC)
        elif isinstance(value, str):
            instant = datetime.fromisoformat(value.strip())
            instant = instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return instant if YEARS[0] <= instant.year <= YEARS[1] else None


def folded_email(value: Any) -> str | None:
    """An address as it is compared; None where it is not a text that can be kept."""
    line = single_line(value, "email", lambda _key, _problem: None) if value else None
    return fold(line) or None if isinstance(line, str) else None


def complete_names(person: Person) -> None:
    """First and last name come from the name where nobody said them, and the other way round."""
    stamps = person.stamps
    said = {name for name in _NAMES if name in stamps and f"{name}.blank" not in stamps}
    whole = person.name if "name" in said else None
    first, _, last = (whole or "").partition(" ")
    if "first_name" in said:
        first = person.first_name or ""
    if "last_name" in said:
        last = person.last_name or ""
    if any(name in stamps for name in _NAMES):
        put(person, "first_name", first or None)
        put(person, "last_name", last.strip() or None)
        put(person, "name", whole or cut_line(f"{first} {last}".strip()) or None)


def _note_blank(person: Person, column: str, *, is_blank: bool) -> None:
    """A name that was taken back counts as unsaid, though another may fill its place."""
    if is_blank:
        person.stamps[f"{column}.blank"] = 1
    else:
        person.stamps.pop(f"{column}.blank", None)


def _stamp(person: Person, slot: str, stamp: float) -> None:
    if person.stamps.get(slot) != stamp:
        person.stamps[slot] = stamp
        person.said_again = True


def _fold(person: Person, slot: str, value: Any) -> None:
    folded = fold(value) if isinstance(value, str) else ""
    if folded:
        person.folded[slot] = folded
    else:
        person.folded.pop(slot, None)


_UNUSABLE: Any = object()
_TEXT = frozenset(TEXT_FACTS)
_NAMES = ("name", "first_name", "last_name")
_SEARCHED = frozenset({"email", "name", "user_id"})
