"""Erasing a person: everything goes, and what they did before can't come back.

Keyed hashes of the ids and the address stay for 30 days. They tell a late event of the person
that is gone (timed before the erasure, refused) from a new beginning (timed after it), and they
tell nobody who it was.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import environment
from regulars.kit.connection import later
from regulars.people.changes import CONSEQUENCES, Changes, Columns, NoConsequence
from regulars.people.packed.forgetting import forget
from regulars.people.person import Person

Connection = psycopg.Connection[Any]
Known = tuple[str, str]  # ("user" | "anonymous" | "email", value); emails folded

REFUSED_FOR = timedelta(days=30)

LATEST = "SELECT max(at) FROM erased_key WHERE project_id = %s AND at > %s"
FIND = "SELECT id, at FROM erased_key WHERE project_id = %s AND id = ANY(%s) AND at > %s"
REMEMBER = """
INSERT INTO erased_key (project_id, id, at)
SELECT %s, unnest(%s::uuid[]), %s
ON CONFLICT (project_id, id) DO UPDATE SET at = excluded.at
"""
FORGET = "DELETE FROM erased_key WHERE at <= %s"
IDENTITIES = "SELECT kind, value FROM identity WHERE project_id = %s AND person_id = %s"

# Every table of this slice and of events that holds something of the person, in the order in
# which rows may go. Slices above erase theirs by their consequence, which names them too: an
# architecture test reads the catalogue and fails when a table with a person in it is in neither.
OWNED = (
    ("event", "person_id"),
    ("session", "person_id"),
    ("merge_dismissal", "one_id"),
    ("merge_dismissal", "other_id"),
    ("merge", "into_id"),
    ("merge", "from_id"),
    ("identity", "person_id"),
    ("person_activity", "id"),
    ("person_compact", "id"),
    ("person_unpacked", "person_id"),
    ("person", "id"),
)


def erase(changes: Changes, person: Person) -> None:
    """Erase the person, locked in `changes`, when these are flushed."""
    changes.erasing.add(person.id)


class Erasing(NoConsequence):
    """Lets the rows of the erased go. Wired last: what refers to a person goes before."""

    erases: Columns = OWNED

    def written(self, changes: Changes) -> None:
        for person_id in sorted(changes.erasing):
            person = changes.people[person_id]
            for consequence in CONSEQUENCES:
                consequence.erased(changes, person)
            self._erase(changes, person)

    def _erase(self, changes: Changes, person: Person) -> None:
        connection, project_id = changes.connection, changes.project_id
        known: list[Known] = [
            (kind, value)
            for kind, value in connection.execute(IDENTITIES, (project_id, person.id))
            if kind != "former"
        ]
        if person.email_folded:
            known.append(("email", person.email_folded))
        hashes = sorted(_hash(project_id, one) for one in known)
        connection.execute(REMEMBER, (project_id, hashes, changes.now))
        forget(connection, project_id, person.id)
        for table, column in OWNED:
            connection.execute(
                f"DELETE FROM {table} WHERE project_id = %s AND {column} = %s",
                (project_id, person.id),
            )


class Refusing:
    """Which events of a batch come from before an erasure."""

    def __init__(self, connection: Connection, project_id: UUID, now: datetime) -> None:
        self._connection = connection
        self._project_id = project_id
        self._since = now - REFUSED_FOR
        self._erased: dict[UUID, datetime] = {}
        self._asked = later(connection, LATEST, (project_id, self._since))

    def might(self, happened_at: datetime) -> bool:
        """Whether anybody was erased after that: only then is it worth asking who."""
        return self._latest is not None and happened_at <= self._latest

    @cached_property
    def _latest(self) -> datetime | None:
        row = self._asked.fetchone()
        return row[0] if row else None

    def look_up(self, batch: Iterable[list[Known]]) -> None:
        """Read what is remembered of those by whom the batch's old events are known."""
        hashes = {_hash(self._project_id, one) for known in batch for one in known}
        if hashes:
            rows = self._connection.execute(FIND, (self._project_id, sorted(hashes), self._since))
            self._erased = dict(rows.fetchall())

    def refuses(self, known: list[Known], happened_at: datetime) -> bool:
        """True for an event that happened before somebody it names was erased."""
        times = [self._erased.get(_hash(self._project_id, one)) for one in known]
        return any(at is not None and happened_at <= at for at in times)


def forget_old(connection: Connection, now: datetime) -> None:
    """Let the hashes go that refuse nothing any more."""
    connection.execute(FORGET, (now - REFUSED_FOR,))


def _hash(project_id: UUID, known: Known) -> UUID:
    kind, value = known
    secret = environment.read().secret_key.encode()
    text = f"{project_id}\n{kind}\n{value}".encode("utf-8", "replace")
    return UUID(bytes=hmac.digest(secret, text, sha256)[:16])
