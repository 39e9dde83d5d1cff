"""The identity secret: once something signed with it was seen, signatures are demanded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from regulars.kit import database
from regulars.workspaces import actions
from regulars.workspaces.keys import ProjectConfig, load_project, note_identity_used
from regulars.workspaces.models import AuditEntry, Project
from tests.cast import Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _now(cast: Cast) -> ProjectConfig:
    found = load_project(cast.connection, cast.home.id)
    assert found is not None
    return found


def test_a_new_project_demands_no_signature(cast: Cast) -> None:
    assert not _now(cast).identity_used
    assert not _now(cast).enforce_identity


def test_the_first_use_of_the_secret_switches_the_demand_on(cast: Cast) -> None:
    assert note_identity_used(cast.connection, cast.home.id, NOW)
    assert _now(cast).identity_used
    assert _now(cast).enforce_identity
    assert Project.objects.get(id=cast.home.id).identity_used_at == NOW


def test_what_switched_it_on_is_in_the_audit_log(cast: Cast) -> None:
    note_identity_used(cast.connection, cast.home.id, NOW)
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="identity.first_used")
    assert (entry.agent_id, entry.at, entry.details, entry.ip) == (None, NOW, {}, None)


def test_an_owner_who_switches_it_off_again_has_the_last_word(cast: Cast) -> None:
    note_identity_used(cast.connection, cast.home.id, NOW)
    off = {"enforce_identity": False}
    actions.change_project(cast.home.id, off, by=cast.alice.actor, now=NOW)
    assert not note_identity_used(cast.connection, cast.home.id, NOW + timedelta(days=1))
    assert not _now(cast).enforce_identity


def test_a_new_secret_leaves_the_switch_where_it_is(cast: Cast) -> None:
    note_identity_used(cast.connection, cast.home.id, NOW)
    off = {"enforce_identity": False}
    actions.change_project(cast.home.id, off, by=cast.alice.actor, now=NOW)
    actions.replace_identity_secret(cast.home.id, by=cast.alice.actor, now=NOW)
    assert not note_identity_used(cast.connection, cast.home.id, NOW)
    assert not _now(cast).enforce_identity


def test_other_projects_go_on_as_they_are(cast: Cast) -> None:
    note_identity_used(cast.connection, cast.home.id, NOW)
    theirs = load_project(cast.connection, cast.elsewhere.id)
    assert theirs is not None
    assert not theirs.enforce_identity


def test_of_many_at_once_one_is_the_first(cast: Cast) -> None:
    def note(_: int) -> bool:
        with database.connect() as connection:
            return note_identity_used(connection, cast.home.id, NOW)

    with ThreadPoolExecutor(4) as four:
        assert sum(four.map(note, range(8))) == 1


def test_doors_hear_of_the_first_use_alone(cast: Cast) -> None:
    with database.connect() as listener:
        listener.execute("LISTEN regulars")
        note_identity_used(cast.connection, cast.home.id, NOW)
        note_identity_used(cast.connection, cast.home.id, NOW)
        cast.connection.execute("SELECT pg_notify('regulars', %s)", (f"{cast.home.id}:end",))
        ours: list[str] = []
        for message in listener.notifies(timeout=5):
            if message.payload.startswith(str(cast.home.id)):
                ours.append(message.payload.partition(":")[2])
            if ours[-1:] == ["end"]:
                break
    assert ours == ["project", "end"]


def test_a_new_secret_is_in_the_audit_log(cast: Cast) -> None:
    actions.replace_identity_secret(cast.home.id, by=cast.alice.actor, now=NOW)
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="identity.secret_replaced")
    assert entry.agent_id == cast.alice.id
