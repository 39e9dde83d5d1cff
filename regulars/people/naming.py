"""What to call a person where they are listed."""

from __future__ import annotations

import zlib
from uuid import UUID

HUES = 8


def called(name: str | None, email: str | None, user_id: str | None, id_: UUID) -> str:
    """The name, else the email, else the user id, else “Visitor 7f3a” by the end of the id."""
    return name or email or user_id or f"Visitor {id_.hex[-4:]}"


def initials(name: str) -> str:
    """“AO” for Amara Okafor: first and last word, or two letters of an only one."""
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()[:2]  # ß makes two of itself


def hue(key: object) -> int:
    """One of the eight avatar hues, from 1, the same for the same key everywhere."""
    return zlib.crc32(str(key).encode("utf-8", "replace")) % HUES + 1
