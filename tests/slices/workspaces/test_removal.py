"""A project is deleted: nobody gets in any more at once, and in the end nothing of it is left."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.campaigns import emails, ledger
from regulars.config import wiring
from regulars.inbox import answering, notes
from regulars.inbox.answering import Answer
from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.kit.storage import GoneError, storage
from regulars.mail.content.content import Content
from regulars.people import bulk
from regulars.people.imports import jobs, taking
from regulars.people.selection import Everyone
from regulars.reports import keeping, views
from regulars.segments import actions as segments
from regulars.webhooks import webhooks
from regulars.workspaces import removal
from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import Project, Role
from tests.cast import Cast, cast
from tests.slices.people.bulk_work import finish
from tests.slices.tracking.site import Site, page, track

__all__ = ["cast"]

# Every column that may hold a project's id, in whatever table, but where it stands that it was.
ID_COLUMNS = """
SELECT c.relname::text, a.attname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attnum > 0
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND t.typname = 'uuid' AND c.relname <> 'project_removal'
"""


@pytest.fixture
def lived_in(cast: Cast) -> str:
    """Alice's project with something of most kinds in it; the key of a file."""
    wiring.wire()
    core, home, now = cast.connection, cast.home.id, clock.now()
    site = Site(core, cast.home.config, cast.home.secret_key)
    site.send(page("a"), page("a"), track("Order", "a"), at=now)
    pat = cast.pat
    with core.transaction():
        notes.add(core, home, pat.id, now, text="Ours", shared=True)
        segments.create(core, home, "Them", now, people=[pat.id])
        rule = {"field": "name", "op": "is", "value": "Pat"}
        segments.create(core, home, "Pats", now, filter_=rule)
        answering.start(core, home, pat.id, cast.alice.id, Answer("Hi", "c-1"), now)
        email = emails.create(core, home, content=Content.of_text("Beans", "Hello"), now=now)
        ledger.add_recipients(core, home, email, [pat.id], now)
        views.save(core, home, "Ours", {"show": "views"}, now, cast.alice.id)
        webhooks.create(core, home, "https://a.example/", ["person.changed"], now)
        tag = bulk.start(core, home, "tag", Everyone(), now, zone=now.tzinfo, given={"tag": "x"})  # type: ignore[arg-type]
        export = bulk.start(core, home, "export", Everyone(), now, zone=now.tzinfo)  # type: ignore[arg-type]
    finish(site, tag, now)
    finish(site, export, now)
    keeping.count_project(core, home, now)
    taking.take(core, home, "a.csv", io.BytesIO(b"email\na@b.example\n"), now, agent_id=None)
    key = f"{home}/{new_id(now)}"
    storage().keep(key, b"a file")
    return key


def left(core: psycopg.Connection[Any], project_id: UUID) -> dict[str, int]:
    """Rows in which the project's id still stands, by table and column."""
    found = {}
    for table, column in core.execute(ID_COLUMNS).fetchall():
        question = f'SELECT count(*) FROM "{table}" WHERE "{column}" = %s'
        row = core.execute(question, (project_id,)).fetchone()
        if row and row[0]:
            found[f"{table}.{column}"] = row[0]
    return found


def owner_of_two(cast: Cast) -> None:
    """Alice owns another project, too."""
    Role.objects.create(
        id=new_id(clock.now()), project_id=cast.elsewhere.id, agent_id=cast.alice.id,
        role="owner", created_at=clock.now(),
    )  # fmt: skip


def delete(cast: Cast, typed: str = "tideway COFFEE ") -> Any:
    return cast.alice.client.post(cast.home.url("settings/project/delete"), {"typed": typed})


