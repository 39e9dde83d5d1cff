"""What the funnel is split by, and its parts: the values of an attribute, or in a segment and not.

A part has a name in addresses that says what it is compared with, not its place in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.catalog import Field, find_field
from regulars.filters.compact_custom import custom_key
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_PARTS = 5  # that a split shows; the others are one more
OTHERS = "Others"
UNKNOWN = "Not known"

SPLITS = {
    "country": "Country", "browser": "Browser", "os": "Operating system", "device": "Device",
    "language": "Language", "utm_source": "UTM source", "utm_medium": "UTM medium",
    "utm_campaign": "UTM campaign", "referrer": "Referrer",
}  # fmt: skip

SAID = "SELECT {raw} FROM person p WHERE p.project_id = %s AND p.folded @> %s::jsonb LIMIT 1"
SEGMENT = """
SELECT id, name, number FROM segment
WHERE project_id = %s AND id = %s AND deleted_at IS NULL AND builtin IS DISTINCT FROM 'checkpoint'
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The funnel of those who have a value of what it is split by."""

    label: str
    value: Any
    reached: tuple[int, ...]

    @property
    def key(self) -> str:
        """What addresses call it, as `only_of` reads it; empty for several parts together."""
        if isinstance(self.value, bool):
            return "in" if self.value else "out"
        if self.value is None:
            return "" if self.label == OTHERS else "unknown"
        return f"is:{self.value}"


@dataclass(frozen=True, slots=True)
class Split:
    """What a funnel is split by: a field of people's, or being in a segment."""

    label: str
    field: Field | None
    segment: UUID | None
    text: str
    params: list[Any]
    joined: str


@dataclass(frozen=True, slots=True)
class Only:
    """The people of one part of a split, and what the address called split and part."""

    split: Split
    value: Any
    asked: tuple[str, str]
    label: str


COMPACT = "\nJOIN person_compact p ON p.project_id = r.project_id AND p.id = r.id"
_ACTIVITY = f"{COMPACT}\nJOIN person_activity a ON a.project_id = r.project_id AND a.id = r.id"


def split_of(connection: Connection, project_id: UUID, key: str) -> Split | None:
    """What a funnel can be split by, as it is named: a field, or `segment:<id>`. InvalidError."""
    if not key:
        return None
    if key.startswith("segment:"):
        return _by_segment(connection, project_id, key.removeprefix("segment:"))
    field = find_field(key)
    if field is not None and field.bag is not None and "\x00" not in key:
        name = custom_key(field.bag, field.name)
        text = "coalesce(p.texts ->> %s::text, p.others ->> %s::text)"
        return Split(field.label, field, None, text, [name, name], COMPACT)
    if key not in SPLITS:
        raise InvalidError("split", "The funnel can't be split by that.")
    return Split(SPLITS[key], field, None, f"p.{key}", [], COMPACT)


def only_of(connection: Connection, project_id: UUID, key: str, part: str) -> Only | None:
    """One part of a split: `is:<value>`, `unknown`, `in` or `out`. None for all of them.

    Raises InvalidError for what is no part.
    """
    split = split_of(connection, project_id, key)
    if split is None or not part:
        return None
    said, _, text = part.partition(":")
    known: dict[str, Any] = {"unknown": None, "in": True, "out": False, "is": text}
    if said not in known or (split.segment is not None) != (said in {"in", "out"}) or "\0" in text:
        raise InvalidError("part", "The funnel has no such part.")
    value = known[said]
    one = named(connection, project_id, Part(_label(value, split), value, ()), split)
    return Only(split, value, (key, part), one.label)


def parts_of(rows: Sequence[tuple[Any, ...]], size: int, split: Split) -> tuple[Part, ...]:
    """The parts, the largest first; the smallest together."""
    ordered = sorted(rows, key=lambda row: (-row[1], str(row[0])))
    named = [row for row in ordered if row[1]]
    kept, rest = named[:MOST_PARTS], named[MOST_PARTS:]
    parts = [Part(_label(row[0], split), row[0], tuple(row[1 : 1 + size])) for row in kept]
    if rest:
        sums = tuple(sum(row[1 + n] for row in rest) for n in range(size))
        parts.append(Part(OTHERS, None, sums))
    return tuple(parts)


def _label(value: Any, split: Split) -> str:
    if split.segment is not None:
        return f"In {split.label}" if value else f"Not in {split.label}"
    return UNKNOWN if value is None else str(value)


def named(connection: Connection, project_id: UUID, part: Part, split: Split | None) -> Part:
    """The part with its text as people wrote it: what is compared is folded."""
    if split is None or split.field is None or not isinstance(part.value, str):
        return part
    field = split.field
    raw, params = f"p.{field.key}", [] if field.bag is None else [field.name]
    if field.bag is not None:
        raw = f"p.{field.bag} ->> %s"
    wanted = msgspec.json.encode({field.key: part.value}).decode()
    statement = SAID.format(raw=raw)
    row = connection.execute(statement, (*params, project_id, wanted), prepare=False).fetchone()
    return replace(part, label=str(row[0])) if row and row[0] else part


def _by_segment(connection: Connection, project_id: UUID, given: str) -> Split:
    try:
        row = connection.execute(SEGMENT, (project_id, UUID(given))).fetchone()
    except ValueError:
        row = None
    if row is None:
        raise InvalidError("split", "There is no such segment.")
    return Split(row[1], None, row[0], "%s::smallint = ANY(a.segments)", [row[2]], _ACTIVITY)
