"""Beginning a conversation and opening a ticket from the *New* menu."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.inbox import conversations, views
from regulars.inbox.conversations import Conversation
from tests.cast import Cast

CLIENT = "0f3c9a52-3f0e-4b57-9c5a-5d6b7f1f0a01"


def send(cast: Cast, kind: str, **given: Any) -> Any:
    """Alice sends the form."""
    url = cast.home.url(f"new/{kind}")
    answer: Any = cast.alice.client.post(url, {"client": CLIENT, **given})
    return answer


def of_pat(cast: Cast) -> list[Conversation]:
    return views.of_person(cast.connection, cast.home.id, cast.pat.id)


def said(cast: Cast, one: Conversation) -> list[str]:
    found = conversations.messages_after(cast.connection, cast.home.id, one.id, 0)
    return [each.body for each in found if each.by == "agent"]


def test_a_conversation_begins_with_its_first_message(cast: Cast) -> None:
    answer = send(cast, "conversation", person=cast.pat.id, text="May I help?", channel="chat")
    (one,) = of_pat(cast)
    assert (answer.status_code, answer["Location"]) == (302, cast.home.url(f"inbox/{one.id}/"))
    assert (one.assignee_id, said(cast, one)) == (cast.alice.id, ["May I help?"])


def test_sent_twice_it_begins_once(cast: Cast) -> None:
    for _ in range(2):
        send(cast, "conversation", person=cast.pat.id, text="May I help?")
        send(cast, "ticket", person=cast.pat.id, subject="A torn bag", text="It is torn.")
    assert len(of_pat(cast)) == 2


def test_a_ticket_has_all_that_was_said_of_it(cast: Cast) -> None:
    send(
        cast,
        "ticket",
        person=cast.pat.id,
        subject="A torn bag",
        text="It is torn.",
        priority="high",
        assignee=cast.bob.id,
        due="2099-11-24T12:00",
        tags="Delivery, refund",
    )
    assert of_pat(cast) == []  # it is refused: its time is further off than three years
    send(
        cast,
        "ticket",
        person=cast.pat.id,
        subject="A torn bag",
        text="It is torn.",
        priority="high",
        assignee=cast.bob.id,
        tags="Delivery, refund",
    )
    (one,) = of_pat(cast)
    assert (one.number, one.subject, one.priority) == (1, "A torn bag", "high")
    assert (one.assignee_id, one.tags) == (cast.bob.id, ["delivery", "refund"])
    assert (one.status, said(cast, one)) == ("open", ["It is torn."])


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("conversation", {"text": ""}, "Write something first."),
        ("conversation", {"text": "Hi", "channel": "email"}, "An email needs a subject."),
        ("ticket", {"text": "It is torn.", "subject": " "}, "A ticket needs a subject."),
        ("ticket", {"text": "Torn", "subject": "Bag", "priority": "huge"}, "Expected one of"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(
    cast: Cast, kind: str, given: dict[str, str], words: str
) -> None:
    answer = send(cast, kind, person=cast.pat.id, **given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert given["text"] in answer.content.decode()
    assert of_pat(cast) == []


def test_a_refused_form_makes_no_lead(cast: Cast) -> None:
    send(cast, "ticket", email="new@example.com", text="It is torn.", subject="")
    row = cast.connection.execute(
        "SELECT count(*) FROM person WHERE project_id = %s", (cast.home.id,)
    ).fetchone()
    assert row == (0,)


def test_a_new_address_becomes_a_lead_with_the_ticket(cast: Cast) -> None:
    send(cast, "ticket", email="new@example.com", text="It is torn.", subject="Bag")
    row = cast.connection.execute(
        "SELECT p.kind, c.number FROM person p JOIN conversation c"
        " ON c.project_id = p.project_id AND c.person_id = p.id WHERE p.project_id = %s",
        (cast.home.id,),
    ).fetchone()
    assert row == ("lead", 1)


def test_somebody_of_another_project_can_t_be_chosen(cast: Cast) -> None:
    answer = cast.charlie.client.post(
        cast.elsewhere.url("new/conversation"),
        {"client": CLIENT, "person": cast.pat.id, "text": "Hello"},
    )
    assert answer.status_code == 422
    assert of_pat(cast) == []
