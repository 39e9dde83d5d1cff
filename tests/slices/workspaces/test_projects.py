"""Projects and the agents in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from regulars.kit import clock
from regulars.workspaces import actions, queries
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.keys import load_project
from regulars.workspaces.models import Agent, AuditEntry, Project
from tests.cast import PASSWORD, Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_new_project_has_both_kinds_of_keys_and_an_identity_secret(cast: Cast) -> None:
    made = actions.create_project("Wholesale", now=NOW)
    config = load_project(cast.connection, made.project_id)
    assert config is not None
    assert config.write_keys == (made.write_key,)
    assert made.secret_key.startswith("sk_")
    assert len(config.identity_secret) == 64


def test_slices_above_take_part_in_making_a_project(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        "regulars.workspaces.projects.after_project_created",
        [
            lambda core, project_id, now: seen.append(
                (project_id, now, core.info.transaction_status)
            )
        ],
    )
    made = actions.create_project("Wholesale", now=NOW)
    assert seen == [(made.project_id, NOW, psycopg.pq.TransactionStatus.INTRANS)]


def test_a_project_that_a_slice_refuses_is_not_made(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError

    name = f"Refused {uuid4()}"
    monkeypatch.setattr("regulars.workspaces.projects.after_project_created", [refuse])
    with pytest.raises(RuntimeError):
        actions.create_project(name, now=NOW)
    assert not Project.objects.filter(name=name).exists()


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "x" * 101, "\ud800"])
def test_a_project_needs_a_name_of_one_line(cast: Cast, name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        actions.create_project(name, now=NOW)
    assert refused.value.field == "name"


def test_settings_are_changed_together_and_logged(cast: Cast) -> None:
    actions.change_project(
        cast.home.id,
        {"time_zone": "Europe/Lisbon", "dedupe_hours": 24, "name": "Tideway Coffee"},
        by=cast.alice.actor,
        now=NOW,
    )
    config = load_project(cast.connection, cast.home.id)
    assert config is not None
    assert (config.time_zone, config.dedupe_hours) == ("Europe/Lisbon", 24)
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="project.changed")
    assert entry.details == {"time_zone": ["UTC", "Europe/Lisbon"], "dedupe_hours": [72, 24]}
    assert (entry.agent_id, entry.ip) == (cast.alice.id, "192.0.2.1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "red"),
        ("identity_secret", "mine"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", 5),
        ("dedupe_hours", 0),
        ("dedupe_hours", "24"),
        ("dedupe_hours", True),
        ("honour_gpc", "yes"),
        ("from_email", "not an address"),
        ("name", None),
    ],
)
def test_one_unusable_setting_refuses_them_all(cast: Cast, field: str, value: Any) -> None:
    changes = {"company": "Tideway Ltd", field: value}
    with pytest.raises(InvalidError) as refused:
        actions.change_project(cast.home.id, changes, by=cast.alice.actor, now=NOW)
    assert refused.value.field == field
    assert Project.objects.get(id=cast.home.id).company == ""


def test_a_postal_address_may_have_lines(cast: Cast) -> None:
    address = {"postal_address": "1 Quay Street\r\n Lisbon "}
    changed = actions.change_project(cast.home.id, address, by=cast.alice.actor, now=NOW)
    assert changed.postal_address == "1 Quay Street\nLisbon"


def test_doors_hear_of_a_change_when_it_is_committed(cast: Cast) -> None:
    cast.connection.execute("LISTEN regulars")
    actions.change_project(cast.home.id, {"honour_gpc": False}, by=cast.alice.actor, now=NOW)
    told = (m.payload for m in cast.connection.notifies(timeout=5))
    assert f"{cast.home.id}:project" in told  # others of this database may be heard, too


def test_an_agent_is_the_same_one_in_every_project(cast: Cast) -> None:
    agent_id = actions.create_agent(
        cast.elsewhere.id, f"  {cast.bob.email.upper()} ", "another password", "admin", now=NOW
    )
    assert agent_id == cast.bob.id
    assert Agent.objects.get(id=agent_id).check_password(PASSWORD)
    assert queries.role_of(cast.elsewhere.id, agent_id) == "admin"
    assert queries.role_of(cast.home.id, agent_id) == "agent"
    assert {project.id for project in queries.projects_of(agent_id)} == {
        cast.home.id,
        cast.elsewhere.id,
    }


@pytest.mark.parametrize(
    ("email", "password", "role", "field"),
    [
        ("nobody", PASSWORD, "agent", "email"),
        ("", PASSWORD, "agent", "email"),
        ("new@example.com\x00", PASSWORD, "agent", "email"),
        ("fresh.one@example.com", "", "agent", "password"),
        ("fresh.two@example.com", PASSWORD, "boss", "role"),
    ],
)
def test_an_agent_needs_an_email_a_password_and_a_role(
    cast: Cast, email: str, password: str, role: str, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        actions.create_agent(cast.home.id, email, password, role, now=NOW)
    assert refused.value.field == field
    assert not Agent.objects.filter(roles__project_id=cast.home.id).exclude(
        id__in=[cast.alice.id, cast.bob.id]
    )


def test_an_agent_is_in_a_project_once(cast: Cast) -> None:
    with pytest.raises(InvalidError, match="already"):
        actions.create_agent(cast.home.id, cast.bob.email, PASSWORD, "owner", now=NOW)
    assert queries.role_of(cast.home.id, cast.bob.id) == "agent"


def test_a_project_that_is_not_there_takes_no_agents(cast: Cast) -> None:
    with pytest.raises(UnknownError):
        actions.create_agent(uuid4(), "a@example.com", PASSWORD, now=clock.now())
