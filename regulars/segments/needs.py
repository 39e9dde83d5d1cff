"""Which events people's rows must remember: kept in step with the segments that ask about them.

What one segment needs another may share. A memory that must go deeper than it does is a new one,
under a new number; so whoever reads a row knows whether it has what is asked for. Until everybody
has it, whoever comes by without it is read from history (`membership`), and `remembering` sees to
the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import Filter, conditions, is_timed
from regulars.filters.events import EventNeed, event_needs
from regulars.segments import fills
from regulars.segments.fills import Fill

Connection = psycopg.Connection[Any]

KEPT = "SELECT key, id, keep, filled FROM segment_need WHERE project_id = %s ORDER BY id"
DROP = "DELETE FROM segment_need WHERE project_id = %s AND key = ANY(%s)"
KEEP = "UPDATE segment_need SET keep = %s WHERE project_id = %s AND key = %s"
NUMBER = """
UPDATE segment_plan SET last_need = last_need + 1 WHERE project_id = %s RETURNING last_need
"""
ADD = """
INSERT INTO segment_need (project_id, id, key, keep, filled) VALUES (%s, %s, %s, %s, %s)
"""
# Memories that were all there before a segment began to be filled are complete when it is.
FILLED = """
UPDATE segment_need SET filled = true
WHERE project_id = %s AND key = ANY(%s) AND id <= %s
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory on people's rows: its number, how many times, and whether everybody has it."""

    number: int
    keep: int
    filled: bool

    @property
    def name(self) -> str:
        """What its times stand under in `person_activity.event_times`."""
        return str(self.number)


def kept(connection: Connection, project_id: UUID) -> dict[str, Kept]:
    """The project's memories by their event keys."""
    rows = connection.execute(KEPT, (project_id,)).fetchall()
    return {key: Kept(*row) for key, *row in rows}


def reconcile(
    connection: Connection,
    project_id: UUID,
    filters: Mapping[UUID, Filter],
    refill: Iterable[UUID],
    now: datetime,
) -> None:
    """Let the memories be those that the segments, written out, ask for, and fill what must be.

    `refill` are the segments whose rules are new. Under the plan's lock.
    """
    wanted = event_needs(filters.values())
    have = kept(connection, project_id)
    too_small = [key for key, need in wanted.items() if key in have and need.keep > have[key].keep]
    connection.execute(DROP, (project_id, [*(have.keys() - wanted.keys()), *too_small]))
    for key, need in wanted.items():
        if key not in have or key in too_small:
            _add(connection, project_id, key, need.keep)
        elif need.keep < have[key].keep:
            connection.execute(KEEP, (need.keep, project_id, key))
    for segment_id in refill:
        fills.start(connection, project_id, segment_id, now)


def looked_for(rule: Filter) -> dict[str, EventNeed]:
    """The memories, by event key, that a filling sees to itself: all who did it are looked at.

    Those are what may move people by time alone, which is told by what their rows remember.
    """
    return event_needs(one for one in conditions(rule) if is_timed(one))


def filled(connection: Connection, fill: Fill, rule: Filter) -> None:
    """A segment has been filled: so are the memories it looked for that there were at the start."""
    keys = list(looked_for(rule))
    connection.execute(FILLED, (fill.project_id, keys, fill.last_need))


def _add(connection: Connection, project_id: UUID, key: str, keep: int) -> None:
    (number,) = connection.execute(NUMBER, (project_id,)).fetchall()[0]
    nobody = fills.last_person(connection, project_id) is None
    connection.execute(ADD, (project_id, number, key, keep, nobody))
