"""The first steps: who was seen last, and whether they are still there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regulars.kit import clock
from tests.cast import Cast
from tests.slices.people.crowd import add
from tests.slices.tracking.site import Site


@pytest.mark.parametrize(
    ("minutes", "said", "not_said"),
    [
        (1, "Somebody is here", "Somebody was here"),
        (35, "Somebody was here", "Somebody is here"),
    ],
)
def test_it_says_whether_they_are_still_here(
    cast: Cast, minutes: int, said: str, not_said: str
) -> None:
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    add(
        site,
        "visitor",
        last_seen=clock.now() - timedelta(minutes=minutes),
        referrer="https://search.example/",
        utm_source="newsletter",
    )
    page = cast.alice.client.get(cast.home.url("welcome/")).content.decode()
    assert said in page
    assert not_said not in page
    assert "newsletter" in page
    assert "search.example" not in page
