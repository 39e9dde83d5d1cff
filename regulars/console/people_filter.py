"""A list's filter in words: the parts of it as chips, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.console.people_lists import Listed
from regulars.console.segments_words import Words, rule_words
from regulars.filters.ast import All, Filter
from regulars.filters.to_json import to_json
from regulars.segments import queries as segments
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the filter that can be dropped by itself; `url` is the list without it."""

    words: list[Words]
    text: str
    url: str


def check_segments(connection: Connection, project_id: UUID, listed: Listed) -> None:
    """Raise InvalidError where the filter names a segment that is none of the project's."""
    rule = listed.rule()
    if rule is not None and segments.missing(connection, project_id, rule):
        raise InvalidError("filter", "A segment in this filter does not exist any more.")


def chips(project_id: UUID, listed: Listed, names: Mapping[UUID, str]) -> list[Chip]:
    """The filter's parts, if it is one that is understood."""
    rule = listed.rule()
    if rule is None:
        return []
    parts = rule.parts if isinstance(rule, All) else (rule,)
    return [
        _chip(project_id, listed, names, part, [other for other in parts if other is not part])
        for part in parts
    ]


def _chip(
    project_id: UUID,
    listed: Listed,
    names: Mapping[UUID, str],
    part: Filter,
    others: list[Filter],
) -> Chip:
    words = rule_words(project_id, to_json(part), names)
    rest = {"all": [to_json(other) for other in others]} if others else None
    kept = msgspec.json.encode(rest).decode() if rest else ""
    return Chip(words, "".join(one.text for one in words), listed.address(filter=kept))
