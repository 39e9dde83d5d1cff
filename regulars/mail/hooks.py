"""Mail services that tell what became of mail: their doors, and how each proves that it is it.

A service either signs what it says (its key is pasted in by an agent) or sends a password that we
made (HTTP Basic, as part of the address that the agent gives it). Amazon does both. Secrets are
sealed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from regulars.kit import sealing
from regulars.kit.ids import new_id
from regulars.mail import sns

Connection = psycopg.Connection[Any]

PREFIX = "/hooks/service/"
USER = "regulars"
MOST_SECRET = 2_000

_SEALED_FOR = "mail service"
_PEM_LINES = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")

ALL = "SELECT service, created_at, told_at FROM mail_hook WHERE project_id = %s ORDER BY service"
FIND = "SELECT id, secret FROM mail_hook WHERE project_id = %s AND service = %s"
KEEP = """
INSERT INTO mail_hook (project_id, id, service, secret, created_at)
VALUES (%(project)s, %(id)s, %(service)s, %(secret)s, %(now)s)
"""
REMOVE = "DELETE FROM mail_hook WHERE project_id = %s AND service = %s"
TOLD = "UPDATE mail_hook SET told_at = %s WHERE project_id = %s AND service = %s"


class SecretError(ValueError):
    """What an agent gave is no key of that service."""


@dataclass(frozen=True, slots=True)
class Call:
    """What came in at a service's door. Header names are in small letters."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Service:
    """A mail service. `proves` says whether a call is its own; `key` is what agents paste, if any.

    `check_key` raises SecretError; `proves` raises sns.UnavailableError where it can't tell now.
    """

    name: str
    label: str
    proves: Callable[[str, Call], bool]
    key: str = ""
    check_key: Callable[[str], str] = str.strip


@dataclass(frozen=True, slots=True)
class Hook:
    """A service that is set up, and when it last told something."""

    service: str
    created_at: datetime
    told_at: datetime | None


def all_of(connection: Connection, project_id: UUID) -> list[Hook]:
    """The services that a project hears of."""
    return [Hook(*row) for row in connection.execute(ALL, (project_id,))]


def secret_of(connection: Connection, project_id: UUID, service: str) -> str | None:
    """The service's secret; None where it is not set up, or can't be read any more."""
    row = connection.execute(FIND, (project_id, service)).fetchone()
    if row is None:
        return None
    try:
        bound_to = project_id.bytes + row[0].bytes
        return sealing.unseal(_SEALED_FOR, bytes(row[1]), bound_to).decode()
    except sealing.SealedError:
        return None


def set_up(connection: Connection, project_id: UUID, service: str, key: str, now: datetime) -> str:
    """Hear of the service from now on, by its key or by a password made here; the secret.

    Raises SecretError.
    """
    about = SERVICES[service]
    secret = about.check_key(key) if about.key else secrets.token_urlsafe(24)
    if not secret or len(secret) > MOST_SECRET:
        raise SecretError(f"Paste the {about.key}.")
    id_ = new_id(now)
    sealed = sealing.seal(_SEALED_FOR, secret.encode(), project_id.bytes + id_.bytes)
    connection.execute(REMOVE, (project_id, service))
    named = {"project": project_id, "id": id_, "service": service, "secret": sealed, "now": now}
    connection.execute(KEEP, named)
    return secret


def remove(connection: Connection, project_id: UUID, service: str) -> bool:
    """Hear of it no more; whether it was set up."""
    return bool(connection.execute(REMOVE, (project_id, service)).rowcount)


def note_told(connection: Connection, project_id: UUID, service: str, now: datetime) -> None:
    """It told something that was its own."""
    connection.execute(TOLD, (now, project_id, service))


def path_of(project_id: UUID, service: str) -> str:
    """Where the service tells it."""
    return f"{PREFIX}{service}/{project_id}"


def place_of(path: str) -> tuple[str, UUID] | None:
    """The service and the project whose door the path is."""
    service, _, project = path.removeprefix(PREFIX).partition("/")
    if service not in SERVICES:
        return None
    try:
        return service, UUID(project)
    except ValueError:
        return None


def _by_password(secret: str, call: Call) -> bool:
    given = call.headers.get("authorization", "")
    kind, _, said = given.partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(said.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(decoded, f"{USER}:{secret}".encode())


def _by_amazon(secret: str, call: Call) -> bool:
    """The password, and then Amazon's own signature: nobody else has certificates looked up."""
    return _by_password(secret, call) and sns.is_amazons(call.body)


def _by_mailgun(secret: str, call: Call) -> bool:
    try:
        signature = msgspec.json.decode(call.body, type=_Signed).signature
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    said = f"{signature.timestamp}{signature.token}".encode()
    expected = hmac.digest(secret.encode(), said, "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature.signature.encode())


class _Signature(msgspec.Struct):
    timestamp: str
    token: str
    signature: str


class _Signed(msgspec.Struct):
    signature: _Signature


def _by_sendgrid(secret: str, call: Call) -> bool:
    signed = call.headers.get("x-twilio-email-event-webhook-signature", "")
    at = call.headers.get("x-twilio-email-event-webhook-timestamp", "")
    try:
        key = load_der_public_key(base64.b64decode(secret))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        said = at.encode() + call.body
        key.verify(base64.b64decode(signed, validate=True), said, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _by_resend(secret: str, call: Call) -> bool:
    """Standard Webhooks: HMAC over id, time and body; one of several signatures must be right."""
    said_id, at = call.headers.get("svix-id", ""), call.headers.get("svix-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except (binascii.Error, ValueError):
        return False
    said = f"{said_id}.{at}.".encode() + call.body
    expected = b"v1," + base64.b64encode(hmac.digest(key, said, "sha256"))
    given = call.headers.get("svix-signature", "").encode().split()[:20]
    # All are compared, so that the time tells nothing.
    return bool(said_id) and any([hmac.compare_digest(expected, one) for one in given])  # noqa: C419


def _check_sendgrid(text: str) -> str:
    for line in _PEM_LINES:
        text = text.replace(line, "")
    key = "".join(text.split())
    try:
        load_der_public_key(base64.b64decode(key, validate=True))
    except (ValueError, binascii.Error) as wrong:
        raise SecretError("That is not SendGrid’s verification key.") from wrong
    return key


def _check_resend(text: str) -> str:
    key = text.strip()
    try:
        if not key.startswith("whsec_") or not base64.b64decode(key[6:], validate=True):
            raise SecretError("Resend’s signing secret begins with whsec_.")
    except binascii.Error as wrong:
        raise SecretError("Resend’s signing secret begins with whsec_.") from wrong
    return key


SERVICES: dict[str, Service] = {
    one.name: one
    for one in (
        Service("ses", "Amazon SES", _by_amazon),
        Service("brevo", "Brevo", _by_password),
        Service("mailgun", "Mailgun", _by_mailgun, key="HTTP webhook signing key"),
        Service("mailjet", "Mailjet", _by_password),
        Service("postmark", "Postmark", _by_password),
        Service(
            "resend", "Resend", _by_resend, key="signing secret", check_key=_check_resend
        ),
        Service(
            "sendgrid", "SendGrid", _by_sendgrid, key="verification key", check_key=_check_sendgrid
        ),
        Service("sparkpost", "SparkPost", _by_password),
    )
}  # fmt: skip
