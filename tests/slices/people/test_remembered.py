"""A process remembers people's wide rows, and never believes one that has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.people import store
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.people.store import Remembered
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, open_site


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


@pytest.fixture
def other_process(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The block runs in a process that remembers nothing of what this one does."""

    @contextmanager
    def elsewhere() -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(store, "_remembered", Remembered(100))
            yield

    return elsewhere


def locked(site: Site, person_id: UUID) -> Person:
    with site.connection.transaction():
        found = store.lock_and_read(site.connection, site.project.id, [person_id.bytes])
    return found[person_id.bytes]


def rename(site: Site, person_id: UUID, name: str) -> None:
    with site.connection.transaction():
        changes = Changes(site.connection, site.project.id, NOON)
        changes.begin()
        person = changes.load([person_id])[person_id]
        person.name = name
        person.changed = True
        changes.flush()
        changes.finish()


def test_a_row_that_another_process_changed_is_read_again(site: Site, other_process: Any) -> None:
    ana = add(site, name="Ana")
    assert locked(site, ana.id).name == "Ana"
    with other_process():
        rename(site, ana.id, "Anna")
    assert locked(site, ana.id).name == "Anna"


def test_a_row_that_is_remembered_is_not_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = locked(site, add(site, name="Ana").id)
    monkeypatch.setattr(store, "READ_WIDE", "SELECT this fails")
    assert locked(site, ana.id).name == "Ana"


def test_what_a_caller_does_to_a_person_is_not_remembered(site: Site) -> None:
    ana = locked(site, add(site, name="Ana").id)
    ana.attributes["plan"] = "pro"
    ana.folded.clear()
    again = locked(site, ana.id)
    assert again.attributes == {}
    assert again.folded["name"] == "ana"


def test_a_change_that_is_rolled_back_is_not_remembered(site: Site) -> None:
    ana = locked(site, add(site, name="Ana").id)
    with site.connection.transaction(force_rollback=True):
        rename(site, ana.id, "Anna")
        assert locked(site, ana.id).name == "Anna"
    assert locked(site, ana.id).name == "Ana"


def test_a_row_of_no_known_version_is_not_remembered() -> None:
    remembered, id_ = Remembered(10), uuid4().bytes
    remembered.keep(id_, 0, ("row",))
    assert remembered.get(id_, 0) is None


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    remembered = Remembered(10)
    ids = [uuid4().bytes for _ in range(25)]
    for id_ in ids:
        remembered.keep(id_, 1, ("row",))
    kept = [id_ for id_ in ids if remembered.get(id_, 1)]
    assert 5 <= len(kept) <= 10
    assert ids[-1] in kept
