"""The funnel's report of a large project, kept for a minute: it looks at everybody's row.

Of a project with few people it is counted whenever it is asked for. Else it is what was counted
last: where that is a minute old a loop of the worker counts it anew while somebody looks
(`impact_kept`), and where it is too old to show it is counted at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.funnels.parts import split_of
from regulars.funnels.report import (
    Chain,
    Numbers,
    Period,
    Report,
    chain_of,
    numbers,
    shown,
)
from regulars.kit.ids import key_bytes

Connection = psycopg.Connection[Any]

LASTS = timedelta(minutes=1)
TOO_OLD = timedelta(minutes=15)
FEW = 100_000  # people, up to whom a report is counted each time

PEOPLE = "SELECT coalesce(sum(people), 0) FROM kind_count WHERE project_id = %s"
READ = "SELECT body, at FROM funnel_impact WHERE project_id = %s AND id = %s"
WANT = "UPDATE funnel_impact SET wanted_at = %s WHERE project_id = %s AND id = %s"
# Beside what channels do; the place of the first of two checkpoints is 1 or more.
KEEP = """
INSERT INTO funnel_impact (project_id, id, place, days, body, at, wanted_at, split)
VALUES (%s, %s, 0, %s, %s::jsonb, %s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET body = excluded.body, at = excluded.at
"""


def of(
    connection: Connection, project_id: UUID, days: int | None, split_key: str, now: datetime
) -> tuple[Report, datetime]:
    """The report of so many days (None: of all time), and when it was counted.

    Raises InvalidError where the funnel can't be split by that.
    """
    chain, split = chain_of(connection, project_id), split_of(connection, project_id, split_key)
    period = period_of(days, now)
    people = connection.execute(PEOPLE, (project_id,)).fetchone()
    if people is None or people[0] <= FEW:
        return shown(chain, period, numbers(connection, project_id, chain, period, split)), now
    id_ = key(chain, days, split_key)
    row = connection.execute(READ, (project_id, id_)).fetchone()
    if row is None or row[1] <= now - TOO_OLD:
        return shown(chain, period, count(connection, project_id, chain, days, split_key, now)), now
    body, at = row
    if at <= now - LASTS:
        connection.execute(WANT, (now, project_id, id_))
    return shown(chain, period_of(days, at), msgspec.convert(body, Numbers)), at


def count(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    days: int | None,
    split_key: str,
    now: datetime,
) -> Numbers:
    """Count the report and keep it."""
    split = split_of(connection, project_id, split_key)
    found = numbers(connection, project_id, chain, period_of(days, now), split)
    body = msgspec.json.encode(found).decode()
    id_ = key(chain, days, split_key)
    connection.execute(KEEP, (project_id, id_, days or 0, body, now, now, split_key))
    return found


def period_of(days: int | None, now: datetime) -> Period:
    """So many days that end now, or all time."""
    return Period() if days is None else Period(now - timedelta(days=days), now)


def key(chain: Chain, days: int | None, split_key: str) -> UUID:
    """Of the lanes: with another condition or in another order it is another report."""
    lanes = ",".join(map(str, chain.lanes))
    return UUID(bytes=key_bytes("report", f"{lanes}|{days}|{chain.over}|{split_key}"))
