"""How far a project's counting is, and its beginning: history by id, the present by the outbox.

An event is history if it was received before `since`, which lies some minutes back when the
counting begins: what was under way then is committed by now. Later ones are those of outbox
entries behind `cursor`, whose ids say the same. So each is counted by one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.kit.ids import first_id

Connection = psycopg.Connection[Any]
Phase = Literal["events", "sessions", "people", "done"]

UNDER_WAY = timedelta(minutes=10)  # longer than any transaction of ingest is open
DISORDER = timedelta(minutes=1)  # by which instants of outbox entries may differ from their order

WITHOUT = """
SELECT p.id FROM project p
WHERE NOT EXISTS (SELECT FROM rollup_state s WHERE s.project_id = p.id)
"""
# Where something is to be done: entries behind the cursor, history not counted, another zone.
BEHIND = """
SELECT s.project_id FROM rollup_state s
JOIN project p ON p.id = s.project_id
LEFT JOIN outbox_counter c ON c.project_id = s.project_id
WHERE s.phase <> 'done' OR coalesce(c.last, 0) > s.cursor OR s.time_zone <> p.time_zone
ORDER BY s.project_id
"""
HOLD = """
SELECT s.generation, s.time_zone, s.since, s.cursor, s.phase, s.place, s.names, s.attributes,
       s.left_out, p.time_zone
FROM rollup_state s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s
FOR UPDATE OF s SKIP LOCKED
"""
# The newest entry that is history for sure.
CURSOR = """
SELECT id FROM outbox WHERE project_id = %s AND at < %s ORDER BY id DESC LIMIT 1
"""
OLDEST = "SELECT id - 1 FROM outbox WHERE project_id = %s ORDER BY id LIMIT 1"
PLACE = "SELECT cursor FROM rollup_state WHERE project_id = %s"
BEGIN = """
INSERT INTO rollup_state
    (project_id, generation, shown, time_zone, since, cursor, phase, started_at)
SELECT id, 1, 1, time_zone, %(since)s, %(cursor)s, 'events', %(now)s
FROM project WHERE id = %(project)s
ON CONFLICT (project_id, id) DO UPDATE SET
    generation = rollup_state.generation + 1, time_zone = excluded.time_zone,
    since = excluded.since, cursor = excluded.cursor, phase = 'events', place = NULL,
    names = '{}', attributes = '{}', left_out = '{}', started_at = excluded.started_at
"""
ADVANCE = """
UPDATE rollup_state
SET cursor = %(cursor)s, names = %(names)s, attributes = %(attributes)s, left_out = %(left_out)s
WHERE project_id = %(project)s
"""
GO_ON = """
UPDATE rollup_state
SET phase = %(phase)s, place = %(place)s, names = %(names)s, attributes = %(attributes)s,
    left_out = %(left_out)s,
    shown = CASE WHEN %(phase)s = 'done' THEN generation ELSE shown END
WHERE project_id = %(project)s
"""
# Counts that nobody reads any more, some at a time.
LET_GO = """
DELETE FROM rollup WHERE project_id = %(project)s AND id IN (
    SELECT r.id FROM rollup r JOIN rollup_state s ON s.project_id = r.project_id
    WHERE r.project_id = %(project)s AND r.generation < s.shown LIMIT 2000
)
"""


@dataclass(slots=True)
class State:
    """How far one project is, locked."""

    generation: int
    zone: ZoneInfo
    since: UUID
    cursor: int
    phase: Phase
    place: UUID | None
    names: list[str]
    attributes: list[str]
    left_out: list[str]
    moved: bool  # the project is in another time zone by now


def place(connection: Connection, project_id: UUID, _now: datetime) -> int | None:
    """How far in the outbox the counts are; None where they have not begun."""
    row = connection.execute(PLACE, (project_id,)).fetchone()
    return row[0] if row else None


def hold(connection: Connection, project_id: UUID) -> State | None:
    """The project's state, ours until the transaction ends; None where another has it."""
    row = connection.execute(HOLD, (project_id,), prepare=True).fetchone()
    if row is None:
        return None
    generation, zone, since, cursor, phase, place, names, attributes, left_out, today = row
    return State(
        generation, ZoneInfo(zone), since, cursor, phase, place, names, attributes, left_out,
        zone != today,
    )  # fmt: skip


def learned(found: State, too_many: set[str]) -> dict[str, list[str]]:
    """What the state remembers of names and attributes after a step."""
    return {
        "names": found.names,
        "attributes": [one for one in found.attributes if one not in too_many],
        "left_out": [*found.left_out, *sorted(too_many - set(found.left_out))],
    }


def begin(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Count the project from its beginning; what was counted before is shown until that is done."""
    since = now - UNDER_WAY
    row = connection.execute(CURSOR, (project_id, since - DISORDER)).fetchone()
    if row is None:
        row = connection.execute(OLDEST, (project_id,)).fetchone()
    connection.execute(
        BEGIN,
        {
            "project": project_id,
            "since": first_id(since),
            "cursor": row[0] if row else 0,
            "now": now,
        },
    )
