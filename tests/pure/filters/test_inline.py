"""Segments of segments are written out; circles and explosions are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from regulars.filters.ast import Filter, Not, size
from regulars.filters.compile import compile_filters
from regulars.filters.errors import FilterError
from regulars.filters.facts import Facts
from regulars.filters.inline import MAX_INLINED, all_inlined, inlined
from regulars.filters.parse import parse

FIREFOX = parse({"field": "browser", "op": "is", "value": "Firefox"})
A, B, C, D = (UUID(int=n) for n in range(4))


def within(*segments: UUID, op: str = "is_in") -> Filter:
    return parse({"all": [{"segment": str(one), "op": op} for one in segments]})


def test_a_segment_becomes_its_filter_and_its_opposite_when_not_in() -> None:
    segments = {A: FIREFOX, B: within(A, op="is_not_in")}
    assert inlined(within(B), segments) == parse(
        {"all": [{"all": [{"not": {"field": "browser", "op": "is", "value": "Firefox"}}]}]}
    )
    assert all_inlined(segments)[B].parts == (Not(FIREFOX),)  # type: ignore[union-attr]


def test_those_used_come_before_those_that_use_them() -> None:
    segments = {C: within(B), B: within(A), A: FIREFOX}
    assert list(all_inlined(segments)) == [A, B, C]


def test_hand_picked_segments_stay_and_read_membership() -> None:
    found = inlined(within(A), {A: None})
    assert found == within(A)
    program = compile_filters([found], UTC)
    now = datetime(2024, 5, 15, tzinfo=UTC)
    assert program.evaluate(Facts(segments={A}), now)[0] == 1
    assert program.evaluate(Facts(segments={B}), now)[0] == 0


@pytest.mark.parametrize(
    "segments", [{A: within(A)}, {A: within(B), B: within(C), C: within(A)}], ids=["self", "three"]
)
def test_a_circle_is_refused(segments: dict[UUID, Filter]) -> None:
    with pytest.raises(FilterError, match="made from itself"):
        all_inlined(segments)
    with pytest.raises(FilterError, match="made from itself"):
        inlined(within(A), segments)


def test_a_segment_that_is_not_there_is_refused() -> None:
    with pytest.raises(FilterError, match="no segment"):
        inlined(within(D), {A: FIREFOX})


def test_the_same_segment_may_be_used_twice() -> None:
    assert size(inlined(within(A, A, B), {A: FIREFOX, B: within(A)})) == 3


def test_segments_that_double_and_double_are_refused_at_once() -> None:
    segments = {A: FIREFOX}
    for n in range(1, 60):
        segments[UUID(int=n)] = within(*[UUID(int=n - 1)] * 50)
    with pytest.raises(FilterError, match=f"{MAX_INLINED:,} conditions"):
        all_inlined(segments)


def test_long_chains_of_segments_compile_and_evaluate() -> None:
    segments = {A: FIREFOX}
    for n in range(1, 60):
        segments[UUID(int=n)] = parse(
            {"any": [{"not": {"segment": str(UUID(int=n - 1)), "op": "is_not_in"}}]}
        )
    person = Facts(browser="Firefox")
    person.refold()
    program = compile_filters(list(all_inlined(segments).values()), UTC)
    bits, _ = program.evaluate(person, datetime(2024, 5, 15, tzinfo=UTC))
    assert all(program.truths(bits))
