"""What stands around a list of people: tabs, headers, menus, and what an empty one says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from regulars.console import people_columns
from regulars.console.people_columns import Column
from regulars.console.people_lists import EVERYBODY, Listed, default_sort
from regulars.console.templatetags.console import number
from regulars.people.queries import Counts
from regulars.segments.queries import Segment

NAME = Column("name", "Name", "text", "name")
NOUNS = {
    "user": ("user", "users"),
    "lead": ("lead", "leads"),
    "visitor": ("visitor", "visitors"),
    EVERYBODY: ("person", "people"),
}
TABS = (
    ("all", "All", ""),
    ("new", "New", "new"),
    ("active", "Active", "active"),
    ("slipping", "Slipping away", "slipping"),
)
NOTES = {
    "all": "Everybody who has registered",
    "new": "New: signed up in the last 7 days",
    "active": "Active: seen in the last 4 weeks",
    "slipping": "Slipping away: not seen for 4 weeks",
    "lead": "Leads left an email and have not registered",
    "visitor": "Visitors are anonymous; who is here now comes first",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A tab or a switch, as their components draw them."""

    label: str
    url: str
    current: bool
    count: int | None = None
    live: str = ""
    pip: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """A column's header; its address sorts by it, or turns the order round."""

    column: Column
    url: str = ""
    aria: str = ""  # ascending, descending or nothing


@dataclass(frozen=True, slots=True)
class Offer:
    """A column in the menu of columns."""

    column: Column
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list without people says, and what to do next."""

    title: str
    text: str
    art: str = "filters"
    url: str = ""
    verb: str = ""
    other_url: str = ""
    other_verb: str = ""


def head(
    listed: Listed,
    counts: Counts,
    columns: Sequence[Column],
    custom: Mapping[str, str],
    segment: Segment | None = None,
) -> dict[str, Any]:
    """What stands above the rows."""
    here = listed.builtin if listed.kind == "user" else listed.kind
    people = _most(listed, counts, here, segment)
    headers = [_header(column, listed, people) for column in columns]
    name = _header(NAME, listed, people)
    sorted_by = next((one for one in (name, *headers) if one.aria), None)
    shown = {column.key for column in columns}
    offers = people_columns.offered(listed.kind, custom)
    return {
        "listed": listed,
        "noun": NOUNS[listed.kind],
        "live": here,
        "kinds": _kinds(listed, counts),
        "tabs": _tabs(listed, counts),
        "note": NOTES.get(here, ""),
        "segment": segment,
        "name": name,
        "headers": headers,
        "sorts": [one for one in (name, *headers) if one.url],
        "sorted_by": sorted_by,
        "offers": [Offer(column, column.key in shown) for column in offers],
        "self_url": listed.address(),
        "to_these": to_these(listed),
        "clear_url": listed.address(filter="") if not listed.edit else listed.address(filter="{}"),
    }


@dataclass(frozen=True, slots=True)
class ToThese:
    """Whom a list can be written to as: a selection for an email, a query for a new campaign."""

    selection: str
    campaign: str  # empty where a campaign could not say who they are


def to_these(listed: Listed) -> ToThese:
    """Everybody on the list."""
    selection = msgspec.json.encode({"list": listed.address()}).decode()
    alone = listed.filter and not (listed.segment or listed.query or listed.builtin != "all")
    asked = {"filter": listed.filter, "kind": listed.kind} if alone else {}
    return ToThese(selection, urlencode(asked))


def emptiness(
    listed: Listed,
    counts: Counts,
    elsewhere: Iterable[tuple[Listed, int]],
    *,
    tracking_url: str,
    demo_url: str,
) -> Empty:
    """Why nobody is listed, and the next thing to do; addresses the agent can't use are empty."""
    if listed.filter:
        return _no_match(listed)
    if listed.segment:
        return Empty("Nobody is in this segment", "Whoever comes to fit is listed here at once.")
    if listed.query:
        return _not_found(listed, list(elsewhere))
    if not sum(counts.kinds.values()):
        return Empty(
            "No one here yet",
            "Add the snippet to your site and the first visitor appears here within a second"
            " of arriving.",
            "first", tracking_url, "Get the snippet", demo_url, "Try the demo shop",
        )  # fmt: skip
    if listed.kind == "user" and not counts.kinds["user"]:
        visitors = counts.kinds["visitor"]
        return Empty(
            "Nobody has registered yet",
            f"{number(visitors)} {_noun('visitor', visitors)} so far. Call identify where somebody"
            " is signed in, and they get a name.",
            "first", tracking_url, "See how", Listed("visitor").address(), "See visitors",
        )  # fmt: skip
    return _EMPTY[listed.builtin if listed.kind == "user" else listed.kind]


