"""Keys: what opens which door, and how they are replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regulars.workspaces import actions, queries
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.keys import (
    load_project,
    load_project_by_secret_key,
    load_project_by_write_key,
    record_use,
    signature_of,
)
from regulars.workspaces.models import ProjectKey
from tests.cast import Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _id_of(cast: Cast, kind: str) -> ProjectKey:
    return ProjectKey.objects.get(project_id=cast.home.id, kind=kind)


def test_each_key_opens_its_own_door_alone(cast: Cast) -> None:
    write, secret = cast.home.write_key, cast.home.secret_key
    opened = load_project_by_write_key(cast.connection, write)
    assert opened is not None
    assert opened.id == cast.home.id
    assert load_project_by_secret_key(cast.connection, secret) is not None
    assert load_project_by_write_key(cast.connection, secret) is None
    assert load_project_by_secret_key(cast.connection, write) is None


@pytest.mark.parametrize("key", ["", "wk_unknown", "\x00", "\ud800", "x" * 100_000])
def test_what_is_no_key_opens_nothing(cast: Cast, key: str) -> None:
    assert load_project_by_write_key(cast.connection, key) is None
    assert load_project_by_secret_key(cast.connection, key) is None


def test_a_secret_key_opens_no_other_project_by_its_id(cast: Cast) -> None:
    secret = cast.home.secret_key
    assert load_project_by_secret_key(cast.connection, secret, cast.home.id) is not None
    assert load_project_by_secret_key(cast.connection, secret, cast.elsewhere.id) is None


def test_a_secret_key_is_not_kept(cast: Cast) -> None:
    rows = cast.connection.execute(
        "SELECT project_key::text FROM project_key WHERE project_id = %s", (cast.home.id,)
    ).fetchall()
    assert len(rows) == 2
    assert not any(cast.home.secret_key in row[0] for row in rows)
    assert any(cast.home.write_key in row[0] for row in rows)


def test_a_replaced_key_works_until_it_is_revoked(cast: Cast) -> None:
    old = _id_of(cast, "write")
    new = actions.rotate_key(cast.home.id, old.id, by=cast.alice.actor, now=NOW)
    for key in (cast.home.write_key, new.value):
        assert load_project_by_write_key(cast.connection, key) is not None
    actions.revoke_key(cast.home.id, old.id, by=cast.alice.actor, now=NOW)
    assert load_project_by_write_key(cast.connection, cast.home.write_key) is None
    config = load_project_by_write_key(cast.connection, new.value)
    assert config is not None
    assert config.write_keys == (new.value,)


def test_the_newest_write_key_comes_first(cast: Cast) -> None:
    new = actions.make_key(
        cast.home.id, "write", "App", by=cast.alice.actor, now=NOW + timedelta(days=3650)
    )
    config = load_project(cast.connection, cast.home.id)
    assert config is not None
    assert config.write_keys == (new.value, cast.home.write_key)
    assert queries.write_key_of(cast.home.id) == new.value


def test_the_last_write_key_can_not_be_revoked(cast: Cast) -> None:
    with pytest.raises(InvalidError, match="only write key"):
        actions.revoke_key(cast.home.id, _id_of(cast, "write").id, by=cast.alice.actor, now=NOW)
    assert load_project_by_write_key(cast.connection, cast.home.write_key) is not None


def test_a_secret_key_can_be_revoked_though_it_is_the_last(cast: Cast) -> None:
    actions.revoke_key(cast.home.id, _id_of(cast, "secret").id, by=cast.alice.actor, now=NOW)
    assert load_project_by_secret_key(cast.connection, cast.home.secret_key) is None


def test_a_revoked_key_is_gone_for_good(cast: Cast) -> None:
    key = _id_of(cast, "secret")
    actions.revoke_key(cast.home.id, key.id, by=cast.alice.actor, now=NOW)
    for act in (actions.revoke_key, actions.rotate_key):
        with pytest.raises(UnknownError):
            act(cast.home.id, key.id, by=cast.alice.actor, now=NOW)


def test_the_use_of_a_key_is_noted_once_a_minute(cast: Cast) -> None:
    key = _id_of(cast, "secret")
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        record_use(cast.connection, [key.id], NOW + timedelta(seconds=seconds))
        key.refresh_from_db()
        assert key.last_used_at == NOW + timedelta(seconds=noted)


def test_a_signature_depends_on_the_secret_and_the_user(cast: Cast) -> None:
    ours, theirs = cast.home.config, cast.elsewhere.config
    assert signature_of(ours, "u1") == signature_of(ours, "u1")
    assert signature_of(ours, "u1") != signature_of(ours, "u2")
    assert signature_of(ours, "u1") != signature_of(theirs, "u1")


def test_a_new_identity_secret_voids_old_signatures(cast: Cast) -> None:
    actions.replace_identity_secret(cast.home.id, by=cast.alice.actor, now=NOW)
    config = load_project(cast.connection, cast.home.id)
    assert config is not None
    assert config.identity_secret != cast.home.config.identity_secret
