"""How a delivery proves that it is ours: `X-Regulars-Signature: t=<unix>,v1=<HMAC-SHA256>`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

HEADER = "X-Regulars-Signature"
PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of a webhook."""
    return PREFIX + secrets.token_urlsafe(32)


def signature(body: bytes, keys: Iterable[str], at: datetime) -> str:
    """The header for a body sent at an instant: an HMAC of “time.body” by each secret, in hex.

    There are two while a secret is being replaced: one that fits is enough.
    """
    stamp = str(int(at.timestamp()))
    signed = stamp.encode() + b"." + body
    made = (hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys)
    return ",".join([f"t={stamp}", *(f"v1={one}" for one in made)])
