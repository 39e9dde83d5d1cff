"""Columns of packs say of each person what the person's own value does."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regulars.filters.values import exact_number
from regulars.people.packed import forms
from regulars.people.packed.columns import Mask, Words, unpacked
from regulars.people.packed.foremost import Foremost, Some
from regulars.people.packed.forms import Packed

# Letters of one to four bytes; a pack has the same text many times.
texts = st.text(alphabet="abö€😀 %", min_size=1, max_size=6)
numbers = st.one_of(
    st.integers(-5, 5), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, -(2**53), 0.1, 1e300]),
)  # fmt: skip
wholes = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-3, 300)
values: st.SearchStrategy[Any] = st.one_of(texts, numbers, st.booleans(), st.just({}))
COMPARES: list[Callable[[Any, Any], Any]] = [operator.eq, operator.gt, operator.ge, operator.lt]


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | of, min_size=1, max_size=8)


@given(some(texts), texts)
def test_texts(column: list[str | None], part: str) -> None:
    packed = forms.words(column)
    if packed is None:
        assert column == [None] * len(column)
        return
    words = unpacked(packed, len(column))
    assert isinstance(words, Words)
    check(words.known(), column, lambda _: True)
    check(words.where(lambda text: text == part), column, lambda text: text == part)
    check(words.containing(part), column, lambda text: part in text)
    check(words.starting(part), column, lambda text: text.startswith(part))
    check(words.ending(part), column, lambda text: text.endswith(part))
    assert not words.compared(operator.eq, 0).any()
    assert not words.between(None, None).any()


@given(some(wholes), st.none() | wholes, st.none() | wholes, st.integers(0, 61))
def test_whole_numbers(
    column: list[int | None], first: int | None, beyond: int | None, bit: int
) -> None:
    known = np.array([value is not None for value in column])
    packed = forms.whole(np.array([value or 0 for value in column], np.int64), known)
    if packed is None:
        assert not known.any()
        return
    whole = unpacked(packed, len(column))
    check(whole.known(), column, lambda _: True)
    check(whole.having(bit), column, lambda value: bool(value >> bit & 1))
    check(
        whole.between(first, beyond),
        column,
        lambda value: (first is None or value >= first) and (beyond is None or value < beyond),
    )


@given(some(st.integers(-(2**53) + 1, 2**53 - 1)), numbers, st.sampled_from(COMPARES))
def test_whole_numbers_beside_others(
    column: list[int | None], wanted: Any, holds: Callable[[Any, Any], Any]
) -> None:
    known = np.array([value is not None for value in column])
    packed = forms.whole(np.array([value or 0 for value in column], np.int64), known)
    if packed is not None:
        compared = unpacked(packed, len(column)).compared(holds, exact_number(wanted))
        check(compared, column, lambda value: holds(value, exact_number(wanted)))


@given(some(numbers), numbers, st.sampled_from(COMPARES))
def test_numbers_that_floats_are_exactly(
    column: list[Any], wanted: Any, holds: Callable[[Any, Any], Any]
) -> None:
    packed = forms.floats(column)
    is_exact = all(value is None or -(2**53) < value < 2**53 for value in column)
    assert (packed is not None) == is_exact
    if packed is not None:
        floats = unpacked(packed, len(column))
        check(floats.known(), column, lambda _: True)
        compared = floats.compared(holds, exact_number(wanted))
        check(compared, column, lambda value: holds(value, exact_number(wanted)))
        assert not floats.where(lambda _: True).any()


@given(some(values), values, st.sampled_from(COMPARES))
def test_values_of_any_type(
    column: list[Any], wanted: Any, holds: Callable[[Any, Any], Any]
) -> None:
    packed = forms.mixed(column)
    if packed is None:
        return
    mixed = unpacked(packed, len(column))
    check(mixed.known(), column, lambda _: True)
    check(
        mixed.where(lambda value: type(value) is type(wanted) and value == wanted),
        column,
        lambda value: type(value) is type(wanted) and value == wanted,
    )
    number = exact_number(wanted)
    if number is None:
        return

    def fits(value: Any) -> bool:
        own = exact_number(value)
        return own is not None and bool(holds(own, number))

    check(mixed.compared(holds, number), column, fits)


@given(
    some(st.integers(0, 4)),
    st.booleans(),
    st.integers(1, 4),
    st.none() | st.integers(0, 4),
)
def test_the_first_of_an_order_are_among_those_left(
    column: list[int | None], descending: bool, most: int, start: int | None
) -> None:
    ids = np.array([bytes([65 + n]) * 16 for n in range(len(column))], "S16")
    known = np.array([value is not None for value in column])
    found = [
        Some(
            ids[n : n + 2], np.array([value or 0 for value in column[n : n + 2]]), known[n : n + 2]
        )
        for n in range(0, len(column), 2)
    ]
    left = {id_ for part in Foremost("x", descending, most, start).of(found) for id_ in part}
    sign = -1 if descending else 1
    behind = [
        (value is None, sign * (value or 0), id_)
        for value, id_ in zip(column, ids, strict=True)
        if start is None or value is None or sign * value >= sign * start
    ]
    at_start = [one for one in behind if start is not None and one[:2] == (False, sign * start)]
    first = [one for one in sorted(behind) if one not in at_start][:most]
    assert {id_ for _, _, id_ in (*at_start, *first)} <= left
    assert left <= {id_ for _, _, id_ in behind}


def check(found: Mask, column: list[Any], holds: Callable[[Any], bool]) -> None:
    assert found.tolist() == [value is not None and bool(holds(value)) for value in column]


def test_a_column_is_no_larger_than_its_numbers() -> None:
    known = np.ones(3, bool)
    sizes = [
        len(packed.codes) // 3
        for top in (254, 255, 65_534, 65_535, 2**32 - 2, 2**32 - 1)
        if (packed := forms.whole(np.array([0, 1, top]), known)) is not None
    ]
    assert sizes == [1, 2, 2, 4, 4, 8]
    assert forms.words(["a", None, "a"]) == Packed("words", bytes([1, 0, 1]), b"a")
