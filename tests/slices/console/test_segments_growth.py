"""A segment's growth as it is drawn: true to its numbers, inside its box, and the same in words."""

import re
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from regulars.console.charts import HEIGHT, WIDTH
from regulars.console.segments_growth import AXIS, FEWEST, drawn
from regulars.segments.queries import Day

TODAY = date(2026, 3, 10)

numbers = st.integers(0, 10**9)
histories = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=90)


def days(*told: tuple[int, int, int]) -> list[Day]:
    """Days up to today: members, entered, left."""
    first = TODAY - timedelta(days=len(told) - 1)
    return [Day(first + timedelta(days=n), *day) for n, day in enumerate(told)]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path)]


@given(histories)
def test_everything_is_drawn_inside_its_box(told: list[tuple[int, int, int]]) -> None:
    growth = drawn(days(*told))
    for x, y in points(growth.line):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    for bar in growth.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y >= 0
        assert bar.y + bar.height <= 2 * AXIS


@given(histories)
def test_the_line_rises_where_members_do(told: list[tuple[int, int, int]]) -> None:
    line = points(drawn(days(*told)).line)
    for before, after, (_, y), (_, next_y) in zip(told, told[1:], line, line[1:], strict=False):
        if after[0] > before[0]:
            assert next_y <= y
        if after[0] == before[0]:
            assert next_y == y


@given(histories)
def test_the_scale_is_round_and_holds_every_day(told: list[tuple[int, int, int]]) -> None:
    growth = drawn(days(*told))
    members = [people for people, _, _ in told]
    assert 0 <= growth.bottom <= min(members)
    assert growth.top >= max(members)
    assert growth.top > growth.bottom


def test_a_young_segment_stands_at_the_end_of_its_chart() -> None:
    growth = drawn(days((5, 5, 0), (8, 4, 1)))
    assert growth.span == FEWEST
    assert points(growth.line)[-1][0] == WIDTH
    assert points(growth.line)[0][0] > WIDTH / 2


def test_a_day_on_which_nobody_moved_has_no_bar() -> None:
    kinds = [bar.kind for bar in drawn(days((3, 3, 0), (3, 0, 0), (2, 0, 1))).bars]
    assert kinds == ["", "b3"]


def test_the_charts_say_in_words_what_they_show() -> None:
    growth = drawn(days((1_200, 3, 0), (900, 10, 310), (1_000, 150, 50)))
    assert growth.sentence == (
        "Members over 3 days: from 1,200 to 1,000, lowest 900 on 9 March, highest 1,200 on 8 March"
    )
    assert growth.moves == "Over these days 163 entered and 360 left"
    assert growth.change == -200
