"""What people's rows remember of their events, for segments on behaviour.

Of each event that some segment asks about a person's row keeps the newest times, as many as the
segments need. Ingest adds to them in memory; from history they are read only for a segment that is
new, and after an undone merge.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from operator import neg
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.events import EventNeed
from regulars.filters.to_sql import event_to_sql
from regulars.kit import arrays
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.segments.plan import Plan

Connection = psycopg.Connection[Any]

# One by one: of somebody who did a lot the index gives the newest first, and the rest is not read.
NEWEST = """
SELECT one.id, newest.times FROM unnest(%s::uuid[]) AS one (id) CROSS JOIN LATERAL (
    SELECT array_agg(happened_at ORDER BY happened_at DESC) AS times FROM (
        SELECT e.happened_at FROM event e
        WHERE e.project_id = %s AND e.person_id = one.id AND {matching}
        ORDER BY e.happened_at DESC LIMIT %s
    ) found
) newest
WHERE newest.times IS NOT NULL
"""


def remember(changes: Changes, plan: Plan) -> None:
    """Add what people have done in these changes."""
    if plan.remembers is None:
        return
    for deed in changes.deeds:
        if deed.name not in plan.events:
            continue
        properties = msgspec.json.decode(deed.properties) if deed.properties else {}
        for number in plan.remembers(deed.name, properties):
            person = deed.person.survivor()
            times = list(person.event_times.get(number, ()))
            insort(times, deed.at, key=_newest_first)
            person.event_times[number] = times[: plan.needs[number].keep]
            person.seen_changed = True


def recall(
    connection: Connection,
    project_id: UUID,
    needs: Iterable[EventNeed],
    people: Sequence[Person],
    zone: tzinfo,
) -> None:
    """Read from history what these people's rows shall remember, in place of what they do."""
    ids = arrays.of_ids(person.id for person in people)
    for need in needs:
        matching, params = event_to_sql(need, zone=zone, of_people=True)
        found: dict[UUID, list[datetime]] = dict(
            connection.execute(
                NEWEST.format(matching=matching),
                (ids, project_id, *params, need.keep),
                prepare=True,
            ).fetchall()
        )
        for person in people:
            person.event_times[need.key] = found.get(person.id, [])
            person.seen_changed = True  # else it would be read again the next time


def forget(person: Person, plan: Plan) -> None:
    """Let go what no segment asks about any more."""
    for number in person.event_times.keys() - plan.needs.keys():
        del person.event_times[number]


def _newest_first(at: datetime) -> float:
    return neg(at.timestamp())
