"""A mail that came in, read: who says what, in which thread, and whether a person said it.

Bytes go in, and nothing else is asked. Nothing here is proof of who sent it: the From of a mail is
anybody's to choose. That it belongs to a thread is proven by the token in an address or a
Message-ID (`addresses.find_thread`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from regulars.mail import addresses, clean, compose, mime, plain, quoting
from regulars.mail.autos import AutoReason, auto_reason
from regulars.mail.letters import File, Mailbox
from regulars.mail.mailboxes import mailboxes
from regulars.mail.mime import Headers, Part, UnreadableMailError

__all__ = ["AutoReason", "Inbound", "UnreadableMailError", "parse"]

MOST_TEXT = 200_000  # letters
MOST_SUBJECT = 500
MOST_FILES = 30
MOST_FILES_BYTES = 25_000_000  # of all together
MOST_IDS = 50
MOST_HOPS = 50  # servers that a mail went through before it is taken for a loop

_TEXT_BYTES = 2_000_000  # encoded bytes of all parts together that are read as text
_ID = re.compile(r"<([!-;=?A-~]{1,200}@[!-;=?A-~]{1,200})>")
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_FINGERPRINTED = ("message-id", "date", "from", "subject")
_PROGRAM_TYPES = frozenset(("message/delivery-status", "message/disposition-notification"))


@dataclass(frozen=True, slots=True)
class Inbound:
    """A mail as it was read.

    `fingerprint` is the same each time the mail comes in, whichever way it took. `message_id` and
    `references` have their angle brackets; `message_id` may be empty. `references` holds what
    In-Reply-To names too, the oldest first. `quoted` is what the mail repeats of older ones.
    `left_out` counts files beyond what we take. `failed_id` is, of a bounce, the Message-ID of the
    mail that did not arrive. `is_loop`: we sent it ourselves, or it has been going round.
    """

    fingerprint: str
    sender: Mailbox
    reply_to: Mailbox | None
    to: tuple[str, ...]
    subject: str
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sent_at: datetime | None
    text: str
    quoted: str
    files: tuple[File, ...]
    left_out: int
    auto: AutoReason | None
    is_loop: bool
    failed_id: str = ""


def parse(raw: bytes) -> Inbound:
    """The mail. Raises UnreadableMailError for what is none, names no sender, or is too large."""
    part = mime.parse(raw)
    headers = part.headers
    senders = [one for name in ("from", "sender") for one in mailboxes(headers.first(name))]
    if not senders:
        raise UnreadableMailError("The mail does not say who sent it.")
    subject = clean.line(mime.words(headers.first("subject")), MOST_SUBJECT)
    reading = _Reading(raw, _Budget(_TEXT_BYTES))
    reading.take(part)
    said = quoting.split(reading.text())
    answered = _ids(headers.all("in-reply-to"))
    message_id = next(iter(_ids(headers.all("message-id"))), "")
    return Inbound(
        fingerprint=_fingerprint(raw, part),
        sender=senders[0],
        reply_to=next(iter(mailboxes(headers.first("reply-to"))), None),
        to=_recipients(headers),
        subject=subject,
        message_id=message_id,
        in_reply_to=answered[0] if answered else "",
        references=tuple(dict.fromkeys([*_ids(headers.all("references")), *answered])),
        sent_at=_instant(headers.first("date")),
        text=said.text,
        quoted=said.quoted,
        files=tuple(reading.files),
        left_out=reading.left_out,
        auto=auto_reason(part, senders[0].address, subject),
        is_loop=_is_loop(headers, message_id),
        failed_id=reading.failed_id,
    )


def _fingerprint(raw: bytes, part: Part) -> str:
    """Of what no server on the way changes: some headers, and the body."""
    said = "\0".join(part.headers.first(name) for name in _FINGERPRINTED)
    digest = sha256(said.encode("utf-8", "replace"))
    digest.update(memoryview(raw)[part.start : part.end])
    return digest.hexdigest()


def _recipients(headers: Headers) -> tuple[str, ...]:
    values = [value for name in _RECIPIENTS for value in headers.all(name)[:5]]
    found = (one.address for value in values for one in mailboxes(value))
    return tuple(dict.fromkeys(found))[:MOST_IDS]


def _ids(values: Iterable[str]) -> list[str]:
    """Message-IDs; of too many the first and the newest."""
    found = [f"<{one}>" for value in values for one in _ID.findall(value)]
    return found if len(found) <= MOST_IDS else [found[0], *found[1 - MOST_IDS :]]


def _instant(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text[:100])
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_loop(headers: Headers, message_id: str) -> bool:
    if len(headers.all("received")) > MOST_HOPS:
        return True
    marks = (*headers.all(compose.MARK.lower())[:3], message_id)
    return any(addresses.is_ours(mark) for mark in marks)


@dataclass(slots=True)
class _Budget:
    """How much may still be read as text, in all parts of a mail."""

    text_bytes: int


@dataclass(slots=True)
class _Reading:
    """Goes through a mail's parts: what is text, what is a file."""

    raw: bytes
    budget: _Budget
    texts: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    left_out: int = 0
    failed_id: str = ""
    _bytes: int = 0

    def text(self) -> str:
        """All texts, one below the other."""
        return "\n\n".join(text.strip("\n") for text in self.texts if text.strip())[:MOST_TEXT]

    def take(self, part: Part) -> None:
        """Read the part and all in it."""
        if part.media_type == "multipart/alternative" and part.children:
            self._take_alternatives(part)
        elif part.media_type == "multipart/report" and part.children:
            self._take_report(part)
        elif part.children:
            for child in part.children:
                self.take(child)
        elif _is_text(part):
            self.texts.append(self._text_of(part))
        else:
            self._keep(part)

    def _take_alternatives(self, part: Part) -> None:
        """The same several times: the plain text if it says anything, else the richest."""
        readings = []
        for child in part.children:
            reading = _Reading(self.raw, self.budget)
            reading.take(child)
            readings.append(reading)
        speaking = [reading for reading in readings if reading.text()]
        is_plain = [child.media_type == "text/plain" for child in part.children]
        said = [
            one for one, plain_ in zip(readings, is_plain, strict=True) if plain_ and one.text()
        ]
        chosen = said[:1] or speaking[-1:]
        self.texts.extend(text for one in chosen for text in one.texts)
        for reading in readings:
            self.left_out += reading.left_out
            for file in reading.files:
                self._add(file)

    def _take_report(self, part: Part) -> None:
        """A bounce or a receipt: its words for people, and which mail it is about."""
        for child in part.children:
            if child.media_type in ("message/rfc822", "text/rfc822-headers", "message/global"):
                inner, _ = mime.read_headers(self.raw, child.start, child.end)
                self.failed_id = next(iter(_ids(inner.all("message-id"))), self.failed_id)
            elif child.media_type not in _PROGRAM_TYPES:
                self.take(child)

    def _text_of(self, part: Part) -> str:
        body = mime.content(self.raw, part, self.budget.text_bytes)
        self.budget.text_bytes -= min(part.end - part.start, self.budget.text_bytes)
        text = mime.decode(body, part.parameters.get("charset", ""))
        text = clean.lines(text, plain.MOST_HTML)
        if part.media_type == "text/html":
            return plain.from_html(text)[:MOST_TEXT]
        if part.parameters.get("format", "").lower() == "flowed":
            joined = part.parameters.get("delsp", "").lower() == "yes"
            text = _unflowed(text, joined=joined)
        return text[:MOST_TEXT]

    def _keep(self, part: Part) -> None:
        if len(self.files) >= MOST_FILES or self._bytes > MOST_FILES_BYTES:
            self.left_out += 1
            return
        body = mime.content(self.raw, part)
        if body:
            name = clean.file_name(_name_of(part, self.raw), len(self.files) + 1)
            self._add(File(name, part.media_type, body))

    def _add(self, file: File) -> None:
        if len(self.files) >= MOST_FILES or self._bytes + len(file.content) > MOST_FILES_BYTES:
            self.left_out += 1
            return
        self._bytes += len(file.content)
        self.files.append(file)


