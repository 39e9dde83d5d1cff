"""Reads reports about mail that left: it did not arrive (DSN, RFC 3464), or somebody complained
(ARF, RFC 5965).

Which mail a report is about is known by our mark: in the address that bounces come back to
(`bounces+<mark>@…`), or in the headers of the mail that the report returns. What a report says of
addresses is believed of nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal
from uuid import UUID

from regulars.mail import addresses, clean, compose, mime
from regulars.mail.autos import AutoReason, auto_reason
from regulars.mail.mailboxes import mailboxes
from regulars.mail.mime import Headers, Part, UnreadableMailError

Kind = Literal["bounce", "delay", "complaint", "unsubscribe"]

MOST_REPORT_BYTES = 64_000  # of the part for programs
MOST_GROUPS = 20  # recipients that one report is about
MOST_TEXT = 32_000  # bytes of a report in words that are read
MOST_REASON = 300
MOST_PARTS = 40

_RETURNED = frozenset(
    ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
)
_COMPLAINTS = frozenset(("abuse", "fraud", "virus", "other", "dkim", "miscategorized"))
_OPT_OUT = frozenset(("opt-out", "opt-out-list"))
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
# How servers say that there is no such mailbox where their status says less.
_NOBODY = re.compile(
    r"user unknown|unknown user|no such (user|mailbox|recipient|address)|does ?n[o']t exist"
    r"|(unknown|invalid) (recipient|mailbox|address)|(mailbox|recipient|user|address) not found"
    r"|not a valid (recipient|mailbox|user)|no mailbox here"
    r"|account (is |has been )?(disabled|closed)"
    r"|recipient address rejected: (access denied|undeliverable|user unknown)"
    r"|mailbox (is )?(disabled|unavailable)|domain (name )?not found|unrouteable address",
    re.IGNORECASE,
)
# RFC 3463: what lies in the mailbox or its domain and lasts. Not a full mailbox (5.2.2), nor what
# lies in the message (5.3.4, 5.6) or in what their server thinks of ours (5.7).
_LASTING = frozenset(
    ("1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.0", "2.1", "4.1", "4.4", "4.6")
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says. `mails` are the ids in our marks, the surest first."""

    kind: Kind
    mails: tuple[UUID, ...]
    lasting: bool
    reason: str


def return_address(return_path: str, mail_id: UUID) -> str:
    """Where a report about this mail comes back to: the return path with the mail's mark.

    Raises BadAddressError.
    """
    local, _, domain = addresses.check(return_path).rpartition("@")
    return addresses.check(f"{local}+{addresses.mark(mail_id)}@{domain}")


def without_mark(address: str) -> str:
    """The return path that an address was made of, in small letters."""
    local, at, domain = address.strip().lower().rpartition("@")
    plain, plus, rest = local.rpartition("+")
    marked = plus and any(True for _ in addresses.mails_in(rest))
    return f"{plain if marked else local}{at}{domain}"


def read(raw: bytes, recipients: Iterable[str] = ()) -> Report | None:
    """The report that the mail is, or None. `recipients` is whom the envelope named."""
    try:
        part = mime.parse(raw)
    except UnreadableMailError:
        return None
    kind = part.parameters.get("report-type", "").lower()
    if part.media_type == "multipart/report" and kind == "feedback-report":
        return _complaint(raw, part, recipients)
    sender = next(iter(mailboxes(part.headers.first("from"))), None)
    subject = clean.line(mime.words(part.headers.first("subject")), MOST_REASON)
    reason = auto_reason(part, sender.address if sender else "mailer-daemon", subject)
    if reason is not AutoReason.BOUNCE:
        return None
    if part.media_type == "multipart/report" or _first(part, "message/delivery-status"):
        return _notification(raw, part, recipients)
    return _in_words(raw, part, recipients)


def is_lasting(text: str) -> bool:
    """Whether a server's answer or a report's words mean that the address will never take mail."""
    status = _STATUS.search(text)
    if status and status[1] == "4":
        return False
    if _NOBODY.search(text):
        return True
    return bool(status and status[1] == "5" and f"{status[2]}.{status[3]}" in _LASTING)


