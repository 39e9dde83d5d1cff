"""Whom a window on `last_seen` ends for next, found by the index on it.

Segments ask who was seen in the past so many days, and with almost every visit the end of that
moves. So people's rows do not say when it comes, until shortly before: each window is kept with
the instant up to which those it ends for have been told to wake (`next_move_at`), and the clock
tells those of the next hour. So a rule with other days wakes nobody but those between the two.

Whoever is evaluated within `AHEAD` of an end stores it themselves: a transaction that was under way
while those of its hour were told is not passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import psycopg

from regulars.filters.ast import Condition, FieldCondition, Filter, conditions, is_timed
from regulars.people.person import Kind

Connection = psycopg.Connection[Any]

FIELD = "last_seen"
AHEAD = timedelta(hours=2)  # ends nearer than so are on people's rows from the start
FORESEEN = {FIELD: AHEAD}
TOLD = timedelta(hours=1)  # how far ahead people are told to wake
AGAIN = timedelta(minutes=50)  # where less than so is left of it, the next are told
AT_ONCE = 1_000  # people a statement

_A_MINUTE = timedelta(minutes=1)

KEEP = """
WITH gone AS (
    DELETE FROM segment_window WHERE project_id = %(project)s AND id <> ALL(%(days)s::int[])
)
INSERT INTO segment_window (project_id, id, woken_until)
SELECT %(project)s, days, %(now)s FROM unnest(%(days)s::int[]) AS days
ON CONFLICT (project_id, id) DO NOTHING
"""
# Those further ahead than can be were told by a clock that has been put back since.
DUE = """
SELECT id, woken_until FROM segment_window
WHERE project_id = %s AND (woken_until < %s OR woken_until > %s) ORDER BY id
"""
# As everywhere, people are locked in the order of their ids.
WAKE = """
WITH leaving AS (
    SELECT id FROM person_activity
    WHERE project_id = %(project)s AND kind = ANY(%(kinds)s)
      AND last_seen_minute >= %(minute)s AND last_seen_minute <= %(until)s
      AND last_seen >= %(since)s AND last_seen <= %(until)s
      AND (next_move_at IS NULL OR next_move_at > last_seen + %(window)s)
    LIMIT %(at_once)s
), locked AS (
    SELECT id FROM person_activity
    WHERE project_id = %(project)s AND id = ANY(ARRAY(SELECT id FROM leaving))
    ORDER BY id FOR UPDATE
)
UPDATE person_activity a SET next_move_at = least(a.next_move_at, a.last_seen + %(window)s)
FROM locked WHERE a.project_id = %(project)s AND a.id = locked.id
"""
WOKEN = "UPDATE segment_window SET woken_until = %s WHERE project_id = %s AND id = %s"


def foreseen(condition: Condition) -> bool:
    """Whether the condition's turns are found here, not stored by whoever changes a person."""
    return isinstance(condition, FieldCondition) and condition.field == FIELD


def keep(
    connection: Connection, project_id: UUID, filters: Iterable[Filter], now: datetime
) -> None:
    """Let these be the windows that the project's segments, written out, ask about."""
    days = sorted({days for filter_ in filters for days in _windows(filter_)})
    connection.execute(KEEP, {"project": project_id, "days": days, "now": now})


def wake(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Tell those to wake for whom a window of the project's ends soon."""
    place = (project_id, now + AGAIN, now + AHEAD)
    for days, until in connection.execute(DUE, place, prepare=True).fetchall():
        _tell(connection, project_id, timedelta(days=days), min(until, now), now + TOLD)
        connection.execute(WOKEN, (now + TOLD, project_id, days))


def _tell(
    connection: Connection, project_id: UUID, window: timedelta, since: datetime, until: datetime
) -> None:
    """Tell those for whom the window ends between the two instants, some at a time."""
    asked = {
        "project": project_id, "kinds": list(get_args(Kind)), "window": window,
        "minute": since - window - _A_MINUTE, "since": since - window, "until": until - window,
        "at_once": AT_ONCE,
    }  # fmt: skip
    told = AT_ONCE
    while told == AT_ONCE:
        # Planned for these instants: a plan for any would read the project for them.
        told = connection.execute(WAKE, asked, prepare=False).rowcount


def _windows(filter_: Filter) -> set[int]:
    return {
        int(one.value)  # type: ignore[arg-type]
        for one in conditions(filter_)
        if isinstance(one, FieldCondition) and foreseen(one) and is_timed(one)
    }
