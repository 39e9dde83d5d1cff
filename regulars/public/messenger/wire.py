"""Conversations, messages and notes as a messenger hears of them.

Agents are called by their first names; nothing that agents write among themselves comes this way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg

from regulars.inbox.conversations import Conversation, File, Message
from regulars.inbox.notes_queries import SharedNote
from regulars.inbox.settings import MessengerSettings
from regulars.inbox.team import Colleague
from regulars.people.naming import hue
from regulars.public.messenger import tokens

Connection = psycopg.Connection[Any]
Said = dict[str, Any]
Team = Mapping[UUID, Colleague]

FILES = "/messenger/files/"

UNREAD = """
SELECT c.id, count(*) FROM conversation c
JOIN message m ON m.project_id = c.project_id AND m.conversation_id = c.id
              AND m.seq > c.person_seen AND m.by = 'agent'
WHERE c.project_id = %s AND c.id = ANY(%s) AND c.agent_seq > c.person_seen
GROUP BY c.id
"""


def unread_of(connection: Connection, conversations: Iterable[Conversation]) -> dict[UUID, int]:
    """How many messages of each the person has not seen; those of which there are any."""
    behind = [one for one in conversations if one.agent_seq > one.person_seen]
    if not behind:
        return {}
    asked = (behind[0].project_id, [one.id for one in behind])
    return dict(connection.execute(UNREAD, asked, prepare=True).fetchall())


def conversation(one: Conversation, unread: int, team: Team, settings: MessengerSettings) -> Said:
    """A conversation in the list."""
    closed = one.state == "closed"
    return {
        "id": one.id,
        "subject": one.subject,
        "preview": one.preview,
        "by": "you" if one.last_by == "person" else "agent",
        "at": one.last_at,
        "seq": max(one.person_seq, one.agent_seq),
        "seen": one.person_seen,
        "agents_seen": one.agents_seen,
        "unread": unread,
        "state": "closed" if closed else "open",
        "agent": _agent(team.get(one.last_agent_id or one.assignee_id or one.id)),
        "ticket": _ticket(one),
        "rating": one.rating,
        "can_rate": settings.ask_rating and closed and one.agent_seq > 0,
    }


def message(one: Message, project_id: UUID, team: Team, now: datetime) -> Said:
    """A message of a thread."""
    agent = team.get(one.agent_id) if one.agent_id else None
    return {
        "conversation": one.conversation_id,
        "id": one.id,
        "seq": one.seq,
        "by": "you" if one.by == "person" else "agent",
        "name": agent.first_name if agent else None,
        "hue": agent.hue if agent else None,
        "text": one.body,
        "at": one.at,
        "channel": one.channel,
        "files": [file(each, project_id, now) for each in one.files],
        "what": None,
    }


def file(one: File, project_id: UUID, now: datetime) -> Said:
    """A file, with an address that is good for a day."""
    signed = tokens.seal("file", project_id, one.id, now + tokens.FILE_FOR)
    return {
        "id": one.id,
        "name": one.name,
        "type": one.media_type,
        "bytes": one.bytes,
        "url": f"{FILES}{signed}/{quote(one.name, safe='')}",
        "image": one.width is not None,
        "width": one.width,
        "height": one.height,
    }


def note(one: SharedNote) -> Said:
    """A note that is shared with the person."""
    by = one.by.split()[0] if one.by.split() else "The team"
    return {"id": one.id, "html": one.html, "by": by, "hue": hue(one.agent_id), "at": one.at}


def colleague(one: Colleague) -> Said:
    """An agent, as people are shown them."""
    return {"name": one.first_name, "initials": one.initials, "hue": one.hue, "here": one.here}


def _agent(one: Colleague | None) -> Said | None:
    return colleague(one) if one else None


def _ticket(one: Conversation) -> Said | None:
    if one.number is None:
        return None
    return {
        "number": one.number,
        "status": one.status,
        "priority": one.priority,
        "due_at": one.due_at,
    }
