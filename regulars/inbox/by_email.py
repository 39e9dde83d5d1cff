"""A conversation's way out by email: answers to whoever writes by email, or is not here to read.

Each mail is queued in the transaction that it tells of, under an id of its own: however often that
is tried, it leaves once. Its Message-ID and Reply-To lead an answer back (`mail.addresses`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from regulars.inbox import conversations, settings
from regulars.inbox.conversations import Conversation, Message
from regulars.inbox.saying import Said
from regulars.kit import environment
from regulars.kit.ids import key_hash
from regulars.kit.storage import GoneError, UnavailableError, storage
from regulars.mail import addresses, compose, outgoing
from regulars.mail.addresses import BadAddressError, Thread
from regulars.mail.compose import TooLargeError
from regulars.mail.letters import File, Letter, Mailbox
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

KIND = "conversation"
MOST_REFERENCES = 20
MOST_QUOTED = 4_000  # characters of what is answered
MOST_AT_ONCE = 50  # messages that one mail brings

PROJECT = "SELECT name, company, from_name, from_email FROM project WHERE id = %s"
AGENT = "SELECT name FROM agent WHERE id = %s"
# Message-IDs of what came and went by email so far, the oldest first.
THREAD = """
SELECT m.by, m.what ->> 'message_id', m.id, o.message_id FROM message m
LEFT JOIN outgoing_mail o ON o.project_id = m.project_id AND o.id = m.id
WHERE m.project_id = %s AND m.conversation_id = %s AND m.channel = 'email'
  AND m.by IN ('person', 'agent')
ORDER BY m.seq DESC LIMIT %s
"""
TOLD = """
UPDATE conversation SET told_person = greatest(told_person, %s) WHERE project_id = %s AND id = %s
"""
FILE_KEYS = "SELECT id, key FROM attachment WHERE project_id = %s AND id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a project's mail is from, and where answers to it go (None: nowhere that we read)."""

    project: str
    mailbox: Mailbox
    inbound: str


def send(
    connection: Connection, one: Conversation, person: Person, said: Said, now: datetime
) -> None:
    """Send an agent's message to the person by email, as part of the running transaction.

    Raises InvalidError where they have no address that mail can be sent to.
    """
    said_messages = conversations.messages_after(
        connection, one.project_id, one.id, said.seq - 1, limit=1, kinds=("agent",)
    )
    _queue(connection, one, person, said_messages, said.id, now)


def send_unseen(connection: Connection, one: Conversation, person: Person, now: datetime) -> bool:
    """Send on what agents wrote and the person has not seen; whether there was any such.

    The conversation is locked.
    """
    after = max(one.person_seen, one.told_person)
    unseen = conversations.messages_after(
        connection, one.project_id, one.id, after, limit=MOST_AT_ONCE, kinds=("agent",)
    )
    if not unseen:
        return False
    told = unseen[-1].seq
    id_ = key_hash("unseen", str(one.id), str(told))
    _queue(connection, one, person, unseen, id_, now)
    connection.execute(TOLD, (told, one.project_id, one.id))
    return True


def sender_of(connection: Connection, project_id: UUID, agent_id: UUID | None) -> Sender:
    """Who a mail of the project is from: the agent's name, the project's address."""
    ((name, company, from_name, from_email),) = connection.execute(
        PROJECT, (project_id,)
    ).fetchall()
    agent = connection.execute(AGENT, (agent_id,)).fetchone() if agent_id else None
    house = from_name or company or name
    called = f"{agent[0]} ({house})" if agent and agent[0] else house
    inbound = settings.load(connection, project_id).inbound_address
    return Sender(name, Mailbox(from_email or inbound or _own_address(), called), inbound)


def _queue(
    connection: Connection,
    one: Conversation,
    person: Person,
    messages: Sequence[Message],
    id_: UUID,
    now: datetime,
) -> None:
    sender = sender_of(connection, one.project_id, messages[-1].agent_id)
    answered = _last_of_person(connection, one)
    references = _references(connection, one)
    letter = Letter(
        id=id_,
        kind=KIND,
        sender=sender.mailbox,
        to=Mailbox(person.email or "", person.name or ""),
        subject=_subject(one, sender.project),
        text="\n\n".join(each.body for each in messages if each.body) or "See the file.",
        reply_to=_reply_to(one, sender),
        person_id=person.id,
        conversation_id=one.id,
        answers=references[-1] if references else None,
        references=references,
        quoted_as=f"{person.name or person.email} wrote:" if answered else "",
        quoted=answered.body[:MOST_QUOTED] if answered else "",
        files=_files(connection, one.project_id, messages),
    )
    try:
        mail = compose.write(one.project_id, letter, now)
    except BadAddressError as wrong:
        raise InvalidError("channel", "Mail can’t be sent to their address.") from wrong
    except TooLargeError as wrong:
        raise InvalidError("files", str(wrong)) from wrong
    outgoing.queue(connection, one.project_id, mail, now)


def _subject(one: Conversation, project: str) -> str:
    """A thread's subject; a mail program shows as one thread what has the same."""
    number = f" [#{one.number}]" if one.number is not None else ""
    subject = one.subject or f"Your conversation with {project}"
    answers = "Re: " if one.person_seq and not subject.lower().startswith("re:") else ""
    return f"{answers}{subject}{number}"


def _reply_to(one: Conversation, sender: Sender) -> Mailbox | None:
    if not sender.inbound:
        return None
    try:
        address = addresses.reply_address(sender.inbound, Thread(one.project_id, one.id))
    except BadAddressError:
        address = sender.inbound  # too long for a token: the Message-ID has it too
    return Mailbox(address, sender.mailbox.name)


def _last_of_person(connection: Connection, one: Conversation) -> Message | None:
    newest = conversations.messages_before(
        connection, one.project_id, one.id, limit=1, kinds=("person",)
    )
    return newest[-1] if newest else None


def _references(connection: Connection, one: Conversation) -> tuple[str, ...]:
    rows = connection.execute(THREAD, (one.project_id, one.id, MOST_REFERENCES)).fetchall()
    ids = [theirs if by == "person" else ours for by, theirs, _, ours in reversed(rows)]
    return tuple(dict.fromkeys(found for found in ids if found))


def _files(
    connection: Connection, project_id: UUID, messages: Sequence[Message]
) -> tuple[File, ...]:
    wanted = {file.id: file for each in messages for file in each.files}
    if not wanted:
        return ()
    keys = dict(connection.execute(FILE_KEYS, (project_id, list(wanted))).fetchall())
    found = []
    for id_, file in wanted.items():
        try:
            found.append(File(file.name, file.media_type, storage().read(keys[id_])))
        except GoneError:
            continue
        except UnavailableError as away:
            log.warning("The storage of files: %s", away)
            words = "The files can’t be read just now: try again in a moment."
            raise InvalidError("files", words) from away
    return tuple(found)


def _own_address() -> str:
    """Of an installation whose project has named none."""
    host = urlsplit(environment.read().base_url).hostname or "localhost"
    return f"regulars@{host if not host.replace('.', '').isdecimal() else 'localhost'}"
