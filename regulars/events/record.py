"""The writing side of events: rows go in by COPY, and change hands when people merge.

Runs without Django. Partitions are one a calendar month (UTC) of the receipt time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.ids import first_id

Connection = psycopg.Connection[Any]

COPY_EVENTS = (
    "COPY event (project_id, id, person_id, session_id, kind, happened_at, source, name,"
    " url, path, title, properties, message_id) FROM STDIN WITH (NULL '')"
)
ADD_SESSIONS = """
INSERT INTO session (
    project_id, id, person_id, anonymous_id, started_at, entry_url, referrer, utm,
    browser, os, device, ip, country_code, city
)
SELECT %s, n.* FROM unnest(
    %s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::jsonb[],
    %s::text[], %s::text[], %s::text[], %s::inet[], %s::text[], %s::text[]
) n
"""

# Rows of a merged person, which remember whose they were.
MOVE = """
UPDATE {table} SET person_id = %(into)s, came_from = coalesce(came_from, '{{}}') || %(gone)s::uuid
WHERE project_id = %(project)s AND person_id = %(gone)s
"""
# The other way: what came from `gone` goes back, and forgets the way it took.
MOVE_BACK = """
UPDATE {table}
SET person_id = %(gone)s,
    came_from = came_from[:array_position(came_from, %(gone)s::uuid) - 1]
WHERE project_id = %(project)s AND person_id = %(into)s AND %(gone)s::uuid = ANY(came_from)
"""
OWNED = ("event", "session")


def move(
    connection: Connection,
    project_id: UUID,
    gone: UUID,
    into: UUID,
    tables: Iterable[str] = OWNED,
) -> None:
    """All that `gone` did becomes what `into` did; `tables` are others of such rows."""
    for table in tables:
        connection.execute(
            MOVE.format(table=table), {"project": project_id, "gone": gone, "into": into}
        )


def move_back(
    connection: Connection,
    project_id: UUID,
    gone: UUID,
    into: UUID,
    tables: Iterable[str] = OWNED,
) -> None:
    """What came from `gone` is `gone`'s again; what `into` did since stays."""
    for table in tables:
        connection.execute(
            MOVE_BACK.format(table=table), {"project": project_id, "gone": gone, "into": into}
        )


class Partitions:
    """Makes the month's partition before the first event of the month needs it."""

    def __init__(self) -> None:
        self._made: set[tuple[int, int]] = set()

    def ensure(self, connection: Connection, at: datetime) -> None:
        """The partition for the instant exists afterwards. Outside of any transaction."""
        month = (at.year, at.month)
        if month not in self._made:
            make_partition(connection, at)
            self._made.add(month)


def make_partition(connection: Connection, at: datetime) -> None:
    """Make the month's partition where it is missing.

    Created apart and then attached: that takes no lock which would stop writers.
    """
    start = datetime(at.year, at.month, 1, tzinfo=UTC)
    end = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
    name = f"event_{start:%Y%m}"
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('event partitions'))")
        if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
            return
        connection.execute(f"CREATE TABLE {name} (LIKE event INCLUDING ALL)")
        connection.execute(
            f"ALTER TABLE event ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{first_id(start)}') TO ('{first_id(end)}')"
        )
