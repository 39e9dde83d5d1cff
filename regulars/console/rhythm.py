"""The rhythm: 28 strokes, one a day, by which a regular is recognised before their name is read."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

DAYS = 28

_FLOOR = 17  # where every stroke stands, in the drawing's units; its height is 18
_EMPTY_DAY = "15v2"
# A seen day's stroke from its top to the floor, quietest quarter of the person's days first.
_HEIGHTS = ("9.5v7.5", "7v10", "4.5v12.5", "2v15")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Three SVG path descriptions in a box of 93 by 18, and the sentence that says the same."""

    off: str
    on: str
    today: str
    label: str


def aligned(counts: bytes, day: int, today: int) -> bytes:
    """28 counts ending at `today`, from those whose last one is of `day` (both are day numbers)."""
    passed = max(0, today - day)
    kept = counts[-DAYS:].rjust(DAYS, b"\0")[min(passed, DAYS) :]
    return kept.ljust(DAYS, b"\0")


def paths(counts: bytes, today_index: int = DAYS - 1) -> Rhythm:
    """Draws 28 daily counts; `counts[today_index]` is today, the next one, wrapping, the oldest.

    Heights are by quarters of the person's own days, so that the shape shows their habit and not
    how much they click. Raises ValueError when there are not 28 counts.
    """
    if len(counts) != DAYS:
        raise ValueError(f"a rhythm has {DAYS} days, not {len(counts)}")
    days = counts[today_index + 1 :] + counts[: today_index + 1]
    seen = sorted(count for count in days if count)
    strokes: dict[str, list[str]] = {"off": [], "on": [], "today": []}
    for index, count in enumerate(days):
        x = 1 + 3 * index + 3 * (index // 7)  # a gap of one stroke between weeks
        if not count:
            strokes["off"].append(f"M{x} {_EMPTY_DAY}")
        else:
            kind = "today" if index == DAYS - 1 else "on"
            strokes[kind].append(f"M{x} {_HEIGHTS[_quarter(count, seen)]}")
    return Rhythm(
        off="".join(strokes["off"]),
        on="".join(strokes["on"]),
        today="".join(strokes["today"]),
        label=f"Seen on {len(seen)} of the last {DAYS} days",
    )


def _quarter(count: int, seen: list[int]) -> int:
    """Which quarter of the sorted counts this one stands in, by the middle of its equals."""
    middle = (bisect_left(seen, count) + bisect_right(seen, count)) / 2
    return min(3, int(4 * middle / len(seen)))
