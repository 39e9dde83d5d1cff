"""Who is in which segment, exact with every change of a person.

A consequence of `people.changes`: evaluates the project's segments for the people changed, moves
the difference into `segment_member`, counts and the outbox. Runs without Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_bytes
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person
from regulars.segments.plan import Plan, Plans

Connection = psycopg.Connection[Any]

ENTER = """
INSERT INTO segment_member (project_id, id, segment_id, person_id, since)
SELECT %(project)s, n.id, n.segment_id, n.person_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(segments)s::uuid[], %(people)s::uuid[])
     AS n (id, segment_id, person_id)
"""
LEAVE = "DELETE FROM segment_member WHERE project_id = %s AND id = ANY(%s::uuid[])"
LEAVE_ALL = "DELETE FROM segment_member WHERE project_id = %s AND person_id = %s"
# Locked in the order of their ids, whatever the plan: all writers of a project meet here.
COUNT = """
WITH locked AS (
    SELECT id FROM segment_count
    WHERE project_id = %(project)s AND id = ANY(%(segments)s::uuid[])
    ORDER BY id FOR UPDATE
)
UPDATE segment_count c SET people = people + moved.delta
FROM locked, unnest(%(segments)s::uuid[], %(deltas)s::bigint[]) AS moved (id, delta)
WHERE c.project_id = %(project)s AND c.id = locked.id AND moved.id = locked.id
"""

# A page view moves the instant at which somebody slips away. The stored one may lag behind, never
# run ahead: the clock loop looks at the person then, finds nothing, and stores the true one.
LAG = timedelta(days=2)

Move = tuple[UUID, UUID, str]  # segment, person, "in" or "out"
Keyed = tuple[bytes, UUID, UUID]  # the membership's key, segment, person
_first = itemgetter(0)


class Membership(NoConsequence):
    """Keeps membership. One a process; what it gathers belongs to the running changes."""

    erases: Columns = (("segment_member", "person_id"),)

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
        if not changes.moves:
            return
        entered, left = _keyed(changes.moves)
        if left:
            ids = arrays.of_keys(key for key, _, _ in left)
            changes.connection.execute(LEAVE, (changes.project_id, ids), prepare=True)
        if entered:
            changes.connection.execute(
                ENTER,
                {
                    "project": changes.project_id,
                    "now": changes.now,
                    "ids": arrays.of_keys(key for key, _, _ in entered),
                    "segments": arrays.of_ids(segment for _, segment, _ in entered),
                    "people": arrays.of_ids(person for _, _, person in entered),
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
        moved = {segment: delta for segment, delta in deltas.items() if delta}
        if moved:
            changes.connection.execute(
                COUNT,
                {
                    "project": changes.project_id,
                    "segments": arrays.of_ids(moved),
                    "deltas": arrays.of_texts(map(str, moved.values())),
                },
                prepare=True,
            )
        changes.outbox.append(("segments", {"moves": changes.moves}))

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
    return UUID(bytes=_member_key(str(segment_id), str(person_id)))


def _member_key(segment_id: str, person_id: str) -> bytes:
    return key_bytes("member", segment_id, person_id)


def _keyed(moves: Iterable[Move]) -> tuple[list[Keyed], list[Keyed]]:
    """Who enters and who leaves, each under its key and in the order of these."""
    texts: dict[UUID, str] = {}
    entered: list[Keyed] = []
    left: list[Keyed] = []
    for segment, person, way in moves:
        for id_ in (segment, person):
            if id_ not in texts:
                texts[id_] = str(id_)
        key = _member_key(texts[segment], texts[person])
        (entered if way == "in" else left).append((key, segment, person))
    return sorted(entered, key=_first), sorted(left, key=_first)


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
