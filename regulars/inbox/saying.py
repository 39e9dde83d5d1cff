"""The one way in which something is added to a conversation.

Whoever adds holds the conversation's row, so numbers are given without gaps and in the order of
commits; the id of a message is a hash of its conversation and of its sender's own id for it, so
that what is said again, because an answer was lost, is there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from regulars.events import outbox
from regulars.inbox.conversations import By, Channel, Conversation
from regulars.inbox.live import Pointer, tell
from regulars.kit.ids import key_hash
from regulars.kit.text import fold
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MAX_TEXT = 20_000  # characters of an agent's message or an email
PREVIEW = 140
MAX_FILES = 5
MAX_WORDS = 100_000  # characters that the search looks through; a tsvector takes a megabyte

EARLIER = "SELECT conversation_id, seq, at FROM message WHERE project_id = %s AND id = %s"
ADD = """
INSERT INTO message (project_id, id, conversation_id, seq, by, agent_id, channel, body, quoted,
                     what, verified, at, words)
VALUES (%(project)s, %(id)s, %(conversation)s, %(seq)s, %(by)s, %(agent)s, %(channel)s, %(body)s,
        %(quoted)s, %(what)s, %(verified)s, %(at)s, %(words)s)
"""
# What the list shows. The person's message opens what was closed or put off, and starts the wait
# for an answer; an agent's ends it. Whoever does something to it has read it; what comes to pass by
# itself (it was dealt out, it woke, a program answered) was before nobody's eyes.
ADVANCE = """
UPDATE conversation SET
    last_seq = %(seq)s,
    last_at = CASE WHEN %(by)s IN ('person', 'agent') THEN %(at)s ELSE last_at END,
    last_by = CASE WHEN %(by)s IN ('person', 'agent') THEN %(by)s ELSE last_by END,
    last_agent_id = CASE WHEN %(by)s IN ('person', 'agent') THEN %(agent)s::uuid
                         ELSE last_agent_id END,
    preview = CASE WHEN %(by)s IN ('person', 'agent') THEN %(preview)s ELSE preview END,
    person_seq = CASE WHEN %(by)s = 'person' THEN %(seq)s ELSE person_seq END,
    agent_seq = CASE WHEN %(by)s = 'agent' THEN %(seq)s ELSE agent_seq END,
    person_seen = CASE WHEN %(by)s = 'person' THEN %(seq)s ELSE person_seen END,
    agents_seen = CASE WHEN %(by)s = 'person' OR %(agent)s::uuid IS NULL THEN agents_seen
                       ELSE greatest(agents_seen, %(seq)s) END,
    told_person = CASE WHEN %(told)s OR %(by)s = 'person' THEN %(seq)s ELSE told_person END,
    state = CASE WHEN %(by)s = 'person' THEN 'open' ELSE state END,
    snoozed_until = CASE WHEN %(by)s = 'person' THEN NULL ELSE snoozed_until END,
    closed_at = CASE WHEN %(by)s = 'person' THEN NULL ELSE closed_at END,
    status = CASE WHEN number IS NULL THEN NULL WHEN %(by)s = 'person' THEN 'open'
                  WHEN %(by)s = 'agent' AND status = 'open' THEN 'pending' ELSE status END,
    waiting_since = CASE %(by)s WHEN 'person' THEN coalesce(waiting_since, %(at)s)
                                WHEN 'agent' THEN NULL ELSE waiting_since END,
    first_reply_at = CASE WHEN %(by)s = 'agent' AND person_seq > 0
                          THEN coalesce(first_reply_at, %(at)s) ELSE first_reply_at END
WHERE project_id = %(project)s AND id = %(conversation)s
"""
# Files that were uploaded for it, by whoever says it, and belong to nothing yet.
ATTACH = """
UPDATE attachment SET conversation_id = %(conversation)s, message_id = %(message)s,
                      person_id = %(person)s
WHERE project_id = %(project)s AND id = ANY(%(files)s) AND message_id IS NULL
  AND (browser = %(browser)s OR agent_id = %(agent)s)
