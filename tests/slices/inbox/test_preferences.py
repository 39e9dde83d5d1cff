"""How agents are told of new messages, and whether they are away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from regulars.inbox import preferences
from regulars.inbox.preferences import AgentPreferences
from regulars.kit import database
from regulars.workspaces.errors import InvalidError
from tests.cast import Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {
    "away": True,
    "sound": False,
    "browser": True,
    "only_mine": True,
    "email_after_minutes": 60,
}


def test_an_agent_who_never_chose_has_the_defaults(cast: Cast) -> None:
    found = preferences.load(cast.connection, cast.home.id, cast.bob.id)
    assert found == AgentPreferences()
    assert preferences.of_team(cast.connection, cast.home.id)[cast.bob.id] == found


def test_every_choice_can_be_made(cast: Cast) -> None:
    changed = preferences.change(cast.connection, cast.home.id, cast.bob.id, EVERYTHING, NOW)
    assert changed == AgentPreferences(**EVERYTHING)
    assert preferences.load(cast.connection, cast.home.id, cast.bob.id) == changed


def test_the_choices_that_are_not_given_stay(cast: Cast) -> None:
    preferences.change(cast.connection, cast.home.id, cast.bob.id, EVERYTHING, NOW)
    back = {"away": False, "email_after_minutes": None}
    changed = preferences.change(cast.connection, cast.home.id, cast.bob.id, back, NOW)
    assert changed == AgentPreferences(**{**EVERYTHING, **back})


def test_choices_are_the_agent_s_own_in_each_project(cast: Cast) -> None:
    preferences.change(cast.connection, cast.home.id, cast.bob.id, EVERYTHING, NOW)
    team = preferences.of_team(cast.connection, cast.home.id)
    assert team[cast.bob.id].away
    assert not team[cast.alice.id].away
    assert not preferences.load(cast.connection, cast.elsewhere.id, cast.bob.id).away


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agent_id", "x"),
        ("away", "yes"),
        ("sound", None),
        ("email_after_minutes", 0),
        ("email_after_minutes", 1441),
        ("email_after_minutes", "15"),
        ("email_after_minutes", True),
    ],
)
def test_one_unusable_choice_refuses_them_all_and_is_named(
    cast: Cast, name: str, value: Any
) -> None:
    given = {"browser": True, name: value}
    with pytest.raises(InvalidError) as refused:
        preferences.change(cast.connection, cast.home.id, cast.bob.id, given, NOW)
    assert refused.value.field == name
    assert preferences.load(cast.connection, cast.home.id, cast.bob.id) == AgentPreferences()


def test_a_coming_or_going_is_told_and_nothing_else(cast: Cast) -> None:
    cast.connection.execute("LISTEN regulars")
    with database.connect() as other:
        for given in ({"sound": False}, {"away": True}):
            preferences.change(other, cast.home.id, cast.bob.id, given, NOW)
        other.execute("SELECT pg_notify('regulars', %s)", (f"{cast.home.id}:end",))
    heard: list[str] = []
    for message in cast.connection.notifies(timeout=5):
        if message.payload.startswith(str(cast.home.id)):
            heard.append(message.payload.partition(":")[2])
        if heard[-1:] == ["end"]:
            break
    assert heard == ["team", "end"]


@pytest.mark.parametrize(
    ("message", "all_of_it", "only_mine"),
    [
        ({"assigned": True, "mentioned": False, "unassigned": False}, True, True),
        ({"assigned": False, "mentioned": True, "unassigned": False}, True, True),
        ({"assigned": False, "mentioned": False, "unassigned": True}, True, False),
        ({"assigned": False, "mentioned": False, "unassigned": False}, False, False),
    ],
)
def test_agents_are_told_of_what_is_theirs_or_nobody_s(
    message: dict[str, bool], all_of_it: bool, only_mine: bool
) -> None:
    assert AgentPreferences().concerned(**message) is all_of_it
    assert AgentPreferences(only_mine=True).concerned(**message) is only_mine
