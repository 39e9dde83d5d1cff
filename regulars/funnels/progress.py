"""Who reached which checkpoint when, kept with every change of a person.

When they did is noted by the segments' plan (`segments.steps`) on the person's own row; here the
same goes into the funnel's narrow rows, in the same transaction, and to the outbox. Runs without
Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.evaluating import take_effect
from regulars.funnels.rows import MAX_LANES
from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.people.changes import Changes, Columns, NoConsequence
from regulars.people.person import Person
from regulars.segments.steps import Step

Connection = psycopg.Connection[Any]

LANES = tuple(f"lane{n}" for n in range(MAX_LANES))

# Where people's times go: the numbers of the segments that have a lane.
LANES_OF = """
SELECT s.number, s.lane, s.checkpoint, c.id
FROM segment s LEFT JOIN checkpoint c ON c.project_id = s.project_id AND c.number = s.checkpoint
WHERE s.project_id = %s AND s.lane IS NOT NULL AND s.deleted_at IS NULL
"""
WRITE = f"""
INSERT INTO funnel_progress AS r (project_id, id, {", ".join(LANES)})
SELECT %s, n.* FROM unnest(%s::uuid[], {", ".join("%s::timestamptz[]" for _ in LANES)})
     AS n (id, {", ".join(LANES)})
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE
SET {", ".join(f"{lane} = excluded.{lane}" for lane in LANES)}
"""
FOUND = """
INSERT INTO funnel_progress AS r (project_id, id, {lane})
SELECT project_id, id, at FROM moved WHERE had <> (at IS NOT NULL)
ORDER BY id
ON CONFLICT (project_id, id) DO UPDATE SET {lane} = excluded.{lane}
RETURNING id
"""
NONE_YET = """
INSERT INTO funnel_progress (project_id, id)
SELECT project_id, id FROM found WHERE NOT EXISTS (
    SELECT FROM funnel_progress r WHERE r.project_id = found.project_id AND r.id = found.id)
ORDER BY id
ON CONFLICT (project_id, id) DO NOTHING
"""
ERASE = "DELETE FROM funnel_progress WHERE project_id = %s AND id = %s"

Lanes = Mapping[int, tuple[int, int | None, UUID | None]]  # number: lane, checkpoint, its id


class Progress(NoConsequence):
    """Keeps the funnel's rows. Follows `segments.membership`, which notes what is reached."""

    erases: Columns = (("funnel_progress", "id"),)

    def written(self, changes: Changes) -> None:
        """Write the rows of those whose progress is another now."""
        people = [
            person
            for person in changes.people.values()
            if person.progressed and person.gone_into is None and person.id not in changes.erasing
        ]
        if people:
            write(changes.connection, changes.project_id, people, _lanes(changes))
            for person in people:
                person.progressed = False
        if changes.reached:
            changes.outbox.append(("checkpoints", _told(changes, _lanes(changes))))

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """The survivor's row has the earliest of both."""
        del into
        changes.connection.execute(ERASE, (changes.project_id, gone.id))

    def erased(self, changes: Changes, person: Person) -> None:
        """Nothing is left of it."""
        changes.connection.execute(ERASE, (changes.project_id, person.id))


class Filling:
    """Keeps them while SQL goes through everybody for a new condition (`steps.Follower`)."""

    def keeping(self, step: Step) -> str:
        """Write it to the step's lane."""
        return FOUND.format(lane=LANES[step.lane])

    def finding(self) -> str:
        """Beside whose row something is found has one: what reads both begins there."""
        return NONE_YET

    def filled(
        self, connection: Connection, project_id: UUID, segment_id: UUID, now: datetime
    ) -> None:
        """A new condition takes the place of the one before, where it has not from the start."""
        take_effect(connection, project_id, segment_id, now)


def write(connection: Connection, project_id: UUID, people: Iterable[Person], lanes: Lanes) -> None:
    """Write people's rows as their own say."""
    ordered = sorted(people, key=lambda person: person.id.int)
    by_lane: dict[int, str] = {lane: str(number) for number, (lane, _, _) in lanes.items()}
    columns = [
        arrays.of_plain([person.checkpoints.get(by_lane.get(n, "")) for person in ordered])
        for n in range(len(LANES))
    ]
    asked = (project_id, arrays.of_ids(person.id for person in ordered), *columns)
    later(connection, WRITE, asked)


def _lanes(changes: Changes) -> Lanes:
    rows = changes.connection.execute(LANES_OF, (changes.project_id,), prepare=True).fetchall()
    return {number: (lane, checkpoint, id_) for number, lane, checkpoint, id_ in rows}


def _told(changes: Changes, lanes: Lanes) -> dict[str, list[Any]]:
    """What the outbox says: the pairs, and in their order the times and checkpoints' ids."""
    told: dict[str, list[Any]] = {"reached": [], "at": [], "ids": []}
    for person, number in changes.reached:
        home = person.survivor()
        at = home.checkpoints.get(str(number))
        _, checkpoint, id_ = lanes.get(number, (0, None, None))
        if at is not None and checkpoint is not None and home.id not in changes.erasing:
            told["reached"].append([home.id, checkpoint])
            told["at"].append(at)
            told["ids"].append(id_)
    return told
