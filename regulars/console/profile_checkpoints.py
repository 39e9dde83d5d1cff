"""How far somebody is in the funnel, as their profile tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.describe import Names, describe
from regulars.filters.parse import parse
from regulars.funnels import queries
from regulars.people.person import Person
from regulars.segments import queries as segments

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A checkpoint: when they reached it, how long after the first, and by what rule."""

    title: str
    rule: str
    at: datetime | None
    after: str
    still: bool
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """All checkpoints, and how many of them were reached."""

    steps: tuple[Step, ...]
    reached: int


def progress_of(core: Connection, project_id: UUID, person: Person) -> Progress:
    """How far they are."""
    found = queries.progress_of(core, project_id, person)
    called = segments.names(core, project_id)
    names = Names(segments=called, checkpoints=called.checkpoints)
    first = found[0].at if found else None
    steps = tuple(
        Step(
            one.checkpoint.title,
            describe(parse(one.checkpoint.filter), names),
            one.at,
            _after(first, one.at) if n else "",
            one.still,
            one.is_dated,
        )
        for n, one in enumerate(found)
    )
    return Progress(steps, sum(one.at is not None for one in steps))


def _after(first: datetime | None, at: datetime | None) -> str:
    """“day 3”: the first day is the one on which they reached the first."""
    if first is None or at is None or at < first:
        return ""
    return f"day {(at - first).days + 1}"
