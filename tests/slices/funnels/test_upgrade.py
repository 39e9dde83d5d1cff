"""Whoever had people before there were funnels finds them counted."""

from __future__ import annotations

from tests.upgraded import said_by


def test_projects_with_people_get_their_funnel_and_everybody_is_counted(
    empty_database: str,
) -> None:
    said = said_by("tests.slices.funnels.before_funnels", empty_database)
    assert said["before"] is False
    assert said["pending"] == []
    assert [(one["title"], one["reached"]) for one in said["full"]] == [
        ("Signed up", 0), ("Active", 0),
    ]  # fmt: skip
    assert {one["total"] for one in said["full"]} == {60}
    assert {one["total"] for one in said["empty"]} == {None}
    assert {one["total"] for one in said["counted"]} == {None}
    reached = [one["reached"] for one in said["counted"]]
    users, _ = said["truth"]
    assert reached[0] == users > 0
    assert reached[1] == 60
