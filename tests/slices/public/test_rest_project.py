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
        "dedupe_hours", "honour_gpc", "enforce_identity", "write_key", "created_at",
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
    ],
)
def test_a_setting_that_cannot_be_is_refused_whole_and_named(
    api: Api, said: dict[str, Any]
) -> None:
    (field,) = said
    before = api.get("/project").json()
    assert error(api.patch("/project", {"company": "New", **said})) == (400, "invalid", field)
    assert api.get("/project").json() == before
