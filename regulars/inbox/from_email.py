"""Mail that comes in: an answer goes into its thread, anything else begins a conversation.

Who a mail says it is from is nobody's proof. It decides whose profile the conversation stands on,
and shows its sender nothing: answers go to the address that the person has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import assignment, attachments, conversations, saying
from regulars.inbox.attachments import Sender
from regulars.inbox.conversations import Conversation
from regulars.inbox.saying import Saying
from regulars.kit import database
from regulars.kit.ids import key_hash
from regulars.kit.text import fold
from regulars.mail import addresses, inbound, reports
from regulars.mail.inbound import Inbound
from regulars.people import actions as people_actions
from regulars.people.changes import Changes, CollidedError
from regulars.people.person import Person
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]

MAX_SUBJECT = 200

# Whose addresses a mail was sent to.
TAKERS = """
SELECT project_id, lower(inbound_address) FROM messenger_settings
WHERE inbound_address <> '' AND lower(inbound_address) = ANY(%s)
"""
BY_ADDRESS = """
SELECT id FROM person WHERE project_id = %s AND email_folded = %s AND kind <> 'visitor'
ORDER BY kind = 'user' DESC, last_contacted DESC NULLS LAST, id LIMIT 1
"""
OPEN = """
INSERT INTO conversation (project_id, id, person_id, channel, subject, created_at, last_at)
VALUES (%(project)s, %(id)s, %(person)s, 'email', %(subject)s, %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO NOTHING
"""


class NobodyTakesItError(Exception):
    """None of the recipients is an address of a project here."""


def takes(connection: Connection, address: str) -> bool:
    """Whether mail to this address is some project's."""
    return bool(_takers(connection, [address]) or reports.takers(connection, [address]))


def deliver(
    raw: bytes, recipients: Sequence[str], now: datetime, *, project_id: UUID | None = None
) -> None:
    """Store a mail, once however often it comes. Raises NobodyTakesItError, UnreadableMailError.

    `recipients` is whom the server that handed it over named; without any, the mail's own words
    count. `project_id` is the project at whose own door it came in.
    """
    mail = inbound.parse(raw)
    with database.pool().connection() as connection:
        named = [*recipients, *mail.to]
        projects = [project_id] if project_id else _takers(connection, named)
        reported = projects or reports.takers(connection, named)
    if not reported:
        raise NobodyTakesItError
    is_report = reports.take(raw, named, reported, now)
    if not projects:
        return  # it came back to where only reports do
    if not is_report:
        reports.note_answer(mail, projects, now)
    thread = addresses.find_thread(
        [*recipients, *mail.to, mail.in_reply_to, *reversed(mail.references)], projects
    )
    if mail.is_loop:
        return
    if thread is not None:
        people_actions.settled(
            database.transaction,
            lambda core: _answer(core, thread.project_id, thread.conversation_id, mail, now),
        )
    elif mail.auto is None:
        _begin(projects[0], mail, now)


def _takers(connection: Connection, given: Iterable[str]) -> list[UUID]:
    named = sorted({addresses.without_token(one) for one in given})
    rows = connection.execute(TAKERS, (named,)).fetchall() if named else []
    return [project_id for project_id, _ in sorted(rows)]


def _answer(
    connection: Connection, project_id: UUID, conversation_id: UUID, mail: Inbound, now: datetime
) -> None:
    """Into its thread; a program's answer is noted there, and wakes nobody."""
    found = conversations.found(connection, project_id, [conversation_id]).get(conversation_id)
    if found is None:
        return  # erased since
    if mail.auto is not None:
        _note(connection, found, mail, now)
        return
    changes = Changes(connection, project_id, now)
    changes.begin()
    person = changes.load([found.person_id]).get(found.person_id)
    if person is None:
        raise CollidedError
    one = conversations.lock(connection, project_id, found.merged_into or found.id)
    if one.person_id != person.id:
        raise CollidedError
    _add(changes, person, one, mail, [])


def _begin(project_id: UUID, mail: Inbound, now: datetime) -> None:
    """A conversation with whoever the mail says it is from, made a lead where nobody is known."""
    person_id = people_actions.settled(
        database.transaction, lambda core: _person_for(core, project_id, mail, now)
    )

    def work(connection: Connection) -> None:
        changes = Changes(connection, project_id, now)
        changes.begin()
        person = changes.load([person_id]).get(person_id)
        if person is None:
            raise CollidedError
        id_ = key_hash("mail", str(project_id), mail.fingerprint)
        subject = mail.subject[:MAX_SUBJECT] or "(no subject)"
        named = {"project": project_id, "id": id_, "person": person.id, "subject": subject}
        made = connection.execute(OPEN, named | {"now": now})
        entries = assignment.deal(connection, project_id, id_, now) if made.rowcount else []
        one = conversations.lock(connection, project_id, id_)
        if one.person_id != person.id:
            return  # it has come before, and its person became another since
        _add(changes, person, one, mail, entries)

    people_actions.settled(database.transaction, work)


def _person_for(connection: Connection, project_id: UUID, mail: Inbound, now: datetime) -> UUID:
    address = mail.sender.address
    known = connection.execute(BY_ADDRESS, (project_id, fold(address))).fetchone()
    if known is not None:
        return UUID(str(known[0]))
    given = {"email": address} | ({"name": mail.sender.name[:200]} if mail.sender.name else {})
    try:
        person, _ = people_actions.create_or_update(connection, project_id, given, now)
    except InvalidError:
        person, _ = people_actions.create_or_update(connection, project_id, {"email": address}, now)
    except ConflictError as several:
        raise CollidedError from several  # made by others meanwhile: look again
    return person.id


def _add(
    changes: Changes,
    person: Person,
    one: Conversation,
    mail: Inbound,
    entries: list[outbox.Entry],
) -> None:
    """The mail as the person's message; its files with it."""
    connection, now = changes.connection, changes.now
    client = mail.message_id or mail.fingerprint
    sender = key_hash("mail", mail.fingerprint)
    told = Saying(by="person", text=mail.text, client=client, browser=sender, channel="email")
    if saying.earlier(connection, one, told) is not None:
        return  # delivered again: its files are there too
    files = [
        attachments.take_from_mail(
            connection, one.project_id, Sender(browser=sender), file.name, file.content, now
        ).id
        for file in mail.files[: saying.MAX_FILES]
    ]
    what: dict[str, Any] = {
        "message_id": mail.message_id,
        "from": mail.sender.address,
        "subject": mail.subject,
    }
    left_out = mail.left_out + max(0, len(mail.files) - saying.MAX_FILES)
    if left_out:
        what["files_left_out"] = left_out
    told = replace(
        told,
        text=mail.text[: saying.MAX_TEXT] or ("" if files else "(no text)"),
        quoted=mail.quoted[: saying.MAX_TEXT],
        what=what,
        files=files,
    )
    _, more = saying.add(connection, one, told, now)
    if person.last_contacted is None or person.last_contacted < now:
        person.last_contacted = now
        person.changed = True
    changes.cause = ("message", None)
    changes.flush()
    changes.outbox.append(("people", {"people": [str(person.id)]}))
    changes.outbox.extend([*entries, *more])
    changes.finish()


def _note(connection: Connection, found: Conversation, mail: Inbound, now: datetime) -> None:
    one = conversations.lock(connection, found.project_id, found.id)
    what = {"did": "automatic", "reason": mail.auto, "subject": mail.subject}
    client = f"auto:{mail.fingerprint}"
    told = Saying(by="system", text="", client=client, what=what)
    _, entries = saying.add(connection, one, told, now)
    outbox.append(connection, found.project_id, entries, now)
