"""Which kind of picture a file is, and how large, by its first bytes. Pure.

PNG: https://www.w3.org/TR/png-3/#11IHDR · GIF: GIF89a, 18 · JPEG: ITU-T T.81, B.2.2 ·
WebP: RFC 9649.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_PIXELS = 20_000  # a side; what says it is larger is not shown in place
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})
_MOST_SEGMENTS = 500


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that browsers show: its kind, and its size in pixels."""

    media_type: str
    width: int
    height: int


def read(content: bytes) -> Picture | None:
    """What it is; None for what is no picture of a known kind, or a broken one."""
    try:
        found = _png(content) or _gif(content) or _webp(content) or _jpeg(content)
    except (struct.error, IndexError):
        return None
    if found and 0 < found.width <= MOST_PIXELS and 0 < found.height <= MOST_PIXELS:
        return found
    return None


def _png(content: bytes) -> Picture | None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        return None
    return Picture("image/png", *struct.unpack(">II", content[16:24]))


def _gif(content: bytes) -> Picture | None:
    if content[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Picture("image/gif", *struct.unpack("<HH", content[6:10]))


def _webp(content: bytes) -> Picture | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(content[24:27], "little") + 1
        return Picture("image/webp", width, int.from_bytes(content[27:30], "little") + 1)
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return Picture("image/webp", width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg(content: bytes) -> Picture | None:
    if content[:3] != b"\xff\xd8\xff":
        return None
    place = 2
    for _ in range(_MOST_SEGMENTS):
        if content[place] != 0xFF:  # noqa: PLR2004 - every marker begins so
            return None
        marker = content[place + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            place += 1
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return Picture("image/jpeg", width, height)
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
    return None
