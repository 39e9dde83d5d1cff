"""Charts as the server draws them: SVG in a box of 100 by 40 that the page stretches.

A chart is a frozen object that `console/components/chart.html` draws: lines over one scale, a
sentence for those who don't see it, and every number for the table behind it. `spark` is a line of
a table's row, `share` the width of a bar behind a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

WIDTH, HEIGHT = 100.0, 40.0
STEPS = 4  # that a scale has, at least
LIFTED = 0.6  # of the highest: where no value is below, the scale starts higher than zero
HEADROOM = 0.4  # of a step that stays free at the top, where the number of the scale stands
MARKS = 5  # words under a chart
SPARK_EDGE = 2.0  # of a spark's box that stays free above and below

Look = Literal["", "sky", "gold", "prev", "dim"]
LOOKS: tuple[Look, ...] = ("", "sky", "gold", "dim")  # of several lines, in their order
LEGENDS: dict[Look, str] = {"": "", "sky": "b2", "gold": "b3", "prev": "dim", "dim": "dim"}


@dataclass(frozen=True, slots=True)
class Series:
    """What one line shows: a value for each place on the chart, oldest first."""

    name: str
    values: Sequence[int]
    look: Look = ""
    area: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line as drawn."""

    name: str
    d: str
    area: str  # nothing where the ground below stays empty
    look: Look

    @property
    def legend(self) -> str:
        """The class of its swatch."""
        return LEGENDS[self.look]

    @property
    def classes(self) -> str:
        """What the path is called by the style sheet."""
        match self.look:
            case "prev":
                return "prev"
            case "dim":
                return "line prev"
            case "":
                return "line"
            case look:
                return f"line {look}"


@dataclass(frozen=True, slots=True)
class Row:
    """One place on the chart, in the table behind it."""

    label: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything `console/components/chart.html` and `chart_table.html` draw."""

    lines: tuple[Line, ...]
    top: int
    bottom: int
    axis: tuple[str, ...]
    sentence: str
    places: str  # what the table's first column is: "Day"
    names: tuple[str, ...]
    rows: tuple[Row, ...]  # newest first


def lines(
    series: Sequence[Series],
    labels: Sequence[str],
    sentence: str,
    *,
    places: str = "Day",
    axis: Sequence[str] | None = None,
    lifted: bool = False,
) -> Chart:
    """Lines over one scale. `labels` name the places, `axis` the words under it (else some labels).

    The last line of `series` is drawn on top. `lifted` lets the scale start above zero where that
    would flatten the lines: for levels, never for counts.
    """
    every = [value for one in series for value in one.values] or [0]
    scale = scale_of(every, lifted=lifted)
    drawn = tuple(_line(one, scale) for one in series)
    rows = tuple(
        Row(label, tuple(one.values[n] for one in series)) for n, label in enumerate(labels)
    )
    return Chart(
        lines=drawn,
        top=scale[1],
        bottom=scale[0],
        axis=tuple(axis) if axis is not None else tuple(labels[n] for n in marks(len(labels))),
        sentence=sentence,
        places=places,
        names=tuple(one.name for one in series),
        rows=rows[::-1],
    )


def _line(series: Series, scale: tuple[int, int]) -> Line:
    points = [
        (x, height(value, scale))
        for x, value in zip(abscissas(len(series.values)), series.values, strict=True)
    ]
    return Line(
        name=series.name,
        d=path(points),
        area=area(points) if series.area else "",
        look=series.look,
    )


def abscissas(count: int) -> list[float]:
    """Where `count` places stand from left to right."""
    if count == 1:
        return [WIDTH]
    return [WIDTH * n / (count - 1) for n in range(count)]


def path(points: Sequence[tuple[float, float]]) -> str:
    """A line through the points; one point alone is a line across the box, at its height."""
    if not points:
        return ""
    if len(points) == 1:
        points = [(0.0, points[0][1]), points[0]]
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def area(points: Sequence[tuple[float, float]]) -> str:
    """The ground below the line."""
    if not points:
        return ""
    left = points[0][0] if len(points) > 1 else 0.0
    return f"{path(points)}L{WIDTH:.0f} {HEIGHT:.0f}L{left:.2f} {HEIGHT:.0f}Z"


def height(value: float, scale: tuple[int, int]) -> float:
    """Where a value stands in the box, from above."""
    bottom, top = scale
    return HEIGHT - HEIGHT * (value - bottom) / (top - bottom)


def scale_of(values: Sequence[int], *, lifted: bool = True) -> tuple[int, int]:
    """The round numbers below and above."""
    lowest, highest = min(values), max(values)
    base = lowest if lifted and lowest > LIFTED * highest else 0
    step = round_step(max(highest - base, 1))
    top = max(ceil((highest + HEADROOM * step) / step) * step, step)
    bottom = max(0, floor(base / step) * step - step) if base else 0
    return bottom, top


def round_step(span: int) -> int:
    """1, 2 or 5 times a power of ten, so that a few of them make the span."""
    rough = span / STEPS
    power = 10 ** max(0, floor(log10(rough))) if rough >= 1 else 1
    return next((int(power * n) for n in (1, 2, 5, 10) if power * n >= rough), int(power * 10))


def marks(count: int) -> list[int]:
    """Which of `count` places are named under the chart."""
    if count <= MARKS:
        return list(range(count))
    return [(count - 1) * n // (MARKS - 1) for n in range(MARKS)]


def spark(values: Sequence[int]) -> str:
    """A small line over its own range, for a table's row; nothing where there is but one value."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    lowest, highest = min(values), max(values)
    span, room = max(highest - lowest, 1), HEIGHT - 2 * SPARK_EDGE
    return path(
        [
            (x, HEIGHT - SPARK_EDGE - room * (value - lowest) / span)
            for x, value in zip(abscissas(len(values)), values, strict=True)
        ]
    )


def share(value: float, most: float) -> float:
    """How wide a bar of `value` is where `most` fills the cell."""
    return round(WIDTH * min(value, most) / most, 1) if most > 0 else 0.0