def _no_match(listed: Listed) -> Empty:
    plural = NOUNS[listed.kind][1]
    everything = listed.address(filter="")
    text = "Change or remove a condition to find more, or look among people of another kind."
    if listed.query:
        return Empty(
            f"No {plural} match the filters and “{listed.query}”", text,
            url=listed.address(query=""), verb="Clear the search",
            other_url=everything, other_verb="Clear the filters",
        )  # fmt: skip
    return Empty(f"No {plural} match these filters", text, url=everything, verb="Clear the filters")


def _most(listed: Listed, counts: Counts, here: str, segment: Segment | None) -> int:
    """How many people the list has at most: by that it is decided what it can be sorted by."""
    if segment is not None and not listed.edit:
        return segment.people
    if listed.kind == "user":
        return counts.lists.get(here, 0)
    return counts.kinds.get(listed.kind, sum(counts.kinds.values()))


def _not_found(listed: Listed, elsewhere: list[tuple[Listed, int]]) -> Empty:
    everything = listed.address(query="")
    plural = NOUNS[listed.kind][1]
    if not elsewhere:
        return Empty(
            f"No {plural} match “{listed.query}”",
            "The search looks at names, emails and user ids, at any part of a word.",
            url=everything, verb="Clear the search",
        )  # fmt: skip
    other, found = elsewhere[0]
    which = f"{number(found)} {_noun(other.kind, found)}"
    return Empty(
        f"No {plural} match “{listed.query}”",
        f"{which} {'does' if found == 1 else 'do'}.",
        url=other.address(), verb=f"See {which}",
        other_url=everything, other_verb="Clear the search",
    )  # fmt: skip


_EMPTY = {
    "all": Empty("Nobody has registered yet", "Users appear here as they sign up."),
    "new": Empty("Nobody signed up this week", "Whoever registers is listed here for 7 days."),
    "active": Empty("Nobody was seen for 4 weeks", "Users who come back are listed here at once."),
    "slipping": Empty(
        "Nobody is slipping away", "Everybody was here in the last 4 weeks.", art="done"
    ),
    "lead": Empty("No leads yet", "A visitor who leaves an email and has not registered is one."),
    "visitor": Empty("No anonymous visitors", "Everybody who came has said who they are."),
}


def _kinds(listed: Listed, counts: Counts) -> list[Link]:
    if listed.segment or listed.kind == EVERYBODY:
        return [
            Link(
                "Everybody" if kind == EVERYBODY else plural.title(),
                _of_kind(listed, kind),
                kind == listed.kind,
            )
            for kind, (_, plural) in sorted(NOUNS.items(), key=lambda noun: noun[0] != EVERYBODY)
        ]
    return [
        Link(plural.title(), _of_kind(listed, kind), kind == listed.kind, counts.kinds[kind], kind)
        for kind, (_, plural) in NOUNS.items()
        if kind != EVERYBODY
    ]


def _of_kind(listed: Listed, kind: str) -> str:
    """The list of another kind of people, by the same filters."""
    sort = default_sort(kind, "all")
    return listed.address(kind=kind, builtin="all", sort=sort, query="")


def _tabs(listed: Listed, counts: Counts) -> list[Link]:
    if listed.segment or listed.kind == EVERYBODY:
        return []
    if listed.kind != "user":
        number_ = counts.kinds[listed.kind]
        return [Link("All", listed.address(), current=True, count=number_, live=listed.kind)]
    return [
        Link(
            label,
            listed.address(builtin=key, sort=default_sort("user", key), query=""),
            key == listed.builtin,
            counts.lists.get(key, 0),
            key,
            pip,
        )
        for key, label, pip in TABS
    ]


def _header(column: Column, listed: Listed, people: int) -> Header:
    if not column.sorts(listed.kind, people):
        return Header(column)
    rising, falling = column.sort, f"-{column.sort}"
    if listed.sort in (rising, falling):
        turned = rising if listed.sort == falling else falling
        aria = "descending" if listed.sort == falling else "ascending"
        return Header(column, listed.address(sort=turned), aria)
    return Header(column, listed.address(sort=falling if column.falls else rising))


def _noun(kind: str, count: int) -> str:
    return NOUNS[kind][0 if count == 1 else 1]
