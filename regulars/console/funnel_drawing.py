"""The funnel's picture, drawn by the server: columns, and the flow between them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 1000.0, 200.0
COLUMN = 120.0
_SHADES = ("", "b2", "b3")
MOST_SHADES = len(_SHADES)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column, in SVG's own numbers."""

    shade: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The columns, and the paths between them."""

    bars: tuple[Bar, ...]
    flows: tuple[str, ...]


def picture(columns: Sequence[Sequence[int]]) -> Picture:
    """Columns of parts, lowest first, the first column as high as the picture."""
    top = sum(columns[0]) if columns and sum(columns[0]) else 1
    gap = (WIDTH - COLUMN * len(columns)) / max(1, len(columns) - 1)
    bars: list[Bar] = []
    heights = []
    for n, parts in enumerate(columns):
        x, base = n * (COLUMN + gap), HEIGHT
        for shade, count in enumerate(parts):
            height = HEIGHT * count / top
            base -= height
            bars.append(_bar(shade, x, base, COLUMN, height))
        heights.append((x, base))
    flows = tuple(
        f"M{x + COLUMN:.1f} {y:.1f}L{next_x:.1f} {next_y:.1f}V{HEIGHT:.0f}H{x + COLUMN:.1f}Z"
        for (x, y), (next_x, next_y) in pairwise(heights)
    )
    return Picture(tuple(bars), flows)


def lying(parts: Sequence[int], whole: int) -> list[Bar]:
    """A column lying down: its parts from the left, of `whole` in all."""
    bars, x = [], 0.0
    for shade, count in enumerate(parts):
        width = WIDTH * count / (whole or 1)
        bars.append(_bar(shade, x, 0, width, 10))
        x += width
    return bars


def _bar(shade: int, x: float, y: float, width: float, height: float) -> Bar:
    numbers = (f"{one:.1f}" for one in (x, y, width, height))
    return Bar(_SHADES[shade % MOST_SHADES], *numbers)
