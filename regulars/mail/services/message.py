"""A finished mail as Django and django-anymail know one, to be said in a service's own words.

The service writes the message anew, so what we wrote is taken apart again: words, parts and files,
and those of our header fields that it may carry along. Our DKIM signature is left out: it would
cover a message that no longer is. Our mark goes along twice, as the header and as what the service
calls metadata, so that whatever it tells of the mail says which one it was.
"""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from regulars.mail import addresses, mime
from regulars.mail.compose import MARK
from regulars.mail.mime import Part
from regulars.mail.services.accounts import Service

if TYPE_CHECKING:
    from django.core.mail import EmailMultiAlternatives

METADATA = "regulars"  # what our mark is called at services
MOST_BODY = 10_000_000  # bytes of a part

# Fields that a service makes itself, or that we say in another way.
_NOT_CARRIED = frozenset((
    "from", "to", "subject", "reply-to", "date", "mime-version", "content-type",
    "content-transfer-encoding", "dkim-signature", "message-id", "return-path", "bcc", "cc",
))  # fmt: skip
_NAMES = {
    MARK.lower(): MARK,
    "in-reply-to": "In-Reply-To",
    "list-unsubscribe-post": "List-Unsubscribe-Post",
}


def of_mail(raw: bytes, to: str, service: Service) -> EmailMultiAlternatives:
    """The mail to one address. Raises UnreadableMailError."""
    from django.core.mail import EmailMultiAlternatives  # noqa: PLC0415 - mail loads without Django

    part = mime.parse(raw)
    headers = part.headers
    shown = parseaddr(headers.first("to"))[0]
    reply_to = headers.first("reply-to")
    message = EmailMultiAlternatives(
        subject=mime.words(headers.first("subject")),
        from_email=_mailbox(headers.first("from")),
        to=[_formatted(mime.words(shown), to)],
        reply_to=[_mailbox(reply_to)] if reply_to else None,
        headers=_carried(part, service),
    )
    _fill(message, raw, part)
    mark = headers.first(MARK.lower())
    if mark:
        message.metadata = {METADATA: mark}  # type: ignore[attr-defined]
    if service.tracking_off:
        message.track_clicks = message.track_opens = False  # type: ignore[attr-defined]
    return message


def mark_in(raw: bytes) -> str:
    """The mark that the mail carries."""
    headers, _ = mime.read_headers(raw, 0, len(raw))
    return headers.first(MARK.lower())


def unsigned(raw: bytes) -> bytes:
    """The mail without our own DKIM signatures: the service changes fields that they cover."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    drops = False
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):
            drops = line[:15].lower() == b"dkim-signature:"
        if not drops:
            kept.append(line)
    return b"\r\n".join(kept) + blank + body


def _carried(part: Part, service: Service) -> dict[str, str]:
    carried = {
        _NAMES.get(name, name.title()): value
        for name, value in part.headers.fields
        if name not in _NOT_CARRIED and value.isascii()
    }
    message_id = part.headers.first("message-id")
    if service.keeps_id and message_id:
        carried["Message-ID"] = message_id
        if service.name == "postmark":
            carried["X-PM-KeepID"] = "true"
    return carried


def _fill(message: EmailMultiAlternatives, raw: bytes, part: Part) -> None:
    """The first text and the first HTML are what it says; the rest are files."""
    texts: dict[str, str] = {}
    for leaf in _leaves(part):
        body = mime.content(raw, leaf, MOST_BODY)
        kind = leaf.media_type
        is_file = "attachment" in leaf.headers.first("content-disposition").lower()
        if kind in ("text/plain", "text/html") and kind not in texts and not is_file:
            text = mime.decode(body, leaf.parameters.get("charset", ""))
            texts[kind] = text.replace("\r\n", "\n")
        else:
            message.attach(_file_name(leaf), body, kind)
    message.body = texts.get("text/plain", "")
    if "text/html" in texts:
        message.attach_alternative(texts["text/html"], "text/html")


def _leaves(part: Part) -> list[Part]:
    if not part.children:
        return [part]
    return [leaf for one in part.children for leaf in _leaves(one)]


def _file_name(leaf: Part) -> str:
    _, said = mime.parameters_of(leaf.headers.first("content-disposition"))
    name = said.get("filename") or leaf.parameters.get("name") or "file"
    return mime.words(name)


def _mailbox(value: str) -> str:
    """Address and name as one text; the name is read only where it stands apart."""
    name, address = parseaddr(value)
    return _formatted(mime.words(name), address)


def _formatted(name: str, address: str) -> str:
    checked = addresses.check(address)
    if not name:
        return checked
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{checked}>'


__all__: list[Any] = ["METADATA", "mark_in", "of_mail", "unsigned"]
