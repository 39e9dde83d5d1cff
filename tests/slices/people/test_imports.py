"""People brought in from a file by the worker: what rows become, and what stays behind."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from regulars.kit import clock
from regulars.mail import subscriptions
from regulars.mail.links import address_hash
from regulars.people import actions, bulk
from regulars.people.changes import CollidedError
from regulars.people.imports import file_rows, jobs, taking, working
from regulars.people.imports.bringing import Bringing, How
from regulars.people.imports.jobs import Import
from regulars.people.imports.mapping import Column
from regulars.people.imports.sheet import FileError
from regulars.people.selection import MadeBy
from regulars.segments import actions as segment_actions
from regulars.workspaces.errors import ConflictError
from tests.slices.people.bulk_work import finish, look
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, open_site, page


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def given(site: Site, text: str | bytes) -> Import:
    """A file is given."""
    content = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return taking.take(
        site.connection, site.project.id, "list.csv", content, NOON, agent_id=None
    )  # fmt: skip


def done(site: Site, job: Import) -> Import:
    """All that is left of it, by a worker."""
    worker = working.Working(site.connection)
    while worker.work_on(job.project_id, job.id, clock.now()):
        pass
    return jobs.find(site.connection, job.project_id, job.id)


def checked(site: Site, text: str | bytes, how: How | None = None) -> Import:
    """A file given, and its dry run."""
    job = given(site, text)
    options = taking.options(how or How(), make_segment=False)
    jobs.change(site.connection, job, job.mapping, options, NOON, state="checking")
    return done(site, job)


def brought(site: Site, text: str | bytes, how: How | None = None) -> Import:
    """A file given and brought in."""
    job = checked(site, text, how)
    assert job.state == "checked", job.error
    jobs.start(site.connection, job, job.options, NOON)
    return done(site, job)


def whys(site: Site, job: Import) -> list[tuple[int, str, str]]:
    return [row[:3] for row in file_rows.refused(site.connection, job)]


def by_email(site: Site) -> dict[str, Any]:
    return {person.email or "": person for person in site.people()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be",
                                      "cp1252"])  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_whatever_encoding_and_separator(site: Site, encoding: str, separator: str) -> None:
    rows = [["email", "name", "city"], ["ana@lisboa.example", "Zoë Ã", "São João da\nMadeira"]]
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    job = brought(site, text.encode(encoding))
    assert job.counts == {"lead": 1}
    assert (site.only_person().name, site.only_person().city) == ("Zoë Ã", "São João da Madeira")


def test_a_dry_run_says_what_would_happen_and_does_nothing(site: Site) -> None:
    add(site, name="Ken", email="ken@kobe.example", attributes={"plan": "free"})
    add(site, name="Lea", email="lea@lyon.example")
    before = site.count("outbox")
    job = checked(
        site,
        "email,name,user_id,plan\nana@b.example,Ana,U1,pro\nnew@b.example,,,\n"
        "ken@kobe.example,Ken,,pro\nlea@lyon.example,Lea,,\nKEN@kobe.example,x,,\nnobody,x,,\n",
    )
    assert job.counts == {"user": 1, "lead": 1, "changed": 1, "same": 1, "refused": 2}
    assert whys(site, job) == [
        (6, "email", "Twice in this file: line 4 was taken"),
        (7, "email", "That is not an email address"),
    ]
    assert (len(site.people()), site.count("outbox")) == (2, before)
    assert site.count("people_import_row") == 0


def test_rows_make_users_and_leads_and_leads_join_users(site: Site) -> None:
    add(site, "lead", name="Ana", email="ana@b.example")
    job = brought(site, "email,user_id,signed_up_at\nana@b.example,U1,2024-11-03\nx@b.example,,\n")
    assert job.counts == {"changed": 1, "lead": 1}
    people = by_email(site)
    assert (people["ana@b.example"].kind, people["ana@b.example"].user_id) == ("user", "U1")
    assert str(people["ana@b.example"].signed_up_at)[:10] == "2024-11-03"
    assert people["x@b.example"].kind == "lead"
    assert site.kinds() == {"user": 1, "lead": 1}


def test_who_has_no_user_id_can_be_a_user(site: Site) -> None:
    brought(site, "email\nana@b.example\n", How(as_users=True))
    assert site.only_person().kind == "user"
    assert site.only_person().signed_up_at is not None


@pytest.mark.parametrize(
    ("existing", "plan", "city", "tags"),
    [("update", "pro", "Lisboa", ["vip", "new"]), ("fill", "free", "Lisboa", ["vip", "new"]),
     ("leave", "free", None, ["vip"])],
)  # fmt: skip
def test_who_is_here_already_is_treated_as_was_chosen(
    site: Site, existing: Any, plan: str, city: str | None, tags: list[str]
) -> None:
    add(site, email="ana@b.example", attributes={"plan": "free"}, tags=["vip"])
    text = "email,plan,city\nana@b.example,pro,Lisboa\n"
    brought(site, text, How(existing=existing, tag="new"))
    ana = site.only_person()
    assert (ana.attributes["plan"], ana.city, ana.tags) == (plan, city, tags)


def test_an_address_that_several_have_is_refused_without_a_user_id(site: Site) -> None:
    for user in ("U1", "U2"):
        add(site, email="shared@b.example", user_id=user)
    job = brought(site, "email,user_id,city\nshared@b.example,,Porto\nshared@b.example,U2,Porto\n")
    assert whys(site, job) == [(2, "email", "2 people have this address")]
    assert {one.user_id: one.city for one in site.people()} == {"U1": None, "U2": "Porto"}


def test_types_and_dates_are_guessed_and_read(site: Site) -> None:
    job = given(
        site,
        "email;Joined;LTV;Zip;VIP\na@b.example;28/02/2025;€1.204,50;01234;yes\n"
        "b@b.example;03/11/2024;¥18,400;99999;no\n",
    )
    types = {one.name: (one.fact, one.type) for one in job.mapping}
    assert types == {
        "email": ("email", "text"), "Joined": ("signed_up_at", "date_dmy"),
        "LTV": ("attributes.ltv", "number"), "Zip": ("attributes.zip", "text"),
        "VIP": ("attributes.vip", "boolean"),
    }  # fmt: skip
    options = taking.options(How(), make_segment=False)
    jobs.change(site.connection, job, job.mapping, options, NOON, state="checking")
    job = done(site, job)
    jobs.start(site.connection, job, options, NOON)
    done(site, job)
    one, two = by_email(site)["a@b.example"], by_email(site)["b@b.example"]
    assert one.attributes == {"ltv": 1204.5, "zip": "01234", "vip": True}
    assert two.attributes["ltv"] == 18400
    assert str(two.signed_up_at)[:10] == "2024-11-03"


def test_what_is_wrong_is_named_with_its_line_and_column(site: Site) -> None:
    job = given(site, "email,LTV,when\na@b.example,1,2024-01-01\n")
    columns = [
        Column("email", "email", "text"),
        Column("LTV", "attributes.ltv", "number"),
        Column("when", "signed_up_at", "date"),
    ]
    text = (
        b"email,LTV,when\na@b.example,much,\nb@b.example,,soon\nc\x00@b.example,,\n"
        b"d@b.example," + b"x" * 70_000 + b",\ne@b.example,1,,,\n,,2024-01-01\n"
        b'f@b.example,"1\ng@b.example,,\n'
    )
    jobs.file_of(job.id).write_bytes(text)
    options = taking.options(How(), make_segment=False)
    jobs.change(site.connection, job, columns, options, NOON, state="checking")
    job = done(site, job)
    assert whys(site, job) == [
        (2, "LTV", "Not a number"),
        (3, "when", "Not a date"),
        (4, "email", "Holds a NUL character"),
        (5, "LTV", "Cell over 64 KB"),
        (6, "", "It has 5 cells, the first row 3"),
        (7, "", "It has neither an email nor a user_id"),
        (8, "", "A quote is opened and never closed"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"\x00" * 500, "The file is empty."),
        (b"PK\x03\x04rest", "Save it as CSV"),
        (b"\x1f\x8brest", "compressed"),
        (b"%PDF-1.7", "PDF"),
        (",".join(f"c{n}" for n in range(10_000)).encode(), "the file has 10,000"),
        (b"email,a\x00b\n", "Line 1, column 2: its name holds a NUL"),
        (b'email\n"' + b"x" * 2_200_000, "Line 2, column email: over 2 MB"),
        (b"email\n" + b"x" * 2_200_000, "Line 2, column email: over 2 MB"),
        ("email\nä".encode("utf-16")[:-1], "Line 2 is not UTF-16"),
        (b"email,email\n", "Two columns have the same name: email."),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_in_words(site: Site, content: bytes, said: str) -> None:
    with pytest.raises(FileError) as wrong:
        given(site, content)
    assert said in str(wrong.value)
    assert site.count("people_import") == 0


def test_a_file_that_breaks_in_the_middle_says_where(site: Site) -> None:
    rows = b"".join(b"p%d@b.example\n" % n for n in range(300))
    job = checked(site, b"email\n" + rows + b"x" * 2_200_000)
    assert job.state == "draft"
    assert job.error == "Line 302, column email: over 2 MB without an end. Is a quote left open?"


def test_refused_rows_come_back_as_a_harmless_file(site: Site) -> None:
    job = brought(site, 'email,name\nnobody,=cmd()\nok@b.example,x\n,"+1"\n')
    rows = list(csv.DictReader(io.StringIO(taking.refused_text(job).decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=cmd()", "'+1"]
    assert [row["refused_line"] for row in rows] == ["2", "4"]
    assert rows[0]["refused_why"] == "email: That is not an email address"
    mended = taking.refused_text(job).replace(b"nobody", b"ana@b.example")
    assert brought(site, mended).counts == {"lead": 1, "refused": 1}
    assert by_email(site)["ana@b.example"].name == "=cmd()"


def left(site: Site, email: str) -> bool:
    hash_ = address_hash(site.project.id, email)
    return subscriptions.leaving_of(site.connection, site.project.id, hash_).everything


def test_consent_comes_along_and_nobody_is_subscribed_again(site: Site) -> None:
    hash_ = address_hash(site.project.id, "was@b.example")
    subscriptions.leave(site.connection, site.project.id, hash_, NOON, source="page")
    job = brought(
        site,
        "email,Unsubscribed\nwas@b.example,no\nout@b.example,yes\ndated@b.example,2024-01-02\n"
        "in@b.example,no\nquiet@b.example,\n",
    )
    assert job.counts["left_marketing"] == 2
    assert [left(site, f"{one}@b.example") for one in ("was", "out", "dated", "in", "quiet")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_without_their_agreement_the_new_get_no_marketing(site: Site) -> None:
    add(site, email="here@b.example")
    text = "email,subscribed\nhere@b.example,\nnew@b.example,\nyes@b.example,yes\n"
    brought(site, text, How(marketing=False))
    assert [left(site, f"{one}@b.example") for one in ("here", "new", "yes")] == [
        False, True, False,
    ]  # fmt: skip


def test_they_go_into_a_segment_and_start_no_campaign(site: Site) -> None:
    with site.connection.transaction():
        into = segment_actions.create(site.connection, site.project.id, "Them", NOON, people=())
    job = brought(site, "email,user_id\na@b.example,U1\nb@b.example,\n", How(segment=str(into)))
    assert job.counts == {"user": 1, "lead": 1}
    row = site.connection.execute(
        "SELECT people FROM segment_count WHERE project_id = %s AND id = %s",
        (site.project.id, into),
    ).fetchone()
    assert row == (2,)
    moves = site.connection.execute(
        "SELECT body -> 'moves' FROM outbox WHERE project_id = %s AND topic = 'segments'",
        (site.project.id,),
    ).fetchall()
    assert moves
    assert all(move == ([],) for move in moves)


def test_other_columns_make_the_dry_run_void(site: Site) -> None:
    job = checked(site, "email,x\na@b.example,1\nb@b.example,2\n")
    columns = [Column("email", "email", "text"), Column("x", "", "text")]
    jobs.change(site.connection, job, columns, job.options, NOON, state="checking")
    with pytest.raises(ConflictError):
        jobs.start(site.connection, job, job.options, NOON)
    again = done(site, job)
    assert (again.state, again.counts, again.rows_done) == ("checked", {"lead": 2}, 2)


def test_a_step_that_meets_another_writer_is_taken_anew_and_nothing_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "AT_ONCE", 10)
    job = checked(site, "email\n" + "".join(f"p{n}@b.example\n" for n in range(35)) + "bad\n")
    jobs.start(site.connection, job, job.options, NOON)
    advance, calls = jobs.advance, []

    def interrupted(*args: Any, **kwargs: Any) -> None:
        calls.append(1)
        advance(*args, **kwargs)
        if len(calls) % 2:
            raise psycopg.errors.DeadlockDetected

    monkeypatch.setattr(jobs, "advance", interrupted)
    worker = working.Working(site.connection)
    for turn in range(20):  # another worker takes over now and then
        if turn % 3 == 0:
            worker = working.Working(site.connection)
        worker.work_on(job.project_id, job.id, clock.now())
    job = jobs.find(site.connection, job.project_id, job.id)
    assert (job.state, job.counts, job.rows_done) == ("done", {"lead": 35, "refused": 1}, 36)
    assert len(site.people()) == 35
    assert taking.refused_text(job).count(b"\n") == 2


def test_a_stopped_import_keeps_what_is_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(working, "AT_ONCE", 10)
    job = checked(site, "email\n" + "".join(f"p{n}@b.example\n" for n in range(35)))
    jobs.start(site.connection, job, job.options, NOON)
    working.Working(site.connection).work_on(job.project_id, job.id, clock.now())
    job = jobs.find(site.connection, job.project_id, job.id)
    assert jobs.end(site.connection, job, "cancelled", NOON)
    stopped = done(site, job)
    assert (stopped.state, stopped.rows_done, len(site.people())) == ("cancelled", 10, 10)


def test_whom_it_made_can_be_taken_back_but_who_did_something_since(site: Site) -> None:
    add(site, email="here@b.example")
    job = brought(
        site, "email,user_id,city\nhere@b.example,,Porto\na@b.example,A,\nb@b.example,B,\n"
    )
    site.send(page("anon-b") | {"userId": "B"}, at=clock.now())
    with site.connection.transaction():
        undoing = bulk.start(
            site.connection,
            site.project.id,
            "erase",
            MadeBy(job.id),
            clock.now(),
            zone=NOON.tzinfo,  # type: ignore[arg-type]
        )
        jobs.mark_undone(site.connection, job, undoing.id)
    assert finish(site, undoing, clock.now()).changed == 1
    assert look(site, undoing).state == "done"
    assert sorted(one.email or "" for one in site.people()) == ["b@b.example", "here@b.example"]
    with pytest.raises(ConflictError):
        jobs.mark_undone(site.connection, job, undoing.id)


def test_who_is_erased_is_forgotten_by_the_import_too(site: Site) -> None:
    brought(site, "email\na@b.example\n")
    with site.connection.transaction():
        actions.erase(site.connection, site.project.id, site.only_person().id, NOON)
    row = site.connection.execute(
        "SELECT count(person_id) FROM people_import_row WHERE project_id = %s", (site.project.id,)
    ).fetchone()
    assert row == (0,)


def test_nothing_is_left_of_an_old_import(site: Site) -> None:
    job = brought(site, "email\na@b.example\nbad\n")
    file_rows.forget(site.connection, site.project.id, job.id)
    assert [site.count(table) for table in (
        "people_import", "people_import_row", "people_import_refusal")] == [0, 0, 0]  # fmt: skip
    assert not jobs.refused_file(job.id).exists()


# In a process of its own: other threads and caches of this one are not counted.
READ = """
import sys, tracemalloc
from pathlib import Path
from regulars.people.imports import mapping, sheet, taking

