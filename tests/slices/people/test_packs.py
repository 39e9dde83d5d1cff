"""Packs are made where there are many people, and anew where they are no longer worth it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.filters.operands import KINDS, When
from regulars.filters.parse import parse
from regulars.kit import database as kit_database
from regulars.people import actions, asking
from regulars.people.packed import forms, keeping
from regulars.people.packed.finding import Found, find
from regulars.people.packed.packing import Pack, make, pack
from tests.slices.people.crowd import add, add_all
from tests.slices.people.packs import PACKS
from tests.slices.tracking.site import NOON, Site, identify, open_site

KNOWN = {"field": "email", "op": "is_known"}


@pytest.fixture
def site(database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project of five, which is large enough for packs of three."""
    monkeypatch.setattr(keeping, "FROM", 5)
    monkeypatch.setattr(forms, "MOST", 3)
    site = open_site(database)
    add_all(site, [{"email": f"p{number}@example.com"} for number in range(5)])
    return site


def test_large_projects_are_packed_and_small_ones_keep_no_notes(site: Site) -> None:
    small = open_site(site.connection)
    add(small)
    assert find_known(site) is None
    assert keep(site)
    assert people_of(site) == [3, 2]
    assert find_known(site) == Found(5)
    keep(small)
    assert people_of(small) == []
    assert (small.count("person_unpacked"), site.count("person_unpacked")) == (0, 0)
    assert not keep(site)


def test_whoever_changes_is_asked_until_packed_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(site)
    add(site, email="new@example.com")
    assert not keep(site)
    assert (find_known(site), people_of(site)) == (Found(6), [3, 2])
    monkeypatch.setattr(keeping, "MANY", 1)
    assert keep(site)
    assert (find_known(site), sum(people_of(site))) == (Found(6), 6)


def test_a_pack_that_has_become_too_large_is_two(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(site)
    add_all(site, [{"email": f"n{number}@example.com"} for number in range(4)])
    monkeypatch.setattr(keeping, "MANY", 1)
    assert keep(site)
    assert find_known(site) == Found(9)
    assert len(people_of(site)) > 2
    assert max(people_of(site)) == 3


def test_where_too_many_have_changed_nothing_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(site)
    add(site)
    monkeypatch.setattr("regulars.people.packed.readiness.MOST_CHANGED", 0)
    assert find_known(site) is None


def test_what_is_packed_of_the_erased_goes_with_them(site: Site) -> None:
    keep(site)
    assert is_packed_of(site, "p1@example.com")
    erase(site, "p1@example.com")
    assert not is_packed_of(site, "p1@example.com")
    assert find_known(site) is None
    assert keep(site)
    assert (find_known(site), sum(people_of(site))) == (Found(4), 4)


def test_who_is_erased_amid_packing_is_in_no_pack(site: Site) -> None:
    keep(site)
    with kit_database.connect() as other:
        with other.transaction():
            erase(site, "p0@example.com", other)
            theirs = Pack(site.project.id, pack_of(site, "p0@example.com"))
            with kit_database.connect() as packing:
                packing.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    pack(packing, theirs, NOON)
            assert find_known(site) == Found(5)
        assert find_known(site) is None
    assert keep(site)
    assert find_known(site) == Found(4)


def test_who_is_erased_while_packs_are_begun_is_in_no_pack(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "FROM", 4)
    with kit_database.connect() as other, other.transaction():
        erase(site, "p0@example.com", other)
        site.connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            keep(site)
        site.connection.execute("RESET lock_timeout")
    assert keep(site)
    assert find_known(site) == Found(4)


def test_whoever_changes_while_a_pack_is_made_waits_for_nobody(site: Site) -> None:
    keep(site)
    with kit_database.connect() as other, other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")  # it sees this moment
        site.send(identify("u-new", traits={"email": "late@example.com"}))
        for (first,) in other.execute(PACKS, (site.project.id,)).fetchall():
            make(other, Pack(site.project.id, first), NOON)
    assert find_known(site) == Found(6)


def test_one_custom_value_too_many_is_left_to_sql(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.people.packed.packing.CUSTOM", 1)
    add(site, email="new@example.com", attributes={"plan": "pro", "seats": 3})
    keep(site)
    assert find_known(site) == Found(6)
    assert ask(site, {"field": "attributes.plan", "op": "is", "value": "pro"}) is None


def test_long_values_are_left_to_sql(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    add(site, email="new@example.com", attributes={"plan": "pro", "about": "long " * 20})
    monkeypatch.setattr(forms, "LONGEST", 90)
    keep(site)
    assert find_known(site) == Found(6)
    assert ask(site, {"field": "attributes.plan", "op": "is", "value": "pro"}) == Found(1)
    assert ask(site, {"field": "attributes.about", "op": "contains", "value": "long"}) is None


def test_packs_are_smaller_where_much_is_known_of_people(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.people.packed.packing.CUSTOM_BYTES", 100)
    add_all(site, [{"attributes": {"about": f"{number} " * 40}} for number in range(4)])
    keep(site)
    assert len(people_of(site)) > 3
    found = ask(site, {"field": "attributes.about", "op": "is_known"})
    assert found == Found(4)


def test_rows_written_by_tracking_are_noted(site: Site) -> None:
    keep(site)
    site.send(identify("u-new", traits={"email": "late@example.com"}))
    assert find_known(site) == Found(6)
    site.send(identify("u-new", traits={"email": None}))
    assert find_known(site) == Found(5)


def keep(site: Site, now: datetime = NOON) -> bool:
    return keeping.keep_some(site.connection, now, only=site.project.id) > 0


def find_known(site: Site, connection: psycopg.Connection[Any] | None = None) -> Found | None:
    return ask(site, KNOWN, connection)


def ask(
    site: Site, written: dict[str, Any], connection: psycopg.Connection[Any] | None = None
) -> Found | None:
    connection = connection or site.connection
    asked = asking.asked(connection, site.project.id, parse(written), When(NOON, UTC))
    return find(connection, site.project.id, asked, KINDS)


def people_of(site: Site) -> list[int]:
    """How many are in each pack."""
    rows = site.connection.execute(
        "SELECT people FROM person_pack WHERE project_id = %s ORDER BY id", (site.project.id,)
    )
    return [people for (people,) in rows]


def is_packed_of(site: Site, text: str) -> bool:
    found = site.connection.execute(
        "SELECT FROM person_packed WHERE project_id = %s AND position(%s::bytea IN words) > 0",
        (site.project.id, text.encode()),
    )
    return bool(found.rowcount)


def erase(site: Site, email: str, connection: psycopg.Connection[Any] | None = None) -> None:
    connection = connection or site.connection
    person = next(one for one in site.people() if one.email == email)
    with connection.transaction():
        actions.erase(connection, site.project.id, person.id, NOON)


def pack_of(site: Site, email: str) -> UUID:
    """The pack that somebody is in."""
    person = next(one for one in site.people() if one.email == email)
    rows = site.connection.execute(PACKS, (site.project.id,)).fetchall()
    found: UUID = max(first for (first,) in rows if first <= person.id)
    return found
