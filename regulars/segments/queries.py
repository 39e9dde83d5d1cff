"""What is asked about segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

BY_NUMBER = "SELECT number, id FROM segment WHERE project_id = %s"
KNOWN = "SELECT id FROM segment WHERE project_id = %s AND id = ANY(%s)"
OF_PERSON = """
SELECT s.id, s.name, s.builtin, m.since
FROM segment_member m
JOIN segment s ON s.project_id = m.project_id AND s.id = m.segment_id
WHERE m.project_id = %s AND m.person_id = %s
ORDER BY s.number
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment somebody is in, and since when."""

    id: UUID
    name: str
    builtin: str | None
    since: datetime


def memberships_of(
    connection: psycopg.Connection[Any], project_id: UUID, person_id: UUID
) -> list[Membership]:
    """The segments the person is in, the built-in ones first."""
    return [Membership(*row) for row in connection.execute(OF_PERSON, (project_id, person_id))]


def by_number(connection: psycopg.Connection[Any], project_id: UUID) -> dict[int, UUID]:
    """The project's segments by the numbers that people's rows carry."""
    rows: Any = connection.execute(BY_NUMBER, (project_id,))
    return dict(rows.fetchall())


def known(connection: psycopg.Connection[Any], project_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Which of the ids are segments of the project."""
    rows = connection.execute(KNOWN, (project_id, list(ids)))
    return {row[0] for row in rows}
