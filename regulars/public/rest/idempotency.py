"""The same POST twice is one: answers kept for a day under the caller's Idempotency-Key.

The key is claimed in the transaction that does the work, so the work and its answer are both there
or both not; who comes with the same key meanwhile waits, and gets that answer. An answer that
changed nothing (an error) is not kept: the next try is a first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.ids import key_hash
from regulars.people.changes import Changes, NoConsequence
from regulars.people.person import Person
from regulars.workspaces.errors import ConflictError

Connection = psycopg.Connection[Any]

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
MOST = 255  # characters of a key
WAIT = "10s"  # for a request with the same key that is still running

PATIENCE = "SELECT set_config('lock_timeout', %s, true)"
# The key is ours if it is new, or older than a day. Waits while another transaction claims it.
CLAIM = """
INSERT INTO idempotency_key (project_id, id, request, at)
VALUES (%(project)s, %(id)s, %(request)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE
SET request = excluded.request, status = NULL, answer = NULL, at = excluded.at
WHERE idempotency_key.at <= %(since)s
RETURNING id
"""
FIND = "SELECT request, status, answer FROM idempotency_key WHERE project_id = %s AND id = %s"
KEEP = "UPDATE idempotency_key SET status = %s, answer = %s WHERE project_id = %s AND id = %s"
DROP_OLD = """
DELETE FROM idempotency_key WHERE project_id = %(project)s AND id IN (
    SELECT id FROM idempotency_key WHERE project_id = %(project)s AND at <= %(since)s
    ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED
)
"""
# Answers that name the person, by their id or by that of somebody who became them.
DROP_NAMING = """
DELETE FROM idempotency_key k WHERE k.project_id = %(project)s AND EXISTS (
    SELECT FROM unnest(%(ids)s::text[]) AS named (id) WHERE strpos(k.answer, named.id) > 0
)
"""
FORMER = "SELECT value FROM identity WHERE project_id = %s AND person_id = %s AND kind = 'former'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered."""

    status: int
    body: bytes
    again: bool = False  # kept from an earlier request


@dataclass(frozen=True, slots=True)
class Claim:
    """One project's use of a key, for one request."""

    project_id: UUID
    id: UUID
    request: bytes

    @classmethod
    def of(cls, project_id: UUID, key: str, *asked: bytes) -> Claim:
        """The claim of a key for a request; `asked` is all that tells requests apart.

        Raises ValueError for a key that is none.
        """
        if not 0 < len(key) <= MOST or not key.isprintable():
            raise ValueError(key)
        digest = sha256(b"\n".join(asked)).digest()
        return cls(project_id, key_hash("idempotency", key), digest)


def claim(connection: Connection, wanted: Claim, now: datetime) -> Answer | None:
    """None where the key is ours now: do the work and `keep` its answer. Else the answer there is.

    Raises ConflictError for a key that was used for something else, or is in use for too long.
    """
    since = now - KEPT
    connection.execute(DROP_OLD, {"project": wanted.project_id, "since": since})
    connection.execute(PATIENCE, (WAIT,))
    named = {"project": wanted.project_id, "id": wanted.id, "request": wanted.request}
    try:
        ours = connection.execute(CLAIM, {**named, "now": now, "since": since}).fetchone()
    except psycopg.errors.LockNotAvailable:
        message = "A request with this key is still running: try again later."
        raise ConflictError(HEADER, message) from None
    connection.execute(PATIENCE, ("0",))
    if ours is not None:
        return None
    row = connection.execute(FIND, (wanted.project_id, wanted.id)).fetchone()
    if row is None or row[0] != wanted.request:
        raise ConflictError(HEADER, "This key was used for another request within a day.")
    return Answer(row[1], row[2].encode(), again=True)


def keep(connection: Connection, wanted: Claim, answer: Answer) -> None:
    """Remember the answer, in the transaction that did the work."""
    connection.execute(KEEP, (answer.status, answer.body.decode(), wanted.project_id, wanted.id))


class ForgetAnswers(NoConsequence):
    """Kept answers go with the person they name."""

    def erased(self, changes: Changes, person: Person) -> None:
        former = changes.connection.execute(FORMER, (changes.project_id, person.id)).fetchall()
        ids = [str(person.id), *(row[0] for row in former)]
        changes.connection.execute(DROP_NAMING, {"project": changes.project_id, "ids": ids})
