"""How the filter panel sorts the fields it offers, and the picture each has."""

from __future__ import annotations

from regulars.filters.catalog import Field, ValueType
from regulars.tracking.enrich.countries import NAMES

GROUPS: dict[str, tuple[str, ...]] = {
    "Who they are": (
        "email", "name", "first_name", "last_name", "user_id", "phone", "gender", "kind", "tags",
    ),
    "When": (
        "last_seen", "signed_up_at", "first_seen", "last_contacted", "last_emailed", "sessions",
    ),
    "Where and with what": (
        "country", "region", "city", "browser", "os", "device", "language", "timezone", "ip",
    ),
    "Where they came from": (
        "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer",
    ),
}  # fmt: skip

ICONS = {
    "place": "map-pin", "person": "user", "tag": "tag", "custom": "braces", "event": "zap",
    "segment": "chart-pie", "number": "hash", "date": "clock", "text": "list-filter",
}  # fmt: skip
_PLACES = frozenset({"country", "region", "city", "timezone", "ip"})
_PEOPLE = frozenset({"email", "name", "first_name", "last_name", "user_id", "phone", "gender"})

# Countries' flags by the names that people's rows have for them.
FLAGS = {name: code.lower() for code, name in NAMES.items()}


def icon_of(field: Field) -> str:
    """The name of the field's icon in the sprite."""
    if field.key in _PLACES:
        return ICONS["place"]
    if field.key in _PEOPLE or field.key == "kind":
        return ICONS["person"]
    match field.type:
        case ValueType.NUMBER:
            return ICONS["number"]
        case ValueType.DATE:
            return ICONS["date"]
        case ValueType.LIST:
            return ICONS["tag"]
        case _:
            return ICONS["text"]
