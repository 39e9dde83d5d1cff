"""Numbers that a project's names have in its people's rows, each given once and for good.

The first custom attributes that a project sends have a slot each in the compact rows
(`filters/slots.py`), the first events a bit each in `did`. A name takes its number before anybody's
row has what it stands for, over a connection of its own that commits at once. So a number that was
read is there for good, and a process asks only when it meets a name that it does not know while
numbers are left.

Public: `slots`, `deeds`, `Numbers`.
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

DEEDS = 62  # events of a project that have a bit: the columns are signed, and bits count from 1

ASSIGNED = "SELECT key, id FROM {table} WHERE project_id = %s"
# Whoever takes numbers of a project takes turns.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))"
TAKE = "INSERT INTO {table} (project_id, id, key) VALUES (%s, %s, %s)"

_MOST_PROJECTS = 10_000  # that a process remembers


class Numbers:
    """The numbers from 1 to `most` that a table gives to the names of each project."""

    def __init__(self, table: str, most: int) -> None:
        self._most = most
        self._assigned = ASSIGNED.format(table=table)
        self._take = TAKE.format(table=table)
        self._known: dict[UUID, Mapping[str, int]] = {}

    def of(self, project_id: UUID, names: Counter[str]) -> Mapping[str, int]:
        """The project's numbers by name, for rows that have these names so many times each."""
        known = self._known.get(project_id, {})
        if len(known) == self._most or known.keys() >= names.keys():
            return known
        with database.transaction() as connection:
            taken = self.take(connection, project_id, names)
        return self._remember(project_id, taken)

    def take(self, connection: Connection, project_id: UUID, names: Counter[str]) -> dict[str, int]:
        """Give each of the names a number while some are left, the most frequent first."""
        connection.execute(TURN, (str(project_id),))
        taken = self.assigned(connection, project_id)
        new = sorted(names.keys() - taken.keys(), key=lambda name: (-names[name], name))
        for number, name in enumerate(new[: self._most - len(taken)], start=len(taken) + 1):
            connection.execute(self._take, (project_id, number, name))
            taken[name] = number
        return taken

    def known(
        self, connection: Connection, project_id: UUID, names: Collection[str]
    ) -> Mapping[str, int]:
        """The project's numbers by name, for whoever asks about these names."""
        found = self._known.get(project_id, {})
        if len(found) == self._most or found.keys() >= set(names):
            return found
        return self._remember(project_id, self.assigned(connection, project_id))

    def assigned(self, connection: Connection, project_id: UUID) -> dict[str, int]:
        """The project's numbers as the database has them."""
        return dict(connection.execute(self._assigned, (project_id,)).fetchall())

    def _remember(self, project_id: UUID, numbers: Mapping[str, int]) -> Mapping[str, int]:
        if len(self._known) >= _MOST_PROJECTS:
            self._known.clear()
        self._known[project_id] = numbers
        return numbers


slots = Numbers("person_slot", SLOTS)
deeds = Numbers("person_deed", DEEDS)
