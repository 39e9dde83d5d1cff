"""A project's segments, compiled: one generated function that answers all of them for a person.

A transaction shares the lock of the project's plan row and reads its version, so that it never
evaluates by segments that have changed meanwhile. Compiled plans are kept by version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.compile import Verdict, compile_filters
from regulars.filters.parse import parse
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

# The lock that a transaction shares, and whoever changes a segment takes alone.
SHARE = """
SELECT s.version, p.time_zone
FROM segment_plan s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s FOR SHARE OF s
"""
SEGMENTS = """
SELECT number, id, filter FROM segment
WHERE project_id = %s AND filter IS NOT NULL ORDER BY number
"""

Evaluate = Callable[[Person, datetime], tuple[list[int], datetime | None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """All dynamic segments of a project at one version."""

    version: tuple[int, str]
    ids: dict[int, UUID]  # by the segment's number
    evaluate: Evaluate  # numbers the person is in, ascending; the next instant to look again


class Plans:
    """Compiled plans, kept while their version lasts."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Plan] = {}

    def share(self, connection: Connection, project_id: UUID) -> Plan:
        """The project's plan, which can't change before the transaction ends."""
        version = connection.execute(SHARE, (project_id,), prepare=True).fetchone()
        if version is None:
            return _EMPTY
        kept = self._kept.get(project_id)
        if kept is None or kept.version != version:
            kept = _compile(connection, project_id, version)
            self._kept[project_id] = kept
        return kept

    def kept(self, project_id: UUID) -> Plan:
        """The plan that `share` found last."""
        return self._kept.get(project_id, _EMPTY)


def _compile(connection: Connection, project_id: UUID, version: tuple[int, str]) -> Plan:
    rows = connection.execute(SEGMENTS, (project_id,)).fetchall()
    numbers = [number for number, _, _ in rows]
    program = compile_filters([parse(filter_) for _, _, filter_ in rows], ZoneInfo(version[1]))
    # A Person has every fact that dynamic segments may ask about under the name Facts gives it.
    answer = cast("Callable[[Person, datetime], Verdict]", program.evaluate)

    @lru_cache(maxsize=10_000)  # few of all combinations occur; the lists are not changed
    def numbers_of(bits: int) -> list[int]:
        return [number for n, number in enumerate(numbers) if bits >> n & 1]

    def evaluate(person: Person, now: datetime) -> tuple[list[int], datetime | None]:
        bits, again = answer(person, now)
        return numbers_of(bits), again

    return Plan(version, {number: id_ for number, id_, _ in rows}, evaluate)


_EMPTY = Plan((0, "UTC"), {}, lambda _person, _now: ([], None))
