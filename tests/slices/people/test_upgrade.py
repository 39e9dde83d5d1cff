"""Whoever had people before rows kept what they ever did finds it there."""

from __future__ import annotations

import pytest

from tests.upgraded import said_by


@pytest.mark.parametrize("emptied", [False, True])
def test_everybody_gets_the_bits_of_what_they_did(empty_database: str, emptied: bool) -> None:
    said = said_by("tests.slices.people.before_deeds", empty_database, *["emptied"] * emptied)
    assert said["pending"] == []
    assert len(said["before"]) == 40
    assert said["after"] == said["before"]
    assert len(said["truth"]) > 2
    assert sorted(said["did"]) == sorted(said["truth"])
