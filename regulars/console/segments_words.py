"""Segments in words: the rule as a sentence, why somebody moved, why they are in or out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.console.frame import project_url
from regulars.console.templatetags.console import number
from regulars.filters.describe import Names, Role, describe_pieces
from regulars.filters.parse import parse
from regulars.filters.why import Why
from regulars.segments.queries import Transition

MOST_SHOWN = 120  # characters of a person's own value

_WAYS = {"in": "Entered", "out": "Left"}
_BY_TIME = {
    "facts": "as what is known of them changed",
    "time": "as time passed",
    "merge": "by a merge",
    "undo": "by an undone merge",
    "rule": "as the rule changed",
    "fill": "as everybody was counted",
    "erased": "as they were erased",
}
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_GROUPS = {"all": "All of these", "any": "Any of these", "not": "None of this"}


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a sentence: strong where it is a field or a value, linked where a segment."""

    text: str
    strong: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of why somebody is in or out: a condition with their value, or what a group says."""

    held: bool
    text: str
    depth: int  # of groups around it
    is_group: bool = False
    value: str = ""
    at: datetime | None = None  # the value, where it is an instant


def rule_words(project_id: UUID, filter_: Any, names: Mapping[UUID, str]) -> list[Words]:
    """A rule as its sentence, the segments in it linked to their pages."""
    called = Names(
        names, names, getattr(names, "checkpoints", {}), steps=getattr(names, "steps", {})
    )
    pieces = describe_pieces(parse(filter_), called)
    return [
        Words(
            piece.text,
            piece.role is not Role.WORD,
            url_of(project_id, piece.segment) if piece.segment in names else "",
        )
        for piece in pieces
    ]


def with_names(text: str, names: Mapping[UUID, str]) -> str:
    """What is wrong with a rule, with segments called by their names."""
    return _ID.sub(lambda found: _quoted(found[0], names), text)


def _quoted(id_: str, names: Mapping[UUID, str]) -> str:
    name = names.get(UUID(id_))
    return f"“{name}”" if name else id_


def url_of(project_id: UUID, segment_id: UUID | None) -> str:
    """A segment's page."""
    return project_url(project_id, f"segments/{segment_id}/")


def way_words(way: str) -> str:
    """“Entered” or “Left”."""
    return _WAYS[way]


def cause_words(moved: Transition, agents: Mapping[UUID, str]) -> str:
    """What brought a move about, to go on a sentence with: “after Order Completed”, or nothing."""
    detail = moved.detail or ""
    match moved.cause:
        case "event":
            return f"after {detail}" if detail else "after something they did"
        case "page":
            return f"after a look at {detail}" if detail else "after a look at a page"
        case "agent":
            return f"by {_agent(detail, agents)}"
        case "rest":
            return "by the API"
        case "import":
            return "by an import"
        case cause:
            return _BY_TIME.get(cause, "")


def reasons_of(why: Why) -> list[Reason]:
    """Why somebody is in or out, line by line; a lone group of conditions needs no head."""
    if why.word == "all":
        return [line for part in why.parts for line in _lines(part, 0)]
    return list(_lines(why, 0))


def _lines(why: Why, depth: int) -> Iterator[Reason]:
    if not why.word:
        yield Reason(why.held, why.sentence, depth, value=_value(why.value), at=_instant(why.value))
    elif len(why.parts) == 1 and why.word != "not":
        yield from _lines(why.parts[0], depth)
    else:
        yield Reason(why.held, _GROUPS[why.word], depth, is_group=True)
        for part in why.parts:
            yield from _lines(part, depth + 1)


def _value(value: Any) -> str:
    """The person's own value in a few words; an instant is drawn by itself."""
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(number(value))
        case datetime():
            return ""
        case list() | tuple() | set() | frozenset():
            return _short(", ".join(map(str, value))) or "none"
        case _:
            return _short(str(value))


def _instant(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _short(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _agent(id_: str, agents: Mapping[UUID, str]) -> str:
    try:
        return agents.get(UUID(id_), "an agent who left")
    except ValueError:
        return "an agent"
