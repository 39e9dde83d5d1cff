"""Identifiers: time-ordered UUIDs, and 128-bit hashes that serve as keys."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_B = (1 << 62) - 1
_VARIANTS = {digit: "89ab"[number & 3] for number, digit in enumerate("0123456789abcdef")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) made at the instant `at`: 48 bits of milliseconds, 74 random bits."""
    return ids_at(at, 1)[0]


def ids_at(at: datetime, count: int) -> list[UUID]:
    """`count` UUIDv7 of one instant, in ascending order.

    The 12 bits after the milliseconds hold the fraction of the millisecond, as RFC 9562's
    method 3 allows, so that ids of one process sort as they were made.
    """
    head = _head(at)
    randoms = sorted(
        int.from_bytes(chunk, "big") & _RANDOM_B for chunk in _chunks(os.urandom(8 * count))
    )
    return [UUID(int=head | random) for random in randoms]


def texts_at(at: datetime, count: int) -> list[str]:
    """The same as texts: events are given their ids by the thousand, and only to be written."""
    digits = f"{_head(at):032x}"
    head = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-"
    random = os.urandom(8 * count).hex()
    tails = sorted(
        [
            _VARIANTS[random[at]] + random[at + 1 : at + 4] + "-" + random[at + 4 : at + 16]
            for at in range(0, 16 * count, 16)
        ]
    )
    return [head + tail for tail in tails]


def _head(at: datetime) -> int:
    """All but the random bits."""
    millis, rest = divmod((at - _EPOCH) // _MICROSECOND, 1000)
    return ((millis & 0xFFFFFFFFFFFF) << 80) | _VERSION_7 | ((rest * 4096 // 1000) << 64) | _VARIANT


def first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of the instant's millisecond: a bound for ranges over ids."""
    millis = (at - _EPOCH) // _MICROSECOND // 1000
    return UUID(int=(millis & 0xFFFFFFFFFFFF) << 80 | _VERSION_7 | _VARIANT)


def instant_of(id_: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return _EPOCH + (id_.int >> 80) * 1000 * _MICROSECOND


def key_hash(*parts: str) -> UUID:
    """A 128-bit BLAKE2b hash of the parts, fit to be a primary key.

    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    return UUID(bytes=key_bytes(*parts))


def key_bytes(*parts: str) -> bytes:
    """The same hash as bytes: for ingest, where making a UUID of each costs more than hashing."""
    prefixed = b""
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        prefixed += len(raw).to_bytes(4, "big") + raw
    return blake2b(prefixed, digest_size=16).digest()


_MICROSECOND = datetime.resolution


def _chunks(raw: bytes) -> list[bytes]:
    return [raw[i : i + 8] for i in range(0, len(raw), 8)]
