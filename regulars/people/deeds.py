"""Which events somebody has ever done: a bit each in `did`, on their rows and in the compact ones.

Filters ask nothing as often as who never did something, and of a million people the bits tell it
without a look at what they did. The first events of a project have a bit (`numbers.deeds`); whether
somebody did others is looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.kit import arrays
from regulars.people import numbers
from regulars.people.compact import NOTE
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

_DONE = """
SELECT e.person_id AS id, bit_or(1::bigint << d.id) AS did
FROM person_deed d JOIN event e ON e.project_id = d.project_id AND e.name = d.key
WHERE d.project_id = %(project)s AND e.kind = 'track'{whose} GROUP BY e.person_id
"""
_THESE = " AND e.person_id = ANY(%(ids)s::uuid[])"
# Of these people: as the record has it, whatever their rows say.
RECOUNT = f"""
UPDATE {{table}} p SET did = coalesce(d.did, 0)
FROM unnest(%(ids)s::uuid[]) AS one (id) LEFT JOIN ({_DONE.format(whose=_THESE)}) d ON d.id = one.id
WHERE p.project_id = %(project)s AND p.id = one.id
"""
TABLES = ("person_activity", "person_compact")

PROJECTS = "SELECT id FROM project ORDER BY id"
MOST_DONE = """
SELECT name, count(*) FROM event WHERE project_id = %s AND kind = 'track' AND name IS NOT NULL
GROUP BY name ORDER BY count(*) DESC, name LIMIT %s
"""
FILL = f"""
UPDATE {{table}} p SET did = d.did FROM ({_DONE.format(whose="")}) d
WHERE p.project_id = %(project)s AND p.id = d.id
"""


class Deed(msgspec.Struct, frozen=True, gc=False):
    """A tracked event by name, as segments on behaviour ask for it."""

    person: Person
    name: str
    at: datetime
    properties: bytes | None  # JSON


def note(project_id: UUID, deeds: Sequence[Deed]) -> None:
    """Set the bits of what people do."""
    taken = numbers.deeds.of(project_id, Counter(deed.name for deed in deeds))
    for deed in deeds:
        number = taken.get(deed.name)
        if number is None:
            continue
        person = deed.person.survivor()
        if not person.did >> number & 1:
            person.did |= 1 << number
            person.seen_changed = True


def recount(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> None:
    """Read these people's bits from what the record has of them, now that events have moved."""
    asked = {"project": project_id, "ids": arrays.of_ids(ids)}
    connection.execute(RECOUNT.format(table="person_activity"), asked)
    counted = RECOUNT.format(table="person_compact")
    connection.execute(f"WITH written AS ({counted} RETURNING p.project_id, p.id) {NOTE}", asked)


def fill(connection: Connection) -> None:
    """Give everybody their bits, who has none: for the migration that made them."""
    for (project_id,) in connection.execute(PROJECTS).fetchall():
        fill_project(connection, project_id, TABLES[:1])


def fill_project(connection: Connection, project_id: UUID, tables: Sequence[str] = TABLES) -> None:
    """The same in one project, for its most frequent events."""
    most = connection.execute(MOST_DONE, (project_id, numbers.DEEDS)).fetchall()
    if most:
        numbers.deeds.take(connection, project_id, Counter(dict(most)))
        for table in tables:
            connection.execute(FILL.format(table=table), {"project": project_id})