opened = sheet.open_sheet(Path(sys.argv[1]))
columns = mapping.guess(opened.columns, [record.cells for record in taking.sample(opened)])
tracemalloc.start()
read = sum(mapping.read(columns, record).line > 0 for record in opened.records())
print(read, tracemalloc.get_traced_memory()[1])
"""


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        file = tmp_path / f"{rows}.csv"
        file.write_bytes(b"email,a\n" + b"".join(b"p%d@b,%d\n" % (n, n) for n in range(rows)))
        said = subprocess.run(
            [sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True
        )
        read, most = map(int, said.stdout.split())
        assert read == rows
        return most

    assert peak(40_000) < peak(2_000) + 200_000


def test_only_so_many_imports_go_on_at_once(site: Site) -> None:
    job = checked(site, "email\na@b.example\n")
    for _ in range(jobs.MOST_OPEN):
        other = checked(site, "email\nb@b.example\n")
        jobs.start(site.connection, other, replace(other).options, NOON)
    with pytest.raises(ConflictError):
        jobs.start(site.connection, job, job.options, NOON)


def test_an_import_that_never_gets_through_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "MEETINGS", 3)
    job = checked(site, "email\na@b.example\n")
    jobs.start(site.connection, job, job.options, NOON)

    def collides(*_: Any) -> Any:
        raise CollidedError

    monkeypatch.setattr(Bringing, "bring", collides)
    ended = done(site, job)
    assert (ended.state, ended.rows_done) == ("failed", 0)
    assert "Others kept changing" in (ended.error or "")
