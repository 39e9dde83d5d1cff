"""What a visitor does in the messenger: says something, sees it, rates, opens a ticket.

Each is one transaction of its own, in which the person counts as having contacted us: so segments
over `last_contacted` are exact with the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import assignment, conversations, saying, visitors
from regulars.inbox.answering import one_line
from regulars.inbox.conversations import Conversation
from regulars.inbox.live import Pointer, tell
from regulars.inbox.saying import Said, Saying
from regulars.inbox.visitors import Visitor
from regulars.kit.ids import key_hash
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MAX_TEXT = 4_000  # characters of a visitor's message
MAX_SUBJECT = 80
MAX_COMMENT = 1_000
MAX_URL = 500

# Made once, however often it is asked for: its id is a hash of the browser and of its own name.
OPEN = """
INSERT INTO conversation (project_id, id, person_id, channel, browser, verified, subject,
                          started_on, created_at, last_at)
VALUES (%(project)s, %(id)s, %(person)s, 'chat', %(browser)s, %(verified)s, %(subject)s,
        %(page)s, %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO NOTHING
"""
SEEN = """
UPDATE conversation SET person_seen = %(seq)s
WHERE project_id = %(project)s AND id = %(id)s AND person_seen < %(seq)s AND last_seq >= %(seq)s
RETURNING person_seen
"""
RATE = """
UPDATE conversation SET rating = %s, rating_comment = %s, rated_at = %s
WHERE project_id = %s AND id = %s
"""


@dataclass(frozen=True, slots=True)
class Words:
    """A visitor's message. `thread` is the conversation's id, or the visitor's own name of one."""

    client: str
    text: str
    files: tuple[UUID, ...] = ()
    page: str = ""
    subject: str = ""


def say(
    connection: Connection,
    visitor: Visitor,
    thread: UUID | str,
    words: Words,
    now: datetime,
) -> tuple[Conversation, Said]:
    """Say something in a conversation, or begin one by a name (a text) of the visitor's own.

    In a transaction of the caller's; raises InvalidError, UnknownError, and CollidedError or a
    Collision: run it by `people.actions.settled`.
    """
    text = saying.clean(words.text, has_files=bool(words.files), most=MAX_TEXT)
    earlier = _said_before(connection, visitor, thread, words)
    if earlier is not None:
        return earlier
    changes = Changes(connection, visitor.project_id, now)
    changes.begin()
    person = visitors.locked_person(changes, visitor)
    visitors.contacted(person, now)
    changes.cause = ("message", None)
    changes.flush()
    conversation, is_new = _thread(connection, visitor, person, thread, words, now)
    page = one_line(words.page)[:MAX_URL]
    said, entries = saying.add(
        connection,
        conversation,
        Saying(
            by="person",
            text=text,
            client=words.client,
            browser=visitor.browser,
            files=words.files,
            verified=visitor.verified,
            what={"page": page} if page else {},
            thread=_id_of(visitor, thread),
        ),
        now,
    )
    if is_new and said.fresh:
        entries += assignment.deal(connection, visitor.project_id, conversation.id, now)
    changes.outbox.append(("people", {"people": [str(person.id)]}))
    changes.outbox.extend(entries)
    changes.finish()
    return conversations.get(connection, visitor.project_id, said.conversation_id), said


def seen(connection: Connection, visitor: Visitor, conversation_id: UUID, seq: int) -> Conversation:
    """The messages up to a number were before the visitor's eyes. Raises UnknownError."""
    person = visitors.person_of(connection, visitor)
    one = visitors.conversation_of(connection, visitor, person, conversation_id)
    moved = connection.execute(
        SEEN, {"project": visitor.project_id, "id": one.id, "seq": seq}, prepare=True
    )
    if moved.rowcount:
        tell(connection, visitor.project_id, Pointer("changed", one.id, one.person_id, by="person"))
    return one


def rate(
    connection: Connection,
    visitor: Visitor,
    conversation_id: UUID,
    rating: int,
    comment: str,
    now: datetime,
) -> Conversation:
    """How it was, from 1 to 5; may be changed. Raises InvalidError, UnknownError."""
    if rating not in range(1, 6):
        raise InvalidError("rating", "Expected 1 to 5.")
    said = saying.clean(comment, has_files=True, most=MAX_COMMENT)
    person = visitors.person_of(connection, visitor)
    theirs = visitors.conversation_of(connection, visitor, person, conversation_id)
    one = conversations.lock(connection, visitor.project_id, theirs.id)
    if one.state != "closed" and one.rating is None:
        raise InvalidError("rating", "It can be rated once it is closed.")
    connection.execute(RATE, (rating, said, now, visitor.project_id, one.id))
    entries = saying.note_done(connection, one, "rated", now, agent_id=None, rating=rating)
    tell(connection, visitor.project_id, Pointer("changed", one.id, one.person_id, by="person"))
    outbox.append(connection, visitor.project_id, entries, now)
    return conversations.get(connection, visitor.project_id, one.id)


def _thread(
    connection: Connection,
    visitor: Visitor,
    person: Person,
    thread: UUID | str,
    words: Words,
    now: datetime,
) -> tuple[Conversation, bool]:
    """The conversation, locked; and whether it was made just now."""
    id_ = _id_of(visitor, thread)
    if isinstance(thread, UUID):
        theirs = visitors.conversation_of(connection, visitor, person, id_)
        return conversations.lock_standing(connection, theirs), False
    made = connection.execute(
        OPEN,
        {
            "project": visitor.project_id,
            "id": id_,
            "person": person.id,
            "browser": visitor.browser,
            "verified": visitor.verified,
            "subject": one_line(words.subject or words.text)[:MAX_SUBJECT],
            "page": one_line(words.page)[:MAX_URL] or None,
            "now": now,
        },
        prepare=True,
    )
    # Begun before, perhaps as somebody else: a name opens nothing that may not be seen.
    theirs = visitors.conversation_of(connection, visitor, person, id_)
    return conversations.lock_standing(connection, theirs), made.rowcount == 1


def _said_before(
    connection: Connection, visitor: Visitor, thread: UUID | str, words: Words
) -> tuple[Conversation, Said] | None:
    """What became of it when it was said the first time; saying it again is no new contact."""
    id_ = _id_of(visitor, thread)
    same = Saying(by="person", text="", client=words.client, thread=id_)
    said = saying.in_thread(connection, visitor.project_id, id_, same)
    if said is None:
        return None  # as nearly always, and it took one question
    person = visitors.person_of(connection, visitor)
    if visitors.find(connection, visitor, person, id_) is None:
        return None
    return conversations.get(connection, visitor.project_id, said.conversation_id), said


def _id_of(visitor: Visitor, thread: UUID | str) -> UUID:
    """The id of the conversation; of one by a name, whether it was begun or not."""
    if isinstance(thread, UUID):
        return thread
    return key_hash("conversation", visitor.anonymous_id, thread)
