"""Somebody who signs as Amazon SNS does, under certificates of their own making."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from regulars.kit import clock
from regulars.mail.sns import Certificates

URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem"
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key for whoever is so called."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(
    name: str, maker: str, *, at: datetime, days: int = 10, signer: str = ""
) -> x509.Certificate:
    """What `maker` made out to `name`; or what `signer` did and says that `maker` had."""
    return (
        x509.CertificateBuilder()
        .subject_name(_called(name))
        .issuer_name(_called(maker))
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key(signer or maker), SHA256())
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def pem(*chain: x509.Certificate) -> bytes:
    """A file of certificates."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


@dataclass
class Amazon:
    """Signs, and serves its certificate; `asked` is what was fetched."""

    name: str = "sns.amazonaws.com"
    asked: list[str] = field(default_factory=list)

    def signed(self, said: dict[str, Any], version: str = "2") -> dict[str, Any]:
        fields = NOTIFICATION if said.get("Type") == "Notification" else CONFIRMATION
        text = "".join(f"{one}\n{said[one]}\n" for one in fields if said.get(one) is not None)
        how = SHA1() if version == "1" else SHA256()
        code = key(self.name).sign(text.encode(), padding.PKCS1v15(), how)
        return said | {
            "SignatureVersion": version,
            "Signature": base64.b64encode(code).decode(),
            "SigningCertURL": URL,
        }

    def certificates(self, fetch: Callable[[str], bytes] | None = None) -> Certificates:
        return Certificates(fetch or self.serve)

    def serve(self, url: str) -> bytes:
        self.asked.append(url)
        at = max(clock.now(), datetime(2026, 1, 1, tzinfo=UTC))
        return pem(
            certificate(self.name, "An authority", at=at),
            certificate("An authority", "An authority", at=at),
        )
