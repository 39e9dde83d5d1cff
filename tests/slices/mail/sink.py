"""A real mail server on loopback, which keeps what it is given and says what it is told to say."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.running import free_port


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it came in."""

    sender: str
    to: list[str]
    raw: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=default)


@dataclass(slots=True)
class Sink:
    """What has come in, and what is answered: to the next recipients and mails, then yes."""

    port: int
    arrived: list[Arrived] = field(default_factory=list)
    to_recipients: deque[str] = field(default_factory=deque)
    to_mails: deque[str] = field(default_factory=deque)
    connections: int = 0
    users: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def ids(self) -> list[str]:
        """The Message-IDs that came in, in their order."""
        return [str(one.message["Message-ID"]) for one in self.arrived]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.to_recipients:
            answer = self.to_recipients.popleft()
            if not answer.startswith("250"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.to_mails.popleft() if self.to_mails else "250 OK"
        if answer.startswith("250"):
            content = envelope.original_content or b""
            sender = envelope.mail_from or ""
            arrived = Arrived(sender, list(envelope.rcpt_tos), content, session.ssl is not None)
            self.arrived.append(arrived)
        if answer == "250 and gone":
            server.transport.close()  # type: ignore[union-attr]
        return answer

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = name
        return answers

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any
    ) -> Any:
        """Everybody whose password is "right"."""
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def sink(port: int | None = None, **options: Any) -> Iterator[Sink]:
    """A server that runs while the block does; options are aiosmtpd's."""
    kept = Sink(port or free_port())
    if options.get("auth_required"):
        options["authenticator"] = kept.authenticate
    controller = Controller(
        kept, hostname="127.0.0.1", port=kept.port, data_size_limit=30_000_000, **options
    )
    controller.start()
    try:
        kept.connections = 0
        yield kept
    finally:
        controller.stop()


def encryption(folder: Path) -> ssl.SSLContext:
    """What a server needs to encrypt: a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
