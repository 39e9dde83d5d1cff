"""Each message counts once: a table a day of what was seen, claimed in the event's transaction.

A plain table each, made ahead and dropped whole: a unique key can't span partitions. A retry of an
earlier day is found by looking there; a retry at the very turn of the day, by writing around
midnight under both days, so that two connections always meet on one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.connection import later

Connection = psycopg.Connection[Any]

AROUND_MIDNIGHT = timedelta(minutes=2)
MAX_STATEMENTS = 100  # kept by day and reach
MAX_DAYS = 8  # what a project may ask to remember, 168 hours, and a day

CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
    project_id uuid NOT NULL, id uuid NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
)
"""
# Claims the messages that no table remembers; a memory older than the window counts no more.
CLAIM = """
INSERT INTO {table} (project_id, id, at)
SELECT %(project)s, wanted.id, %(now)s FROM unnest(%(ids)s::uuid[]) AS wanted (id)
WHERE {not_before}
ORDER BY wanted.id
ON CONFLICT (project_id, id) DO UPDATE SET at = excluded.at WHERE {table}.at <= %(since)s
RETURNING uuid_send(id)
"""
NOT_IN = (
    "NOT EXISTS (SELECT FROM {table} b"
    " WHERE b.project_id = %(project)s AND b.id = wanted.id AND b.at > %(since)s)"
)
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^message_seen_[0-9]{8}$'"


class Memory:
    """Which messages were counted, as far back as a project asks."""

    def __init__(self) -> None:
        self._made: set[date] = set()
        self._statements: dict[tuple[date, int, int], str] = {}

    def ensure(self, connection: Connection, now: datetime) -> None:
        """The tables that claims at about `now` use exist afterwards. Outside a transaction."""
        today = now.date()
        for offset in range(-MAX_DAYS, 2):
            day = today + timedelta(days=offset)
            if day not in self._made:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(hashtext('message_seen'))")
                    connection.execute(CREATE.format(table=table_of(day)))
                self._made.add(day)

    def claim(
        self,
        connection: Connection,
        project_id: UUID,
        ids: Iterable[bytes],
        now: datetime,
        hours: int,
    ) -> Callable[[], set[bytes]]:
        """Claim the messages; what to ask for those that were not counted in the past `hours`.

        It is asked later, so that the claim shares a round trip with what comes meanwhile.
        """
        asked = set(ids)
        first, *others = sorted({(now - AROUND_MIDNIGHT).date(), (now + AROUND_MIDNIGHT).date()})

        def claimed_on(day: date, wanted: set[bytes], skip: int) -> Callable[[], set[bytes]]:
            named = {
                "project": project_id, "ids": arrays.of_keys(wanted), "now": now,
                "since": now - timedelta(hours=hours),
            }  # fmt: skip
            statement = self._statement(day, hours, skip=skip)
            answer = later(connection, statement, named, binary=True)
            return lambda: wanted if answer.rowcount == len(wanted) else {row[0] for row in answer}

        claimed = claimed_on(first, asked, 0)

        def fresh() -> set[bytes]:
            found = claimed()
            for day in others if found else ():
                found = claimed_on(day, found, 1)()
            return found

        return fresh

    def _statement(self, day: date, hours: int, *, skip: int) -> str:
        """The claim under a day; `skip` days before it were claimed just now and say nothing."""
        back = min(-(-hours // 24), MAX_DAYS - 1)
        known = self._statements.get((day, back, skip))
        if known is None:
            if len(self._statements) > MAX_STATEMENTS:
                self._statements.clear()
            before = [table_of(day - timedelta(days=n)) for n in range(1 + skip, back + 1)]
            not_before = " AND ".join(NOT_IN.format(table=table) for table in before) or "true"
            known = CLAIM.format(table=table_of(day), not_before=not_before)
            self._statements[day, back, skip] = known
        return known


def table_of(day: date) -> str:
    """The table that remembers the day."""
    return f"message_seen_{day:%Y%m%d}"


def drop_old(connection: Connection, now: datetime) -> int:
    """Drop the tables of days that no project asks for; returns how many went."""
    oldest = table_of(now.date() - timedelta(days=MAX_DAYS + 1))
    old = [name for (name,) in connection.execute(TABLES) if name < oldest]
    for name in old:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    return len(old)
