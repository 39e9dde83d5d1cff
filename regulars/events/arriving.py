"""What arrives: events a minute, and the newest of a project. For the Tracking page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.kit.connection import later
from regulars.kit.ids import instant_of

Connection = psycopg.Connection[Any]

MINUTES = 60
KEPT = timedelta(days=2)

COUNT = """
INSERT INTO event_rate (project_id, id, events) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET events = event_rate.events + excluded.events
"""
RATES = "SELECT id, events FROM event_rate WHERE project_id = %s AND id > %s"
FORGET = "DELETE FROM event_rate WHERE id < %s"
NEWEST = """
SELECT e.id, e.kind, e.name, e.path, e.url, e.properties::text AS properties, e.source,
       e.message_id, e.person_id, p.name AS person_name, p.email, p.user_id, p.kind AS person_kind
FROM event e
LEFT JOIN person p ON p.project_id = e.project_id AND p.id = e.person_id
WHERE e.project_id = %(project)s AND (%(after)s::uuid IS NULL OR e.id > %(after)s)
ORDER BY e.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event as the live list shows it."""

    id: UUID
    kind: str
    name: str | None
    path: str | None
    url: str | None
    properties: str | None
    source: str
    message_id: str | None
    person_id: UUID
    person_name: str | None
    email: str | None
    user_id: str | None
    person_kind: str | None

    @property
    def at(self) -> datetime:
        """When it was received."""
        return instant_of(self.id)

    def name_of_person(self) -> str | None:
        """What the person is called, where anything is known."""
        return self.person_name or self.email or self.user_id


def count(connection: Connection, project_id: UUID, events: int, now: datetime) -> None:
    """Add to the minute's events. The row is the project's own: among a transaction's last."""
    if events:
        later(connection, COUNT, (project_id, _minute(now), events))


def a_minute(connection: Connection, project_id: UUID, now: datetime) -> list[int]:
    """Events in each of the last 60 minutes, the running one last."""
    last = _minute(now)
    found = dict(connection.execute(RATES, (project_id, last - MINUTES)).fetchall())
    return [found.get(minute, 0) for minute in range(last - MINUTES + 1, last + 1)]


def newest(
    connection: Connection, project_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> list[Arrived]:
    """The newest events, the newest first; those behind `after` where it is given."""
    with connection.cursor(row_factory=class_row(Arrived)) as cursor:
        values = {"project": project_id, "after": after, "limit": limit}
        return cursor.execute(NEWEST, values).fetchall()


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop the minutes that nobody draws any more."""
    connection.execute(FORGET, (_minute(now - KEPT),))


def _minute(at: datetime) -> int:
    """Minutes since 1970."""
    return int(at.astimezone(UTC).timestamp() // 60)
