"""Writes a letter out as RFC 5322 wants it: headers, plain text, and the same as HTML.

The header lines are our own: the standard library's newer way to write them loses blanks between
encoded words and, in versions that we run on, lets a line break through where it folds. All that
comes from people is one clean line before it is encoded. The body's parts are the library's. Mail
is 7 bit throughout, so that no server on its way has to change it (and break a signature).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from regulars.mail import addresses, clean, markup
from regulars.mail.addresses import Thread
from regulars.mail.letters import File, Letter, Mail, Mailbox

MARK = "X-Regulars"  # the header that tells our own mail when it comes back

MOST_NAME = 120  # letters
MOST_SUBJECT = 250
MOST_TEXT = 500_000
MOST_FILES_BYTES = 18_000_000  # of all together: servers take 25 MB, and base64 adds a third
MOST_REFERENCES = 12  # the first, which began the thread, and the newest
MOST_ID = 410

_POLICY = SMTP.clone(cte_type="7bit")
_FOLD_AT = 76
_PLAIN = re.compile(r"[ -~]*")
_ATOM = re.compile(r"[A-Za-z0-9 ]+")
_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_MEDIA_TYPE = re.compile(
    r"(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9.+-]{0,80}"
)


class TooLargeError(ValueError):
    """The files are more than a mail can carry."""


def write(project_id: UUID, letter: Letter, at: datetime) -> Mail:
    """The finished mail, dated `at`. Raises BadAddressError for what is none, TooLargeError."""
    if sum(len(file.content) for file in letter.files) > MOST_FILES_BYTES:
        raise TooLargeError("The files are too large for an email.")
    sender = addresses.check(letter.sender.address)
    to = addresses.check(letter.to.address)
    thread = Thread(project_id, letter.conversation_id) if letter.conversation_id else None
    message_id = addresses.message_id(letter.id, addresses.domain_of(sender), thread)
    subject = clean.line(letter.subject, MOST_SUBJECT)
    fields = [
        ("From", mailbox_field("From", Mailbox(sender, letter.sender.name))),
        ("To", mailbox_field("To", Mailbox(to, letter.to.name))),
        *_reply_to(letter.reply_to),
        ("Subject", words_field("Subject", subject)),
        ("Date", format_datetime(at)),
        ("Message-ID", message_id),
        *_thread(letter),
        *_by_itself(letter),
        (MARK, addresses.mark(letter.id)),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return Mail(
        id=letter.id,
        kind=letter.kind,
        sender=sender,
        to_address=to,
        subject=subject,
        message_id=message_id,
        raw=head.encode("ascii") + _body(letter),
        person_id=letter.person_id,
        conversation_id=letter.conversation_id,
    )


def _reply_to(mailbox: Mailbox | None) -> Iterator[tuple[str, str]]:
    if mailbox is not None:
        checked = Mailbox(addresses.check(mailbox.address), mailbox.name)
        yield "Reply-To", mailbox_field("Reply-To", checked)


def _thread(letter: Letter) -> Iterator[tuple[str, str]]:
    answers = [one for one in (letter.answers or "",) if _is_id(one)]
    if answers:
        yield "In-Reply-To", answers[0]
    known = [one for one in dict.fromkeys((*letter.references, *answers)) if _is_id(one)]
    if len(known) > MOST_REFERENCES:
        known = [known[0], *known[1 - MOST_REFERENCES :]]
    if known:
        yield "References", "\r\n ".join(known)


def _is_id(text: str) -> bool:
    return len(text) <= MOST_ID and bool(_ID.fullmatch(text))


def _by_itself(letter: Letter) -> Iterator[tuple[str, str]]:
    """Nobody's machine is to answer what no person wrote (RFC 3834; Exchange has its own word)."""
    if letter.automatic is not None:
        yield "Auto-Submitted", letter.automatic
        yield "X-Auto-Response-Suppress", "All"


def mailbox_field(header: str, mailbox: Mailbox) -> str:
    """A header's value that names somebody, folded. The address was checked."""
    name = clean.line(mailbox.name, MOST_NAME)
    if not name:
        return mailbox.address
    if _ATOM.fullmatch(name):
        phrase = name
    elif _is_plain(name):
        phrase = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        phrase = _encoded(header, name)
    last = len(header) + 2 + len(phrase) if "\r\n" not in phrase else len(phrase.split("\r\n")[-1])
    between = " " if last + len(mailbox.address) + 3 <= _FOLD_AT else "\r\n "
    return f"{phrase}{between}<{mailbox.address}>"


def words_field(header: str, text: str) -> str:
    """Free text: as it is where it is short ASCII, else in encoded words (RFC 2047)."""
    if _is_plain(text) and len(header) + 2 + len(text) <= _FOLD_AT:
        return text
    return _encoded(header, text)


def _is_plain(text: str) -> bool:
    """Whether it reads as it is, and not as an encoded word."""
    return bool(_PLAIN.fullmatch(text)) and "=?" not in text


def _encoded(header: str, text: str) -> str:
    words = Header(text, "utf-8", maxlinelen=_FOLD_AT, header_name=header)
    return words.encode(linesep="\r\n")


def _body(letter: Letter) -> bytes:
    text, html = markup.both(
        clean.lines(letter.text, MOST_TEXT).strip("\n"),
        quoted_as=clean.line(letter.quoted_as, MOST_SUBJECT),
        quoted=clean.lines(letter.quoted, MOST_TEXT).strip("\n"),
        footer=clean.lines(letter.footer, MOST_TEXT).strip("\n"),
    )
    message = EmailMessage(policy=_POLICY)
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for name, file in _named(letter.files):
        main, _, sub = _media_type(file).partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def _named(files: Iterable[File]) -> Iterator[tuple[str, File]]:
    for number, file in enumerate(files, 1):
        yield clean.file_name(file.name, number), file


def _media_type(file: File) -> str:
    """Only leaves: a message or a multipart inside would be read as part of this mail."""
    named = file.media_type.lower()
    return named if _MEDIA_TYPE.fullmatch(named) else "application/octet-stream"
