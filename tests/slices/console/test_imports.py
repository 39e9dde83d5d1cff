"""The import's page: a file is given, its columns are chosen, and nothing starts unasked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from regulars.kit import clock
from regulars.people.imports import jobs, working
from regulars.people.imports.jobs import Import
from regulars.segments import queries as segments
from regulars.workspaces.models import AuditEntry
from tests.cast import Cast, Colleague, cast

__all__ = ["cast"]

SHEET = "E-mail;Full name;Plan\nana@b.example;Ana <b>;pro\nbad;x;\n"


def give(who: Colleague, cast: Cast, text: str = SHEET) -> Any:
    file = SimpleUploadedFile("my list.csv", text.encode(), "text/csv")
    return who.client.post(cast.home.url("people/import/"), {"file": file})


def job_of(cast: Cast, answer: Any) -> Import:
    return jobs.find(cast.connection, cast.home.id, UUID(answer["Location"].split("/")[-2]))


def work(cast: Cast, job: Import) -> None:
    worker = working.Working(cast.connection)
    while worker.work_on(cast.home.id, job.id, clock.now()):
        pass


def post(cast: Cast, job: Import, rest: str, **said: Any) -> Any:
    return cast.alice.client.post(cast.home.url(f"people/import/{job.id}/{rest}"), said)


def text_of(cast: Cast, job: Import, rest: str = "") -> str:
    answer = cast.alice.client.get(cast.home.url(f"people/import/{job.id}/{rest}"))
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


@pytest.fixture
def job(cast: Cast) -> Import:
    """A file that Alice gave, looked into."""
    given = job_of(cast, give(cast.alice, cast))
    text_of(cast, given)
    work(cast, given)
    return given


def test_from_the_file_to_the_people(cast: Cast, job: Import) -> None:
    page = text_of(cast, job)
    assert "Import 1 person" in page
    assert "Ana &lt;b&gt;" in page
    assert "New field" in page
    assert "That is not an email address" in page
    assert post(cast, job, "start").content == b"Say whether they agreed to get marketing email."
    assert post(cast, job, "start", marketing="yes").status_code == 302
    work(cast, job)
    page = text_of(cast, job)
    assert "1 new, 0 updated, 1 refused" in page
    assert "bad,x" in text_of(cast, job, "refused.csv")
    saved = [one for one in segments.saved(cast.connection, cast.home.id) if one.filter is None]
    assert [(one.name.split(",")[0], one.people) for one in saved] == [("Import of my list.csv", 1)]
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="people.import_started")
    assert (entry.agent_id, entry.subject) == (cast.alice.id, "2 rows of my list.csv")
    assert "Earlier imports" in cast.alice.client.get(
        cast.home.url("people/import/")
    ).content.decode()  # fmt: skip


def test_another_choice_is_looked_into_anew(cast: Cast, job: Import) -> None:
    answer = post(cast, job, "change", **{"fact-1": "city", "tag": "Spring", "existing": "fill"})
    assert answer.status_code == 200
    changed = jobs.find(cast.connection, cast.home.id, job.id)
    assert (changed.state, changed.how.tag, changed.how.existing) == ("checking", "spring", "fill")
    assert changed.mapping[1].fact == "city"
    assert "100%" in answer.content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fact-1": "email"}, "Two columns become email"),
        ({"fact-0": ""}, "nobody could be found by it"),
    ],
)
def test_columns_that_will_not_do_are_said_on_the_page(
    cast: Cast, job: Import, said: dict[str, str], words: str
) -> None:
    assert words in post(cast, job, "change", **said).content.decode()
    assert post(cast, job, "start", marketing="yes").status_code == 422


def test_a_draft_can_be_dropped_and_an_import_undone(cast: Cast, job: Import) -> None:
    post(cast, job, "start", marketing="no")
    work(cast, job)
    assert post(cast, job, "undo").status_code == 302
    assert "being taken back" in text_of(cast, job)
    assert post(cast, job, "undo").status_code == 422
    other = job_of(cast, give(cast.alice, cast))
    assert post(cast, other, "cancel").status_code == 302
    assert not jobs.file_of(other.id).exists()


def test_a_file_that_is_none_is_refused_in_words(cast: Cast) -> None:
    answer = give(cast.alice, cast, "PK\x03\x04")
    assert (answer.status_code, b"Save it as CSV" in answer.content) == (422, True)


def test_only_managers_import(cast: Cast) -> None:
    assert give(cast.bob, cast).status_code == 403
    assert b"people/import/" not in cast.bob.client.get(cast.home.url("people/")).content
    assert b"people/import/" in cast.alice.client.get(cast.home.url("people/")).content


def test_a_fact_that_nobody_has_is_refused_and_nothing_changed(cast: Cast, job: Import) -> None:
    answer = post(cast, job, "change", **{"fact-1": "last_seen"})
    assert (answer.status_code, answer.content) == (
        422, b"A person has no fact last_seen that can be given.",
    )  # fmt: skip
    assert jobs.find(cast.connection, cast.home.id, job.id).mapping == job.mapping
