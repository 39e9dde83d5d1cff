"""Addresses and Message-IDs: which can be written to, and which of ours an answer comes back to.

An answer finds its thread by a token in the address that it is sent to,
`help+<token>@in.example.com`, or, where that was lost, by the same token in the Message-ID that it
refers to. The token is the conversation's id and a code made with the installation's secret over
project and conversation, in base32: 40 letters, the same in capitals, since mail systems fold the
case of what stands before the @. Nobody can make one, so knowing one is a right to say something
in that thread, and to nothing else.

Which project is meant is not in it (RFC 5321 allows 64 letters before the @): a reader names the
projects that it may be, those whose address the mail was sent to.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from uuid import UUID

from regulars.kit import environment

MOST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
MOST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
MOST_BEFORE_TOKEN = 23  # of an address that takes answers
MOST_TRIED = 100  # tokens of one mail

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_CODE = 9  # bytes of the code in a token: with the id's 16, base32 needs no filling
_MAIL_CODE = 4
_TOKEN = re.compile(r"(?<![a-z2-7])[a-z2-7]{40}(?![a-z2-7])")
_MAIL = re.compile(r"(?<![a-z2-7])[a-z2-7]{32}(?![a-z2-7])")


class BadAddressError(ValueError):
    """Text that is no address which we can write to."""


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation of a project."""

    project_id: UUID
    conversation_id: UUID


def check(text: str) -> str:
    """The address as SMTP wants it: ASCII, its domain encoded where it needs that (RFC 5890).

    Quoted and non-ASCII local parts are refused: too few servers take them. Raises
    BadAddressError.
    """
    local, at, domain = text.strip()[: 2 * MOST_ADDRESS].rpartition("@")
    if not at or len(local) > MOST_LOCAL or not _LOCAL.fullmatch(local):
        raise BadAddressError("That is not an email address.")
    address = f"{local}@{_host(domain)}"
    if len(address) > MOST_ADDRESS:
        raise BadAddressError("That email address is too long.")
    return address


def check_inbound(text: str) -> str:
    """The same for an address that answers come to: there is room for a token in it."""
    address = check(text)
    if len(address.rpartition("@")[0]) > MOST_BEFORE_TOKEN:
        raise BadAddressError(f"At most {MOST_BEFORE_TOKEN} letters can stand before the @.")
    return address


def domain_of(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2]


def reply_address(inbound: str, thread: Thread) -> str:
    """Where answers to the thread go. `inbound` is the project's own address for them.

    Raises BadAddressError.
    """
    local, _, domain = check_inbound(inbound).rpartition("@")
    return f"{local}+{token(thread)}@{domain}"


def token(thread: Thread) -> str:
    """What stands for the thread in addresses and Message-IDs."""
    raw = thread.conversation_id.bytes
    return _letters(raw + _sign(_key("thread"), thread.project_id.bytes + raw, _CODE))


def read_token(text: str, project_ids: Iterable[UUID]) -> Thread | None:
    """The thread of one of these projects that a token stands for; None where it was made up."""
    letters = text.lower()
    if not _TOKEN.fullmatch(letters):
        return None
    raw = b32decode(letters.upper())
    said, code = raw[:-_CODE], raw[-_CODE:]
    key = _key("thread")
    found = None
    # All are tried, so that the time tells nothing either.
    for project_id in project_ids:
        if hmac.compare_digest(code, _sign(key, project_id.bytes + said, _CODE)):
            found = Thread(project_id, UUID(bytes=said))
    return found


def find_thread(texts: Iterable[str], project_ids: Iterable[UUID]) -> Thread | None:
    """The thread that the first of these addresses or Message-IDs with a good token leads to."""
    projects = tuple(project_ids)
    tokens = (found for text in texts for found in _TOKEN.findall(text.lower()))
    for one in islice(tokens, MOST_TRIED):
        thread = read_token(one, projects)
        if thread is not None:
            return thread
    return None


def without_token(address: str) -> str:
    """The address that answers come to, without what was put in for the thread; in small letters.

    It is how a project's own address is recognised among a mail's recipients.
    """
    local, at, domain = address.strip().lower().rpartition("@")
    plain, plus, rest = local.rpartition("+")
    return f"{plain}{at}{domain}" if plus and _TOKEN.fullmatch(rest) else f"{local}{at}{domain}"


def message_id(mail_id: UUID, domain: str, thread: Thread | None = None) -> str:
    """The Message-ID of a mail, the same whenever it is asked for."""
    parts = [token(thread)] if thread else []
    return f"<{'.'.join([*parts, mark(mail_id)])}@{domain}>"


def mark(mail_id: UUID) -> str:
    """What our mails carry, so that one that comes back to us is known for ours."""
    return _letters(mail_id.bytes + _sign(_key("mail"), mail_id.bytes, _MAIL_CODE))


def is_ours(text: str) -> bool:
    """Whether a mark of ours is in the text: a Message-ID, or our header."""
    return any(True for _ in mails_in(text))


def mails_in(text: str) -> Iterator[UUID]:
    """The ids of our mails whose marks are in the text."""
    key = _key("mail")
    for found in islice(_MAIL.finditer(text.lower()), MOST_TRIED):
        raw = b32decode(found[0].upper())
        said, code = raw[:-_MAIL_CODE], raw[-_MAIL_CODE:]
        if hmac.compare_digest(code, _sign(key, said, _MAIL_CODE)):
            yield UUID(bytes=said)


@lru_cache(maxsize=2_000)
def _host(domain: str) -> str:
    try:
        host = domain.encode("idna").decode("ascii").lower() if domain else ""
    except UnicodeError:
        host = ""
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddressError("That is not an email address.")
    return host


def _letters(raw: bytes) -> str:
    return b32encode(raw).decode("ascii").lower()


def _sign(key: bytes, raw: bytes, length: int) -> bytes:
    return hmac.digest(key, raw, "sha256")[:length]


def _key(purpose: str) -> bytes:
    """A key for each purpose: what one of them signs is nothing to the other."""
    return _key_of(purpose, *environment.secret_is())


@lru_cache(maxsize=64)
def _key_of(purpose: str, *_secret_is: str | None) -> bytes:
    secret = environment.read().secret_key
    return _sign(secret.encode(), f"regulars mail: {purpose}".encode(), 32)
