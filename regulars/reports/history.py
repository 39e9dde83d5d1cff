"""Counts what was there before the counting began: in the order of ids, a range a transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.people.changes import LOCK_PATIENT
from regulars.reports import attributes, counts, state
from regulars.reports.counts import People
from regulars.reports.following import VISIT, learn_names, read_events, session_row
from regulars.reports.state import Phase, State
from regulars.reports.tally import Tally

Connection = psycopg.Connection[Any]

AT_ONCE = 5_000  # events, sessions or people a transaction

EVENTS = f"""
SELECT e.id, e.person_id, e.kind, e.name, e.path, e.happened_at, {VISIT}
FROM event e
LEFT JOIN session s ON s.project_id = e.project_id AND s.id = e.session_id
WHERE e.project_id = %s AND e.id > %s AND e.id < %s
ORDER BY e.id LIMIT {AT_ONCE}
"""
SESSIONS = f"""
SELECT s.id, s.started_at, s.entry_url, {VISIT}
FROM session s WHERE s.project_id = %s AND s.id > %s AND s.id < %s
ORDER BY s.id LIMIT {AT_ONCE}
"""
PEOPLE = f"""
SELECT id FROM person WHERE project_id = %s AND id > %s AND kind = 'user'
ORDER BY id LIMIT {AT_ONCE}
"""
_NEXT: dict[Phase, Phase] = {"events": "sessions", "sessions": "people", "people": "done"}
_BEFORE_ALL = UUID(int=0)


def go_on(connection: Connection, project_id: UUID) -> bool:
    """Count the next range of history. False where there is none left, or another is at it."""
    with connection.transaction():
        found = state.hold(connection, project_id)
        if found is None or found.phase == "done" or found.moved:
            return False
        connection.execute(LOCK_PATIENT, (str(project_id),))
        place, too_many = _range(connection, project_id, found)
        phase = found.phase if place is not None else _NEXT[found.phase]
        connection.execute(
            state.GO_ON,
            {
                "phase": phase,
                "place": place,
                "project": project_id,
                **state.learned(found, too_many),
            },
        )
    return True


def _range(connection: Connection, project_id: UUID, found: State) -> tuple[UUID | None, set[str]]:
    """Count a range of the phase; where it ended, None where the phase did.

    The second are attributes that have too many values.
    """
    tally = Tally()
    people: set[UUID] = set()
    after = found.place or _BEFORE_ALL
    last: UUID | None = None
    if found.phase == "events":
        events = read_events(connection, EVENTS, (project_id, after, found.since))
        learn_names(found, events)
        doers = {event.person_id for event in events}
        facts = attributes.learn(connection, project_id, doers, found.attributes, found.left_out)
        tally.events(events, found.zone, set(found.names), facts)
        last = events[-1].id if events else None
    elif found.phase == "sessions":
        rows = connection.execute(SESSIONS, (project_id, after, found.since)).fetchall()
        tally.sessions((session_row(row) for row in rows), found.zone)
        last = rows[-1][0] if rows else None
    else:
        ids = [row[0] for row in connection.execute(PEOPLE, (project_id, after))]
        people = set(ids)
        last = ids[-1] if ids else None
    known = People(connection, project_id, found.generation, people | tally.days.keys())
    known.were_there(tally)
    known.signed_up(tally, people, found.zone)
    known.write()
    return last, counts.write(connection, project_id, found.generation, tally)
