"""From entries of the outbox to what webhooks are told: each reader makes news of one topic.

An entry names what happened and to whom; what is told is read from the tables then, so a delivery
says how things stood when it was made. What is gone by then (erased) is told no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]
Entry = tuple[int, str, Any, datetime]  # of the outbox: number, topic, body, instant

PEOPLE = """
SELECT id, kind, user_id, email, name FROM person WHERE project_id = %s AND id = ANY(%s)
"""
SEGMENTS = "SELECT id, name, builtin FROM segment WHERE project_id = %s AND id = ANY(%s)"
CHECKPOINTS = "SELECT id, title FROM checkpoint WHERE project_id = %s"
CAMPAIGN = "SELECT name FROM campaign WHERE project_id = %s AND id = %s AND deleted_at IS NULL"
EVENTS = """
SELECT id, name, happened_at, url, properties, source FROM event
WHERE project_id = %s AND id = ANY(%s)
"""
MESSAGES = """
SELECT m.conversation_id, m.seq, m.id, m.by, m.agent_id, m.channel, m.body, m.what, m.at,
       c.channel, c.subject, c.state, c.assignee_id, c.number, c.status, c.priority, c.due_at,
       c.tags,
       NOT EXISTS (
           SELECT 1 FROM message e
           WHERE e.project_id = m.project_id AND e.conversation_id = m.conversation_id
             AND e.seq < m.seq AND e.by IN ('person', 'agent')
       ) AS begins
FROM message m
JOIN conversation c ON c.project_id = m.project_id AND c.id = m.conversation_id
JOIN unnest(%(conversations)s::uuid[], %(numbers)s::bigint[]) AS said (conversation_id, seq)
  ON said.conversation_id = m.conversation_id AND said.seq = m.seq
WHERE m.project_id = %(project)s
"""
# What was done to a conversation, as a topic.
DEEDS = {
    "assigned": "conversation.assigned",
    "closed": "conversation.closed",
    "reopened": "conversation.reopened",
    "snoozed": "conversation.snoozed",
    "ticketed": "ticket.opened",
    "changed": "ticket.changed",
}
CHANGING = frozenset({"identify", "group", "alias"})  # kinds of events that change a person


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell. `seq` and `number` are its place: the same however often it is read."""

    seq: int
    number: int
    topic: str
    at: datetime
    person_id: UUID | None
    data: dict[str, Any]


@dataclass(slots=True)
class _Found:
    """News whose people are looked up for all at once."""

    news: list[tuple[str, UUID, dict[str, Any]]] = field(default_factory=list)

    def add(self, topic: str, person: str | UUID, data: dict[str, Any]) -> None:
        self.news.append((topic, UUID(str(person)), data))


Reader = Callable[[Connection, UUID, Any, frozenset[str], _Found], None]


def read(
    connection: Connection, project_id: UUID, entries: Iterable[Entry], wanted: frozenset[str]
) -> list[News]:
    """What the entries have to tell of the wanted topics, in their order."""
    told: list[News] = []
    for seq, topic, body, at in entries:
        reader = READERS.get(topic)
        if reader is None:
            continue
        found = _Found()
        reader(connection, project_id, body, wanted, found)
        people = _people(connection, project_id, {person for _, person, _ in found.news})
        told += [
            News(seq, number, name, at, person, {"person": people[person], **data})
            for number, (name, person, data) in enumerate(found.news)
            if person in people
        ]
    return told


