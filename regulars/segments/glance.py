"""Segments at a glance: those in the rail with their counts, and how many of one are here now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.people.orders import minute
from regulars.people.queries import MOST_COUNTED_ONLINE, ONLINE_FOR
from regulars.people.questions import KINDS
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

# One look into small tables, however many people there are.
RAIL = """
SELECT s.id, s.name, c.people, f.id IS NOT NULL
FROM segment s JOIN segment_count c ON c.project_id = s.project_id AND c.id = s.id
LEFT JOIN segment_fill f ON f.project_id = s.project_id AND f.id = s.id
WHERE s.project_id = %s AND s.builtin IS NULL AND s.deleted_at IS NULL
"""
BUILTIN = "SELECT id FROM segment WHERE project_id = %s AND builtin = %s"
# Whoever a browser showed within the last minutes was seen within them too, which is indexed.
HERE = f"""
SELECT count(*) FROM (
    SELECT 1 FROM person_activity
    WHERE project_id = %(project)s AND kind = ANY(%(kinds)s)
      AND last_seen_minute >= %(minute)s AND browser_seen_at > %(since)s
      AND %(number)s = ANY(segments)
    LIMIT {MOST_COUNTED_ONLINE}
) here
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """A segment that agents made, and how many are in it."""

    id: UUID
    name: str
    people: int
    filling: bool  # everybody is being looked at for it


def rail(connection: Connection, project_id: UUID) -> list[Glance]:
    """The segments that agents made, by name."""
    rows = connection.execute(RAIL, (project_id,), prepare=True)
    return sorted(
        (Glance(*row) for row in rows), key=lambda one: (one.name.casefold(), str(one.id))
    )


def builtin_id(connection: Connection, project_id: UUID, builtin: str) -> UUID:
    """The segment behind one of the lists that every project has. Raises UnknownError."""
    row = connection.execute(BUILTIN, (project_id, builtin), prepare=True).fetchone()
    if row is None:
        raise UnknownError("There is no such list.")
    found: UUID = row[0]
    return found


def here_now(connection: Connection, project_id: UUID, number: int, now: datetime) -> int:
    """How many of a segment a browser has shown in the last five minutes; up to 10,000."""
    since = now - ONLINE_FOR
    asked = {
        "project": project_id,
        "kinds": list(KINDS),
        "since": since,
        "minute": minute(since),
        "number": number,
    }
    row = connection.execute(HERE, asked, prepare=True).fetchone()
    return row[0] if row else 0
