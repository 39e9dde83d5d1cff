"""A segment's growth as the server draws it: members as a line, who entered and left as bars.

Everything is a number in the charts' own boxes (0 0 100 40, and 0 0 100 36), which the page
stretches; the words that go with them are for those who don't see the charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, log10

from regulars.console.templatetags.console import number
from regulars.segments.queries import Day

WIDTH, HEIGHT = 100.0, 40.0
HALF = 17.0  # of the bars' box, up or down
AXIS = 18.0  # where its bars stand
BAR, WIDEST = 0.64, 2.5  # of a day's room; and at most
FEWEST = 14  # days drawn, though the segment may be younger
STEPS = 4  # that a scale has, at least
LIFTED = 0.6  # of the highest: where no day is below, the scale starts higher than zero
HEADROOM = 0.4  # of a step that stays free at the top, where the number of the scale stands
MARKS = 5  # dates under the chart


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar."""

    x: float
    y: float
    width: float
    height: float
    kind: str  # "" entered, "b3" left


@dataclass(frozen=True, slots=True)
class Growth:
    """The two charts, and the same in words."""

    line: str
    area: str
    bars: tuple[Bar, ...]
    top: int
    bottom: int
    axis: tuple[date, ...]
    span: int  # days that the charts are wide
    sentence: str
    moves: str
    change: int  # members now against the first day drawn
    since: date  # that day
    days: tuple[Day, ...]  # that are drawn, newest first


def drawn(days: Sequence[Day]) -> Growth:
    """Some days, oldest first and at least one: a young segment has but few."""
    span = max(FEWEST, len(days))
    first, last = days[0], days[-1]
    scale = _scale([day.people for day in days])
    before = span - len(days)  # slots that stay empty
    pitch = WIDTH / (span - 1)
    points = [((before + n) * pitch, _height(day.people, scale)) for n, day in enumerate(days)]
    if len(points) == 1:  # a line needs two ends
        points = [(WIDTH - pitch, points[0][1]), (WIDTH, points[0][1])]
    line = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return Growth(
        line=line,
        area=f"{line}L{WIDTH:.0f} {HEIGHT:.0f}L{points[0][0]:.2f} {HEIGHT:.0f}Z",
        bars=tuple(_bars(days, span)),
        top=scale[1],
        bottom=scale[0],
        axis=tuple(last.day - timedelta(days=back) for back in _marks(span)),
        span=span,
        sentence=_members(days),
        moves=_moves(days),
        change=last.people - first.people,
        since=first.day,
        days=tuple(reversed(days)),
    )


def _scale(values: Sequence[int]) -> tuple[int, int]:
    """The round numbers below and above; from zero on unless that would flatten the line."""
    lowest, highest = min(values), max(values)
    base = lowest if lowest > LIFTED * highest else 0
    step = _round_step(max(highest - base, 1))
    top = max(ceil((highest + HEADROOM * step) / step) * step, step)
    bottom = max(0, floor(base / step) * step - step) if base else 0
    return bottom, top


def _round_step(span: int) -> int:
    """1, 2 or 5 times a power of ten, so that a few of them make the span."""
    rough = span / STEPS
    power = 10 ** max(0, floor(log10(rough))) if rough >= 1 else 1
    return next((int(power * n) for n in (1, 2, 5, 10) if power * n >= rough), int(power * 10))


def _height(people: int, scale: tuple[int, int]) -> float:
    bottom, top = scale
    return HEIGHT - HEIGHT * (people - bottom) / (top - bottom)


def _marks(span: int) -> list[int]:
    """How many days back each date under the chart lies."""
    return [(span - 1) * (MARKS - 1 - n) // (MARKS - 1) for n in range(MARKS)]


def _bars(days: Sequence[Day], span: int) -> Iterable[Bar]:
    most = max((max(day.entered, day.left) for day in days), default=0)
    if not most:
        return
    pitch = WIDTH / span
    width = round(min(BAR * pitch, WIDEST), 2)
    for n, day in enumerate(days, start=span - len(days)):
        x = round(n * pitch + (pitch - width) / 2, 2)
        if day.entered:
            height = max(1.0, HALF * day.entered / most)
            yield Bar(x, round(AXIS - height, 2), width, round(height, 2), "")
        if day.left:
            yield Bar(x, AXIS + 1, width, round(max(1.0, HALF * day.left / most), 2), "b3")


def _members(shown: Sequence[Day]) -> str:
    now, first = shown[-1], shown[0]
    if len(shown) == 1:
        return f"Members: {number(now.people)} today, the first day"
    lowest = min(shown, key=lambda day: day.people)
    highest = max(shown, key=lambda day: day.people)
    return (
        f"Members over {len(shown)} days: from {number(first.people)} to {number(now.people)},"
        f" lowest {number(lowest.people)} on {_said(lowest.day)},"
        f" highest {number(highest.people)} on {_said(highest.day)}"
    )


def _moves(shown: Sequence[Day]) -> str:
    entered, left = sum(day.entered for day in shown), sum(day.left for day in shown)
    return f"Over these days {number(entered)} entered and {number(left)} left"


def _said(day: date) -> str:
    return f"{day.day} {day:%B}"
