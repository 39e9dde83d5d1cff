"""The rhythm says with strokes what its sentence says with words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.console.rhythm import DAYS, Rhythm, aligned, paths

counts = st.binary(min_size=DAYS, max_size=DAYS)


def strokes(*drawn: str) -> list[int]:
    """Where the strokes of some paths stand, from left to right."""
    return sorted(int(x) for path in drawn for x in re.findall(r"M(\d+) ", path))


def test_somebody_never_seen_has_28_empty_days() -> None:
    drawn = paths(bytes(DAYS))
    assert (drawn.on, drawn.today) == ("", "")
    assert len(strokes(drawn.off)) == DAYS
    assert drawn.label == "Seen on 0 of the last 28 days"


def test_weeks_stand_apart_and_the_last_day_is_at_the_edge() -> None:
    places = strokes(paths(bytes(DAYS)).off)
    assert places[:8] == [1, 4, 7, 10, 13, 16, 19, 25]
    assert places[-1] == 91


def test_being_here_today_is_a_stroke_of_its_own() -> None:
    assert paths(bytes(27) + b"\x01").today == "M91 4.5v12.5"


def test_busier_days_stand_taller() -> None:
    drawn = paths(bytes(23) + bytes([1, 2, 3, 4, 0]))
    assert drawn.on == "M79 9.5v7.5M82 7v10M85 4.5v12.5M88 2v15"


def test_a_ring_is_read_from_the_day_after_today() -> None:
    ring = bytes([9]) + bytes(26) + bytes([5])
    assert paths(ring, today_index=0).today.startswith("M91 ")
    assert strokes(paths(ring, today_index=0).on) == [88]


def test_counts_that_ended_days_ago_move_left() -> None:
    stored = bytes(27) + b"\x03"
    assert aligned(stored, day=100, today=100) == stored
    assert aligned(stored, day=100, today=102) == bytes(25) + b"\x03" + bytes(2)
    assert aligned(stored, day=100, today=128) == bytes(DAYS)


def test_a_rhythm_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="28 days, not 3"):
        paths(b"abc")


@given(counts, st.integers(0, DAYS - 1))
def test_every_day_is_drawn_once_and_counted_right(days: bytes, today_index: int) -> None:
    drawn: Rhythm = paths(days, today_index)
    assert len(set(strokes(drawn.off, drawn.on, drawn.today))) == DAYS
    seen = DAYS - len(strokes(drawn.off))
    assert drawn.label == f"Seen on {seen} of the last 28 days"
    assert seen == sum(1 for count in days if count)


@given(counts, st.integers(0, 20_000), st.integers(0, 40))
def test_aligned_counts_are_always_28(days: bytes, day: int, passed: int) -> None:
    moved = aligned(days, day, day + passed)
    assert len(moved) == DAYS
    assert moved.rstrip(b"\0") in days + b"\0"
