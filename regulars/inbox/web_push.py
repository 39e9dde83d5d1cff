"""Web Push: one message, encrypted for one browser and signed by this installation.

The message goes through the browser maker's push service, which can neither read it (RFC 8291, in
the coding of RFC 8188) nor take it from anybody else than us (VAPID, RFC 8292). Pure but for the
randomness of each message.
"""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MOST_PLAIN = 3_000  # bytes of a message; push services take 4,096 of what becomes of it
TOKEN_LASTS = timedelta(hours=12)  # RFC 8292 allows 24

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of its base point
_POINT_BYTES, _AUTH_BYTES, _SALT_BYTES = 65, 16, 16
_RECORD = 4096
_LAST_RECORD = b"\x02"


class PushKeyError(ValueError):
    """A browser's key is none."""


@dataclass(frozen=True, slots=True)
class BrowserKeys:
    """What a browser gives away so that it, and nothing else, can read: its key and a secret."""

    p256dh: bytes
    auth: bytes


def read_keys(p256dh: str, auth: str) -> BrowserKeys:
    """A browser's keys as it says them, in base64url. Raises PushKeyError."""
    try:
        keys = BrowserKeys(unb64(p256dh), unb64(auth))
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, keys.p256dh)
    except (ValueError, InvalidKey) as wrong:
        raise PushKeyError("This is not a browser's key.") from wrong
    if len(keys.p256dh) != _POINT_BYTES or len(keys.auth) != _AUTH_BYTES:
        raise PushKeyError("This is not a browser's key.")
    return keys


def encrypt(
    plain: bytes,
    keys: BrowserKeys,
    *,
    salt: bytes | None = None,
    own: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body to send. `salt` and `own`, a key for this message alone, are given by tests only.

    RFC 8291, section 3.4, and RFC 8188, section 2: one record, the last.
    """
    if len(plain) > MOST_PLAIN:
        raise ValueError(f"A message can have {MOST_PLAIN} bytes at most")
    salt = salt or os.urandom(_SALT_BYTES)
    own = own or ec.generate_private_key(_CURVE)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, keys.p256dh)
    public = _point(own.public_key())
    shared = own.exchange(ec.ECDH(), theirs)
    secret = _hkdf(keys.auth, shared, b"WebPush: info\0" + keys.p256dh + public, 32)
    key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD.to_bytes(4, "big") + len(public).to_bytes(1, "big") + public
    return head + AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)


@cache
def signing_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """The installation's key, made of its secret: with another secret, browsers subscribe anew."""
    seed = _hkdf(b"", secret.encode(), b"regulars web push signing key", 48)
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, _CURVE)


def public_key(secret: str) -> str:
    """What browsers subscribe with (`applicationServerKey`)."""
    return b64(_point(signing_key(secret).public_key()))


def authorization(endpoint: str, secret: str, contact: str, now: datetime) -> str:
    """The header by which the push service knows us; `contact` is a mailto: or https: address."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + TOKEN_LASTS).timestamp()),
        "sub": contact,
    }
    signed = ".".join(
        b64(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims)
    )
    der = signing_key(secret).sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"vapid t={signed}.{b64(signature)}, k={public_key(secret)}"


def topic_of(name: str) -> str:
    """A `Topic` header: a later message of the same one takes the place of one not delivered."""
    return b64(hmac.digest(b"topic", name.encode(), sha256))[:32]


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The same back. Raises ValueError."""
    raw = text.rstrip("=").encode("ascii")
    return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
