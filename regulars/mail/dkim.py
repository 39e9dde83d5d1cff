"""Signs a finished mail as its sender's domain (DKIM: RFC 6376, Ed25519: RFC 8463).

Both header and body are canonicalised `relaxed`, which survives what servers do to mail on its
way. Each header that says who sends what to whom is signed once more than it stands there, so that
nobody can add another From, or another way to unsubscribe, to a mail that still verifies. A mail
is signed by every key its domain has here: RSA, which all understand, and Ed25519.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from regulars.kit import sealing

Connection = psycopg.Connection[Any]
Algorithm = Literal["rsa", "ed25519"]
PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

ALGORITHMS: tuple[Algorithm, ...] = ("rsa", "ed25519")
RSA_BITS = 2048
SEALED_FOR = "dkim"

# What is signed, and guarded against more of the same (RFC 6376, 5.4 and 8.15; RFC 8058, 4).
SIGNED = (
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to",
    "references", "mime-version", "content-type", "content-transfer-encoding", "list-id",
    "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip

_TAGS = {"rsa": "rsa-sha256", "ed25519": "ed25519-sha256"}
_FOLD_AT = 74
_END_OF_HEAD = b"\r\n\r\n"
_BARE_END = re.compile(rb"\r\n|\r|\n")
_BLANKS = re.compile(rb"[ \t]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r]*(?:\r\n[ \t][^\r]*)*)\r\n")

# The keys that a domain signs with now: of each kind the newest that is in use.
IN_USE = """
SELECT DISTINCT ON (d.name, k.algorithm) d.name, k.id, k.selector, k.algorithm, k.private
FROM dkim_key k JOIN mail_domain d ON d.project_id = k.project_id AND d.id = k.domain_id
WHERE k.project_id = %s AND d.name = ANY(%s) AND k.used_from IS NOT NULL AND k.retired_at IS NULL
ORDER BY d.name, k.algorithm, k.used_from DESC, k.id DESC
"""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key, and the selector under which its public half stands in the DNS."""

    selector: str
    algorithm: Algorithm
    private: PrivateKey

    def sign(self, digest_of: bytes) -> bytes:
        """The signature over the canonical headers."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest_of, padding.PKCS1v15(), hashes.SHA256())
        # RFC 8463, 3: Ed25519 signs the SHA-256 of them.
        return self.private.sign(sha256(digest_of).digest())


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs mail for one domain, with all of its keys."""

    domain: str
    keys: tuple[Key, ...]

    def sign(self, raw: bytes) -> bytes:
        """The message with a DKIM-Signature for each key before it. Lines end in CRLF after."""
        raw = _lines(raw)
        end = raw.find(_END_OF_HEAD)
        head, body = (raw, b"") if end < 0 else (raw[: end + 2], raw[end + 4 :])
        body_hash = b64encode(sha256(canonical_body(body)).digest()).decode()
        named, canonical = _signed(head)
        names = _folded_names(tuple(named))
        found = [self._signature(key, names, canonical, body_hash) for key in self.keys]
        return b"".join([*found, raw])

    def _signature(self, key: Key, names: str, canonical: bytes, body_hash: str) -> bytes:
        tags = (
            f"v=1; a={_TAGS[key.algorithm]}; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={key.selector}; {names};\r\n bh={body_hash};\r\n b="
        )
        signed = key.sign(canonical + b"dkim-signature:" + canonical_value(tags.encode("ascii")))
        text = b64encode(signed).decode()
        lines = [text[at : at + _FOLD_AT] for at in range(0, len(text), _FOLD_AT)]
        return (f"DKIM-Signature: {tags}" + "\r\n ".join(lines) + "\r\n").encode("ascii")


def signer_of(connection: Connection, project_id: UUID, from_address: str) -> Signer | None:
    """Who signs mail from this address: its domain, or the nearest above it that has keys here.

    None where the project has none. A key that the installation's secret does not open is left
    out, as if it were not there.
    """
    domains = and_above(from_address.rpartition("@")[2].lower())
    rows = connection.execute(IN_USE, (project_id, domains)).fetchall()
    for domain in domains:
        keys = tuple(_opened(project_id, row[1:]) for row in rows if row[0] == domain)
        usable = tuple(key for key in keys if key is not None)
        if usable:
            return Signer(domain, tuple(sorted(usable, key=lambda key: key.algorithm == "rsa")))
    return None


def make_key(algorithm: Algorithm) -> tuple[bytes, str]:
    """A new private key (PKCS #8, DER), and its public half as the DNS record holds it."""
    made: PrivateKey
    if algorithm == "rsa":
        made = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        made = ed25519.Ed25519PrivateKey.generate()
        public = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    private = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return private, b64encode(public).decode()


def record_of(algorithm: Algorithm, public: str) -> str:
    """What the TXT record of the key says."""
    return f"v=DKIM1; k={algorithm}; p={public}"


@lru_cache(maxsize=256)
def read_key(private: bytes) -> PrivateKey:
    """A private key that was made by `make_key`, and sealed: to check it anew takes long."""
    read = load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(read, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError("neither RSA nor Ed25519")
    return read


def canonical_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4: blanks at the ends of lines go, others become one, the last lines end."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ")
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2] if not body.endswith(b"\r\n" * 64) else body[:-126]
    if body == b"\r\n":
        return b""
    return body if not body or body.endswith(b"\r\n") else body + b"\r\n"


def canonical_value(value: bytes) -> bytes:
    """RFC 6376, 3.4.2: unfolded, runs of blanks as one, none at either end."""
    unfolded = value.replace(b"\r\n", b"")
    if b"  " in unfolded or b"\t" in unfolded:
        unfolded = _BLANKS.sub(b" ", unfolded)
    return unfolded.strip(b" ")


def _signed(head: bytes) -> tuple[list[str], bytes]:
    """The names for `h=`, and the headers as they are signed: of several the last one first."""
    fields: dict[str, list[bytes]] = {}
    for found in _FIELD.finditer(head):
        fields.setdefault(found[1].decode("ascii").lower(), []).append(found[2])
    named: list[str] = []
    lines: list[bytes] = []
    for name in SIGNED:
        values = fields.get(name, [])
        named.extend([name] * (len(values) + 1))
        start = name.encode() + b":"
        lines.extend(start + canonical_value(value) + b"\r\n" for value in reversed(values))
    return named, b"".join(lines)


@lru_cache(maxsize=256)
def _folded_names(named: tuple[str, ...]) -> str:
    lines = ["h="]
    for name in named:
        if len(lines[-1]) + len(name) + 1 > _FOLD_AT:
            lines.append(" ")
        lines[-1] += f"{name}:"
    return "\r\n".join(lines).rstrip(": ")


def _lines(raw: bytes) -> bytes:
    """The message with every line ended by CRLF, as a server sends it on."""
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") != ends:
        raw = _BARE_END.sub(b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def and_above(domain: str) -> list[str]:
    """The domain and those it is a part of, down to two labels: nobody owns `com`."""
    return list(_suffixes(domain.split(".")))


def _suffixes(labels: list[str]) -> Iterator[str]:
    for start in range(max(len(labels) - 1, 1)):
        yield ".".join(labels[start:])


def _opened(project_id: UUID, row: tuple[Any, ...]) -> Key | None:
    id_, selector, algorithm, private = row
    try:
        opened = sealing.unseal(SEALED_FOR, bytes(private), project_id.bytes + id_.bytes)
    except sealing.SealedError:
        return None
    return Key(selector, algorithm, read_key(opened))
