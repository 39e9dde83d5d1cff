"""The impact of channels, kept for some minutes: it reads every contact of a year.

What is asked for is counted at once the first time. After that it is what was counted last; where
that is some minutes old, a loop of the worker counts it anew, as long as somebody looks at it. What
nobody has looked at for a month goes.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.funnels import report_kept
from regulars.funnels.impact import Impact, impact
from regulars.funnels.parts import Only, only_of
from regulars.funnels.report import Chain, chain_of
from regulars.kit import clock, database
from regulars.kit.ids import key_bytes
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

LASTS = timedelta(minutes=5)
PAUSE = 5.0  # seconds between looks
KEPT = timedelta(days=30)  # since somebody looked

READ = "SELECT body, at FROM funnel_impact WHERE project_id = %s AND id = %s"
KEEP = """
INSERT INTO funnel_impact (project_id, id, place, days, body, at, wanted_at, split, part)
VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET body = excluded.body, at = excluded.at
"""
WANT = "UPDATE funnel_impact SET wanted_at = %s WHERE project_id = %s AND id = %s"
STALE = """
SELECT project_id, id, place, days, split, part FROM funnel_impact
WHERE at <= CASE place WHEN 0 THEN %s ELSE %s END AND wanted_at > at
ORDER BY at LIMIT 20
"""
FORGET = "DELETE FROM funnel_impact WHERE wanted_at < %s"
DROP = "DELETE FROM funnel_impact WHERE project_id = %s AND id = %s"


def of(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    place: int,
    days: int,
    now: datetime,
    only: Only | None = None,
) -> tuple[Impact, datetime]:
    """The impact, and when it was counted; of one part of a split, or of everybody."""
    id_ = _key(chain, place, days, only)
    row = connection.execute(READ, (project_id, id_)).fetchone()
    if row is None:
        return _count(connection, project_id, chain, place, days, now, only), now
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
    old = (now - report_kept.LASTS, now - LASTS)
    for project_id, id_, place, days, split, part in connection.execute(STALE, old).fetchall():
        chain = chain_of(connection, project_id)
        if place == 0:
            _count_report(connection, project_id, id_, chain, days or None, split, now)
            continue
        try:
            only = only_of(connection, project_id, split, part)
        except InvalidError:  # the segment is gone
            connection.execute(DROP, (project_id, id_))
            continue
        if place >= len(chain.lanes) or _key(chain, place, days, only) != id_:
            connection.execute(DROP, (project_id, id_))
        else:
            _count(connection, project_id, chain, place, days, now, only)
    connection.execute(FORGET, (now - KEPT,))


def _count_report(
    connection: Connection,
    project_id: UUID,
    id_: UUID,
    chain: Chain,
    days: int | None,
    split: str,
    now: datetime,
) -> None:
    """Count a report anew; one that no funnel has any more goes."""
    try:
        if report_kept.key(chain, days, split) == id_:
            report_kept.count(connection, project_id, chain, days, split, now)
            return
    except InvalidError:  # the segment it is split by is gone
        pass
    connection.execute(DROP, (project_id, id_))


def _count(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    place: int,
    days: int,
    now: datetime,
    only: Only | None,
) -> Impact:
    found = impact(connection, project_id, chain, place, days, now, only)
    body = msgspec.json.encode(found).decode()
    id_ = _key(chain, place, days, only)
    asked = only.asked if only is not None else ("", "")
    connection.execute(KEEP, (project_id, id_, place, days, body, now, now, *asked))
    return found


def _key(chain: Chain, place: int, days: int, only: Only | None) -> UUID:
    """Of the lanes up to there: another condition or order is another impact."""
    lanes = ",".join(map(str, chain.lanes[: place + 1]))
    part = f"|{only.asked[0]}|{only.asked[1]}" if only is not None else ""
    return UUID(bytes=key_bytes("impact", f"{lanes}|{place}|{days}|{chain.over}{part}"))
