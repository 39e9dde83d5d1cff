"""Facts of a person as templates name them: `{{ person.first_name | default: "there" }}`. Pure.

`person_context` is what a template is filled in with; `FACTS` and `custom_tag` are what a picker
offers; `knows` is whether there is such a fact. Saved replies and the messenger's greeting
(`inbox/merge_tags.py`) name the same facts, shorter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from regulars.people.person import Person

# What a template may say of a person beside custom attributes, and what that is.
FACTS: Mapping[str, str] = {
    "first_name": "First name",
    "last_name": "Last name",
    "name": "Full name",
    "email": "Email",
    "phone": "Phone",
    "user_id": "User id",
    "gender": "Gender",
    "company": "Company",
    "city": "City",
    "region": "Region",
    "country": "Country",
    "timezone": "Time zone",
    "language": "Language",
    "browser": "Browser",
    "os": "Operating system",
    "device": "Device",
    "signed_up_at": "Signed up",
    "first_seen": "First seen",
    "last_seen": "Last seen",
    "last_contacted": "Last wrote to us",
    "sessions": "Visits",
    "utm_source": "Campaign source",
    "utm_medium": "Campaign medium",
    "utm_campaign": "Campaign name",
    "utm_term": "Campaign term",
    "utm_content": "Campaign content",
    "referrer": "Came from",
    "tags": "Tags",
    "kind": "Kind",
    "id": "Id",
}
_TIMES = ("signed_up_at", "first_seen", "last_seen", "last_contacted")
_AS_THEY_ARE = tuple(name for name in FACTS if name not in (*_TIMES, "company", "tags", "id"))
_BRACKETED = re.compile(r"[\"'\]\[{}%\x00-\x1f]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Moment(datetime):
    """A time that reads as people write a day; Liquid's `date` filter says it otherwise."""

    def __str__(self) -> str:
        return f"{self.day} {self:%B %Y}"


@dataclass(frozen=True, slots=True)
class MergeTag:
    """A fact that a picker offers."""

    path: str  # "person.first_name"
    label: str
    custom: bool = False


def person_context(person: Person, zone: ZoneInfo) -> dict[str, Any]:
    """The facts of a person, times in the given zone: `{"person": {…, "attributes": {…}}}`.

    A custom attribute stands under `attributes`, and beside the standard facts where it takes the
    name of none. Facts that are unknown are not there.
    """
    said: dict[str, Any] = {**person.attributes}
    for name in _AS_THEY_ARE:
        value = getattr(person, name)
        if value is not None:
            said[name] = value
        else:
            said.pop(name, None)
    for name in _TIMES:
        at = getattr(person, name)
        if at is not None:
            said[name] = _moment(at, zone)
        else:
            said.pop(name, None)
    said["company"] = person.company.get("name") or ""
    said["tags"] = person.tags
    said["id"] = str(person.id)
    said["attributes"] = person.attributes
    return {"person": said}


def _moment(at: datetime, zone: ZoneInfo) -> Moment:
    local = at.astimezone(zone)
    return Moment(
        local.year, local.month, local.day, local.hour, local.minute, local.second, tzinfo=zone,
        fold=local.fold,
    )  # fmt: skip


def standard_tags() -> list[MergeTag]:
    """What a picker offers of everybody."""
    return [MergeTag(f"person.{name}", label) for name, label in FACTS.items() if name != "id"]


def custom_tag(key: str) -> MergeTag | None:
    """A custom attribute as templates name it; None for a key that they can't."""
    if _NAME.fullmatch(key):
        return MergeTag(f"person.attributes.{key}", key, custom=True)
    if _BRACKETED.search(key):
        return None
    return MergeTag(f'person.attributes["{key}"]', key, custom=True)


def knows(custom: Collection[str]) -> Callable[[tuple[Any, ...]], bool]:
    """Whether there is a fact at a path such as ("person", "first_name").

    `custom` are the keys of the custom attributes that were ever seen.
    """

    def known(path: tuple[Any, ...]) -> bool:
        if len(path) < 2:  # noqa: PLR2004 - all of a person
            return True
        name = path[1]
        if name == "attributes":
            return len(path) == 2 or path[2] is None or path[2] in custom  # noqa: PLR2004
        return name is None or name in FACTS or name in custom

    return known


def as_text(value: Any, most: int) -> str:
    """A fact as people write it, so many letters of it; nothing for lists and objects."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:most] if isinstance(value, str | int) else ""
