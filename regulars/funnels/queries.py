"""What is asked about checkpoints: which there are, how they stand, and who reached them when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import CheckpointCondition, conditions
from regulars.filters.first_met import origin_of
from regulars.filters.parse import parse
from regulars.people.person import Person
from regulars.segments import findings
from regulars.segments import queries as segments
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

CHECKPOINTS = """
SELECT c.id, c.number, c.place, c.title, c.description, s.filter, s.id, n.filter, n.id,
       coalesce(m.people, 0), f.done, f.total, f.started_at, f.started_at <= c.created_at,
       c.dated_at, c.changed_at, c.changed_by
FROM checkpoint c
JOIN segment s ON s.project_id = c.project_id AND s.id = c.segment_id
LEFT JOIN segment n ON n.project_id = c.project_id AND n.id = c.next_segment_id
LEFT JOIN segment_count m ON m.project_id = c.project_id AND m.id = c.segment_id
LEFT JOIN segment_fill f
    ON f.project_id = c.project_id AND f.id = coalesce(c.next_segment_id, c.segment_id)
WHERE c.project_id = %s ORDER BY c.place, c.number
"""
TITLES = """
SELECT s.number, c.title FROM checkpoint c
JOIN segment s ON s.project_id = c.project_id AND s.id = c.segment_id
WHERE c.project_id = %s ORDER BY c.place
"""
ASKING = """
SELECT name, filter FROM segment
WHERE project_id = %s AND builtin IS NULL AND filter IS NOT NULL AND deleted_at IS NULL
ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Counting:
    """How many of a project's people have been looked at for a checkpoint; whether it is new."""

    done: int
    total: int
    started_at: datetime
    is_first: bool


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint of the funnel. `filter` is in force; `next_filter` when all are counted. Other
    days are in force at once (`evaluating.replaces`).

    `meeting` is how many meet the condition now. `dated_at`: whoever met it before then was dated
    then, since their past is not known; None where it is.
    """

    id: UUID
    number: int
    place: int
    title: str
    description: str
    filter: Any
    segment_id: UUID
    next_filter: Any
    next_segment_id: UUID | None
    meeting: int
    counting: Counting | None
    dated_at: datetime | None
    changed_at: datetime
    changed_by: UUID | None

    @property
    def wanted(self) -> Any:
        """The condition as it was last set."""
        return self.filter if self.next_filter is None else self.next_filter

    @property
    def is_derived(self) -> bool:
        """Whether the past of its condition is known."""
        return origin_of(parse(self.filter)) is not None


@dataclass(frozen=True, slots=True)
class Milestone:
    """That somebody reached a checkpoint, as a line of their history."""

    id: UUID  # the checkpoint's
    title: str
    at: datetime
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """A checkpoint and when somebody reached it, if they have; and whether they still meet it."""

    checkpoint: Checkpoint
    at: datetime | None
    still: bool
    is_dated: bool  # the instant is that of an evaluation: it may have been earlier


def checkpoints(connection: Connection, project_id: UUID) -> list[Checkpoint]:
    """The funnel's, in their order."""
    rows = connection.execute(CHECKPOINTS, (project_id,), prepare=True).fetchall()
    return [_checkpoint(row) for row in rows]


def checkpoint(connection: Connection, project_id: UUID, number: int) -> Checkpoint:
    """One of them. Raises UnknownError."""
    for one in checkpoints(connection, project_id):
        if one.number == number:
            return one
    raise UnknownError("There is no such checkpoint.")


def titles(connection: Connection, project_id: UUID) -> dict[int, str]:
    """What the checkpoints are called, by number and in their order."""
    return {one.number: one.title for one in checkpoints(connection, project_id)}


def titles_by_key(connection: Connection, project_id: UUID) -> dict[str, str]:
    """The same under what people's rows call them."""
    rows = connection.execute(TITLES, (project_id,), prepare=True).fetchall()
    return {str(number): title for number, title in rows}


def progress_of(connection: Connection, project_id: UUID, person: Person) -> list[Reached]:
    """How far somebody is, checkpoint by checkpoint."""
    steps = {n: key for key, n in segments.steps(connection, project_id).items()}
    findings.tell(connection, project_id, [person])
    progress = []
    for one in checkpoints(connection, project_id):
        key = steps.get(one.number, "")
        at = person.checkpoints.get(key)
        still = bool(key) and int(key) in person.segments
        dated = at is not None and one.dated_at is not None and at <= _until(one)
        progress.append(Reached(one, at, still, dated and not one.is_derived))
    return progress


def milestones(
    connection: Connection,
    project_id: UUID,
    person: Person,
    *,
    before: tuple[datetime, UUID] | None = None,
) -> list[Milestone]:
    """What somebody has reached, the latest first: of five at most, those before a place."""
    found = [
        Milestone(one.checkpoint.id, one.checkpoint.title, one.at, one.is_dated)
        for one in progress_of(connection, project_id, person)
        if one.at is not None
    ]
    known = [one for one in found if before is None or (one.at, one.id) < before]
    return sorted(known, key=lambda one: (one.at, one.id), reverse=True)


def asking(connection: Connection, project_id: UUID, number: int) -> list[str]:
    """The segments whose rules ask for the checkpoint, by name."""
    rows = connection.execute(ASKING, (project_id,)).fetchall()
    return [
        name
        for name, filter_ in rows
        if any(
            isinstance(one, CheckpointCondition) and number in one.chain
            for one in conditions(parse(filter_))
        )
    ]


def _until(one: Checkpoint) -> datetime:
    return one.dated_at or one.changed_at


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    counting = Counting(*row[10:14]) if row[12] is not None else None
    return Checkpoint(*(*row[:10], counting, *row[14:]))
