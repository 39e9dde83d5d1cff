"""The columns a list of people can have: what they are called, sorted by, and drawn with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regulars.people.orders import ORDERS

CUSTOM = "attributes."

# Without an index, people are sorted one by one: up to so many.
SORTED_WHOLE = 50_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `sort` is the order it stands for, if it can be sorted by at all.

    `falls` where one wants the greatest first. `css` says how narrow a list may get before the
    column gives way: `c3` goes first.
    """

    key: str
    label: str
    cell: str  # the template in console/people/cells/ that draws it
    sort: str = ""
    falls: bool = False
    css: str = "c2"

    @property
    def template(self) -> str:
        """The template of a cell."""
        return f"console/people/cells/{self.cell}.html"

    @property
    def is_custom(self) -> bool:
        """Whether the label is a custom attribute's own name."""
        return self.key.startswith(CUSTOM)

    def sorts(self, kind: str, people: int) -> bool:
        """Whether a list of so many people can be sorted by it in good time."""
        order = ORDERS.get(self.sort)
        is_indexed = order is not None and kind in order.indexed
        return bool(self.sort) and (is_indexed or people <= SORTED_WHOLE)


def _text(key: str, label: str, css: str = "c3") -> Column:
    return Column(key, label, "text", key, css=css)


STANDARD: dict[str, Column] = {
    column.key: column
    for column in (
        Column("last_seen", "Last seen", "last_seen", "last_seen", falls=True, css=""),
        Column("rhythm", "Last 4 weeks", "rhythm", css="c1"),
        Column("sessions", "Sessions", "number", "sessions", falls=True, css="num c2"),
        Column("location", "Location", "location", "country", css="c1"),
        Column("email", "Email", "email", "email", css="c1"),
        Column("phone", "Phone", "text", "phone", css="c1"),
        Column("browser", "Browser", "browser", "browser", css="c3"),
        Column("signed_up_at", "Signed up", "day", "signed_up_at", falls=True, css="c2"),
        Column("first_seen", "First seen", "day", "first_seen", falls=True, css="c2"),
        Column("came_from", "Came from", "came_from", "utm_source", css="c2"),
        Column("tags", "Tags", "tags", css="c3"),
        Column("checkpoint", "Checkpoint", "text", css="c2"),
        _text("user_id", "User id"),
        _text("gender", "Gender"),
        _text("language", "Language"),
        _text("timezone", "Time zone"),
        Column("device", "Device", "text", "device", css="c3"),
        _text("utm_medium", "UTM medium"),
        _text("utm_campaign", "UTM campaign"),
        Column("company", "Company", "text", "company.name", css="c2"),
    )
}

# What a view shows until an agent chooses. New tells where people are from and how to reach them;
# the email stands below every name.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "user": ("last_seen", "rhythm", "sessions", "location", "browser", "signed_up_at", "tags"),
    "new": ("signed_up_at", "location", "phone", "came_from", "last_seen", "rhythm", "browser"),
    "lead": ("last_seen", "rhythm", "location", "phone", "came_from", "first_seen", "browser"),
    "everybody": ("last_seen", "rhythm", "sessions", "location", "browser", "first_seen", "tags"),
    "visitor": (
        "last_seen",
        "rhythm",
        "sessions",
        "location",
        "browser",
        "came_from",
        "first_seen",
    ),
}
_NOT_OF_VISITORS = frozenset({"email", "phone", "signed_up_at", "user_id", "gender", "company"})


def view_of(kind: str, builtin: str | None) -> str:
    """Under which name the columns of a list are remembered."""
    return "new" if kind == "user" and builtin == "new" else kind


def offered(kind: str, custom: Mapping[str, str]) -> list[Column]:
    """All columns that the kind of people can have; `custom` are the project's attributes."""
    hidden = _NOT_OF_VISITORS if kind == "visitor" else frozenset()
    standard = [column for column in STANDARD.values() if column.key not in hidden]
    return [*standard, *(_custom(key, type_) for key, type_ in custom.items())]


def kept(chosen: Iterable[str], offers: Iterable[Column]) -> list[str]:
    """What an agent chose, as far as it is offered; in the order of the menu."""
    wanted = set(chosen)
    return [column.key for column in offers if column.key in wanted]


def shown(view: str, chosen: Iterable[str] | None, offers: Iterable[Column]) -> list[Column]:
    """The columns to show, in their order."""
    by_key = {column.key: column for column in offers}
    keys = DEFAULTS[view] if chosen is None else chosen
    return [by_key[key] for key in keys if key in by_key]


def _custom(key: str, type_: str) -> Column:
    is_number = type_ == "number"
    css = "num c3" if is_number else "c3"
    name = CUSTOM + key
    return Column(name, key, "custom", name, falls=is_number, css=css)
