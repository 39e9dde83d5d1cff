"""What a merge will do, before it is done: whose facts stay, and why.

Pure: the merge itself is tried on copies of the two people.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from regulars.people.person import Person
from regulars.people.unite import absorb
from regulars.workspaces.errors import InvalidError

Side = Literal["gone", "into"]
Why = Literal["same", "only_one", "stays", "newer", "first_touch", "both", "earliest", "sum"]

# Facts of which one is kept and an agent may choose which.
PICKABLE = (
    "name", "first_name", "last_name", "email", "gender", "phone", "country", "region", "city",
    "language", "timezone",
)  # fmt: skip
DEVICE = ("browser", "os", "device")
TOUCH = (
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "referrer",
    "landing_page",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact of both people, and what becomes of it."""

    key: str
    into: Any
    gone: Any
    kept: Side | Literal["both"]
    why: Why
    can_pick: bool = False
    custom: bool = False


def preview(gone: Person, into: Person) -> tuple[Person, list[FactRow]]:
    """The person that the merge would make, and each fact that at least one of them has."""
    merged = copied(into)
    absorb(merged, copied(gone))
    rows = [_row(key, gone, into, merged) for key in ("user_id", *PICKABLE, *DEVICE, *TOUCH)]
    for scope in ("attributes", "company"):
        keys = {**getattr(into, scope), **getattr(gone, scope)}
        rows += [_custom_row(scope, key, gone, into, merged) for key in keys]
    if gone.tags or into.tags:
        same = set(gone.tags) == set(into.tags)
        rows.append(FactRow("tags", into.tags, gone.tags, "both", "same" if same else "both"))
    return merged, [row for row in rows if row.into not in (None, "") or row.gone not in (None, "")]


def picked_values(gone: Person, into: Person, picks: Mapping[str, Side]) -> dict[str, Any]:
    """The facts that an agent picked, by name. Raises InvalidError for what can't be picked."""
    can = {row.key: row for row in preview(gone, into)[1] if row.can_pick}
    values = {}
    for key, side in picks.items():
        row = can.get(key)
        if row is None or side not in ("gone", "into"):
            raise InvalidError(key, "There is nothing to choose between here.")
        if side != row.kept:
            values[key] = row.gone if side == "gone" else row.into
    return values


def copied(person: Person) -> Person:
    """A copy that can be changed without the other changing."""
    double = copy.copy(person)
    for column in ("company", "attributes", "folded", "stamps", "open_sessions"):
        setattr(double, column, dict(getattr(person, column)))
    double.tags = list(person.tags)
    double.segments = list(person.segments)
    return double


def _row(key: str, gone: Person, into: Person, merged: Person) -> FactRow:
    mine, theirs = getattr(into, key), getattr(gone, key)
    kept: Side = "into" if getattr(merged, key) == mine else "gone"
    can_pick = key in PICKABLE and bool(mine) and bool(theirs) and mine != theirs
    if mine == theirs:
        why: Why = "same"
    elif key in TOUCH:
        why = "first_touch"
    elif not mine or not theirs:
        why = "only_one"
    else:
        why = "stays" if kept == "into" else "newer"
    return FactRow(key, mine, theirs, kept, why, can_pick)


def _custom_row(scope: str, key: str, gone: Person, into: Person, merged: Person) -> FactRow:
    mine, theirs = getattr(into, scope).get(key), getattr(gone, scope).get(key)
    kept: Side = "into" if getattr(merged, scope).get(key) == mine else "gone"
    both = mine is not None and theirs is not None
    why: Why = "same" if mine == theirs else "newer" if both else "only_one"
    return FactRow(
        f"{scope}.{key}", mine, theirs, kept, why, can_pick=both and mine != theirs, custom=True
    )
