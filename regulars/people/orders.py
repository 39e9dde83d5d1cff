"""The orders a list of people can have, and the cursors that continue one.

An order is an SQL expression over the person's rows `p` and `a`, with the id behind it so that
there are no ties. People whose value is unknown come last, whichever way the list runs. Where an
index holds the order, a page costs the same however many people there are.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars.people.facts import unusable
from regulars.people.person import TEXT_FACTS
from regulars.workspaces.errors import InvalidError

Table = Literal["p", "a"]

_REGISTERED = frozenset({"lead", "user"})
_EVERYBODY = frozenset({"visitor", "lead", "user"})
_MAX_KEY = 250  # characters of a custom attribute's key


@dataclass(frozen=True, slots=True)
class Order:
    """One way to order people.

    `table` is where the ordering index lies; `falling` whether the index holds it newest first.
    `indexed` are the kinds of people for whom there is one. `rounded` is the column that stands for
    the value in the index, where that is a time and the column its minute.
    """

    key: str
    value: str  # the SQL expression
    type: str  # its PostgreSQL type, for the cursor's value
    table: Table = "p"
    blank: bool = False  # the column is never NULL: unknown is the empty text
    falling: bool = False
    indexed: frozenset[str] = frozenset()
    params: tuple[Any, ...] = ()  # of the expression
    rounded: str | None = None

    @property
    def is_unknown(self) -> str:
        """SQL that holds for people whose value is unknown."""
        return f"{self.value} = ''" if self.blank else f"{self.rounded or self.value} IS NULL"

    @property
    def is_known(self) -> str:
        """SQL that holds for people whose value is known; a range of the order's index."""
        return f"{self.value} > ''" if self.blank else f"{self.rounded or self.value} IS NOT NULL"

    def nulls(self, *, descending: bool) -> str:
        """Where NULLs stand in the index when it is read this way."""
        return "NULLS LAST" if descending == self.falling else "NULLS FIRST"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order and the way it runs."""

    order: Order
    descending: bool

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.order.key


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last person of a page: the next one starts behind. `value` is None where unknown."""

    sort: str
    value: Any
    id: UUID


def _text(key: str) -> Order:
    return Order(key, f"(p.folded ->> '{key}') COLLATE \"C\"", "text")


ORDERS: dict[str, Order] = {
    order.key: order
    for order in (
        *(_text(key) for key in TEXT_FACTS),
        Order("name", "p.name_sort", "text", blank=True, indexed=_REGISTERED),
        Order("email", "p.email_folded", "text", indexed=_REGISTERED),
        Order("country", "p.country", "text", indexed=_REGISTERED),
        Order(
            "last_seen", "a.last_seen", "timestamptz", "a", falling=True, indexed=_EVERYBODY,
            rounded="a.last_seen_minute",
        ),
        Order("first_seen", "p.first_seen", "timestamptz", falling=True, indexed=_EVERYBODY),
        Order("signed_up_at", "p.signed_up_at", "timestamptz", falling=True, indexed=_REGISTERED),
        Order("last_contacted", "p.last_contacted", "timestamptz"),
        Order("last_emailed", "p.last_emailed", "timestamptz"),
        Order("sessions", "a.sessions", "bigint", "a", indexed=_REGISTERED),
    )
}  # fmt: skip


def minute(at: datetime) -> datetime:
    """The minute that `person_activity.last_seen_minute` holds for an instant."""
    return at.replace(second=0, microsecond=0)


def sort_of(text: str) -> Sort:
    """The sort that `-last_seen`, `name` or `attributes.plan` names; raises InvalidError."""
    key = text.removeprefix("-")
    order = ORDERS.get(key) or _custom(key)
    if order is None:
        raise InvalidError("sort", f"There is no order “{key[:60]}”.")
    return Sort(order, descending=text.startswith("-"))


def _custom(key: str) -> Order | None:
    bag, _, name = key.partition(".")
    if bag not in ("attributes", "company") or not 0 < len(name) <= _MAX_KEY or "\x00" in name:
        return None
    # JSON's own order: numbers by size, texts by code point, and each type for itself.
    return Order(key, f"(p.{bag} -> %s::text)", "jsonb", params=(name,))


def write_cursor(cursor: Cursor) -> str:
    """An opaque text for the outside."""
    value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
    packed = msgspec.json.encode([cursor.sort, value, str(cursor.id)])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str, sort: Sort) -> Cursor:
    """The cursor that `write_cursor` wrote for the same sort; raises InvalidError."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        named, value, id_ = msgspec.json.decode(packed, type=tuple[str, Any, UUID])
        if named != str(sort):
            raise InvalidError("cursor", "The cursor belongs to another order.")
        return Cursor(named, None if value is None else _value(value, sort.order.type), id_)
    except (binascii.Error, msgspec.DecodeError, ValueError, TypeError, UnicodeError) as error:
        if isinstance(error, InvalidError):
            raise
        raise InvalidError("cursor", "That is not a cursor of this list.") from None


def _value(value: Any, type_: str) -> Any:
    match type_:
        case "timestamptz":
            instant = datetime.fromisoformat(value)
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        case "bigint":
            if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
                raise TypeError(value)
            return value
        case "jsonb":
            if unusable(msgspec.json.decode(value)):
                raise TypeError(value)
            return value
        case _:
            if not isinstance(value, str) or unusable(value):
                raise TypeError(value)
            return value
