"""The interval around a difference of two shares."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regulars.funnels.lift import Share, enough, lift, wilson

shares = st.integers(1, 5_000).flatmap(
    lambda people: st.builds(Share, st.just(people), st.integers(0, people))
)


# From Newcombe's own table (1998, table II, method 10).
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (Share(70, 56), Share(80, 48), 0.0524, 0.3339),
        (Share(10, 9), Share(10, 3), 0.1705, 0.8090),
        (Share(10, 10), Share(10, 0), 0.6075, 1.0),
    ],
)
def test_it_is_newcombes(one: Share, other: Share, low: float, high: float) -> None:
    found = lift(one, other)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_against_nobody_there_is_none() -> None:
    assert lift(Share(0, 0), Share(5, 1)) is None
    assert wilson(Share(0, 0)) == (0.0, 1.0)
    assert not enough(Share(29, 3), Share(3_000, 9))


@given(one=shares, other=shares)
@example(one=Share(1, 0), other=Share(307, 307))  # rounding would lead below -1
def test_the_difference_is_inside_and_the_other_way_round_it_is_mirrored(
    one: Share, other: Share
) -> None:
    found, back = lift(one, other), lift(other, one)
    assert found is not None
    assert back is not None
    assert -1 <= found.low <= found.points <= found.high <= 1
    assert found.low == pytest.approx(-back.high)