def test_nothing_is_left_of_it(cast: Cast, lived_in: str) -> None:
    owner_of_two(cast)
    files = [jobs.file_of(row[0]) for row in cast.connection.execute(
        "SELECT id FROM people_import WHERE project_id = %s", (cast.home.id,))]  # fmt: skip
    assert all(file.exists() for file in files)
    assert len(files) == 1
    there = left(cast.connection, cast.home.id)
    assert len(there) > 30, sorted(there)
    elsewhere = left(cast.connection, cast.elsewhere.id)
    assert delete(cast).status_code == 302
    assert removal.remove(cast.connection, cast.home.id)
    assert left(cast.connection, cast.home.id) == {}
    assert left(cast.connection, cast.elsewhere.id) == elsewhere
    assert not files[0].exists()
    with pytest.raises(GoneError):
        storage().read(lived_in)
    found = removal.find(cast.connection, cast.home.id, cast.alice.id)
    assert (found.name, found.done_at is not None) == ("Tideway Coffee", True)
    assert found.rows_gone > 30


def test_nobody_gets_in_from_the_moment_it_is_asked_for(cast: Cast, lived_in: str) -> None:
    owner_of_two(cast)
    url = delete(cast)["Location"]
    for who in (cast.alice, cast.bob):
        assert who.client.get(cast.home.url("people/")).status_code == 404
    answer = cast.alice.client.get(
        "/api/v1/project", HTTP_AUTHORIZATION=f"Bearer {cast.home.secret_key}"
    )
    assert answer.status_code == 401
    page_ = cast.alice.client.get(url).content.decode()
    assert "Deleting Tideway Coffee" in page_
    assert cast.charlie.client.get(url).status_code == 404
    removal.remove(cast.connection, cast.home.id)
    assert "Tideway Coffee is gone" in cast.alice.client.get(url).content.decode()


def test_a_worker_that_died_is_followed_by_one_that_goes_on(
    cast: Cast, lived_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner_of_two(cast)
    delete(cast)
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    deleting = removal._deleting
    seen: list[str] = []

    def dies(core: Any, table: str) -> Any:
        seen.append(table)
        if len(seen) in (20, 60):
            raise psycopg.OperationalError
        return deleting(core, table)

    monkeypatch.setattr(removal, "_deleting", dies)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            removal.remove(cast.connection, cast.home.id)
    assert removal.remove(cast.connection, cast.home.id)
    assert left(cast.connection, cast.home.id) == {}


def test_it_is_asked_for_by_its_name_and_by_an_owner_alone(cast: Cast) -> None:
    owner_of_two(cast)
    wrong = delete(cast, "Tideway")
    assert (wrong.status_code, wrong.content) == (
        422, b"Type the project's name, Tideway Coffee.",
    )  # fmt: skip
    url = cast.home.url("settings/project/delete")
    assert cast.bob.client.post(url, {"typed": "Tideway Coffee"}).status_code == 403
    assert Project.objects.filter(id=cast.home.id).exists()


def test_how_far_it_is_stands_on_a_page_of_its_own(cast: Cast) -> None:
    owner_of_two(cast)
    url = cast.home.url("settings/project/delete")
    asked = cast.alice.client.post(
        url, {"typed": "Tideway Coffee"}, headers={"HX-Request": "true"}
    )  # fmt: skip
    page = cast.alice.client.get(asked["HX-Redirect"]).content.decode()
    assert "Deleting Tideway Coffee" in page
    assert 'id="removal"' in page


def test_the_only_project_of_its_owner_stays(cast: Cast) -> None:
    with pytest.raises(InvalidError, match="the only project you own"):
        removal.ask(cast.home.id, "Tideway Coffee", by=cast.alice.actor, now=clock.now())
    assert removal.in_order(cast.connection)


def test_a_table_goes_before_those_it_refers_to(cast: Cast) -> None:
    order = removal.in_order(cast.connection)
    place = {table: number for number, table in enumerate(order)}
    for referring, referred in cast.connection.execute(removal.REFERENCES):
        if referring in place and referred in place:
            assert place[referring] < place[referred]
    assert {"event", "session", "outbox", "person", "role", "project_key"} <= place.keys()
