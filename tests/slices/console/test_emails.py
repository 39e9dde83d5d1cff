"""Quick email in the console: from a selection to what became of it."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from typing import Any
from uuid import UUID

import pytest

from regulars.campaigns import deciding, email_queries, emails, sending, upkeep
from regulars.campaigns.sending import Engine
from regulars.console import email_words
from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import templates
from regulars.mail.content.content import Content
from regulars.workspaces.models import AuditEntry, Project
from tests.cast import Cast

CONTENT = {
    "format": "blocks",
    "subject": "New beans",
    "blocks": [
        {"type": "heading", "text": "Six roasts"},
        {"type": "text", "html": "<p>Hi {{ person.first_name }}</p>"},
    ],
}
DRAFT = {"content": json.dumps(CONTENT), "kind": "transactional"}


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


def written(cast: Cast, url: str) -> Any:
    """What the draft at this address says."""
    return emails.get(cast.connection, cast.home.id, UUID(url.rstrip("/")[-36:])).content


def test_a_draft_is_kept_as_it_is_written(cast: Cast) -> None:
    url = begin(cast, person=str(cast.pat.id))
    saved = cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    assert saved.json()["version"] == 2
    kept = written(cast, url)
    assert (kept["subject"], [one["type"] for one in kept["blocks"]]) == (
        "New beans",
        ["heading", "text"],
    )
    page = cast.bob.client.get(url).content.decode()
    assert "<mail-editor" in page
    assert "Six roasts" in page


def test_who_changes_the_rest_alone_leaves_the_words(cast: Cast) -> None:
    url = begin(cast)
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    given = {"kind": "marketing", "reply_to": "beans@example.com"}
    cast.bob.client.post(f"{url}save", given, HTTP_HX_REQUEST="true")
    assert written(cast, url)["subject"] == "New beans"
    assert "beans@example.com" in cast.bob.client.get(url).content.decode()


@pytest.mark.parametrize(
    "sent", ["", "[]", "{", '{"format": "pdf"}', '{"blocks": [{"type": "script"}]}']
)
def test_what_is_no_mail_is_refused_and_what_was_kept_stays(cast: Cast, sent: str) -> None:
    url = begin(cast)
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    refused = cast.bob.client.post(f"{url}save", DRAFT | {"content": sent}, HTTP_HX_REQUEST="true")
    assert refused.status_code == 422
    assert written(cast, url)["subject"] == "New beans"


def test_the_editor_shows_the_mail_as_the_first_of_its_people(cast: Cast) -> None:
    url = begin(cast)
    page = cast.bob.client.get(url).content.decode()
    assert f'data-person="{cast.pat.id}"' in page
    assert 'data-marketing="yes"' in page
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    assert 'data-marketing="no"' in cast.bob.client.get(url).content.decode()
    shown = cast.bob.client.post(
        cast.home.url("mail/preview"), {**DRAFT, "person": str(cast.pat.id)}
    )
    assert b"Hi Pat" in shown.content


def test_a_template_fills_the_editor(cast: Cast) -> None:
    url = begin(cast)
    made = templates.create(
        cast.connection, cast.home.id, clock.now(),
        name="House letter", content=Content.from_json(CONTENT),
    )  # fmt: skip
    answer = cast.bob.client.post(f"{url}template", {"template": str(made)})
    assert answer.status_code == 302
    assert [one["type"] for one in written(cast, url)["blocks"]] == ["heading", "text"]
    assert "Six roasts" in cast.bob.client.get(url).content.decode()


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


def test_what_no_server_took_is_listed_in_the_outbox_with_its_messages(cast: Cast) -> None:
    url = begin(cast)
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    cast.bob.client.post(f"{url}send")
    engine = Engine(threading.Event(), penmen=0)
    later = clock.now() + 2 * emails.UNDO_FOR
    with asyncio.Runner() as runner:
        sending.send_due(cast.connection, runner, engine, later, project_id=cast.home.id)
        runner.run(engine.close())
    page = cast.bob.client.get(cast.home.url("sending/outbox/")).content.decode()
    assert "1 kept here" in page
    (behind,) = re.findall(r'href="([^"]+/sending/outbox/emails/[^"]+)"', page)
    shown = cast.bob.client.get(behind).content.decode()
    assert "pat@example.com" in shown
    assert "List-Unsubscribe" not in shown  # it is transactional
    (frame,) = re.findall(r'<iframe class="as-frame" src="([^"]+)" sandbox', shown)
    html = cast.bob.client.get(frame)
    assert "Six roasts" in html.content.decode()
    assert "script-src" not in html["Content-Security-Policy"]
    source = cast.bob.client.get(frame.removesuffix("mail.html") + "?as=source").content.decode()
    assert "X-Regulars: " in source
    assert cast.charlie.client.get(frame).status_code == 404
    (message,) = re.findall(r'href="([^"]+\.eml)"', shown)
    raw = cast.bob.client.get(message).content
    assert b"To: " in raw
    assert b"pat@example.com" in raw
    assert b"New beans" in raw
    assert "1 kept here" not in cast.charlie.client.get(cast.elsewhere.url("sending/outbox/")).text


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


def test_a_subject_names_the_company(cast: Cast) -> None:
    project = Project.objects.get(id=cast.home.id)
    named = email_words.subject("Welcome to {{ company.name }}, {{ person.name }}", project)
    assert named == "Welcome to Tideway Coffee, …"


def emails_now(cast: Cast) -> Any:
    row = cast.connection.execute(
        "SELECT max(created_at) + interval '1 second' FROM email WHERE project_id = %s",
        (cast.home.id,),
    ).fetchone()
    assert row is not None
    assert emails.AUDITED
    return row[0]


def lost(cast: Cast) -> str:
    """An email whose one recipient is unknown; its address."""
    url = begin(cast)
    cast.bob.client.post(f"{url}save", DRAFT, HTTP_HX_REQUEST="true")
    cast.bob.client.post(f"{url}send")
    email = emails.get(cast.connection, cast.home.id, UUID(url.rstrip("/").rpartition("/")[2]))
    now = clock.now()
    ((recipient,),) = cast.connection.execute(
        "SELECT id FROM email_recipient WHERE project_id = %s AND email_id = %s",
        (cast.home.id, email.id),
    ).fetchall()
    with cast.connection.transaction():
        deciding.decide(cast.connection, email, new_id(now), [recipient], now)
        deciding.give_up(cast.connection, email, new_id(now), now)
    return url


def test_sending_again_where_nobody_knows_is_warned_of_confirmed_and_recorded(cast: Cast) -> None:
    url = lost(cast)
    page = cast.bob.client.get(url).content.decode()
    assert "Nobody knows" in page
    assert "gets it twice" in page
    cast.bob.client.post(f"{url}unknown/again")  # without the tick
    assert "Nobody knows" in cast.bob.client.get(url).content.decode()
    cast.bob.client.post(f"{url}unknown/again", {"sure": "1"})
    assert "Nobody knows" not in cast.bob.client.get(url).content.decode()
    (entry,) = AuditEntry.objects.filter(
        project_id=cast.home.id, action="email.unknown_again"
    ).values_list("subject", flat=True)
    assert entry == "New beans (1)"
    assert b"(Sent again by hand.)" in cast.bob.client.get(f"{url}people/waiting").content


def test_what_nobody_knows_can_be_left_as_it_is(cast: Cast) -> None:
    url = lost(cast)
    cast.bob.client.post(f"{url}unknown/leave")
    page = cast.bob.client.get(url).content.decode()
    assert "Left as it is" in page
    assert "Leave as is" not in page
    assert b"(Left as it is.)" in cast.bob.client.get(f"{url}people/unknown").content
    assert cast.bob.client.post(f"{url}unknown/forget").status_code == 404


def test_a_draft_that_lay_for_days_gathers_its_people_anew_when_it_is_opened(cast: Cast) -> None:
    url = begin(cast)
    later = clock.now() + 2 * upkeep.UNSENT_FOR
    upkeep.empty_unsent(cast.connection, later, project_id=cast.home.id)
    email_id = UUID(url.rstrip("/").rpartition("/")[2])
    assert email_queries.counts(cast.connection, cast.home.id, email_id).recipients == 0
    assert b"Review and send" in cast.bob.client.get(url).content
    assert email_queries.counts(cast.connection, cast.home.id, email_id).recipients == 1