def _read_people(
    _: Connection, _project: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    if "person.changed" in wanted:
        for person in body["people"]:
            found.add("person.changed", person, {})


def _read_events(
    connection: Connection, project_id: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    if "person.changed" in wanted:
        changed = {person: None for _, person, kind, _ in body["events"] if kind in CHANGING}
        for person in changed:
            found.add("person.changed", person, {})
    if "event.performed" not in wanted:
        return
    done = [(id_, person) for id_, person, kind, _ in body["events"] if kind == "track"]
    rows = connection.execute(EVENTS, (project_id, [id_ for id_, _ in done])).fetchall()
    events = {str(row[0]): row for row in rows}
    for id_, person in done:
        if str(id_) in events:
            _, name, at, url, properties, source = events[str(id_)]
            event = {
                "id": id_,
                "name": name,
                "happened_at": iso(at),
                "url": url,
                "properties": properties or {},
                "source": source,
            }
            found.add("event.performed", person, {"event": event})


def _read_segments(
    connection: Connection, project_id: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    ids = {UUID(str(segment)) for segment, _, _ in body["moves"]}
    rows = connection.execute(SEGMENTS, (project_id, list(ids))).fetchall() if ids else []
    named = {id_: (name, builtin) for id_, name, builtin in rows}
    for segment, person, way in body["moves"]:
        name, builtin = named.get(UUID(str(segment)), (None, None))
        if name is None:
            continue  # deleted since
        if builtin == "all" and way == "in" and "person.signed_up" in wanted:
            found.add("person.signed_up", person, {})
        topic = "segment.entered" if way == "in" else "segment.left"
        if topic in wanted:
            found.add(topic, person, {"segment": {"id": str(segment), "name": name}})


def _read_checkpoints(
    connection: Connection, project_id: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    if "checkpoint.reached" not in wanted:
        return
    rows: Any = connection.execute(CHECKPOINTS, (project_id,)).fetchall()
    titles: dict[str, str] = {str(id_): title for id_, title in rows}
    for (person, number), at, id_ in zip(body["reached"], body["at"], body["ids"], strict=True):
        if str(id_) in titles:
            checkpoint = {"id": id_, "number": number, "title": titles[str(id_)], "at": at}
            found.add("checkpoint.reached", person, {"checkpoint": checkpoint})


def _read_messages(
    connection: Connection, project_id: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    said = body["messages"]
    named = {
        "project": project_id,
        "conversations": [conversation for conversation, *_ in said],
        "numbers": [seq for _, _, seq, _ in said],
    }
    rows = connection.execute(MESSAGES, named).fetchall()
    whole = {(str(row[0]), row[1]): row for row in rows}
    for conversation, person, seq, _ in said:
        row = whole.get((str(conversation), seq))
        if row is None:
            continue  # erased since
        for topic, data in _of_message(row):
            if topic in wanted:
                found.add(topic, person, data)


def _read_emails(
    _: Connection, _project: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    """What became of an email: one person's, or that of several at once."""
    topic = f"email.{body.get('outcome')}"
    if topic not in wanted:
        return
    people = body.get("people") or [body[key] for key in ("person",) if body.get(key)]
    recipients = body.get("recipients") or [body.get("recipient")] * len(people)
    for person, recipient in zip(people, recipients, strict=False):
        email = {
            "id": body.get("email"),
            "recipient": recipient,
            "campaign": body.get("campaign"),
            "step": body.get("step"),
        }
        found.add(topic, person, {"email": email})


def _read_campaigns(
    connection: Connection, project_id: UUID, body: Any, wanted: frozenset[str], found: _Found
) -> None:
    """Who entered a campaign, reached its goal, or is through with it, and how."""
    topic = f"campaign.{body['what']}"
    if topic not in wanted:
        return
    row = connection.execute(CAMPAIGN, (project_id, body["campaign"])).fetchone()
    if row is None:
        return  # deleted since
    campaign = {"id": body["campaign"], "name": row[0]}
    told: dict[str, Any] = {"campaign": campaign}
    if body["what"] == "completed":
        told["how"] = body["how"]
    elif body["what"] == "goal":
        told["held_out"] = body.get("how") == "held_out"
    for person in body["people"]:
        found.add(topic, person, told)


def _of_message(row: Sequence[Any]) -> list[tuple[str, dict[str, Any]]]:
    """What one message comes to: nothing for the team's own notes."""
    conversation_id, seq, id_, by, agent_id, channel, text, what, at, *conversation, begins = row
    thread = {"conversation": _conversation(conversation_id, conversation)}
    if by == "system":
        topic = DEEDS.get(what.get("did", ""))
        by_agent = {"agent_id": str(agent_id) if agent_id else None}
        return [(topic, {**thread, **by_agent, "did": what})] if topic else []
    if by not in ("person", "agent"):
        return []
    message = {
        "id": str(id_),
        "seq": seq,
        "by": by,
        "agent_id": str(agent_id) if agent_id else None,
        "channel": channel,
        "text": text,
        "at": iso(at),
    }
    told = {**thread, "message": message}
    name = "message.received" if by == "person" else "message.sent"
    return [("conversation.started", told), (name, told)] if begins else [(name, told)]


def _conversation(id_: UUID, row: Sequence[Any]) -> dict[str, Any]:
    channel, subject, state, assignee, number, status, priority, due_at, tags = row
    told = {
        "id": str(id_),
        "channel": channel,
        "subject": subject,
        "state": state,
        "assignee": str(assignee) if assignee else None,
        "ticket": None,
    }
    if number is not None:
        told["ticket"] = {
            "number": number,
            "status": status,
            "priority": priority,
            "due_at": iso(due_at) if due_at else None,
            "tags": tags,
        }
    return told


# Which topics of the outbox are told of, and how.
READERS: dict[str, Reader] = {
    "people": _read_people,
    "events": _read_events,
    "segments": _read_segments,
    "checkpoints": _read_checkpoints,
    "messages": _read_messages,
    "emails": _read_emails,
    "campaigns": _read_campaigns,
}


def _people(connection: Connection, project_id: UUID, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    if not ids:
        return {}
    rows = connection.execute(PEOPLE, (project_id, list(ids))).fetchall()
    return {
        id_: {"id": str(id_), "kind": kind, "user_id": user_id, "email": email, "name": name}
        for id_, kind, user_id, email, name in rows
    }


def iso(at: datetime) -> str:
    """An instant as REST writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
