"""Chance that can be asked again: the same question has the same answer, on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

_WHOLE = 1 << 64


def chance(*parts: str) -> float:
    """A number from 0 up to but not 1, drawn by the parts."""
    said = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") / _WHOLE


def held_out(campaign: str, person: str, percent: int) -> bool:
    """Whether the person is among those who get nothing. Stays so as long as they are one."""
    return chance("holdout", campaign, person) * 100 < percent


def drawn(shares: Sequence[int], *parts: str) -> int:
    """Which of the shares, whatever they sum up to, the parts fall into."""
    reach = chance(*parts) * sum(shares)
    for n, share in enumerate(shares):
        reach -= share
        if reach < 0:
            return n
    return len(shares) - 1
