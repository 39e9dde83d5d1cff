"""Secrets that are kept: sealed with the installation's secret key, so that a copy of the database
alone does not tell them.

AES-256-GCM under a key that HKDF makes for each purpose. What is sealed for one place (`bound_to`)
opens in no other: a row that was copied elsewhere says nothing.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from regulars.kit import environment

_NONCE = 12  # bytes


class SealedError(ValueError):
    """It was not sealed here, or the installation's secret key is another one now."""


def seal(purpose: str, secret: bytes, bound_to: bytes) -> bytes:
    """The secret, unreadable to whoever lacks the installation's secret key."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(purpose).encrypt(nonce, secret, bound_to)


def unseal(purpose: str, sealed: bytes, bound_to: bytes) -> bytes:
    """The secret again. Raises SealedError."""
    try:
        return _cipher(purpose).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except (InvalidTag, ValueError) as wrong:
        raise SealedError("The installation's secret key does not open it.") from wrong


def _cipher(purpose: str) -> AESGCM:
    secret = environment.read().secret_key.encode()
    derive = HKDF(SHA256(), length=32, salt=None, info=f"regulars sealed: {purpose}".encode())
    return AESGCM(derive.derive(secret))
