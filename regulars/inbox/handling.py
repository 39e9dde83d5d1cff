"""What agents do with a conversation besides writing: assign, close, reopen, put off, look at it.

Every function takes a connection with a transaction open. Those that change how the conversation
stands say so between its messages, and return what goes into the outbox, which `handled` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import conversations, saying
from regulars.inbox.conversations import Conversation
from regulars.inbox.live import Pointer, tell
from regulars.kit.ids import key_hash
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

LOOKS_FOR = timedelta(seconds=25)  # after which an agent who says no more looks no longer
LONGEST_SNOOZE = timedelta(days=366)

ASSIGN = "UPDATE conversation SET assignee_id = %s WHERE project_id = %s AND id = %s"
# A ticket is solved with it; opened again, it waits for us again.
CLOSE = """
UPDATE conversation SET state = 'closed', closed_at = %s, snoozed_until = NULL,
    waiting_since = NULL, status = CASE WHEN number IS NULL THEN NULL ELSE 'solved' END
WHERE project_id = %s AND id = %s
"""
REOPEN = """
UPDATE conversation SET state = 'open', closed_at = NULL, snoozed_until = NULL,
    status = CASE WHEN number IS NULL THEN NULL
                  WHEN status IN ('solved', 'closed') THEN 'open' ELSE status END
WHERE project_id = %s AND id = %s
"""
SNOOZE = """
UPDATE conversation SET state = 'snoozed', snoozed_until = %s, closed_at = NULL,
    status = CASE WHEN number IS NULL THEN NULL
                  WHEN status IN ('solved', 'closed') THEN 'open' ELSE status END
