"""Who stands behind a messenger, and what they may see.

A browser says which anonymous id it has, which nobody can guess, and perhaps which user it is,
which is believed only when the product's server signed it. Without that, a user's conversations
stay hidden but for those that began, without it too, in this very browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox.conversations import COLUMNS, Conversation
from regulars.people import store
from regulars.people.changes import Changes, CollidedError, identity_key
from regulars.people.person import Person
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

MOST_LISTED = 50

KNOWN = "SELECT id, person_id FROM identity WHERE project_id = %s AND id = ANY(%s)"
# What a messenger shows: all to whoever is proved to be it; without proof, what began in this very
# browser without proof.
THEIRS = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.person_id = %(person)s AND c.merged_into IS NULL
  AND (%(all)s OR c.browser = %(browser)s AND NOT c.verified)
  AND (c.agent_seq > 0 OR c.person_seq > 0)
ORDER BY c.last_at DESC, c.id DESC LIMIT %(limit)s
"""
ONE_OF_THEIRS = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.id = %(id)s AND c.person_id = %(person)s
  AND (%(all)s OR c.browser = %(browser)s AND NOT c.verified)
"""


class UnprovedError(Exception):
    """The browser belongs to a user, and it is not proved that it is this user's still."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser with a messenger. `user_id` is set only where a signed claim proves it.

    `must_prove` is set where the project demands that users prove who they are.
    """

    project_id: UUID
    anonymous_id: str
    user_id: str | None = None
    must_prove: bool = False

    @property
    def browser(self) -> UUID:
        """The browser's key."""
        return UUID(bytes=identity_key("anonymous", self.anonymous_id))

    @property
    def verified(self) -> bool:
        """Whether it is proved who they are."""
        return self.user_id is not None


def person_of(connection: Connection, visitor: Visitor) -> Person | None:
    """Who it is, as far as that is known; None for a browser that was never seen.

    Raises UnprovedError.
    """
    found = _ids_of(connection, visitor)
    person_id = _choose(visitor, found)
    if person_id is None:
        return None
    person = store.read(connection, visitor.project_id, [person_id]).get(person_id)
    return _proved(visitor, person) if person is not None else None


def sees_everything(visitor: Visitor, person: Person) -> bool:
    """Whether all of the person's conversations, tickets and notes may be shown to the visitor.

    Of those whom nobody registered there is no proof to ask for: their anonymous id is all there
    is, and it can't be guessed. A user has to be vouched for by the product.
    """
    return visitor.verified or person.user_id is None


def conversations_of(
    connection: Connection, visitor: Visitor, person: Person, limit: int = MOST_LISTED
) -> list[Conversation]:
    """What the visitor may see of the person's conversations, the newest first."""
    asked = _asked(visitor, person) | {"limit": limit}
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        return cursor.execute(THEIRS, asked, prepare=True).fetchall()


def conversation_of(
    connection: Connection, visitor: Visitor, person: Person | None, conversation_id: UUID
) -> Conversation:
    """One that the visitor may see. Raises UnknownError."""
    one = find(connection, visitor, person, conversation_id)
    if one is None:
        raise UnknownError("There is no such conversation.")
    return one


def find(
    connection: Connection, visitor: Visitor, person: Person | None, conversation_id: UUID
) -> Conversation | None:
    """The same, or None."""
    if person is None:
        return None
    asked = _asked(visitor, person) | {"id": conversation_id}
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        return cursor.execute(ONE_OF_THEIRS, asked, prepare=True).fetchone()


def locked_person(changes: Changes, visitor: Visitor) -> Person:
    """Who it is, locked; made where nobody knows the browser. Raises CollidedError: start anew;
    and UnprovedError.

    A user whom a claim proves but nobody tracked yet is made by tracking, before this.
    """
    connection = changes.connection
    person_id = _choose(visitor, _ids_of(connection, visitor))
    if person_id is None:
        key = identity_key("anonymous", visitor.anonymous_id)
        changes.wait_for_newcomers([key])
        person_id = _choose(visitor, _ids_of(connection, visitor))
        if person_id is None:
            person = changes.new_person()
            changes.know("anonymous", visitor.anonymous_id, person)
            return person
    found = changes.load([person_id]).get(person_id)
    if found is None:
        raise CollidedError  # merged or erased between the look-up and the lock
    return _proved(visitor, found)


def contacted(person: Person, now: datetime) -> None:
    """The person wrote to us."""
    if person.last_contacted is None or person.last_contacted < now:
        person.last_contacted = now
        person.changed = True


def _proved(visitor: Visitor, person: Person) -> Person:
    """The person, unless the browser came to be a user's without proof where proof is demanded."""
    if visitor.must_prove and not visitor.verified and person.user_id is not None:
        raise UnprovedError
    return person


def _ids_of(connection: Connection, visitor: Visitor) -> dict[UUID, UUID]:
    keys = [visitor.browser]
    if visitor.user_id is not None:
        keys.append(_user_key(visitor.user_id))
    return dict(connection.execute(KNOWN, (visitor.project_id, keys), prepare=True).fetchall())


def _choose(visitor: Visitor, found: dict[UUID, UUID]) -> UUID | None:
    if visitor.user_id is not None:
        return found.get(_user_key(visitor.user_id))
    return found.get(visitor.browser)


def _user_key(user_id: str) -> UUID:
    return UUID(bytes=identity_key("user", user_id))


def _asked(visitor: Visitor, person: Person) -> dict[str, Any]:
    return {
        "project": visitor.project_id,
        "person": person.id,
        "browser": visitor.browser,
        "all": sees_everything(visitor, person),
    }
