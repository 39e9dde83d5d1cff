"""Letters for the tests, and how a strict reader sees the mail that is made of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

from regulars.mail import compose
from regulars.mail.letters import Letter, Mail, Mailbox

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
PROJECT = UUID("0198a000-0000-7000-8000-000000000001")
CONVERSATION = UUID("0198a000-0000-7000-8000-0000000000c1")
LETTER = Letter(
    id=UUID("0198a000-0000-7000-8000-0000000000e1"),
    kind="conversation",
    sender=Mailbox("help@tideway.example", "Tideway Coffee"),
    to=Mailbox("pat@example.com", "Pat Doe"),
    subject="Your beans",
    text="They left today.\n\nBest,\nAlice",
)


def write(**changed: Any) -> Mail:
    """The mail of a letter that differs from the usual one."""
    return compose.write(PROJECT, replace(LETTER, **changed), NOW)


def read(mail: Mail) -> EmailMessage:
    """The mail as the standard library reads it."""
    return message_from_bytes(mail.raw, policy=default)


def text_of(message: EmailMessage, kind: str) -> str:
    """The part of that kind ("plain" or "html")."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