WHERE project_id = %s AND id = %s
"""
SUBJECT = "UPDATE conversation SET subject = %s WHERE project_id = %s AND id = %s"
SEEN = """
UPDATE conversation SET agents_seen = %(seq)s
WHERE project_id = %(project)s AND id = %(id)s AND agents_seen < %(seq)s AND last_seq >= %(seq)s
"""
MENTIONS_SEEN = """
UPDATE mention SET seen_at = %s
WHERE project_id = %s AND conversation_id = %s AND agent_id = %s AND seen_at IS NULL
"""
IS_COLLEAGUE = "SELECT 1 FROM role WHERE project_id = %s AND agent_id = %s"
LOOK = """
INSERT INTO onlooker (project_id, id, conversation_id, agent_id, at)
VALUES (%(project)s, %(id)s, %(conversation)s, %(agent)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET at = greatest(onlooker.at, excluded.at)
"""
LOOK_AWAY = "DELETE FROM onlooker WHERE project_id = %s AND id = %s"
ONLOOKERS = """
SELECT agent_id FROM onlooker
WHERE project_id = %s AND conversation_id = %s AND at > %s ORDER BY agent_id
"""

Verb = Callable[[Conversation], list[outbox.Entry]]


def assign(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    to: UUID | None,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """Make it an agent's, or nobody's. Raises InvalidError for who is not in the project."""
    if to is not None and not connection.execute(IS_COLLEAGUE, (project_id, to)).fetchone():
        raise InvalidError("assignee", "There is no such agent in this project.")

    def verb(one: Conversation) -> list[outbox.Entry]:
        return assigned(connection, one, to, now, by) if one.assignee_id != to else []

    handled(connection, project_id, conversation_id, verb, now)


def close(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """It is done; the person may rate it, and opens it again by writing."""

    def verb(one: Conversation) -> list[outbox.Entry]:
        if one.state == "closed":
            return []
        connection.execute(CLOSE, (now, project_id, one.id))
        return saying.note_done(connection, one, "closed", now, agent_id=by)

    handled(connection, project_id, conversation_id, verb, now)


def reopen(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """It is not done, or not put off any more."""

    def verb(one: Conversation) -> list[outbox.Entry]:
        if one.state == "open":
            return []
        connection.execute(REOPEN, (project_id, one.id))
        return saying.note_done(connection, one, "reopened", now, agent_id=by)

    handled(connection, project_id, conversation_id, verb, now)


def snooze(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    until: datetime | None,
    now: datetime,
    *,
    by: UUID | None,
) -> None:
    """Put it off until then, or (None) until the person writes. Raises InvalidError."""
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise InvalidError("until", "Expected a time within the coming year.")

    def verb(one: Conversation) -> list[outbox.Entry]:
        connection.execute(SNOOZE, (until, project_id, one.id))
        said = until.isoformat() if until else None
        return saying.note_done(connection, one, "snoozed", now, agent_id=by, until=said)

    handled(connection, project_id, conversation_id, verb, now)


def rename(
    connection: Connection, project_id: UUID, conversation_id: UUID, subject: str, now: datetime
) -> None:
    """Give it another subject, which must be clean (`answering.clean_subject`)."""

    def verb(one: Conversation) -> list[outbox.Entry]:
        connection.execute(SUBJECT, (subject, project_id, one.id))
        return []

    handled(connection, project_id, conversation_id, verb, now)


def seen(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    agent_id: UUID,
    seq: int,
    now: datetime,
) -> None:
    """An agent has had the messages up to a number before their eyes."""
    one = conversations.get(connection, project_id, conversation_id)
    named = {"project": project_id, "id": one.id, "seq": min(seq, one.last_seq)}
    moved = connection.execute(SEEN, named, prepare=True)
    connection.execute(MENTIONS_SEEN, (now, project_id, one.id, agent_id), prepare=True)
    if moved.rowcount:
        tell(connection, project_id, Pointer("changed", one.id, one.person_id, by=str(agent_id)))


def look(
    connection: Connection, project_id: UUID, conversation_id: UUID, agent_id: UUID, now: datetime
) -> None:
    """An agent has it open; said again and again as long as they do."""
    one = conversations.get(connection, project_id, conversation_id)
    key = _onlooker(one.id, agent_id)
    named = {"project": project_id, "id": key, "conversation": one.id, "agent": agent_id}
    connection.execute(LOOK, named | {"now": now}, prepare=True)
    tell(connection, project_id, Pointer("looking", one.id, by=str(agent_id)))


def look_away(
    connection: Connection, project_id: UUID, conversation_id: UUID, agent_id: UUID
) -> None:
    """They have it open no longer."""
    connection.execute(LOOK_AWAY, (project_id, _onlooker(conversation_id, agent_id)))
    tell(connection, project_id, Pointer("looking", conversation_id, by=str(agent_id)))


def onlookers(
    connection: Connection, project_id: UUID, conversation_id: UUID, now: datetime
) -> list[UUID]:
    """The agents who have it open now."""
    since = now - LOOKS_FOR
    rows = connection.execute(ONLOOKERS, (project_id, conversation_id, since), prepare=True)
    return [agent_id for (agent_id,) in rows]


def take(
    connection: Connection, one: Conversation, agent_id: UUID | None, now: datetime
) -> list[outbox.Entry]:
    """Whoever answers what is nobody's has it from then on. The conversation is locked."""
    if agent_id is None or one.assignee_id is not None:
        return []
    return assigned(connection, one, agent_id, now, agent_id)


def handled(
    connection: Connection, project_id: UUID, conversation_id: UUID, verb: Verb, now: datetime
) -> None:
    """Do something to the conversation, and tell those who look at it."""
    one = conversations.lock(connection, project_id, conversation_id)
    if one.merged_into is not None:
        raise UnknownError("It was merged into another conversation.")
    entries = verb(one)
    tell(connection, project_id, Pointer("changed", one.id, one.person_id, by="agents"))
    outbox.append(connection, project_id, entries, now)


def assigned(
    connection: Connection,
    one: Conversation,
    to: UUID | None,
    now: datetime,
    by: UUID | None,
) -> list[outbox.Entry]:
    """Make the locked conversation an agent's; `by` is None where it was dealt out."""
    connection.execute(ASSIGN, (to, one.project_id, one.id))
    said = str(to) if to else None
    return saying.note_done(connection, one, "assigned", now, agent_id=by, to=said)


def _onlooker(conversation_id: UUID, agent_id: UUID) -> UUID:
    return key_hash("onlooker", str(conversation_id), str(agent_id))
