"""What is asked about segments: which there are, how they do, who came and went, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import CheckpointCondition, Filter, SegmentCondition, conditions
from regulars.filters.parse import parse
from regulars.segments.plan import KINDS
from regulars.segments.standing import asked_of
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

# Segments that stand behind checkpoints are no list's.
BY_NUMBER = """
SELECT number, id FROM segment
WHERE project_id = %s AND deleted_at IS NULL AND builtin IS DISTINCT FROM 'checkpoint'
"""
STEPS = """
SELECT number, checkpoint, name FROM segment WHERE project_id = %s AND checkpoint IS NOT NULL
"""
# Those slices stand above this one: their tables are read here as reports would.
CAMPAIGNS = """
SELECT id FROM campaign WHERE project_id = %(project)s AND id = ANY(%(ids)s)
UNION ALL SELECT id FROM email WHERE project_id = %(project)s AND id = ANY(%(ids)s)
"""
KNOWN = """
SELECT id FROM segment
WHERE project_id = %s AND id = ANY(%s) AND deleted_at IS NULL
  AND builtin IS DISTINCT FROM 'checkpoint'
"""
OF_PERSON = """
SELECT s.id, s.name, s.builtin, m.since
FROM segment_member m
JOIN segment s ON s.project_id = m.project_id AND s.id = m.segment_id
WHERE m.project_id = %s AND m.person_id = %s AND s.deleted_at IS NULL
ORDER BY s.number
"""
SEGMENTS = """
SELECT s.id, s.number, s.name, s.builtin, s.filter, c.people,
       s.created_at, s.created_by, s.changed_at, s.changed_by, f.done, f.total, f.started_at
FROM segment s
JOIN segment_count c ON c.project_id = s.project_id AND c.id = s.id
LEFT JOIN segment_fill f ON f.project_id = s.project_id AND f.id = s.id
WHERE s.project_id = %s AND s.deleted_at IS NULL AND s.builtin IS DISTINCT FROM 'checkpoint'
  AND {which}
"""
AFTER = f"{SEGMENTS.format(which='s.number > %s')} ORDER BY s.number LIMIT %s"
DAYS = """
SELECT day, people, entered, "left" FROM segment_day
WHERE project_id = %s AND segment_id = %s AND day > %s AND day <= %s ORDER BY day
"""
DAY_BEFORE = """
SELECT people FROM segment_day
WHERE project_id = %s AND segment_id = %s AND day <= %s ORDER BY day DESC LIMIT 1
"""
TRANSITIONS = """
SELECT t.id, t.segment_id, s.name, t.person_id, t.way, t.cause, t.detail, t.at
FROM segment_transition t
JOIN segment s ON s.project_id = t.project_id AND s.id = t.segment_id
WHERE t.project_id = %(project)s AND {whose} AND s.deleted_at IS NULL
  AND (%(way)s::text IS NULL OR t.way = %(way)s)
  AND (%(before)s::uuid IS NULL OR t.id < %(before)s)
ORDER BY t.id DESC LIMIT %(limit)s
"""
COUNT_OF = """
SELECT count(*) FROM (
    SELECT 1 FROM segment_transition t
    JOIN segment s ON s.project_id = t.project_id AND s.id = t.segment_id
    WHERE t.project_id = %s AND t.person_id = %s AND s.deleted_at IS NULL LIMIT %s
) counted
"""
NAMES = """
SELECT id, name FROM segment
WHERE project_id = %s AND deleted_at IS NULL AND builtin IS DISTINCT FROM 'checkpoint'
"""
FILTERS = """
SELECT id, name, filter, builtin FROM segment
WHERE project_id = %s AND filter IS NOT NULL AND deleted_at IS NULL ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment somebody is in, and since when."""

    id: UUID
    name: str
    builtin: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Filling:
    """How many of a project's people have been looked at for a segment."""

    done: int
    total: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is; `filter` is the contract's JSON, None where people are picked by hand."""

    id: UUID
    number: int
    name: str
    builtin: str | None
    filter: Any
    people: int
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime | None
    changed_by: UUID | None
    filling: Filling | None


@dataclass(frozen=True, slots=True)
class Day:
    """A segment's day (UTC): how many were in it at the end, who entered and left."""

    day: date
    people: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class Transition:
    """Somebody entered a segment or left it. `cause` and `detail` say what brought that about:
    `event` (its name), `page` (its path), `agent` (their id), `facts`, `time`, `merge`, `rest`,
    `rule`.
    """

    id: UUID
    segment_id: UUID
    segment_name: str
    person_id: UUID
    way: str  # in or out
    cause: str
    detail: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """Something that a segment is used by."""

    kind: str  # segment, checkpoint or campaign
    id: UUID
    name: str
    note: str = ""  # how it stands
    holds: bool = True  # the segment can't be deleted while it is so


# What slices above build on a segment of the project: `config` wires them.
USERS: list[Callable[[Connection, UUID, UUID], list[Use]]] = []


def saved(connection: Connection, project_id: UUID) -> list[Segment]:
    """The segments that agents made, by name."""
    statement = SEGMENTS.format(which="s.builtin IS NULL")
    rows = connection.execute(statement, (project_id,), prepare=True).fetchall()
    return sorted(map(_segment, rows), key=lambda one: (one.name.casefold(), one.number))


def segments_after(
    connection: Connection, project_id: UUID, number: int, limit: int
) -> list[Segment]:
    """The segments behind a number, as they were made: the built-in ones come first."""
    return [_segment(row) for row in connection.execute(AFTER, (project_id, number, limit))]


def segment(connection: Connection, project_id: UUID, segment_id: UUID) -> Segment:
    """One segment, a built-in one too. Raises UnknownError."""
    statement = SEGMENTS.format(which="s.id = %s")
    row = connection.execute(statement, (project_id, segment_id)).fetchone()
    if row is None:
        raise UnknownError("There is no such segment.")
    return _segment(row)


