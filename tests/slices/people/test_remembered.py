"""A process remembers people's wide rows, and never believes one that has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.people import compact, store
from regulars.people.changes import Changes
from regulars.people.person import WIDE, Person
from regulars.people.store import Remembered
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, identify, open_site


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


def test_a_row_that_was_just_written_is_not_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.send(identify("u1", "a1", traits={"plan": "pro"}))
    pat = site.only_person()
    monkeypatch.setattr(store, "READ_WIDE", "SELECT this fails")
    assert locked(site, pat.id).attributes == {"plan": "pro"}


def test_a_row_is_remembered_as_it_is_written(site: Site, other_process: Any) -> None:
    said = {
        "name": "王 小明", "email": "Pat@Example.com", "createdAt": "2026-01-02T03:04:05.678Z",
        "plan": 'Pro \\ "2"', "rate": 12.50, "far": 1e22, "count": 2**53 + 1, "is_paying": True,
        "roles": ["a", {"b": None}], "company": {"id": 7, "name": "Bolt\n& Co"},
        "address": {"city": "Porto", "country": "Portugal"},
    }  # fmt: skip
    context = {"ip": "2001:DB8::1", "locale": "pt-PT", "timezone": "Europe/Lisbon"}
    site.send({**identify("u1", "a1", traits=said), "context": context})
    id_ = site.only_person().id
    remembered = locked(site, id_)
    with other_process():
        read = locked(site, id_)
    assert [getattr(remembered, column) for column in WIDE] == [
        getattr(read, column) for column in WIDE
    ]


def test_when_facts_were_said_again_is_kept_and_nothing_else_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.send(identify("u1", "a1", traits={"plan": "pro"}))
    monkeypatch.setattr(store, "UPDATE_WIDE", "SELECT this fails")
    monkeypatch.setattr(compact, "UPDATE", "SELECT this fails")
    later = NOON + timedelta(minutes=5)
    site.send(identify("u1", "a1", traits={"plan": "pro"}), at=later)
    pat = site.only_person()
    assert pat.stamps["attributes.plan"] == later.timestamp()
    assert pat.updated_at == later


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
