"""Quick email in the console: from a selection to what became of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from regulars.campaigns import email_queries, emails
from regulars.console import email_words
from tests.cast import Cast

DRAFT = {"subject": "New beans", "body": "Hi {{ person.first_name }}", "kind": "transactional"}


def begin(cast: Cast, **given: str) -> str:
    """A draft to Pat, or to whoever is named; its address."""
    given = given or {"selection": json.dumps({"ids": [str(cast.pat.id)]})}
    answer = cast.bob.client.post(cast.home.url("emails/begin"), given)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def test_a_draft_counts_who_gets_it(cast: Cast) -> None:
    url = begin(cast)
    page = cast.bob.client.get(url)
    assert page.status_code == 200
    assert b"<b>1</b> of 1" in page.content


def test_a_draft_is_kept_as_it_is_typed(cast: Cast) -> None:
    url = begin(cast, person=str(cast.pat.id))
    saved = cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    assert b"Draft saved" in saved.content
    page = cast.bob.client.get(url).content.decode()
    assert "New beans" in page
    assert "Hi {{ person.first_name }}" in page


def test_the_preview_is_filled_in_and_can_do_nothing(cast: Cast) -> None:
    url = begin(cast)
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    shown = cast.bob.client.get(f"{url}preview")
    assert b"Hi Pat" in shown.content
    assert "sandbox" in shown["Content-Security-Policy"]


def test_marketing_is_held_up_until_it_says_whose_it_is(cast: Cast) -> None:
    url = begin(cast)
    looked = cast.bob.client.post(
        f"{url}review", DRAFT | {"kind": "marketing"}, HTTP_HX_REQUEST="true"
    )
    assert b"company name and postal address" in looked.content
    assert b">Send email<" not in looked.content


def test_an_email_is_sent_and_taken_back(cast: Cast) -> None:
    url = begin(cast)
    looked = cast.bob.client.post(f"{url}review", DRAFT, HTTP_HX_REQUEST="true")
    assert b">Send email<" in looked.content
    cast.bob.client.post(f"{url}send")
    assert b"Undo" in cast.bob.client.get(url).content
    cast.bob.client.post(f"{url}undo")
    assert b"Review and send" in cast.bob.client.get(url).content


def test_a_test_goes_to_oneself_and_is_not_counted(cast: Cast) -> None:
    url = begin(cast)
    answer = cast.bob.client.post(f"{url}test", DRAFT, HTTP_HX_REQUEST="true")
    assert answer.status_code == 204
    rows: Any = cast.connection.execute(
        "SELECT to_address, subject FROM outgoing_mail WHERE project_id = %s", (cast.home.id,)
    ).fetchall()
    assert rows == [(cast.bob.email, "New beans")]


def test_the_people_behind_a_number_are_listed(cast: Cast) -> None:
    url = begin(cast)
    shown = cast.bob.client.get(f"{url}people/waiting")
    assert b"pat@example.com" in shown.content
    assert cast.bob.client.get(f"{url}people/nonsense").status_code == 404


def test_the_list_shows_what_was_written(cast: Cast) -> None:
    begin(cast)
    assert b"No subject yet" in cast.bob.client.get(cast.home.url("emails/")).content
    found = email_queries.newest(cast.connection, cast.home.id, emails_now(cast))
    assert [one.state for one in found] == ["gathered"]


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ('{{ person.first_name | default: "Hello" }}, beans', "Hello, beans"),
        ("{{ person.name }}", "…"),
        ("", "No subject yet"),
    ],
)
def test_a_subject_shows_what_stands_for_its_tags(subject: str, shown: str) -> None:
    assert email_words.subject(subject) == shown


def emails_now(cast: Cast) -> Any:
    row = cast.connection.execute(
        "SELECT max(created_at) + interval '1 second' FROM email WHERE project_id = %s",
        (cast.home.id,),
    ).fetchone()
    assert row is not None
    assert emails.AUDITED
    return row[0]
