"""A signed claim of identity: the product's server vouches for who its page says it is.

Either the HMAC-SHA256 of the user id in hex, or a JWT (RFC 7519) signed HS256 whose `user_id` or
`sub` is the user id and whose `exp`, where it has one, lies ahead. The key is the project's
identity secret. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

LEEWAY = 60  # seconds by which a server's clock may differ from ours


def proves(token: str, user_id: str, secret: str, now: datetime) -> bool:
    """Whether the token vouches for this user id. Never raises."""
    if not token or not secret or not token.isascii():
        return False
    if "." not in token:
        signed = hmac.new(secret.encode(), user_id.encode("utf-8", "replace"), sha256)
        return hmac.compare_digest(token.lower(), signed.hexdigest())
    payload = _payload_of(token, secret)
    if payload is None:
        return False
    named = payload.get("user_id", payload.get("sub"))
    expires = payload.get("exp")
    if expires is not None and not (
        isinstance(expires, (int, float)) and now.timestamp() < expires + LEEWAY
    ):
        return False
    return named is not None and str(named) == user_id


def _payload_of(token: str, secret: str) -> dict[str, Any] | None:
    """What the JWT says, if it is signed HS256 with the secret (never `none`, never a key's)."""
    head, _, signature = token.rpartition(".")
    header, _, payload = head.partition(".")
    try:
        said = _object.decode(_decoded(header))
        given = _decoded(signature)
        if said.get("alg") != "HS256":
            return None
        if not hmac.compare_digest(hmac.digest(secret.encode(), head.encode(), sha256), given):
            return None
        return _object.decode(_decoded(payload))
    except (binascii.Error, ValueError, RecursionError, msgspec.DecodeError):
        return None


def _decoded(part: str) -> bytes:
    """Base64url without its padding (RFC 7515, appendix C)."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


_object: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