def growth(
    connection: Connection, project_id: UUID, segment_id: UUID, today: date, days: int = 90
) -> list[Day]:
    """The segment's last days, the oldest first; those before it was made are left out."""
    one = segment(connection, project_id, segment_id)
    first = max(today - timedelta(days=days - 1), one.created_at.date())
    before = first - timedelta(days=1)
    asked = (project_id, segment_id)
    row = connection.execute(DAY_BEFORE, (*asked, before)).fetchone()
    people = row[0] if row else 0
    told = {
        found[0]: Day(*found)
        for found in connection.execute(DAYS, (*asked, before, today)).fetchall()
    }
    found_days = []
    for offset in range((today - first).days + 1):
        day = first + timedelta(days=offset)
        this = told.get(day, Day(day, people, 0, 0))
        people = this.people
        found_days.append(this)
    return found_days


def transitions(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    *,
    way: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Transition]:
    """Who entered and left the segment, the newest first; `way` is in, out or both."""
    return _transitions(
        connection, "t.segment_id = %(of)s", project_id, segment_id, way, before, limit
    )


def transitions_of(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Transition]:
    """Which segments the person entered and left, the newest first."""
    return _transitions(
        connection, "t.person_id = %(of)s", project_id, person_id, None, before, limit
    )


def transitions_counted(
    connection: Connection, project_id: UUID, person_id: UUID, most: int
) -> int:
    """How often the person entered a segment or left one; the count stops at `most`."""
    row = connection.execute(COUNT_OF, (project_id, person_id, most)).fetchone()
    return int(row[0]) if row else 0


def used_by(connection: Connection, project_id: UUID, segment_id: UUID) -> list[Use]:
    """The segments and checkpoints that are built on the segment."""
    rows = connection.execute(FILTERS, (project_id,)).fetchall()
    return [
        Use("checkpoint" if builtin == "checkpoint" else "segment", id_, name)
        for id_, name, filter_, builtin in rows
        if any(
            isinstance(one, SegmentCondition) and one.segment == segment_id
            for one in conditions(parse(filter_, kinds=KINDS))
        )
    ]


def all_uses(connection: Connection, project_id: UUID, segment_id: UUID) -> list[Use]:
    """What is built on the segment, here and in slices above."""
    found = used_by(connection, project_id, segment_id)
    for users in USERS:
        found += users(connection, project_id, segment_id)
    return found


class Called(dict[UUID, str]):
    """What the project's segments are called, and its checkpoints by number.

    Whoever knows campaigns adds their names, and those of their steps.
    """

    checkpoints: Mapping[int, str] = MappingProxyType({})
    steps: Mapping[tuple[UUID, str], str] = MappingProxyType({})


def names(connection: Connection, project_id: UUID) -> Called:
    """What the project's segments and checkpoints are called."""
    rows: Any = connection.execute(NAMES, (project_id,))
    called = Called(rows.fetchall())
    steps_ = connection.execute(STEPS, (project_id,), prepare=True).fetchall()
    called.checkpoints = {checkpoint: name for _, checkpoint, name in steps_}
    return called


def memberships_of(connection: Connection, project_id: UUID, person_id: UUID) -> list[Membership]:
    """The segments the person is in, the built-in ones first."""
    return [Membership(*row) for row in connection.execute(OF_PERSON, (project_id, person_id))]


def by_number(connection: Connection, project_id: UUID) -> dict[int, UUID]:
    """The project's segments by the numbers that people's rows carry."""
    rows: Any = connection.execute(BY_NUMBER, (project_id,))
    return dict(rows.fetchall())


def steps(connection: Connection, project_id: UUID) -> dict[str, int]:
    """The checkpoints by what people's rows call them."""
    rows = connection.execute(STEPS, (project_id,), prepare=True).fetchall()
    return {str(number): checkpoint for number, checkpoint, _ in rows}


def missing_steps(connection: Connection, project_id: UUID, rule: Filter) -> set[int]:
    """The checkpoints a filter names that the project does not have."""
    named = {
        number
        for one in conditions(rule)
        if isinstance(one, CheckpointCondition)
        for number in one.chain
    }
    return named - set(steps(connection, project_id).values()) if named else set()


def missing_campaigns(connection: Connection, project_id: UUID, rule: Filter) -> set[UUID]:
    """The campaigns a filter names that the project does not have. Emails to many are some, too."""
    named = {one.campaign for one in asked_of([rule])}
    if not named:
        return named
    rows = connection.execute(CAMPAIGNS, {"project": project_id, "ids": list(named)})
    return named - {row[0] for row in rows}


def known(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Which of the ids are segments of the project."""
    rows = connection.execute(KNOWN, (project_id, list(ids)))
    return {row[0] for row in rows}


def missing(connection: Connection, project_id: UUID, rule: Filter) -> set[UUID]:
    """The segments a filter names that the project does not have."""
    named = {one.segment for one in conditions(rule) if isinstance(one, SegmentCondition)}
    return named - known(connection, project_id, named) if named else set()


def _segment(row: tuple[Any, ...]) -> Segment:
    filling = Filling(*row[10:]) if row[12] is not None else None
    return Segment(*(*row[:10], filling))


def _transitions(
    connection: Connection,
    whose: str,
    project_id: UUID,
    of: UUID,
    way: str | None,
    before: UUID | None,
    limit: int,
) -> list[Transition]:
    asked = {"project": project_id, "of": of, "way": way, "before": before, "limit": limit}
    rows = connection.execute(TRANSITIONS.format(whose=whose), asked)
    return [Transition(*row) for row in rows]
