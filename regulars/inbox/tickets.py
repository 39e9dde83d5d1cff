"""Tickets: conversations with a number, a status, a priority and perhaps a due time.

Every function takes a connection with a transaction open and writes the outbox last. Others may be
in the way (CollidedError, Collision): run the work by `people.actions.settled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import answering, by_email, conversations, handling, saying
from regulars.inbox.conversations import (
    PRIORITIES,
    STATUSES,
    Channel,
    Conversation,
    Priority,
    Status,
)
from regulars.inbox.live import Pointer, tell
from regulars.inbox.saying import Saying
from regulars.kit.ids import key_hash
from regulars.people.actions import clean_tags
from regulars.people.changes import Changes
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

LONGEST = timedelta(days=3 * 366)  # from now to a ticket's due time
UNSAID: Any = object()  # of a change: leave it as it is

NEXT_NUMBER = """
INSERT INTO ticket_counter (project_id, id, last) VALUES (%(project)s, %(project)s, 1)
ON CONFLICT (project_id, id) DO UPDATE SET last = ticket_counter.last + 1
RETURNING last
"""
OPEN = """
INSERT INTO conversation (project_id, id, person_id, channel, subject, assignee_id, started_by,
                          created_at, last_at)
VALUES (%(project)s, %(id)s, %(person)s, %(channel)s, %(subject)s, %(assignee)s, %(agent)s,
        %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO NOTHING
"""
MAKE = """
UPDATE conversation
SET number = %(number)s, status = %(status)s, priority = %(priority)s, due_at = %(due_at)s,
    tags = %(tags)s
WHERE project_id = %(project)s AND id = %(id)s
"""
UNMAKE = """
UPDATE conversation SET number = NULL, status = NULL, priority = NULL, due_at = NULL
WHERE project_id = %s AND id = %s
"""
CHANGE = """
UPDATE conversation
SET status = %(status)s, priority = %(priority)s, due_at = %(due_at)s, tags = %(tags)s,
    subject = %(subject)s, state = %(state)s, closed_at = %(closed_at)s,
    snoozed_until = CASE WHEN %(state)s = 'snoozed' THEN snoozed_until END,
    waiting_since = CASE WHEN %(state)s = 'closed' THEN NULL ELSE waiting_since END
WHERE project_id = %(project)s AND id = %(id)s
"""
MERGE = """
UPDATE conversation
SET merged_into = %(into)s, state = 'closed', closed_at = %(now)s, snoozed_until = NULL,
    waiting_since = NULL, status = CASE WHEN number IS NULL THEN NULL ELSE 'closed' END
WHERE project_id = %(project)s AND id = %(gone)s
"""
# What was merged into the one that is now merged itself goes on where that does.
FOLLOW = """
UPDATE conversation SET merged_into = %(into)s
WHERE project_id = %(project)s AND person_id = %(person)s AND merged_into = %(gone)s
"""
# Whoever waited for an answer there waits for it here.
WAIT = """
UPDATE conversation
SET waiting_since = least(waiting_since, %(since)s), state = 'open', closed_at = NULL,
    snoozed_until = NULL,
    status = CASE WHEN number IS NULL THEN NULL
                  WHEN status IN ('solved', 'closed') THEN 'open' ELSE status END
WHERE project_id = %(project)s AND id = %(into)s
"""
BY_NUMBER = "SELECT id FROM conversation WHERE project_id = %s AND number = %s"


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to be opened for a person; `client` is the opener's own id of it."""

    person_id: UUID
    subject: str
    description: str
    client: str
    priority: Priority = "normal"
    assignee_id: UUID | None = None
    due_at: datetime | None = None
    tags: Sequence[str] = ()
    files: Sequence[UUID] = ()


def open_ticket(
    connection: Connection,
    project_id: UUID,
    new: NewTicket,
    now: datetime,
    *,
    by: UUID | None,
) -> UUID:
    """Open a ticket on behalf of a person. They get it by email where they have an address.

    Opened again with the same `client`, it is the same ticket. Raises InvalidError, UnknownError.
    """
    subject, description = _subject(new.subject), _description(new)
    priority, due_at = _priority(new.priority), _due(new.due_at, now)
    tags = clean_tags(list(new.tags))
    changes = Changes(connection, project_id, now)
    changes.begin()
    person = changes.load([new.person_id]).get(new.person_id)
    if person is None:
        raise UnknownError("There is no such person.")
    if new.assignee_id is not None:
        _is_colleague(connection, project_id, new.assignee_id)
    channel: Channel = "email" if person.email else "chat"
    id_ = key_hash("ticket", str(by), new.client)
    made = connection.execute(
        OPEN,
        {
            "project": project_id,
            "id": id_,
            "person": person.id,
            "channel": channel,
            "subject": subject,
            "assignee": new.assignee_id,
            "agent": by,
            "now": now,
        },
    )
    one = conversations.lock(connection, project_id, id_)
    if one.person_id != person.id:
        raise ConflictError("client", "This was opened for somebody else.")
    if not made.rowcount:
        return id_
    entries = _number(connection, one, priority, due_at, tags, now, by)
    one = conversations.lock(connection, project_id, id_)
    told = Saying(
        by="agent",
        text=description,
        client=new.client,
        agent_id=by,
        channel=channel,
        files=new.files,
        told=channel == "email",
    )
    said, more = saying.add(connection, one, told, now)
    connection.execute(  # it waits for us, though we wrote its first message
        "UPDATE conversation SET status = 'open' WHERE project_id = %s AND id = %s",
        (project_id, id_),
    )
    if channel == "email":
        by_email.send(connection, one, person, said, now)
        person.last_emailed = now
        person.changed = True
    changes.cause = ("message", None)
    changes.flush()
    changes.outbox.append(("people", {"people": [str(person.id)]}))
    changes.outbox.extend([*entries, *more])
    changes.finish()
    return id_


def number_of(
    connection: Connection,
    one: Conversation,
    now: datetime,
    *,
    by: UUID | None,
    priority: Priority = "normal",
) -> list[outbox.Entry]:
    """Make the locked conversation a ticket; the entries are for the outbox."""
    if one.number is not None:
        return []
    return _number(connection, one, priority, None, one.tags, now, by)


def make_ticket(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """Give a conversation a number."""
    handling.handled(
        connection,
        project_id,
        conversation_id,
        lambda one: number_of(connection, one, now, by=by),
        now,
    )


def make_conversation(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """Make a ticket an ordinary conversation again. Its number is given to no other."""

    def verb(one: Conversation) -> list[outbox.Entry]:
        if one.number is None:
            return []
        connection.execute(UNMAKE, (project_id, one.id))
        return saying.note_done(connection, one, "unticketed", now, agent_id=by, number=one.number)

    handling.handled(connection, project_id, conversation_id, verb, now)


def change(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
    subject: str = UNSAID,
    status: Status = UNSAID,
    priority: Priority = UNSAID,
    due_at: datetime | None = UNSAID,
    tags: Sequence[str] = UNSAID,
) -> None:
    """Change what is said of a ticket; all or nothing. Raises InvalidError, ConflictError."""
    given: dict[str, Any] = {}
    if subject is not UNSAID:
        given["subject"] = _subject(subject)
    if status is not UNSAID:
        given["status"] = _status(status)
    if priority is not UNSAID:
        given["priority"] = _priority(priority)
    if due_at is not UNSAID:
        given["due_at"] = _due(due_at, now)
    if tags is not UNSAID:
        given["tags"] = clean_tags(list(tags))

    def verb(one: Conversation) -> list[outbox.Entry]:
        if one.number is None:
            raise ConflictError("ticket", "It is no ticket.")
        changed = {key: value for key, value in given.items() if getattr(one, key) != value}
        if not changed:
            return []
        connection.execute(CHANGE, _row(one, changed, now))
        said = {key: [_plain(getattr(one, key)), _plain(new)] for key, new in changed.items()}
        return saying.note_done(connection, one, "changed", now, agent_id=by, changed=said)

    handling.handled(connection, project_id, conversation_id, verb, now)


def merge(
    connection: Connection,
    project_id: UUID,
    gone_id: UUID,
    into_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """`gone` ends, and says where it goes on; its messages stay readable where they are.

    Both must be the same person's: else what one wrote would be shown to the other.
    """
    if gone_id == into_id:
        raise ConflictError("into", "That is the same ticket.")
    locked = {
        id_: conversations.lock(connection, project_id, id_) for id_ in sorted((gone_id, into_id))
    }
    gone, into = locked[gone_id], locked[into_id]
    if gone.merged_into is not None or into.merged_into is not None:
        raise ConflictError("into", "One of them was merged before.")
    if gone.person_id != into.person_id:
        raise ConflictError("into", "They are two people's: merge the people first.")
    entries = saying.note_done(
        connection, gone, "merged", now, agent_id=by, into=str(into.id), number=into.number
    )
    named = {
        "project": project_id,
        "person": gone.person_id,
        "gone": gone.id,
        "into": into.id,
        "since": gone.waiting_since,
        "now": now,
    }
    connection.execute(MERGE, named)
    connection.execute(FOLLOW, named)
    if gone.waiting_since is not None:
        connection.execute(WAIT, named)
    entries += saying.note_done(
        connection, into, "absorbed", now, agent_id=by, gone=str(gone.id), number=gone.number
    )
    for one in (gone, into):
        tell(connection, project_id, Pointer("changed", one.id, one.person_id, by="agents"))
    outbox.append(connection, project_id, entries, now)


def by_number(connection: Connection, project_id: UUID, number: int) -> UUID | None:
    """The ticket with this number."""
    row = connection.execute(BY_NUMBER, (project_id, number)).fetchone()
    return row[0] if row else None


def _number(
    connection: Connection,
    one: Conversation,
    priority: Priority,
    due_at: datetime | None,
    tags: Sequence[str],
    now: datetime,
    by: UUID | None,
) -> list[outbox.Entry]:
    ((number,),) = connection.execute(NEXT_NUMBER, {"project": one.project_id}).fetchall()
    connection.execute(
        MAKE,
        {
            "project": one.project_id,
            "id": one.id,
            "number": number,
            "status": "solved" if one.state == "closed" else "open",
            "priority": priority,
            "due_at": due_at,
            "tags": list(tags),
        },
    )
    return saying.note_done(
        connection, one, "ticketed", now, agent_id=by, number=number, priority=priority
    )


def _row(one: Conversation, changed: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The columns as they shall be: a solved ticket is a closed conversation."""
    after = {key: changed.get(key, getattr(one, key)) for key in _CHANGEABLE}
    done = after["status"] in ("solved", "closed")
    return after | {
        "project": one.project_id,
        "id": one.id,
        "state": "closed" if done else "open" if one.state == "closed" else one.state,
        "closed_at": (one.closed_at or now) if done else None,
    }


_CHANGEABLE = ("status", "priority", "due_at", "tags", "subject")


def _subject(given: str) -> str:
    line = answering.clean_subject(given)
    if not line:
        raise InvalidError("subject", "A ticket needs a subject.")
    return line


def _description(new: NewTicket) -> str:
    try:
        return saying.clean(new.description, has_files=bool(new.files))
    except InvalidError as wrong:
        raise InvalidError("description", wrong.message) from None


def _priority(given: str) -> Priority:
    for one in PRIORITIES:
        if one == given:
            return one
    raise InvalidError("priority", f"Expected one of {', '.join(PRIORITIES)}.")


def _status(given: str) -> Status:
    for one in STATUSES:
        if one == given:
            return one
    raise InvalidError("status", f"Expected one of {', '.join(STATUSES)}.")


def _due(given: datetime | None, now: datetime) -> datetime | None:
    if given is not None and not now - LONGEST < given < now + LONGEST:
        raise InvalidError("due_at", "Expected a time within three years.")
    return given


def _is_colleague(connection: Connection, project_id: UUID, agent_id: UUID) -> None:
    if not connection.execute(handling.IS_COLLEAGUE, (project_id, agent_id)).fetchone():
        raise InvalidError("assignee", "There is no such agent in this project.")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