"""
TOPIC = "messages"  # of the outbox: [[conversation, person, number, by whom], …]


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says. `client` is the sender's own id of it.

    `browser` is the person's, where they write in the messenger; `told` that the person gets it by
    email with this very transaction. `thread` is the conversation that they name, where that was
    merged into the one to which it is added: what was said before the merge, and is said again
    after it, is the same.
    """

    by: By
    text: str
    client: str
    agent_id: UUID | None = None
    browser: UUID | None = None
    channel: Channel = "chat"
    quoted: str = ""
    what: dict[str, Any] = field(default_factory=dict)
    files: Sequence[UUID] = ()
    verified: bool = False
    told: bool = False
    thread: UUID | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What became of it: its id, where, its number, when; not `fresh` if it was said before."""

    id: UUID
    conversation_id: UUID
    seq: int
    at: datetime
    fresh: bool


def add(
    connection: Connection, conversation: Conversation, saying: Saying, now: datetime
) -> tuple[Said, list[outbox.Entry]]:
    """Add it to the conversation, which is locked. Raises InvalidError.

    The entries are for the outbox, which the caller writes as its last statement.
    """
    said = earlier(connection, conversation, saying)
    if said is not None:
        return said, []
    message_id = id_of(saying.thread or conversation.id, saying)
    seq = conversation.last_seq + 1
    text = clean(saying.text, has_files=bool(saying.files) or saying.by == "system")
    row = {
        "project": conversation.project_id,
        "id": message_id,
        "conversation": conversation.id,
        "seq": seq,
        "by": saying.by,
        "agent": saying.agent_id,
        "channel": saying.channel,
        "body": text,
        "quoted": saying.quoted,
        "what": Jsonb(saying.what),
        "verified": saying.verified,
        "at": now,
        "words": _words(text),
        "preview": preview_of(text, len(saying.files)),
        "told": saying.told,
    }
    connection.execute(ADD, row, prepare=True)
    connection.execute(ADVANCE, row, prepare=True)
    _attach(connection, conversation, saying, message_id)
    by = str(saying.agent_id) if saying.agent_id else saying.by
    pointer = Pointer("message", conversation.id, conversation.person_id, seq, by)
    tell(connection, conversation.project_id, pointer)
    entry = [str(conversation.id), str(conversation.person_id), seq, saying.by]
    said = Said(message_id, conversation.id, seq, now, fresh=True)
    return said, [(TOPIC, {"messages": [entry]})]


def earlier(connection: Connection, conversation: Conversation, saying: Saying) -> Said | None:
    """What became of it, where it was said before."""
    return in_thread(connection, conversation.project_id, conversation.id, saying)


def in_thread(
    connection: Connection, project_id: UUID, thread: UUID, saying: Saying
) -> Said | None:
    """The same, by the conversation's id alone: nobody has looked yet who may see it."""
    message_id = id_of(saying.thread or thread, saying)
    row = connection.execute(EARLIER, (project_id, message_id), prepare=True).fetchone()
    if row is None:
        return None
    conversation_id, seq, at = row
    return Said(message_id, conversation_id, seq, at, fresh=False)


def note_done(
    connection: Connection,
    conversation: Conversation,
    did: str,
    now: datetime,
    *,
    agent_id: UUID | None,
    **details: Any,
) -> list[outbox.Entry]:
    """Write down, between the messages, what was done to the conversation, which is locked."""
    # Nothing is done twice at one place of a conversation: the place is its sender's id.
    saying = Saying(
        by="system",
        text="",
        client=f"{conversation.last_seq}",
        agent_id=agent_id,
        what={"did": did, **details},
    )
    return add(connection, conversation, saying, now)[1]


def clean(text: str, *, has_files: bool = False, most: int = MAX_TEXT) -> str:
    """The text as it is kept. Raises InvalidError for one that says nothing, or too much."""
    kept = "".join(one for one in text.replace("\r\n", "\n") if one >= " " or one in "\n\t")
    kept = kept.replace("\x7f", "").encode("utf-8", "ignore").decode().strip()
    if not kept and not has_files:
        raise InvalidError("text", "Write something first.")
    if len(kept) > most:
        raise InvalidError("text", f"A message has at most {most:,} characters.")
    return kept


def id_of(thread: UUID, saying: Saying) -> UUID:
    """The id of what is said in the conversation of that id: the same whenever it is said."""
    sender = str(saying.agent_id) if saying.agent_id else saying.by
    return key_hash("message", str(thread), saying.by, sender, saying.client)


def preview_of(text: str, files: int = 0) -> str:
    """The beginning of a message on one line."""
    line = " ".join(text.split())
    if not line and files:
        return "Sent a file" if files == 1 else f"Sent {files} files"
    return line if len(line) <= PREVIEW else f"{line[: PREVIEW - 1]}…"


def _words(text: str) -> str:
    return fold(text[:MAX_WORDS])


def _attach(
    connection: Connection, conversation: Conversation, saying: Saying, message_id: UUID
) -> None:
    if not saying.files:
        return
    files = list(dict.fromkeys(saying.files))
    if len(files) > MAX_FILES:
        raise InvalidError("files", f"A message has at most {MAX_FILES} files.")
    attached = connection.execute(
        ATTACH,
        {
            "project": conversation.project_id,
            "conversation": conversation.id,
            "message": message_id,
            "person": conversation.person_id,
            "files": files,
            "browser": saying.browser,
            "agent": saying.agent_id,
        },
    )
    if attached.rowcount != len(files):
        raise InvalidError("files", "A file is not there any more: attach it again.")
