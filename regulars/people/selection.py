"""Whom an agent selected: people ticked one by one, or everyone on a list.

A list is kept as its question, not as the ids of whoever answers it, so that a million people are
as quick to select as three. It is read in the order of ids, which nothing done to a person changes:
whoever goes through it meets everybody once, even where what is done changes who matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.parse import parse
from regulars.filters.to_json import to_json as filter_to_json
from regulars.kit import arrays
from regulars.kit.ids import first_id
from regulars.people import queries
from regulars.people.listing import JOINED, Question
from regulars.people.queries import Which
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_PICKED = 5_000  # people ticked one by one, or left out of a list one by one

THERE = "SELECT id FROM person WHERE project_id = %s AND id = ANY(%s::uuid[])"
CHANGED_BY = """
SELECT person_id FROM bulk_change
WHERE project_id = %s AND job_id = %s AND (%s::uuid IS NULL OR person_id > %s::uuid)
ORDER BY person_id LIMIT %s
"""
COUNT_CHANGED = "SELECT count(*) FROM bulk_change WHERE project_id = %s AND job_id = %s"


@dataclass(frozen=True, slots=True)
class Picked:
    """People who were ticked, in the order of their ids."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Whom a job changed: to undo it."""

    job: UUID


@dataclass(frozen=True, slots=True)
class Everyone:
    """Who is on a list, but those who were unticked; `before` leaves out who came after it."""

    kind: str | None = None
    builtin: str | None = None
    segment: UUID | None = None
    query: str | None = None
    filter: Mapping[str, Any] | None = None
    without: tuple[UUID, ...] = ()
    before: datetime | None = None


Selection = Picked | ChangedBy | Everyone


@dataclass(frozen=True, slots=True)
class Asked:
    """A selection as it is asked of a project: at an instant, in the project's time zone."""

    project_id: UUID
    selection: Selection
    now: datetime
    zone: tzinfo


def picked(ids: Iterable[UUID]) -> Picked:
    """These people. Raises InvalidError for too many."""
    kept = tuple(sorted(set(ids)))
    if len(kept) > MOST_PICKED:
        raise InvalidError("selection", f"At most {MOST_PICKED:,} people can be ticked one by one.")
    return Picked(kept)


def everyone(
    which: Which, *, without: Iterable[UUID] = (), before: datetime | None = None
) -> Everyone:
    """Everyone on the list. Raises InvalidError where too many were unticked."""
    kept = picked(without).ids
    filter_ = filter_to_json(which.filter) if which.filter is not None else None
    return Everyone(which.kind, which.builtin, which.segment_id, which.query, filter_, kept, before)


def to_json(selection: Selection) -> dict[str, Any]:
    """The selection as it is kept."""
    match selection:
        case Picked(ids):
            return {"ids": [str(id_) for id_ in ids]}
        case ChangedBy(job):
            return {"changed_by": str(job)}
        case Everyone():
            kept: dict[str, Any] = {
                "kind": selection.kind,
                "builtin": selection.builtin,
                "segment": str(selection.segment) if selection.segment else None,
                "query": selection.query,
                "filter": selection.filter,
                "except": [str(id_) for id_ in selection.without],
                "before": selection.before.isoformat() if selection.before else None,
            }
            return {"list": {key: value for key, value in kept.items() if value}}


def from_json(kept: Mapping[str, Any]) -> Selection:
    """The selection that `to_json` wrote."""
    if "ids" in kept:
        return Picked(tuple(UUID(id_) for id_ in kept["ids"]))
    if "changed_by" in kept:
        return ChangedBy(UUID(kept["changed_by"]))
    said = kept["list"]
    return Everyone(
        kind=said.get("kind"),
        builtin=said.get("builtin"),
        segment=UUID(said["segment"]) if "segment" in said else None,
        query=said.get("query"),
        filter=said.get("filter"),
        without=tuple(UUID(id_) for id_ in said.get("except", ())),
        before=datetime.fromisoformat(said["before"]) if "before" in said else None,
    )


def ids_behind(connection: Connection, asked: Asked, after: UUID | None, limit: int) -> list[UUID]:
    """The next people of the selection, in the order of ids. Somebody ticked may be gone."""
    match asked.selection:
        case Picked(ids):
            return [id_ for id_ in ids if after is None or id_ > after][:limit]
        case ChangedBy(job):
            given = (asked.project_id, job, after, after, limit)
            return [row[0] for row in connection.execute(CHANGED_BY, given)]
        case Everyone() as everyone_:
            source, where, params = _sql(connection, asked, everyone_)
            if after is not None:
                where, params = f"{where} AND p.id > %s", [*params, after]
            rows = connection.execute(
                f"SELECT p.id FROM {source} WHERE {where} ORDER BY p.id LIMIT %s", [*params, limit]
            )
            return [row[0] for row in rows]


def still(connection: Connection, asked: Asked, ids: Iterable[UUID]) -> set[UUID]:
    """Which of these people are in the selection now. Those who were ticked stay ticked."""
    if not isinstance(asked.selection, Everyone):
        return set(ids)
    source, where, params = _sql(connection, asked, asked.selection)
    rows = connection.execute(
        f"SELECT p.id FROM {source} WHERE {where} AND p.id = ANY(%s::uuid[])",
        [*params, arrays.of_ids(ids)],
    )
    return {row[0] for row in rows}


def count(connection: Connection, asked: Asked) -> int:
    """How many people are selected, exactly."""
    match asked.selection:
        case Picked(ids):
            return len(connection.execute(THERE, (asked.project_id, arrays.of_ids(ids))).fetchall())
        case ChangedBy(job):
            row = connection.execute(COUNT_CHANGED, (asked.project_id, job)).fetchone()
        case Everyone() as everyone_:
            source, where, params = _sql(connection, asked, everyone_)
            row = connection.execute(
                f"SELECT count(*) FROM {source} WHERE {where}", params
            ).fetchone()
    return int(row[0]) if row else 0


def _sql(connection: Connection, asked: Asked, everyone_: Everyone) -> tuple[str, str, list[Any]]:
    """FROM, WHERE and their parameters, over `p` at least."""
    question = _question(connection, asked, everyone_)
    source = "person p"
    params: list[Any] = []
    if not all(condition.of_p for condition in question.narrow):
        source = JOINED
    if question.group is not None:
        # Its index holds the members in the order of ids, however many or few they are.
        source += (
            " JOIN segment_member m ON m.project_id = p.project_id AND m.person_id = p.id"
            " AND m.project_id = %s AND m.segment_id = %s"
        )
        params += [asked.project_id, question.group.id]
    conditions = ["p.project_id = %s", "p.kind = ANY(%s)"]
    params += [asked.project_id, list(question.kinds)]
    for condition in question.narrow:
        conditions.append(f"({condition.text})")
        params += condition.params
    if everyone_.before is not None:
        conditions.append("p.id < %s")
        params.append(first_id(everyone_.before + timedelta(milliseconds=1)))
    if everyone_.without:
        conditions.append("p.id <> ALL(%s::uuid[])")
        params.append(arrays.of_ids(everyone_.without))
    return source, " AND ".join(conditions), params


def _question(connection: Connection, asked: Asked, everyone_: Everyone) -> Question:
    which = Which(
        now=asked.now,
        kind=everyone_.kind,
        builtin=everyone_.builtin,
        segment_id=everyone_.segment,
        query=everyone_.query,
        filter=parse(everyone_.filter) if everyone_.filter else None,
        zone=asked.zone,
    )
    return queries.question_of(connection, asked.project_id, which)
