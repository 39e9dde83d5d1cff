"""The impact of channels, kept for some minutes: it reads every contact of a year.

What is asked for is counted at once the first time. After that it is what was counted last; where
that is some minutes old, a loop of the worker counts it anew, as long as somebody looks at it.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.funnels.impact import Impact, impact
from regulars.funnels.report import Chain, chain_of
from regulars.kit import clock, database
from regulars.kit.ids import key_bytes

Connection = psycopg.Connection[Any]

LASTS = timedelta(minutes=5)
PAUSE = 5.0  # seconds between looks

READ = "SELECT body, at FROM funnel_impact WHERE project_id = %s AND id = %s"
KEEP = """
INSERT INTO funnel_impact (project_id, id, place, days, body, at, wanted_at)
VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET body = excluded.body, at = excluded.at
"""
WANT = "UPDATE funnel_impact SET wanted_at = %s WHERE project_id = %s AND id = %s"
STALE = """
SELECT project_id, id, place, days FROM funnel_impact WHERE at <= %s AND wanted_at > at
ORDER BY at LIMIT 20
"""
DROP = "DELETE FROM funnel_impact WHERE project_id = %s AND id = %s"


def of(
    connection: Connection, project_id: UUID, chain: Chain, place: int, days: int, now: datetime
) -> tuple[Impact, datetime]:
    """The impact, and when it was counted."""
    id_ = _key(chain, place, days)
    row = connection.execute(READ, (project_id, id_)).fetchone()
    if row is None:
        return _count(connection, project_id, chain, place, days, now), now
    body, at = row
    if at <= now - LASTS:
        connection.execute(WANT, (now, project_id, id_))
    return msgspec.convert(body, Impact), at


def keep_impact(stop: threading.Event) -> None:
    """Until stopped: count anew what is old and looked at."""
    with database.connect() as connection:
        while not stop.is_set():
            count_stale(connection, clock.now())
            stop.wait(PAUSE)


def count_stale(connection: Connection, now: datetime) -> None:
    """Count anew what is old and was looked at since; what no funnel has any more goes."""
    for project_id, id_, place, days in connection.execute(STALE, (now - LASTS,)).fetchall():
        chain = chain_of(connection, project_id)
        if place >= len(chain.lanes) or _key(chain, place, days) != id_:
            connection.execute(DROP, (project_id, id_))
        else:
            _count(connection, project_id, chain, place, days, now)


def _count(
    connection: Connection, project_id: UUID, chain: Chain, place: int, days: int, now: datetime
) -> Impact:
    found = impact(connection, project_id, chain, place, days, now)
    body = msgspec.json.encode(found).decode()
    id_ = _key(chain, place, days)
    connection.execute(KEEP, (project_id, id_, place, days, body, now, now))
    return found


def _key(chain: Chain, place: int, days: int) -> UUID:
    """Of the lanes up to there: another condition or order is another impact."""
    lanes = ",".join(map(str, chain.lanes[: place + 1]))
    return UUID(bytes=key_bytes("impact", f"{lanes}|{place}|{days}|{chain.over}"))
