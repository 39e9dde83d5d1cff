"""The fields a filter may ask about: every standard attribute, and how custom ones are named.

A custom field is `attributes.<key>` or `company.<key>`; `properties.<key>` stands only in the
`where` of an event condition. All after the first dot is the key. Custom values have no declared
type: the operator and its value say which type is meant.

In SQL a person is the row `p` of `person` and the row `a` of `person_activity` joined to it.

Public: `ValueType`, `Field`, `STANDARD_FIELDS`, `find_field`, `find_property`, `MAX_KEY`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ValueType(StrEnum):
    """The types of CONTRACT.md's operator table; `ANY` is for operators that fit every type."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    IP = "ip"
    LIST = "list"
    KIND = "kind"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """Something a filter may ask about.

    `column` holds a standard field's value; `folded` is set where its folded text has a column of
    its own, with an index. `bag` and `name` say where a custom value lies: the JSON object and
    the key in it.
    """

    key: str
    label: str
    type: ValueType | None = None
    column: str | None = None
    folded: str | None = None
    bag: str | None = None
    name: str = ""

    @property
    def types(self) -> tuple[ValueType, ...]:
        """The types its values may have, in the order in which an operator is looked up."""
        return CUSTOM_TYPES if self.type is None else (self.type,)


# A custom text that is an address can be asked for its network.
CUSTOM_TYPES = (
    ValueType.TEXT,
    ValueType.NUMBER,
    ValueType.DATE,
    ValueType.BOOLEAN,
    ValueType.IP,
)

MAX_KEY = 500  # characters of a custom key
_BAGS = ("attributes", "company")
_PROPERTIES = "properties"


def _text(key: str, label: str, folded: str | None = None) -> Field:
    return Field(key, label, ValueType.TEXT, f"p.{key}", folded)


def _date(key: str, label: str, table: str = "p") -> Field:
    return Field(key, label, ValueType.DATE, f"{table}.{key}")


STANDARD_FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        _text("email", "email", folded="p.email_folded"),
        _text("name", "name", folded="p.name_folded"),
        _text("first_name", "first name"),
        _text("last_name", "last name"),
        _text("user_id", "user id"),
        _text("phone", "phone"),
        _text("gender", "gender"),
        _date("signed_up_at", "signed up"),
        _date("last_seen", "last seen", "a"),
        _date("first_seen", "first seen"),
        _date("last_contacted", "last contacted"),
        _date("last_emailed", "last emailed"),
        Field("sessions", "sessions", ValueType.NUMBER, "a.sessions"),
        _text("city", "city"),
        _text("region", "region"),
        _text("country", "country"),
        _text("browser", "browser"),
        _text("os", "operating system"),
        _text("device", "device"),
        _text("language", "language"),
        _text("timezone", "time zone"),
        Field("ip", "IP address", ValueType.IP, "p.ip"),
        _text("utm_source", "UTM source"),
        _text("utm_medium", "UTM medium"),
        _text("utm_campaign", "UTM campaign"),
        _text("utm_term", "UTM term"),
        _text("utm_content", "UTM content"),
        _text("referrer", "referrer"),
        Field("tags", "tags", ValueType.LIST, "p.tags"),
        Field("kind", "kind", ValueType.KIND, "p.kind"),
    )
}


def find_field(key: str) -> Field | None:
    """The field of that name, or None where there is none."""
    standard = STANDARD_FIELDS.get(key)
    if standard is not None:
        return standard
    bag, _, name = key.partition(".")
    if bag not in _BAGS or not name:
        return None
    label = name if bag == "attributes" else f"{bag} {name}"
    return Field(key, label, bag=bag, name=name)


def find_property(key: str) -> Field | None:
    """The field of an event's own property, or None where `key` does not name one."""
    bag, _, name = key.partition(".")
    if bag != _PROPERTIES or not name:
        return None
    return Field(key, name, bag=bag, name=name)