def _notification(raw: bytes, part: Part, recipients: Iterable[str]) -> Report | None:
    """RFC 3464: a group of fields about the message, then one for each recipient."""
    said = _first(part, "message/delivery-status") or _first(part, "message/global-delivery-status")
    groups = list(_groups(raw, said))[1:] if said else []
    actions = {group.first("action").strip().lower() for group in groups}
    status = next((group for group in groups if _action(group) == "failed"), None)
    if status is None and actions and "failed" not in actions:
        if not actions & {"delayed"}:
            return None  # delivered, relayed, expanded: nothing came back
        return Report("delay", _mails(raw, part, recipients), lasting=False, reason="")
    code = status.first("status") if status else ""
    words = status.first("diagnostic-code").partition(";")[2] if status else ""
    reason = clean.line(f"{code} {mime.words(words)}", MOST_REASON)
    if status is None:
        return _in_words(raw, part, recipients)
    return Report("bounce", _mails(raw, part, recipients), is_lasting(reason), reason)


def _complaint(raw: bytes, part: Part, recipients: Iterable[str]) -> Report | None:
    """RFC 5965: what kind of feedback it is, and the mail that it is about."""
    said = _first(part, "message/feedback-report")
    group = next(_groups(raw, said), None) if said else None
    kind = group.first("feedback-type").strip().lower() if group else ""
    if kind not in _COMPLAINTS | _OPT_OUT:
        return None  # "not-spam", or a report about authentication
    agent = clean.line(group.first("user-agent"), MOST_REASON) if group else ""
    reason = f"{kind}, {agent}" if agent else kind
    mails = _mails(raw, part, recipients)
    return Report("unsubscribe" if kind in _OPT_OUT else "complaint", mails, False, reason)


def _in_words(raw: bytes, part: Part, recipients: Iterable[str]) -> Report:
    """A report that only people were to read, as older servers write them."""
    text = "\n".join(
        mime.decode(mime.content(raw, one, MOST_TEXT), one.parameters.get("charset", ""))
        for one in islice(_leaves(part), 3)
        if one.media_type.startswith("text/")
    )[:MOST_TEXT]
    status = _STATUS.search(text) or _REPLY.search(text)
    start = text.rfind("\n", 0, status.start()) + 1 if status else 0
    reason = clean.line(text[start : start + 2 * MOST_REASON], MOST_REASON)
    found = (*_mails(raw, part, recipients), *addresses.mails_in(text))
    return Report("bounce", tuple(dict.fromkeys(found)), is_lasting(reason), reason)


def _mails(raw: bytes, part: Part, recipients: Iterable[str]) -> tuple[UUID, ...]:
    """The mails that it may be about: by the address it came to, then by what it returns."""
    texts = [*islice(recipients, 50), *part.headers.all("to")[:5]]
    for one in islice(_leaves(part), MOST_PARTS):
        if one.media_type in _RETURNED:
            start = one.start
            inner, _ = mime.read_headers(raw, start, one.end)
            texts += inner.all(compose.MARK.lower())[:2] + inner.all("message-id")[:2]
    texts += part.headers.all("in-reply-to")[:2] + part.headers.all("references")[:2]
    return tuple(dict.fromkeys(found for text in texts for found in addresses.mails_in(text)))


def _groups(raw: bytes, part: Part) -> Iterator[Headers]:
    """The groups of fields in a part for programs, which blank lines keep apart."""
    body = mime.content(raw, part, MOST_REPORT_BYTES)
    pieces = [piece for piece in _BLANK.split(body.strip(), MOST_GROUPS) if piece.strip()]
    for piece in pieces[: MOST_GROUPS + 1]:
        yield mime.read_headers(piece.strip(b"\r\n"), 0, len(piece))[0]


def _action(group: Headers) -> str:
    return group.first("action").strip().lower()


def _first(part: Part, media_type: str) -> Part | None:
    return next((one for one in _leaves(part) if one.media_type == media_type), None)


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def marks_in(texts: Sequence[str]) -> tuple[UUID, ...]:
    """The ids of our mails that these Message-IDs name."""
    return tuple(dict.fromkeys(found for text in texts for found in addresses.mails_in(text)))
