"""What stands in the slots of compact rows is in the order of what it stands for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.filters.slots import (
    BEYOND_NUMBERS,
    DATES,
    SHORT_TEXTS,
    TEXTS,
    number_code,
    other_code,
    text_code,
)
from regulars.filters.times import read_iso

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.integers(-20, 20),
)

words = st.text("abz -_09", min_size=1, max_size=11)


@given(one=numbers, other=numbers)
def test_numbers_stand_in_their_order(one: float, other: float) -> None:
    assert (one < other) == (number_code(one) < number_code(other))
    assert (one == other) == (number_code(one) == number_code(other))


@given(number=numbers | st.integers())
def test_a_known_number_is_never_taken_for_something_else(number: float) -> None:
    assert number_code(number) != 0
    assert -(2**63) < number_code(number) < BEYOND_NUMBERS


def test_a_number_past_all_floats_is_the_greatest() -> None:
    assert number_code(10**400) > number_code(1.7e308)
    assert number_code(-(10**400)) < number_code(-1.7e308)


def test_zero_has_no_sign() -> None:
    assert number_code(-0.0) == number_code(0)


@given(one=st.datetimes(), other=st.datetimes())
def test_dates_stand_in_their_order_by_the_millisecond(one: datetime, other: datetime) -> None:
    first, second = text_code(one.isoformat("t")), text_code(other.isoformat("t"))
    assert DATES <= first < TEXTS
    if one <= other:
        assert first <= second
    moment = text_code(one.replace(tzinfo=UTC).isoformat("t"))
    assert moment == first + 1


@given(text=st.text(min_size=1))
def test_other_texts_stand_above_dates(text: str) -> None:
    assert DATES <= text_code(text) < 2**63
    assert (text_code(text) >= TEXTS) == (read_iso(text) is None)


@given(one=words, other=words)
def test_no_two_short_texts_share_a_number(one: str, other: str) -> None:
    codes = text_code(one), text_code(other)
    if min(codes) >= SHORT_TEXTS:
        assert (one == other) == (codes[0] == codes[1])


@pytest.mark.parametrize(
    ("text", "is_short"),
    [
        ("weekly box", True), ("zzzzzzzzzz", True), ("a", True), ("c4999", True),
        ("_________", True), ("z99999999", True), ("weekly boxes", False), ("köln", False),
        ("2026-12-24", False),
    ],
)  # fmt: skip
def test_short_plain_texts_are_known_by_their_number(text: str, is_short: bool) -> None:
    assert (text_code(text) >= SHORT_TEXTS) == is_short
    assert text_code(text) < 2**63


def test_what_is_no_number_and_no_text_stands_between_them() -> None:
    values: list[Any] = [False, True, ["a"], {}]
    others = [other_code(value) for value in values]
    assert all(BEYOND_NUMBERS <= code < DATES for code in others)
    assert len(set(others)) == 3
