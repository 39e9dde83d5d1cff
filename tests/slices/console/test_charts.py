"""Charts as the server draws them: inside their box, true to their numbers, and said in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from regulars.console import charts
from regulars.console.charts import HEIGHT, WIDTH, Series

counts = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path)]


@given(counts, st.booleans())
def test_a_line_stays_in_its_box_and_rises_with_its_numbers(
    values: list[int], lifted: bool
) -> None:
    labels = [str(n) for n in range(len(values))]
    chart = charts.lines([Series("a", values, area=True)], labels, "said", lifted=lifted)
    drawn = points(chart.lines[0].d)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    assert chart.bottom <= min(values) <= max(values) <= chart.top
    if len(values) > 1:
        for before, after, (_, y), (_, then) in zip(
            values, values[1:], drawn, drawn[1:], strict=False
        ):
            assert (after > before and then <= y) or (after <= before and then >= y)


@given(counts)
def test_a_count_is_drawn_from_zero(values: list[int]) -> None:
    assert charts.lines([Series("a", values)], [""] * len(values), "").bottom == 0


@given(counts)
def test_a_spark_fits_its_cell(values: list[int]) -> None:
    assert all(0 <= y <= HEIGHT for _, y in points(charts.spark(values)))


def test_a_bar_is_as_wide_as_its_share() -> None:
    assert charts.share(5, 20) == 25.0
    assert charts.share(0, 0) == 0.0


@pytest.mark.parametrize("part", ["chart", "chart_table"])
def test_what_is_drawn_is_said_and_escaped(part: str) -> None:
    series = [Series("<b>before</b>", [1, 2], "prev"), Series("<b>now</b>", [3, 1_400])]
    chart = charts.lines(series, ["1 May", "2 May"], 'rising to "1,400"')
    context: dict[str, Any] = {"chart": chart, "label": "<i>days</i>"}
    drawn = render_to_string(f"console/components/{part}.html", context)
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    if part == "chart":
        assert 'role="img" aria-label="rising to &quot;1,400&quot;"' in drawn
    else:
        assert drawn.index("2 May") < drawn.index("1 May")
        assert "1,400" in drawn
