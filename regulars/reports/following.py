"""Follows the outbox: every event is counted once, in the transaction that says how far we are.

A merge makes one of two people, so days on which both were there count once from then on; its
consequence tells us by the outbox, where it stands between the events before and after it. An
erasure takes what the counts know of the person, and leaves the counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.kit import arrays
from regulars.people.changes import LOCK_PATIENT, Changes, Columns, NoConsequence
from regulars.people.person import Person
from regulars.reports import attributes, counts, state
from regulars.reports.counts import People
from regulars.reports.state import State
from regulars.reports.tally import NAMES, EventRow, SessionRow, Tally, Visit, cut

Connection = psycopg.Connection[Any]

TOPIC = "merges"
ENTRIES = 200  # read at a time
EVENTS = 5_000  # after which a step ends, however many entries that is

VISIT = """s.country_code, s.city, s.browser, s.os, s.device, s.referrer,
       s.utm ->> 'utm_source', s.utm ->> 'utm_medium', s.utm ->> 'utm_campaign'"""
EVENTS_BY_ID = f"""
SELECT e.id, e.person_id, e.kind, e.name, e.path, e.happened_at, {VISIT}
FROM event e
LEFT JOIN session s ON s.project_id = e.project_id AND s.id = e.session_id
WHERE e.project_id = %s AND e.id = ANY(%s::uuid[])
"""
SESSIONS_BY_ID = f"""
SELECT s.id, s.started_at, s.entry_url, {VISIT}
FROM session s WHERE s.project_id = %s AND s.id = ANY(%s::uuid[])
"""
# Every event of a person by which they were there.
OF_PERSON = """
SELECT id, person_id, kind, name, path, happened_at FROM event
WHERE project_id = %s AND person_id = ANY(%s::uuid[]) AND kind IN ('page', 'screen', 'track')
"""
ERASE = "DELETE FROM rollup_person WHERE project_id = %s AND id = %s"

NO_VISIT = Visit(*[None] * len(Visit._fields))


class CountsFollow(NoConsequence):
    """Tells the counts who became whom, and lets them forget who is erased."""

    erases: Columns = (("rollup_person", "id"),)

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """Days of both are days of one."""
        changes.outbox.append((TOPIC, {"gone": str(gone.id), "into": str(into.id)}))

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """They are two again."""
        changes.outbox.append((TOPIC, {"back": str(back), "from": str(from_)}))

    def erased(self, changes: Changes, person: Person) -> None:
        """What the counts know of the person goes; the numbers stay."""
        changes.connection.execute(ERASE, (changes.project_id, person.id))


def follow(connection: Connection, project_id: UUID, now: datetime) -> bool:
    """Count what is next behind the cursor. False where there is nothing, or another is at it."""
    with connection.transaction():
        found = state.hold(connection, project_id)
        if found is None:
            return False
        if found.moved:
            state.begin(connection, project_id, now)
            return True
        entries = outbox.after(connection, project_id, found.cursor, ENTRIES)
        if not entries:
            if outbox.last(connection, project_id) <= found.cursor:
                return False
            entries = outbox.after(connection, project_id, found.cursor, ENTRIES)
        if not entries or entries[0][0] > found.cursor + 1:
            # Away for so long that the outbox has let go of what we did not read.
            state.begin(connection, project_id, now)
            return True
        # Nobody is erased while we count what they did.
        connection.execute(LOCK_PATIENT, (str(project_id),))
        step = _step_of(entries, found.since)
        too_many = _count(connection, project_id, found, step)
        connection.execute(
            state.ADVANCE,
            {"cursor": step.last, "project": project_id, **state.learned(found, too_many)},
        )
    return True


@dataclass(slots=True)
class Step:
    """What some entries of the outbox name."""

    last: int = 0
    events: list[UUID] = field(default_factory=list)
    sessions: list[UUID] = field(default_factory=list)
    people: set[UUID] = field(default_factory=set)
    merges: list[dict[str, str]] = field(default_factory=list)


def _step_of(entries: Sequence[tuple[int, str, Any, datetime]], since: UUID) -> Step:
    """Up to a merge: what comes behind one is counted after it."""
    step = Step()
    for number, topic, body, _ in entries:
        if topic == "events":
            if step.merges or len(step.events) > EVENTS:
                break
            step.events += [id_ for one in body["events"] if (id_ := UUID(one[0])) >= since]
            step.sessions += [
                id_ for one in body.get("sessions", ()) if (id_ := UUID(one)) >= since
            ]
        elif topic == "people" and body.get("fact") != "last_emailed":
            step.people |= {UUID(one) for one in body["people"]}
        elif topic == TOPIC:
            step.merges.append(body)
        step.last = number
    return step


def _count(connection: Connection, project_id: UUID, found: State, step: Step) -> set[str]:
    """Count what the step names. Returns attributes that have too many values."""
    tally = Tally()
    events = read_events(connection, EVENTS_BY_ID, (project_id, arrays.of_ids(step.events)))
    learn_names(found, events)
    doers = {event.person_id for event in events}
    facts = attributes.learn(connection, project_id, doers, found.attributes, found.left_out)
    tally.events(events, found.zone, set(found.names), facts)
    sessions = connection.execute(SESSIONS_BY_ID, (project_id, arrays.of_ids(step.sessions)))
    tally.sessions((session_row(row) for row in sessions), found.zone)
    parties = {UUID(id_) for merge in step.merges for id_ in merge.values()}
    people = doers | step.people | parties
    known = People(connection, project_id, found.generation, people)
    known.were_there(tally)
    for merge in step.merges:
        _merge(connection, project_id, found, known, tally, merge)
    known.signed_up(tally, people, found.zone)
    known.write()
    return counts.write(connection, project_id, found.generation, tally)


def _merge(
    connection: Connection,
    project_id: UUID,
    found: State,
    known: People,
    tally: Tally,
    merge: dict[str, str],
) -> None:
    if "gone" in merge:
        known.unite(tally, UUID(merge["gone"]), UUID(merge["into"]))
        return
    both = [UUID(merge["back"]), UUID(merge["from"])]
    theirs = Tally()
    rows = connection.execute(OF_PERSON, (project_id, arrays.of_ids(both)))
    theirs.events((EventRow._make((*row, NO_VISIT)) for row in rows), found.zone, ())
    for person in both:
        known.are_there(tally, person, theirs.days.get(person, set()))


def read_events(connection: Connection, statement: str, asked: Any) -> list[EventRow]:
    """Events with what their visits tell apart."""
    rows = connection.execute(statement, asked)
    return [EventRow._make((*row[:6], Visit._make(row[6:]))) for row in rows]


def session_row(row: tuple[Any, ...]) -> SessionRow:
    """A visit of a row."""
    return SessionRow._make((*row[:3], Visit._make(row[3:])))


def learn_names(found: State, events: Iterable[EventRow]) -> None:
    """The first names that come are those whose own parts are counted."""
    for event in events:
        if len(found.names) >= NAMES:
            return
        if event.kind == "track" and event.name:
            name = cut(event.name)
            if name not in found.names:
                found.names.append(name)
