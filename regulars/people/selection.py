"""Whom an agent selected: people ticked one by one, or everyone on a list.

A list is kept as its question, not as the ids of whoever answers it, so that a million people are
as quick to select as three. It is read in the order of ids, which nothing done to a person changes:
whoever goes through it meets everybody once, even where what is done changes who matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.parse import parse
from regulars.filters.to_json import to_json as filter_to_json
from regulars.filters.to_sql import to_sql
from regulars.kit import arrays
from regulars.kit.ids import first_id
from regulars.people import queries
from regulars.people.queries import Which
from regulars.people.questions import Condition
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_PICKED = 5_000  # people ticked one by one, or left out of a list one by one

AMONG = "p.id = ANY(%s::uuid[])"
THERE = "SELECT id FROM person WHERE project_id = %s AND id = ANY(%s::uuid[])"
CHANGED_BY = """
SELECT person_id FROM bulk_change
WHERE project_id = %s AND job_id = %s AND (%s::uuid IS NULL OR person_id > %s::uuid)
ORDER BY person_id LIMIT %s
"""
# Whom an import made, and who has done nothing since: nobody's history goes with them.
MADE_BY = """
SELECT r.person_id
FROM people_import_row r
JOIN person p ON p.project_id = r.project_id AND p.id = r.person_id
JOIN person_activity a ON a.project_id = r.project_id AND a.id = r.person_id
WHERE r.project_id = %s AND r.import_id = %s AND r.person_id IS NOT NULL
  AND a.last_seen IS NULL AND p.last_contacted IS NULL
  AND (%s::uuid IS NULL OR r.person_id > %s::uuid)
ORDER BY r.person_id LIMIT %s
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
class MadeBy:
    """Whom an import made and who has done nothing since: to take them back."""

    import_: UUID


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


Selection = Picked | ChangedBy | MadeBy | Everyone


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
        case MadeBy(import_):
            return {"made_by": str(import_)}
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
    if "made_by" in kept:
        return MadeBy(UUID(kept["made_by"]))
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
        case MadeBy(import_):
            given = (asked.project_id, import_, after, after, limit)
            return [row[0] for row in connection.execute(MADE_BY, given)]
        case Everyone() as everyone_:
            listed = _Listed(connection, asked, everyone_)
            further = [Condition("p.id > %s", (after,))] if after is not None else []
            return listed.ids(*listed.meant, *further, limit=limit)


def still(connection: Connection, asked: Asked, ids: Iterable[UUID]) -> set[UUID]:
    """Which of these people are in the selection now. Those who were ticked stay ticked."""
    if not isinstance(asked.selection, Everyone):
        return set(ids)
    listed = _Listed(connection, asked, asked.selection)
    return set(listed.ids(*listed.meant, Condition(AMONG, (arrays.of_ids(ids),))))


def count(connection: Connection, asked: Asked) -> int:
    """How many people are selected, exactly."""
    match asked.selection:
        case Picked(ids):
            return len(connection.execute(THERE, (asked.project_id, arrays.of_ids(ids))).fetchall())
        case ChangedBy(job):
            row = connection.execute(COUNT_CHANGED, (asked.project_id, job)).fetchone()
        case MadeBy(import_):
            made = (asked.project_id, import_, None, None, None)
            row = connection.execute(f"SELECT count(*) FROM ({MADE_BY}) found", made).fetchone()
        case Everyone() as everyone_:
            return _count_listed(connection, asked, everyone_)
    return int(row[0]) if row else 0


def _count_listed(connection: Connection, asked: Asked, everyone_: Everyone) -> int:
    """As many as the list says, which is quick, but for the few who are not meant."""
    listed = _Listed(connection, asked, everyone_)
    if everyone_.segment is not None and everyone_.kind is not None:
        return listed.count(*listed.meant)  # what is kept of a segment is its people of all kinds
    total = queries.count(connection, asked.project_id, _which(asked, everyone_)).number
    if everyone_.without:
        there = Condition(AMONG, (arrays.of_ids(everyone_.without),))
        total -= len(listed.ids(*listed.come_before, there))
    if everyone_.before is not None:
        total -= listed.count(Condition("p.id >= %s", (_first_id_after(everyone_.before),)))
    return max(0, total)


class _Listed:
    """A list in SQL, over `p` at least: whoever is on it, in the order of ids."""

    def __init__(self, connection: Connection, asked: Asked, everyone_: Everyone) -> None:
        # The filter is asked here, since lists may ask it of rows that have another order.
        which = replace(_which(asked, everyone_), filter=None)
        question = queries.question_of(connection, asked.project_id, which)
        self._connection = connection
        self._everyone = everyone_
        self._source = "person p"
        self._params: list[Any] = []
        self._where = [
            Condition("p.project_id = %s", (asked.project_id,)),
            Condition("p.kind = ANY(%s)", (list(question.kinds),)),
            *question.narrow,
        ]
        if everyone_.filter:
            self._source += " JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"
            text, params = to_sql(parse(everyone_.filter), now=asked.now, zone=asked.zone)
            self._where.append(Condition(text, tuple(params)))
        if question.group is not None:
            # Its index holds the members in the order of ids, however many or few they are.
            self._source += (
                " JOIN segment_member m ON m.project_id = p.project_id AND m.person_id = p.id"
                " AND m.project_id = %s AND m.segment_id = %s"
            )
            self._params += [asked.project_id, question.group.id]

    @property
    def come_before(self) -> list[Condition]:
        """Who was there when everyone was selected."""
        before = self._everyone.before
        return [Condition("p.id < %s", (_first_id_after(before),))] if before is not None else []

    @property
    def meant(self) -> list[Condition]:
        """The same, but who was unticked."""
        without = self._everyone.without
        unticked = [Condition("p.id <> ALL(%s::uuid[])", (arrays.of_ids(without),))]
        return self.come_before + (unticked if without else [])

    def ids(self, *conditions: Condition, limit: int | None = None) -> list[UUID]:
        """Those on the list of whom all this holds."""
        where, params = self._all(conditions)
        rows = self._connection.execute(
            f"SELECT p.id FROM {self._source} WHERE {where} ORDER BY p.id LIMIT %s",
            (*params, limit),
        )
        return [row[0] for row in rows]

    def count(self, *conditions: Condition) -> int:
        """How many they are."""
        where, params = self._all(conditions)
        statement = f"SELECT count(*) FROM {self._source} WHERE {where}"
        row = self._connection.execute(statement, params).fetchone()
        return int(row[0]) if row else 0

    def _all(self, conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
        pieces = [*self._where, *conditions]
        params = [*self._params, *(one for piece in pieces for one in piece.params)]
        return " AND ".join(f"({piece.text})" for piece in pieces), params


def _which(asked: Asked, everyone_: Everyone) -> Which:
    return Which(
        now=asked.now,
        kind=everyone_.kind,
        builtin=everyone_.builtin,
        segment_id=everyone_.segment,
        query=everyone_.query,
        filter=parse(everyone_.filter) if everyone_.filter else None,
        zone=asked.zone,
    )


def _first_id_after(at: datetime) -> UUID:
    """Whoever was made at the instant or before has a lower id."""
    return first_id(at + timedelta(milliseconds=1))
