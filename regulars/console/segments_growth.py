"""A segment's growth as the server draws it: members as a line, who entered and left as bars.

Beside the line of members (`charts`) it has bars of its own, in a box of 0 0 100 36; the words that
go with them are for those who don't see the charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from regulars.console.charts import WIDTH, area, height, marks, path, scale_of
from regulars.console.templatetags.console import number
from regulars.segments.queries import Day

HALF = 17.0  # of the bars' box, up or down
AXIS = 18.0  # where its bars stand
BAR, WIDEST = 0.64, 2.5  # of a day's room; and at most
FEWEST = 14  # days drawn, though the segment may be younger


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
    scale = scale_of([day.people for day in days])
    before = span - len(days)  # slots that stay empty
    pitch = WIDTH / (span - 1)
    points = [((before + n) * pitch, height(day.people, scale)) for n, day in enumerate(days)]
    if len(points) == 1:  # a line needs two ends
        points = [(WIDTH - pitch, points[0][1]), (WIDTH, points[0][1])]
    return Growth(
        line=path(points),
        area=area(points),
        bars=tuple(_bars(days, span)),
        top=scale[1],
        bottom=scale[0],
        axis=tuple(last.day - timedelta(days=span - 1 - n) for n in marks(span)),
        span=span,
        sentence=_members(days),
        moves=_moves(days),
        change=last.people - first.people,
        since=first.day,
        days=tuple(reversed(days)),
    )


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
