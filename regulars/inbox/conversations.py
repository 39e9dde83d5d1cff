"""Conversations and their messages as they are kept: the rows, and reading them by id.

Lists of conversations are `views`, finding words in them is `search`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.people.changes import CollidedError
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]
Channel = Literal["chat", "email"]
State = Literal["open", "snoozed", "closed"]
By = Literal["person", "agent", "note", "system"]
Status = Literal["open", "pending", "solved", "closed"]
Priority = Literal["low", "normal", "high", "urgent"]

PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "urgent")
STATUSES: tuple[Status, ...] = ("open", "pending", "solved", "closed")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as its row says; a ticket where it has a `number`."""

    project_id: UUID
    id: UUID
    person_id: UUID
    channel: Channel
    browser: UUID | None
    verified: bool
    subject: str
    state: State
    snoozed_until: datetime | None
    assignee_id: UUID | None
    started_by: UUID | None
    started_on: str | None
    created_at: datetime
    closed_at: datetime | None
    last_seq: int
    last_at: datetime
    last_by: By
    last_agent_id: UUID | None
    preview: str
    person_seq: int
    agent_seq: int
    person_seen: int
    agents_seen: int
    told_person: int
    waiting_since: datetime | None
    first_reply_at: datetime | None
    rating: int | None
    rating_comment: str
    rated_at: datetime | None
    number: int | None
    status: Status | None
    priority: Priority | None
    due_at: datetime | None
    tags: list[str]
    merged_into: UUID | None

    @property
    def is_ticket(self) -> bool:
        """Whether it is a ticket."""
        return self.number is not None

    @property
    def unread(self) -> bool:
        """Whether the person wrote something that no agent has seen."""
        return self.person_seq > self.agents_seen


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message; an image's size in pixels where it is one."""

    id: UUID
    name: str
    media_type: str
    bytes: int
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said in a conversation, or done to it (`system`, in `what`)."""

    id: UUID
    conversation_id: UUID
    seq: int
    by: By
    agent_id: UUID | None
    channel: Channel
    body: str
    quoted: str
    what: dict[str, Any]
    verified: bool
    at: datetime
    files: tuple[File, ...] = field(default=())


COLUMNS = ", ".join(f'c."{one.name}"' for one in fields(Conversation))
MESSAGE_COLUMNS = ", ".join(f'm."{one.name}"' for one in fields(Message) if one.name != "files")

FIND = f"SELECT {COLUMNS} FROM conversation c WHERE c.project_id = %s AND c.id = ANY(%s)"
LOCK = f"SELECT {COLUMNS} FROM conversation c WHERE c.project_id = %s AND c.id = %s FOR UPDATE"
AFTER = f"""
SELECT {MESSAGE_COLUMNS} FROM message m
WHERE m.project_id = %(project)s AND m.conversation_id = %(conversation)s AND m.seq > %(after)s
  AND m.by = ANY(%(kinds)s)
ORDER BY m.seq LIMIT %(limit)s
"""
BEFORE = f"""
SELECT {MESSAGE_COLUMNS} FROM message m
WHERE m.project_id = %(project)s AND m.conversation_id = %(conversation)s
  AND m.seq < coalesce(%(before)s::bigint, 9223372036854775807)
  AND m.by = ANY(%(kinds)s)
ORDER BY m.seq DESC LIMIT %(limit)s
"""
OF_PERSON = f"""
SELECT {COLUMNS} FROM conversation c WHERE c.project_id = %s AND c.person_id = %s
ORDER BY c.created_at DESC, c.id DESC
"""
FILES = """
SELECT message_id, id, name, media_type, bytes, width, height FROM attachment
WHERE project_id = %s AND message_id = ANY(%s) ORDER BY id
"""

# Who may read what: agents everything, the person what was said to them and by them.
EVERYTHING: tuple[By, ...] = ("person", "agent", "note", "system")
PUBLIC: tuple[By, ...] = ("person", "agent")


def found(
    connection: Connection, project_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Conversation]:
    """The conversations with these ids, as far as there are any."""
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        rows = cursor.execute(FIND, (project_id, list(ids)), prepare=True).fetchall()
    return {one.id: one for one in rows}


def get(connection: Connection, project_id: UUID, conversation_id: UUID) -> Conversation:
    """The conversation. Raises UnknownError."""
    one = found(connection, project_id, [conversation_id]).get(conversation_id)
    if one is None:
        raise UnknownError("There is no such conversation.")
    return one


def all_of(connection: Connection, project_id: UUID, person_id: UUID) -> list[Conversation]:
    """All of the person's, those merged into others too, the newest first: for an export."""
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        return cursor.execute(OF_PERSON, (project_id, person_id)).fetchall()


def lock(connection: Connection, project_id: UUID, conversation_id: UUID) -> Conversation:
    """The conversation, nobody else's to change until the transaction ends. Raises UnknownError.

    Locks are taken in the order: people, conversations by id, counts, the outbox.
    """
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        one = cursor.execute(LOCK, (project_id, conversation_id), prepare=True).fetchone()
    if one is None:
        raise UnknownError("There is no such conversation.")
    return one


def lock_standing(connection: Connection, one: Conversation) -> Conversation:
    """The conversation, or the one that it was merged into, locked. Raises UnknownError.

    Raises CollidedError where it was merged, or changed hands, since it was looked up: start anew.
    """
    standing = lock(connection, one.project_id, one.merged_into or one.id)
    if standing.merged_into is not None or standing.person_id != one.person_id:
        raise CollidedError
    return standing


def messages_after(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    after: int,
    *,
    limit: int = 100,
    kinds: Sequence[By] = EVERYTHING,
) -> list[Message]:
    """The messages behind a number, in their order."""
    return _messages(
        connection, project_id, conversation_id, AFTER, {"after": after}, limit=limit, kinds=kinds
    )


def messages_before(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    before: int | None = None,
    *,
    limit: int = 50,
    kinds: Sequence[By] = EVERYTHING,
) -> list[Message]:
    """The newest messages, or those before a number, in their order."""
    return _messages(
        connection,
        project_id,
        conversation_id,
        BEFORE,
        {"before": before},
        limit=limit,
        kinds=kinds,
    )[::-1]


def _messages(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    statement: str,
    place: dict[str, int | None],
    *,
    limit: int,
    kinds: Sequence[By],
) -> list[Message]:
    asked = {
        "project": project_id,
        "conversation": conversation_id,
        "limit": limit,
        "kinds": list(kinds),
        **place,
    }
    with connection.cursor(row_factory=class_row(Message)) as cursor:
        rows = cursor.execute(statement, asked, prepare=True).fetchall()
    return with_files(connection, project_id, rows)


def with_files(
    connection: Connection, project_id: UUID, messages: Iterable[Message]
) -> list[Message]:
    """The messages, each with its files."""
    given = list(messages)
    may_have = [one.id for one in given if one.by != "system"]
    files: dict[UUID, list[File]] = defaultdict(list)
    if may_have:
        for message_id, *rest in connection.execute(FILES, (project_id, may_have), prepare=True):
            files[message_id].append(File(*rest))
    return [replace(one, files=tuple(files[one.id])) if one.id in files else one for one in given]
