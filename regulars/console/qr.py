"""A QR code as one SVG path, so that a page can draw it without inline style or data addresses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import qrcode  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The path of the dark modules, and the side of their square with its quiet zone."""

    path: str
    side: int


def drawing(text: str) -> Drawing:
    """The QR code of a text."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    parts = []
    for y, row in enumerate(rows):
        for is_dark, run in groupby(enumerate(row), key=lambda module: module[1]):
            xs = [x for x, _ in run]
            if is_dark:
                parts.append(f"M{xs[0]} {y}h{len(xs)}v1h-{len(xs)}z")
    return Drawing("".join(parts), len(rows))