def _is_text(part: Part) -> bool:
    """Whether it is shown, and not handed over as a file."""
    disposition, parameters = mime.parameters_of(part.headers.first("content-disposition"))
    named = "filename" in parameters or "name" in part.parameters
    if named or disposition.lower() == "attachment":
        return False
    # A multipart in which nothing was found is read as the text that it is.
    return part.media_type in ("text/plain", "text/html") or part.media_type.startswith(
        "multipart/"
    )


def _name_of(part: Part, raw: bytes) -> str:
    _, parameters = mime.parameters_of(part.headers.first("content-disposition"))
    name = mime.words(parameters.get("filename") or part.parameters.get("name", ""))
    if not name and part.media_type == "message/rfc822":
        inner, _ = mime.read_headers(raw, part.start, part.end)
        name = re.sub(r"[/\\]", "_", mime.words(inner.first("subject"))[:100]) + ".eml"
    return name


def _unflowed(text: str, *, joined: bool) -> str:
    """Lines that were only broken to fit, put together again (RFC 3676)."""
    lines: list[list[str]] = []
    open_at: str | None = None  # the quote marks of a line that goes on
    for line in text.split("\n"):
        words = line.lstrip(">")
        marks = line[: len(line) - len(words)]
        words = words.removeprefix(" ")
        goes_on = words.endswith(" ") and words != "-- "
        shown = words[:-1] if goes_on and joined else words
        if open_at == marks and words != "-- ":
            lines[-1].append(shown)
        else:
            lines.append([f"{marks} {shown}" if marks else shown])
        open_at = marks if goes_on else None
    return "\n".join("".join(pieces) for pieces in lines)
