"""What people have done, read from history: of a few at a time, or once of everybody.

Of everybody it goes into a table for work that goes through them all, which would else ask about
each. The table is the connection's own, and is there as long as that or until it is `let_go`.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import EventCondition
from regulars.filters.events import EventNeed
from regulars.filters.first_met import SIGHTINGS
from regulars.filters.sql import by_name
from regulars.filters.to_sql import event_to_sql

Connection = psycopg.Connection[Any]

# What people have done of it: the newest times that their rows are to remember, and when they had
# done it often enough.
DID = """
SELECT e.person_id AS id,
       (array_agg(e.happened_at ORDER BY e.happened_at DESC))[1:%(keep)s] AS times,
       (array_agg(e.happened_at ORDER BY e.happened_at))[%(count)s] AS nth
FROM event e WHERE e.project_id = %(project)s AND {matching}{whose} GROUP BY e.person_id
"""
OF_THESE = " AND e.person_id = ANY(%(ids)s::uuid[])"
OF_THESE_READ = "SELECT * FROM {table} WHERE id = ANY(%(ids)s::uuid[])"
DEEDS = "id uuid PRIMARY KEY, times timestamptz[], nth timestamptz"

SEEN = f"""
SELECT e.person_id, min(e.happened_at) FROM event e
WHERE e.project_id = %(project)s AND {SIGHTINGS} GROUP BY e.person_id
"""
SIGHTS = "id uuid PRIMARY KEY, at timestamptz NOT NULL"

IS_READ = """
SELECT to_regclass(%s) IS NOT NULL, has_database_privilege(current_database(), 'TEMPORARY')
"""
EVENTS = "EXPLAIN (FORMAT JSON) SELECT FROM event e WHERE e.project_id = %(project)s AND {matching}"
# What is sorted and hashed meanwhile stays in memory; the setting ends with the transaction.
ROOM = "SELECT set_config('work_mem', '128MB', true)"
# Events, as the planner expects them, of which a table is made: some seconds, and 300 MB where all
# their times are sorted.
MOST_DEEDS, MOST_SIGHTINGS = 5_000_000, 30_000_000
LET_GO = "DISCARD TEMP"


def did(
    event: EventCondition | EventNeed, zone: tzinfo, table: str | None = None
) -> tuple[str, dict[str, object]]:
    """SQL for what the people `ids` have done of the event, with parameters by name: from the
    table where there is one, or else from history by `project`, `count` and `keep`.
    """
    if table is not None:
        return OF_THESE_READ.format(table=table), {}
    matching, named = _matching(event, zone, of_people=True)
    return DID.format(matching=matching, whose=OF_THESE), named


def deeds_table(
    connection: Connection, project_id: UUID, name: str, event: EventCondition | EventNeed,
    *, count: int, keep: int, zone: tzinfo,
) -> str | None:  # fmt: skip
    """The table of this name with what everybody has done of the event, read now where it is not.

    Its rows are those of `DID`. None where the event is so common that history is to be asked about
    a few people at a time, or where the database allows nobody tables of their own.
    """
    matching, named = _matching(event, zone, of_people=False)
    asked = {**named, "project": project_id, "count": count, "keep": keep}
    found = DID.format(matching=matching, whose="")
    return _table(connection, name, DEEDS, found, matching, asked, MOST_DEEDS)


def sightings_table(connection: Connection, project_id: UUID, name: str) -> str | None:
    """The table of this name with when everybody was seen first (id, at), by their record."""
    asked = {"project": project_id}
    return _table(connection, name, SIGHTS, SEEN, SIGHTINGS, asked, MOST_SIGHTINGS)


def let_go(connection: Connection) -> None:
    """Let go the tables that this connection has read."""
    connection.execute(LET_GO)


def _table(
    connection: Connection, name: str, columns: str, found: str, matching: str,
    asked: dict[str, Any], most: int,
) -> str | None:  # fmt: skip
    is_read, may_have = connection.execute(IS_READ, (f"pg_temp.{name}",)).fetchall()[0]
    if is_read or not may_have:
        return name if is_read else None
    if _events(connection, matching, asked) > most:
        return None
    with connection.transaction():
        connection.execute(ROOM)
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
        connection.execute(f"INSERT INTO {name} {found}", asked, prepare=False)
    connection.execute(f"ANALYZE {name}")
    return name


def _events(connection: Connection, matching: str, asked: dict[str, Any]) -> float:
    statement = EVENTS.format(matching=matching)
    [plan] = connection.execute(statement, asked, prepare=False).fetchall()[0][0]
    rows: float = plan["Plan"]["Plan Rows"]
    return rows


def _matching(
    event: EventCondition | EventNeed, zone: tzinfo, *, of_people: bool
) -> tuple[str, dict[str, object]]:
    """Which events count, with the parameters by name."""
    return by_name(*event_to_sql(event, zone=zone, of_people=of_people))
