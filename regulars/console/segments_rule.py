"""A list of people as a rule: what its tab, its search and its filters say together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.console.people_lists import Listed
from regulars.filters.to_json import to_json
from regulars.people.queries import Which
from regulars.segments import glance, queries

Connection = psycopg.Connection[Any]

_SEARCHED = ("name", "email", "user_id")  # as the search box looks


def rule_of(core: Connection, project_id: UUID, listed: Listed, now: datetime) -> Any:
    """The filter (as decoded JSON) that finds whom the list holds.

    Raises UnknownError for a segment that is none, FilterError for a filter that is none.
    """
    which = listed.which(now)
    parts = [*_kind(which), *_named(core, project_id, which), *_typed(which)]
    if which.filter is not None:
        own = to_json(which.filter)
        # What stands side by side needs no level of its own.
        parts += own["all"] if set(own) == {"all"} else [own]
    return parts[0] if len(parts) == 1 else {"all": parts or [_anybody()]}


def _kind(which: Which) -> list[Any]:
    if which.kind is None or which.builtin not in (None, "all"):
        return []  # these lists hold users alone
    return [{"field": "kind", "op": "is", "value": which.kind}]


def _named(core: Connection, project_id: UUID, which: Which) -> list[Any]:
    """The segments whose people the list holds."""
    named = [which.segment_id] if which.segment_id is not None else []
    if which.builtin not in (None, "all"):
        named.append(glance.builtin_id(core, project_id, which.builtin or ""))
    for segment_id in named:
        queries.segment(core, project_id, segment_id)
    return [{"segment": str(segment_id), "op": "is_in"} for segment_id in named]


def _typed(which: Which) -> list[Any]:
    """The search box, which looks into each of these."""
    if not which.query:
        return []
    conditions = [{"field": field, "op": "contains", "value": which.query} for field in _SEARCHED]
    return [{"any": conditions}]


def _anybody() -> dict[str, Any]:
    return {"field": "kind", "op": "is_known"}
