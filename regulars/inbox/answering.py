"""What agents write: an answer to the person, a note among themselves, the first message.

Every function takes a connection with a transaction open, writes the outbox last, and raises
UnknownError for what is not the project's. Others may be in the way (CollidedError, Collision):
run the work by `people.actions.settled`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.inbox import by_email, conversations, handling, saying
from regulars.inbox.conversations import By, Channel, Conversation
from regulars.inbox.saying import Said, Saying
from regulars.kit.ids import key_hash
from regulars.people.changes import Changes, CollidedError, identity_key
from regulars.people.person import Person
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MAX_SUBJECT = 200
MAX_MENTIONS = 20

# The browser in which the person was last: whoever begins to talk to them talks to it.
LATEST_BROWSER = """
SELECT anonymous_id FROM session WHERE project_id = %s AND person_id = %s
ORDER BY started_at DESC, id DESC LIMIT 1
"""
BEGIN = """
INSERT INTO conversation (project_id, id, person_id, channel, browser, subject, assignee_id,
                          started_by, created_at, last_at)
VALUES (%(project)s, %(id)s, %(person)s, %(channel)s, %(browser)s, %(subject)s, %(agent)s,
        %(agent)s, %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO NOTHING
"""
COLLEAGUES = "SELECT agent_id FROM role WHERE project_id = %s AND agent_id = ANY(%s)"
MENTION = """
INSERT INTO mention (project_id, id, conversation_id, agent_id, seq, at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent writes; `client` is their browser's own id of it.

    `private` makes it a note that the person never sees; only there colleagues can be mentioned.
    """

    text: str
    client: str
    private: bool = False
    channel: Channel | None = None  # None: the conversation's own
    files: Sequence[UUID] = ()
    mentions: Sequence[UUID] = ()


def reply(
    connection: Connection,
    project_id: UUID,
    conversation_id: UUID,
    agent_id: UUID | None,
    answer: Answer,
    now: datetime,
) -> Said:
    """Answer the person, or note something. `agent_id` is None where the API answers."""
    before = conversations.get(connection, project_id, conversation_id)
    channel = answer.channel or before.channel
    by_mail = channel == "email" and not answer.private
    changes = Changes(connection, project_id, now)
    changes.begin()
    person = changes.load([before.person_id]).get(before.person_id)
    if person is None:
        raise CollidedError  # merged or erased between the look-up and the lock
    one = conversations.lock_standing(connection, before)
    wanted = _saying(answer, agent_id, channel, thread=before.id)
    earlier = saying.earlier(connection, one, wanted)
    if earlier is not None:
        return earlier
    if by_mail and not person.email:
        raise InvalidError("channel", "They have no email address: answer in the chat.")
    entries = [] if answer.private else handling.take(connection, one, agent_id, now)
    one = conversations.lock(connection, project_id, one.id) if entries else one
    said, more = saying.add(connection, one, wanted, now)
    if answer.private:
        _mention(connection, one, answer.mentions, said.seq, now)
    if by_mail:
        by_email.send(connection, one, person, said, now)
        person.last_emailed = now
        person.changed = True
        changes.outbox.append(("people", {"people": [str(person.id)]}))
    changes.cause = ("message", None)
    changes.flush()
    changes.outbox.extend([*entries, *more])
    changes.finish()
    return said


def start(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    agent_id: UUID | None,
    answer: Answer,
    now: datetime,
    *,
    subject: str = "",
) -> tuple[UUID, Said]:
    """Begin a conversation with a person: in their messenger, or by email.

    Begun again with the same `client`, it is the same conversation.
    """
    channel = answer.channel or "chat"
    changes = Changes(connection, project_id, now)
    changes.begin()
    person = _person(changes, person_id)
    if channel == "email" and not person.email:
        raise InvalidError("channel", "They have no email address.")
    line = clean_subject(subject)
    if channel == "email" and not line:
        raise InvalidError("subject", "An email needs a subject.")
    id_ = key_hash("conversation", str(agent_id), answer.client)
    browser = connection.execute(LATEST_BROWSER, (project_id, person.id)).fetchone()
    made = connection.execute(
        BEGIN,
        {
            "project": project_id,
            "id": id_,
            "person": person.id,
            "channel": channel,
            "browser": browser_key(browser[0]) if browser and browser[0] else None,
            "subject": line,
            "agent": agent_id,
            "now": now,
        },
    )
    one = conversations.lock(connection, project_id, id_)
    if not made.rowcount and one.person_id != person.id:
        raise ConflictError("client", "This was begun with somebody else.")
    said, entries = saying.add(connection, one, _saying(answer, agent_id, channel), now)
    if said.fresh and channel == "email":
        by_email.send(connection, one, person, said, now)
        person.last_emailed = now
        person.changed = True
    changes.cause = ("message", None)
    changes.flush()
    changes.outbox.append(("people", {"people": [str(person.id)]}))
    changes.outbox.extend(entries)
    changes.finish()
    return id_, said


def clean_subject(text: str) -> str:
    """A subject on one line. Raises InvalidError."""
    line = one_line(text)
    if len(line) > MAX_SUBJECT:
        raise InvalidError("subject", f"A subject has at most {MAX_SUBJECT} characters.")
    return line


def one_line(text: str) -> str:
    """The text on one line, with nothing in it that can't be kept."""
    shown = "".join(" " if one < " " or one == "\x7f" else one for one in text)
    return " ".join(shown.encode("utf-8", "ignore").decode().split())


def browser_key(anonymous_id: str) -> UUID:
    """The key under which a browser is known."""
    return UUID(bytes=identity_key("anonymous", anonymous_id))


def mentioned_in(text: str, team: dict[str, UUID]) -> list[UUID]:
    """The colleagues whom a note names as “@Name”; `team` by their folded names.

    The longest name wins, so that Ana is not told of what is for Ana Maria.
    """
    found: list[UUID] = []
    rest = text.casefold()
    for name in sorted(team, key=len, reverse=True):
        if not name:
            continue
        pattern = rf"@{re.escape(name)}(?!\w)"
        if re.search(pattern, rest):
            rest = re.sub(pattern, " ", rest)
            found.append(team[name])
    return found[:MAX_MENTIONS]


def _saying(
    answer: Answer, agent_id: UUID | None, channel: Channel, thread: UUID | None = None
) -> Saying:
    by: By = "note" if answer.private else "agent"
    return Saying(
        by=by,
        text=answer.text,
        client=answer.client,
        agent_id=agent_id,
        channel="chat" if answer.private else channel,
        files=answer.files,
        what={"mentions": [str(one) for one in answer.mentions]} if answer.mentions else {},
        told=channel == "email" and not answer.private,
        thread=thread,
    )


def _mention(
    connection: Connection, one: Conversation, agents: Sequence[UUID], seq: int, now: datetime
) -> None:
    if not agents:
        return
    there = connection.execute(COLLEAGUES, (one.project_id, list(agents))).fetchall()
    for (agent_id,) in sorted(there):
        key = key_hash("mention", str(one.id), str(agent_id), str(seq))
        connection.execute(MENTION, (one.project_id, key, one.id, agent_id, seq, now))


def _person(changes: Changes, person_id: UUID) -> Person:
    """The person, locked. Raises UnknownError."""
    person = changes.load([person_id]).get(person_id)
    if person is None:
        raise UnknownError("There is no such person.")
    return person
