"""What the engine must know of people, asked of many at once: which filters hold, their clocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.engine import times
from regulars.campaigns.engine.advance import Cap
from regulars.campaigns.engine.times import QuietHours
from regulars.filters.ast import Filter
from regulars.filters.to_sql import to_sql
from regulars.kit import arrays

Connection = psycopg.Connection[Any]

# Held until this commits: whoever merges or erases these people comes before or after. In id order,
# as all who lock people.
HOLD = """
SELECT id, timezone FROM person
WHERE project_id = %s AND id = ANY(%s::uuid[]) ORDER BY id FOR KEY SHARE
"""
HOLDS = """
SELECT p.id FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND p.id = ANY(%s::uuid[]) AND {text}
"""
RECENT = """
SELECT person_id, at FROM campaign_done
WHERE project_id = %s AND person_id = ANY(%s::uuid[]) AND kind = 'email' AND at > %s
"""
SETTINGS = """
SELECT quiet_from, quiet_to, cap_emails, cap_days FROM campaign_settings
WHERE project_id = %s AND id = %s
"""
# The people take turns for a cap: two campaigns at once would both find room under it.
TURN = """
SELECT pg_advisory_xact_lock(hashtextextended(id::text, 7))
FROM (SELECT unnest(%s::uuid[]) AS id ORDER BY 1) people
"""


def hold(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> dict[UUID, str | None]:
    """Those of the people who are there, with the names of their time zones; they stay."""
    asked = arrays.of_ids(sorted(set(ids)))
    return dict(connection.execute(HOLD, (project_id, asked), prepare=True).fetchall())


def holding(
    connection: Connection,
    project_id: UUID,
    filters: Mapping[str, Filter],
    ids: Collection[UUID],
    *,
    now: datetime,
    zone: tzinfo,
) -> dict[str, set[UUID]]:
    """For each filter the people for whom it holds."""
    if not ids:
        return {key: set() for key in filters}
    listed = arrays.of_ids(ids)
    found: dict[str, set[UUID]] = {}
    for key, filter_ in filters.items():
        text, params = to_sql(filter_, now=now, zone=zone)
        rows = connection.execute(HOLDS.format(text=text), (project_id, listed, *params))
        found[key] = {row[0] for row in rows}
    return found


def recent_emails(
    connection: Connection, project_id: UUID, cap: Cap | None, ids: Collection[UUID], now: datetime
) -> dict[UUID, tuple[datetime, ...]]:
    """When campaigns wrote to the people within the cap's days; the people wait for each other."""
    if cap is None or not ids:
        return {}
    listed = arrays.of_ids(ids)
    connection.execute(TURN, (listed,))
    found: dict[UUID, list[datetime]] = {}
    since = now - timedelta(days=cap.days)
    for person_id, at in connection.execute(RECENT, (project_id, listed, since)):
        found.setdefault(person_id, []).append(at)
    return {person_id: tuple(ats) for person_id, ats in found.items()}


def limits(connection: Connection, project_id: UUID) -> tuple[QuietHours | None, Cap | None]:
    """Quiet hours and the cap that hold for all campaigns of the project."""
    row = connection.execute(SETTINGS, (project_id, project_id), prepare=True).fetchone()
    if row is None:
        return None, None
    start, end, emails, days = row
    quiet = QuietHours(start, end) if start is not None and end is not None else None
    cap = Cap(emails, days) if emails and days else None
    return quiet, cap


def zone_or(name: str | None, project: tzinfo) -> tzinfo:
    """Somebody's time zone: the project's, where theirs is not known."""
    return times.zone_of(name) or project
