"""How two texts are compared everywhere: folded once, here, and never in SQL."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Unicode NFC of the stripped, case-folded text; compared by code point."""
    folded = text.strip().casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)
