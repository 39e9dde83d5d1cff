"""A project's settings of the messenger and the inbox."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from regulars.inbox import settings
from regulars.inbox.hours import is_open, read
from regulars.inbox.settings import MessengerSettings
from regulars.kit import database as kit_database
from regulars.workspaces.actions import create_project
from regulars.workspaces.errors import InvalidError
from regulars.workspaces.keys import ProjectConfig

Database = psycopg.Connection[Any]

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = [{"day": day, "from": "09:00", "to": "17:00"} for day in range(5)]
EVERYTHING: dict[str, Any] = {
    "on": False,
    "color": "#1f6f54",
    "side": "left",
    "greeting": "Hej {{ first_name }}",
    "intro": "What are you brewing?",
    "office_hours": WEEK,
    "away_message": "Back soon.\nWrite to us.",
    "show_team": False,
    "ask_rating": False,
    "allow_files": False,
    "assignment": "round_robin",
    "email_after_minutes": 30,
    "first_reply_target_minutes": 60,
    "inbound_address": "hello@reply.example.com",
}


def test_a_project_that_changed_nothing_has_the_defaults(
    database: Database, project: ProjectConfig
) -> None:
    assert settings.load(database, project.id) == MessengerSettings()


def test_every_setting_can_be_changed(database: Database, project: ProjectConfig) -> None:
    changed = settings.change(database, project.id, EVERYTHING, NOW)
    assert settings.to_json(changed) == EVERYTHING
    assert settings.load(database, project.id) == changed
    assert is_open(changed.office_hours, ZoneInfo("UTC"), NOW)


def test_the_settings_that_are_not_given_stay(database: Database, project: ProjectConfig) -> None:
    settings.change(database, project.id, EVERYTHING, NOW)
    changed = settings.change(database, project.id, {"side": "right"}, NOW)
    assert settings.to_json(changed) == {**EVERYTHING, "side": "right"}


@pytest.mark.parametrize(
    "name", ["color", "office_hours", "email_after_minutes", "first_reply_target_minutes"]
)
def test_what_may_be_without_a_value_is_taken_back(
    database: Database, project: ProjectConfig, name: str
) -> None:
    settings.change(database, project.id, EVERYTHING, NOW)
    changed = settings.change(database, project.id, {name: None}, NOW)
    assert getattr(changed, name) is None


def test_no_hours_at_all_are_not_always_open(database: Database, project: ProjectConfig) -> None:
    assert settings.change(database, project.id, {"office_hours": []}, NOW).office_hours == ()
    assert settings.load(database, project.id).office_hours == ()


def test_projects_keep_apart(database: Database, project: ProjectConfig) -> None:
    other = create_project("Elsewhere", now=NOW).project_id
    settings.change(database, project.id, EVERYTHING, NOW)
    assert settings.load(database, other) == MessengerSettings()


def test_two_who_change_different_things_at_once_both_have_their_way(
    database: Database, project: ProjectConfig
) -> None:
    def change(given: dict[str, Any]) -> None:
        with kit_database.connect() as connection, connection.transaction():
            settings.change(connection, project.id, given, NOW)

    with ThreadPoolExecutor(4) as four:
        list(four.map(change, [{name: value} for name, value in EVERYTHING.items()]))
    assert settings.to_json(settings.load(database, project.id)) == EVERYTHING


def test_doors_hear_of_a_change_when_it_is_committed(
    database: Database, project: ProjectConfig
) -> None:
    database.execute("LISTEN regulars")
    with kit_database.connect() as connection, connection.transaction():
        settings.change(connection, project.id, {"on": False}, NOW)
    told = (message.payload for message in database.notifies(timeout=5))
    assert f"{project.id}:project" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "#ffffff"),
        ("id", "x"),
        ("on", "yes"),
        ("on", None),
        ("color", "red"),
        ("color", "#fff"),
        ("color", "#12345g"),
        ("color", "#123456; background: url(x)"),
        ("color", 5),
        ("side", "top"),
        ("side", None),
        ("greeting", ""),
        ("greeting", "x" * 201),
        ("greeting", "two\nlines"),
        ("greeting", "Hi {{ frist_name }}"),
        ("greeting", "Hi {{ first_name"),
        ("greeting", None),
        ("intro", "a\x00b"),
        ("away_message", "x" * 501),
        ("away_message", ["x"]),
        ("office_hours", "always"),
        ("office_hours", [{"day": 0, "from": "17:00", "to": "17:00"}]),
        ("office_hours", [*WEEK, *WEEK]),
        ("assignment", "random"),
        ("email_after_minutes", 0),
        ("email_after_minutes", True),
        ("email_after_minutes", "5"),
        ("email_after_minutes", 2.5),
        ("email_after_minutes", 10_081),
        ("first_reply_target_minutes", -1),
        ("inbound_address", "nobody"),
        ("inbound_address", "a@b"),
        ("inbound_address", "a@b.example\r\nBcc: x@y.example"),
        ("inbound_address", "Alice <a@b.example>"),
        ("inbound_address", "a@b.example, c@d.example"),
        ("inbound_address", None),
    ],
)
def test_one_unusable_setting_refuses_them_all_and_is_named(
    database: Database, project: ProjectConfig, name: str, value: Any
) -> None:
    with pytest.raises(InvalidError) as refused:
        settings.change(database, project.id, {"intro": "New", name: value}, NOW)
    assert refused.value.field == name
    assert settings.load(database, project.id) == MessengerSettings()


def test_what_changed_is_told_by_name(database: Database, project: ProjectConfig) -> None:
    before = settings.load(database, project.id)
    after = settings.change(
        database, project.id, {"side": "left", "on": True, "office_hours": WEEK}, NOW
    )
    assert settings.differences(before, after) == {
        "side": ["right", "left"],
        "office_hours": [None, WEEK],
    }


def test_the_defaults_are_themselves_valid(database: Database, project: ProjectConfig) -> None:
    said = settings.to_json(MessengerSettings())
    assert settings.change(database, project.id, said, NOW) == MessengerSettings()


def test_hours_are_kept_as_they_were_said(database: Database, project: ProjectConfig) -> None:
    late = [{"day": 6, "from": "22:00", "to": "02:00"}, {"day": 0, "from": "08:00", "to": "24:00"}]
    settings.change(database, project.id, {"office_hours": late}, NOW)
    assert settings.load(database, project.id).office_hours == read(late)
