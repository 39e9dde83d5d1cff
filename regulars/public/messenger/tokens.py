"""Signed tokens of the messenger's HTTP doors: who may upload, and which file may be fetched.

A token names its purpose, project and end; it is signed with the installation's secret, so it can't
be made up, used for something else, or after its time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from regulars.kit import environment

SESSION_FOR = timedelta(hours=12)
FILE_FOR = timedelta(hours=24)
MAX_TOKEN = 600


class Ticket(msgspec.Struct, frozen=True):
    """What a token says: `subject` is a browser's key, or a file's id. `until` in unix seconds."""

    purpose: str
    project_id: UUID
    subject: UUID
    until: int


_decoder = msgspec.json.Decoder(Ticket)


def seal(purpose: str, project_id: UUID, subject: UUID, until: datetime) -> str:
    """A token, good until then."""
    said = msgspec.json.encode(Ticket(purpose, project_id, subject, int(until.timestamp())))
    return f"{_letters(said)}.{_letters(_sign(said))}"


def unseal(purpose: str, token: str, now: datetime) -> Ticket | None:
    """What a token of this purpose says; None for one that is forged, another's or too old."""
    if len(token) > MAX_TOKEN:
        return None
    said, _, signature = token.partition(".")
    try:
        raw, given = _bytes(said), _bytes(signature)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(_sign(raw), given):
        return None
    ticket = _decoder.decode(raw)
    if ticket.purpose != purpose or now >= datetime.fromtimestamp(ticket.until, UTC):
        return None
    return ticket


def _sign(said: bytes) -> bytes:
    key = environment.read().secret_key.encode()
    return hmac.digest(key, b"messenger\n" + said, sha256)


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
