"""The project over REST: its settings, read and changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error


def test_a_key_tells_its_project(api: Api) -> None:
    project = api.get("/project").json()
    assert (project["id"], project["name"]) == (str(api.project_id), "Test project")
    assert project["write_key"] == api.site.write_key
    assert set(project) == {
        "id", "name", "company", "postal_address", "time_zone", "from_name", "from_email",
        "dedupe_hours", "honour_gpc", "enforce_identity", "track_mail", "mail_color", "mail_logo",
        "mail_logo_width", "write_key", "messenger", "created_at",
    }  # fmt: skip
    assert "secret" not in str(project)


def test_settings_that_are_given_change_and_the_others_stay(api: Api) -> None:
    before = api.get("/project").json()
    said = {
        "name": "Tideway",
        "company": "Tideway Lda",
        "postal_address": "Rua A\n1000 Lisboa",
        "time_zone": "Europe/Lisbon",
        "from_name": "Team",
        "from_email": "team@example.com",
        "dedupe_hours": 24,
        "honour_gpc": False,
    }
    changed = api.patch("/project", said)
    assert (changed.status_code, changed.json()) == (200, {**before, **said})
    assert api.patch("/project", {}).json() == {**before, **said}
    assert api.get("/project").json() == {**before, **said}


def test_a_change_of_settings_is_in_the_audit_log(api: Api) -> None:
    api.patch("/project", {"name": "Tideway"})
    (entry,) = api.site.connection.execute(
        "SELECT action, subject, agent_id, ip::text FROM audit_entry"
        " WHERE project_id = %s AND action = 'project.changed'",
        (api.project_id,),
    ).fetchall()
    assert entry == ("project.changed", "name", None, "127.0.0.1/32")


@pytest.mark.parametrize(
    "said",
    [
        {"name": ""},
        {"name": None},
        {"name": "x" * 101},
        {"name": "two\nlines"},
        {"time_zone": "Mars/Olympus"},
        {"from_email": "nobody"},
        {"dedupe_hours": 0},
        {"dedupe_hours": "72"},
        {"dedupe_hours": True},
        {"honour_gpc": "yes"},
        {"honour_gpc": 1},
        {"id": "x"},
        {"write_key": "wk_mine"},
        {"identity_secret": "x"},
        {"colour": "red"},
        {"messenger": None},
        {"messenger": "on"},
    ],
)
def test_a_setting_that_cannot_be_is_refused_whole_and_named(
    api: Api, said: dict[str, Any]
) -> None:
    (field,) = said
    before = api.get("/project").json()
    assert error(api.patch("/project", {"company": "New", **said})) == (400, "invalid", field)
    assert api.get("/project").json() == before


# The messenger's settings

TALKING = {
    "on": False,
    "color": "#1f6f54",
    "side": "left",
    "greeting": 'Hej {{ first_name | default: "du" }}',
    "intro": "What are you brewing?",
    "office_hours": [{"day": 0, "from": "09:00", "to": "24:00"}],
    "away_message": "Back soon.",
    "show_team": False,
    "ask_rating": False,
    "allow_files": False,
    "assignment": "round_robin",
    "email_after_minutes": None,
    "first_reply_target_minutes": 60,
    "inbound_address": "reply@example.com",
}


def test_the_messenger_is_set_with_the_project(api: Api) -> None:
    before = api.get("/project").json()["messenger"]
    assert set(before) == set(TALKING)
    assert before["office_hours"] is None
    changed = api.patch("/project", {"name": "Tideway", "messenger": TALKING}).json()
    assert (changed["name"], changed["messenger"]) == ("Tideway", TALKING)
    assert api.get("/project").json()["messenger"] == TALKING


def test_what_is_not_given_of_the_messenger_stays(api: Api) -> None:
    api.patch("/project", {"messenger": TALKING})
    changed = api.patch("/project", {"messenger": {"color": None, "email_after_minutes": 5}})
    assert changed.json()["messenger"] == {**TALKING, "color": None, "email_after_minutes": 5}
    assert api.patch("/project", {"messenger": {}}).json() == changed.json()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"on": None}, "messenger.on"),
        ({"colour": "red"}, "messenger.colour"),
        ({"color": "red"}, "messenger.color"),
        ({"side": "top"}, "messenger.side"),
        ({"greeting": "{{ nobody }}"}, "messenger.greeting"),
        ({"office_hours": "always"}, "messenger.office_hours"),
        ({"office_hours": [{"day": 7, "from": "1", "to": "2"}]}, "messenger.office_hours.0.day"),
        ({"office_hours": [{"day": 0, "from": "9", "to": "17:00"}]}, "messenger.office_hours"),
        ({"email_after_minutes": 0}, "messenger.email_after_minutes"),
        ({"inbound_address": "nobody"}, "messenger.inbound_address"),
    ],
)
def test_a_setting_of_the_messenger_that_cannot_be_refuses_everything(
    api: Api, said: dict[str, Any], field: str
) -> None:
    before = api.get("/project").json()
    given = {"name": "New", "messenger": {"intro": "New", **said}}
    assert error(api.patch("/project", given)) == (400, "invalid", field)
    assert api.get("/project").json() == before


def test_a_change_of_the_messenger_is_in_the_audit_log(api: Api) -> None:
    for _ in range(2):
        api.patch("/project", {"messenger": {"side": "left"}})
    entries = api.site.connection.execute(
        "SELECT subject, details FROM audit_entry"
        " WHERE project_id = %s AND action = 'messenger.changed'",
        (api.project_id,),
    ).fetchall()
    assert entries == [("side", {"side": ["right", "left"]})]
