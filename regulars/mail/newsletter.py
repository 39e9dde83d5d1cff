"""Writes one recipient's copy of an email to many: the same headers and parts for all, quickly.

`compose` writes letters between people; here subject, HTML and text come finished. What a header
may hold is settled by the same functions.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from regulars.mail import addresses, clean
from regulars.mail.compose import MARK, MOST_SUBJECT, mailbox_field, words_field
from regulars.mail.letters import Mailbox

_LONGEST_LINE = 900  # bytes; RFC 5322, 2.1.1 allows 998 with their end
_MOSTLY_ASCII = 6  # one letter in so many may be outside of ASCII before base64 is shorter


@dataclass(frozen=True, slots=True)
class Head:
    """What all copies have in common. Addresses were checked."""

    sender: Mailbox
    reply_to: Mailbox | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """What one recipient gets. `id` is their row in the ledger: its mark is in the Message-ID."""

    id: UUID
    to: Mailbox
    subject: str
    html: str
    text: str
    extra: tuple[tuple[str, str], ...] = ()  # header fields of ours, such as List-Unsubscribe


def write(head: Head, copy: Copy, at: datetime) -> bytes:
    """The message (RFC 5322), dated `at`: multipart/alternative, 7 bit, lines ended by CRLF.

    Raises BadAddressError.
    """
    to = addresses.check(copy.to.address)
    mark = addresses.mark(copy.id)
    subject = clean.line(copy.subject, MOST_SUBJECT)
    fields = [
        ("From", _from(head.sender)),
        ("To", mailbox_field("To", Mailbox(to, copy.to.name))),
        ("Subject", words_field("Subject", subject)),
        ("Date", _date(at)),
        ("Message-ID", f"<{mark}@{addresses.domain_of(head.sender.address)}>"),
        *_reply_to(head.reply_to),
        *copy.extra,
        (MARK, mark),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="=_{mark}"'),
    ]
    written = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii")
    boundary = f"--=_{mark}".encode("ascii")
    return b"".join(
        (
            written, b"\r\n", boundary, b"\r\n", *_part("plain", copy.text),
            b"\r\n", boundary, b"\r\n", *_part("html", copy.html),
            b"\r\n", boundary, b"--\r\n",
        )
    )  # fmt: skip


@lru_cache(maxsize=256)
def _from(sender: Mailbox) -> str:
    return mailbox_field("From", sender)


@lru_cache(maxsize=256)
def _date(at: datetime) -> str:
    return format_datetime(at)


def _reply_to(mailbox: Mailbox | None) -> Iterable[tuple[str, str]]:
    return [("Reply-To", mailbox_field("Reply-To", mailbox))] if mailbox else []


def _part(subtype: str, text: str) -> tuple[bytes, ...]:
    """A part's head and body: as it is where that is 7 bit, else in what reads best of it."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not raw.endswith(b"\n"):
        raw += b"\n"
    if not raw.isascii():
        outside = len(raw) - len(text)
        encoding = "base64" if outside * _MOSTLY_ASCII > len(raw) else "quoted-printable"
    elif b"\0" in raw or max(map(len, raw.split(b"\n"))) > _LONGEST_LINE:
        encoding = "quoted-printable"
    else:
        encoding = "7bit"
    if encoding == "base64":
        body = _base64(raw.replace(b"\n", b"\r\n"))
    elif encoding == "quoted-printable":
        body = binascii.b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
    else:
        body = raw.replace(b"\n", b"\r\n")
    head = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii"), body


def _base64(raw: bytes) -> bytes:
    at_once = 57  # bytes that make a line of 76 letters (RFC 2045, 6.8)
    lines = [
        binascii.b2a_base64(raw[at : at + at_once], newline=False)
        for at in range(0, len(raw), at_once)
    ]
    return b"\r\n".join(lines) + b"\r\n"
