"""Which custom values of a project have a slot in the compact rows (`filters/slots.py`).

The first keys that a project sends take one each, before anybody's row has them, over a connection
of its own that commits at once. So a slot that was read is there for good, and a process asks only
when it meets a key that it does not know while slots are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.slots import SLOTS
from regulars.kit import database

Connection = psycopg.Connection[Any]

ASSIGNED = "SELECT key, id FROM person_slot WHERE project_id = %s"
# Whoever takes slots of a project takes turns.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))"
TAKE = "INSERT INTO person_slot (project_id, id, key) VALUES (%s, %s, %s)"

_MOST_PROJECTS = 10_000  # that a process remembers
_known: dict[UUID, Mapping[str, int]] = {}


def of(project_id: UUID, keys: Counter[str]) -> Mapping[str, int]:
    """The project's slots by key, for rows that have these keys so many times each."""
    known = _known.get(project_id, {})
    if len(known) == SLOTS or known.keys() >= keys.keys():
        return known
    with database.transaction() as connection:
        taken = take(connection, project_id, keys)
    return _remember(project_id, taken)


def take(connection: Connection, project_id: UUID, keys: Counter[str]) -> dict[str, int]:
    """Give each of the keys a slot while some are left, the most frequent first."""
    connection.execute(TURN, (str(project_id),))
    taken = assigned(connection, project_id)
    new = sorted(keys.keys() - taken.keys(), key=lambda key: (-keys[key], key))
    for number, key in enumerate(new[: SLOTS - len(taken)], start=len(taken) + 1):
        connection.execute(TAKE, (project_id, number, key))
        taken[key] = number
    return taken


def known(connection: Connection, project_id: UUID, keys: Collection[str]) -> Mapping[str, int]:
    """The project's slots by key, for whoever asks about these keys."""
    found = _known.get(project_id, {})
    if len(found) == SLOTS or found.keys() >= set(keys):
        return found
    return _remember(project_id, assigned(connection, project_id))


def assigned(connection: Connection, project_id: UUID) -> dict[str, int]:
    """The project's slots as the database has them."""
    return dict(connection.execute(ASSIGNED, (project_id,)).fetchall())


def _remember(project_id: UUID, slots: Mapping[str, int]) -> Mapping[str, int]:
    if len(_known) >= _MOST_PROJECTS:
        _known.clear()
    _known[project_id] = slots
    return slots
