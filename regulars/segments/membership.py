"""Who is in which segment, exact with every change of a person.

A consequence of `people.changes`: evaluates the project's segments for the people changed, moves
the difference into `segment_member`, counts and the outbox. Runs without Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.ids import key_hash
from regulars.people.changes import Changes, NoConsequence
from regulars.people.person import Person
from regulars.segments.plan import Plan, Plans

Connection = psycopg.Connection[Any]

ENTER = """
INSERT INTO segment_member (project_id, id, segment_id, person_id, since)
SELECT %(project)s, n.id, n.segment_id, n.person_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(segments)s::uuid[], %(people)s::uuid[])
     AS n (id, segment_id, person_id)
"""
LEAVE = "DELETE FROM segment_member WHERE project_id = %s AND id = ANY(%s)"
LEAVE_ALL = "DELETE FROM segment_member WHERE project_id = %s AND person_id = %s"
COUNT = "UPDATE segment_count SET people = people + %s WHERE project_id = %s AND id = %s"

# A page view moves the instant at which somebody slips away. The stored one may lag behind, never
# run ahead: the clock loop looks at the person then, finds nothing, and stores the true one.
LAG = timedelta(days=2)

Move = tuple[UUID, UUID, str]  # segment, person, "in" or "out"


class Membership(NoConsequence):
    """Keeps membership. One a process; what it gathers belongs to the running changes."""

    def __init__(self) -> None:
        self._plans = Plans()

    def begin(self, connection: Connection, project_id: UUID) -> None:
        self._plans.share(connection, project_id)

    def changed(self, changes: Changes, people: Sequence[Person]) -> None:
        """Evaluate, and note who enters and leaves; a person's row carries its segments."""
        plan = self._plans.kept(changes.project_id)
        for person in people:
            numbers, again = plan.evaluate(person, changes.now)
            _move(changes, plan, person, numbers)
            keep_instant(person, again)

    def written(self, changes: Changes) -> None:
        """Write the moves, now that the people they refer to are there."""
        moves = changes.moves
        entered = [(segment, person) for segment, person, way in moves if way == "in"]
        left = [(segment, person) for segment, person, way in moves if way == "out"]
        if left:
            ids = sorted(member_key(*pair) for pair in left)
            changes.connection.execute(LEAVE, (changes.project_id, ids), prepare=True)
        if entered:
            keyed = sorted((member_key(*pair), *pair) for pair in entered)
            changes.connection.execute(
                ENTER,
                {
                    "project": changes.project_id,
                    "now": changes.now,
                    "ids": [key for key, _, _ in keyed],
                    "segments": [segment for _, segment, _ in keyed],
                    "people": [person for _, _, person in keyed],
                },
                prepare=True,
            )

    def counted(self, changes: Changes) -> None:
        """Move the counts, in the order of the segments' ids, and tell the outbox."""
        if not changes.moves:
            return
        deltas: dict[UUID, int] = {}
        for segment, _, way in changes.moves:
            deltas[segment] = deltas.get(segment, 0) + (1 if way == "in" else -1)
        moved = [
            (delta, changes.project_id, segment)
            for segment, delta in sorted(deltas.items())
            if delta
        ]
        for row in moved:
            changes.connection.execute(COUNT, row, prepare=True)
        changes.outbox.append(("segments", {"moves": _plain(changes.moves)}))

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:  # noqa: ARG002 - the protocol's
        """Who went leaves their segments; the survivor was evaluated as both."""
        self._leave_all(changes, gone)

    def erased(self, changes: Changes, person: Person) -> None:
        """The erased leave their segments."""
        self._leave_all(changes, person)

    def _leave_all(self, changes: Changes, person: Person) -> None:
        plan = self._plans.kept(changes.project_id)
        changes.connection.execute(LEAVE_ALL, (changes.project_id, person.id))
        changes.moves += [(plan.ids[number], person.id, "out") for number in person.segments]


def member_key(segment_id: UUID, person_id: UUID) -> UUID:
    """The key of a membership: nobody is in a segment twice."""
    return key_hash("member", str(segment_id), str(person_id))


def keep_instant(person: Person, again: datetime | None) -> None:
    """Remember when to look at the person again, writing as rarely as is right."""
    stored = person.next_move_at
    if again is None:
        if stored is not None:
            person.next_move_at = None
            person.seen_changed = True
    elif stored is None or again < stored or again - stored > LAG:
        person.next_move_at = again
        person.seen_changed = True


def _move(changes: Changes, plan: Plan, person: Person, numbers: list[int]) -> None:
    before = person.segments
    if numbers == before:
        return
    now_in, was_in = set(numbers), set(before)
    changes.moves += [(plan.ids[n], person.id, "in") for n in numbers if n not in was_in]
    changes.moves += [
        (plan.ids[n], person.id, "out") for n in before if n not in now_in and n in plan.ids
    ]
    person.segments = numbers
    person.seen_changed = True


def _plain(moves: Iterable[Move]) -> list[list[str]]:
    return [[str(segment), str(person), way] for segment, person, way in moves]
