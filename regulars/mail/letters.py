"""What is mailed: a letter as it is meant, and the finished mail that a server is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

# RFC 3834, 5: something said by itself, and an answer that no person wrote.
Automatic = Literal["auto-generated", "auto-replied"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's address, and the name that is shown for it."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes along."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient, before it is written out.

    `kind` is what it is for, in a word of the slice that sends it ("conversation",
    "agent_notice"). `conversation_id` makes it part of that thread: an answer finds back by the
    Message-ID alone. `answers` and `references` are Message-IDs, the oldest first. `quoted` is what
    is answered, under a line that says whose it is (`quoted_as`); `footer` stands below all of it.
    """

    id: UUID
    kind: str
    sender: Mailbox
    to: Mailbox
    subject: str
    text: str
    reply_to: Mailbox | None = None
    person_id: UUID | None = None
    conversation_id: UUID | None = None
    answers: str | None = None
    references: tuple[str, ...] = ()
    quoted_as: str = ""
    quoted: str = ""
    footer: str = ""
    automatic: Automatic | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A finished message, and what the server is told beside it.

    `sender` and `to_address` are bare addresses; `raw` is RFC 5322, lines ended by CRLF, 7 bit.
    """

    id: UUID
    kind: str
    sender: str
    to_address: str
    subject: str
    message_id: str
    raw: bytes
    person_id: UUID | None = None
    conversation_id: UUID | None = None
