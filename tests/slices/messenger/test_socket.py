"""The messenger's socket, met by a real client: who is let in, what is said, what is heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from regulars.inbox import answering, conversations, handling
from regulars.inbox.answering import Answer
from regulars.kit import clock
from regulars.workspaces import projects
from tests.cast import Cast
from tests.slices.messenger.client import Messenger, signed
from tests.slices.public.served import Served
from tests.slices.tracking.site import Site, identify


@pytest.fixture
def url(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the application answers; streams may end after the test."""
    with django_db_blocker.unblock():
        yield served.url


def open_for(cast: Cast, url: str, anon: str | None = None, **claims: str) -> Messenger:
    return Messenger(url, cast.home.write_key, anon or f"anon-{uuid4()}", **claims)


def reply(cast: Cast, conversation: str, text: str, *, private: bool = False) -> None:
    with cast.connection.transaction():
        answer = Answer(text, str(uuid4()), private=private)
        answering.reply(
            cast.connection, cast.home.id, UUID(conversation), cast.alice.id, answer, clock.now()
        )


def test_a_visitor_says_something_and_hears_the_answer(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        assert visitor.home["conversations"] == []
        said = visitor.say("Do you ship to Oslo?", page={"url": "https://shop.example/cart"})
        assert said["seq"] == 1
        reply(cast, said["conversation"], "We do.")
        heard = visitor.until("message")
        while heard["message"]["by"] == "you":
            heard = visitor.until("message")
        assert heard["message"]["text"] == "We do."
        assert heard["message"]["name"] == "Alice"
        assert heard["conversation"]["unread"] == 1


def test_what_agents_note_among_themselves_is_never_heard(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        said = visitor.say("Hello")
        reply(cast, said["conversation"], "A difficult one, @Bob", private=True)
        reply(cast, said["conversation"], "Hello!")
        texts = [one["text"] for one in visitor.thread(said["conversation"])]
        assert texts == ["Hello", "Hello!"]


def test_what_is_said_twice_is_there_once(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        first = visitor.say("Once", id="0123456789", open="thread-0001")
        again = visitor.say("Once", id="0123456789", open="thread-0001")
        assert (first["conversation"], first["seq"]) == (again["conversation"], again["seq"])
        assert len(visitor.thread(first["conversation"])) == 1


def test_another_tab_of_the_browser_hears_it_too(cast: Cast, url: str) -> None:
    with open_for(cast, url, "one-browser") as tab:
        said = tab.say("From the first tab")
        with open_for(cast, url, "one-browser") as other:
            assert [one["id"] for one in other.home["conversations"]] == [said["conversation"]]
            tab.say("And again", said["conversation"])
            assert other.until("message")["message"]["text"] == "And again"


def test_another_browser_sees_nothing_of_it(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor, open_for(cast, url) as stranger:
        said = visitor.say("Only for you")
        stranger.send({"t": "messages", "conversation": said["conversation"], "after": 0})
        assert stranger.until("refused")["code"] == "not_found"
        assert stranger.say("Let me in", said["conversation"])["code"] == "not_found"
        stranger.send({"t": "seen", "conversation": said["conversation"], "seq": 1})
        assert stranger.until("refused")["code"] == "not_found"


def test_another_project_s_key_opens_nothing(cast: Cast, url: str) -> None:
    with open_for(cast, url, "same-anon") as visitor:
        said = visitor.say("Only here")
    with Messenger(url, cast.elsewhere.write_key, "same-anon") as elsewhere:
        assert elsewhere.home["conversations"] == []
        assert elsewhere.say("Hello", said["conversation"])["code"] == "not_found"


def test_an_unknown_key_is_refused(cast: Cast, url: str) -> None:
    with Messenger(url, "wk_nothing", "anon") as nobody:
        assert nobody.first["code"] == "unknown_key"
        assert nobody.is_over()


def test_a_signed_user_sees_their_conversations_in_another_browser(cast: Cast, url: str) -> None:
    token = signed(cast.home.config.identity_secret, "u-1")
    with open_for(cast, url, user="u-1", token=token) as visitor:
        said = visitor.say("From the laptop")
        assert visitor.home["you"]["verified"] is True
    with open_for(cast, url, user="u-1", token=token) as phone:
        assert [one["id"] for one in phone.home["conversations"]] == [said["conversation"]]


def test_a_forged_claim_is_refused(cast: Cast, url: str) -> None:
    with open_for(cast, url, user="u-1", token=signed("another secret", "u-1")) as forger:
        assert forger.first["code"] == "bad_claim"
        assert forger.is_over()


def test_a_claim_is_for_its_user_alone(cast: Cast, url: str) -> None:
    token = signed(cast.home.config.identity_secret, "u-1")
    with open_for(cast, url, user="u-2", token=token) as forger:
        assert forger.first["code"] == "bad_claim"


def test_once_a_claim_was_right_users_must_prove_who_they_are(cast: Cast, url: str) -> None:
    token = signed(cast.home.config.identity_secret, "u-1")
    with open_for(cast, url, "laptop", user="u-1", token=token) as visitor:
        visitor.say("It is me")
    with open_for(cast, url, user="u-1") as unproved:
        assert unproved.first["code"] == "bad_claim"
    with open_for(cast, url, "laptop") as without:
        assert without.first["code"] == "bad_claim"


def test_a_user_without_proof_sees_what_began_in_this_browser_alone(cast: Cast, url: str) -> None:
    cast.tracked("u-9", name="Uma Ito")
    with open_for(cast, url, "u-9-browser") as here:
        said = here.say("From here")
        assert here.home["you"]["name"] is None
    site_browser = f"other-{uuid4()}"
    with open_for(cast, url, site_browser) as there:
        there.say("A visitor, so far")
    with open_for(cast, url, "u-9-browser") as here:
        assert [one["id"] for one in here.home["conversations"]] == [said["conversation"]]


def test_agents_see_how_far_the_visitor_has_read(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        said = visitor.say("Hello")
        reply(cast, said["conversation"], "Hello!")
        answer = visitor.until("message")
        while answer["message"]["by"] == "you":
            answer = visitor.until("message")
        seq = answer["message"]["seq"]
        visitor.send({"t": "seen", "conversation": said["conversation"], "seq": seq})
        while visitor.until("conversation")["conversation"]["seen"] != seq:
            pass  # it was told of how things stood before, too
        one = conversations.get(cast.connection, cast.home.id, UUID(said["conversation"]))
        assert one.person_seen == seq


def test_an_address_that_is_left_makes_a_lead(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        visitor.say("Anybody there?")
        visitor.send({"t": "email", "id": "email-00001", "email": "vera@example.com"})
        assert visitor.answer("email-00001")["t"] == "said"
        home = visitor.until("home")
        assert (home["you"]["kind"], home["you"]["email"]) == ("lead", "vera@example.com")


def test_what_is_no_address_is_refused_by_its_name(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        visitor.send({"t": "email", "id": "email-00001", "email": "vera at example"})
        refused = visitor.answer("email-00001")
        assert (refused["t"], refused["field"]) == ("refused", "email")


def test_a_closed_conversation_can_be_rated_and_opens_again(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        said = visitor.say("Hello")
        reply(cast, said["conversation"], "Hello!")
        with cast.connection.transaction():
            handling.close(
                cast.connection,
                cast.home.id,
                UUID(said["conversation"]),
                clock.now(),
                by=cast.alice.id,
            )
        visitor.send(
            {"t": "rate", "id": "rate-00001", "conversation": said["conversation"], "rating": 5}
        )
        assert visitor.answer("rate-00001")["t"] == "said"
        visitor.say("One more thing", said["conversation"])
        one = conversations.get(cast.connection, cast.home.id, UUID(said["conversation"]))
        assert (one.state, one.rating) == ("open", 5)


def test_a_ticket_of_one_s_own(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        visitor.send(
            {"t": "ticket", "id": "ticket-0001", "subject": "A torn bag", "text": "It is torn."}
        )
        said = visitor.answer("ticket-0001")
        one = conversations.get(cast.connection, cast.home.id, UUID(said["conversation"]))
        assert (one.number, one.subject, one.status) == (1, "A torn bag", "open")


def test_nonsense_is_refused_and_what_follows_is_heard(cast: Cast, url: str) -> None:
    with open_for(cast, url) as visitor:
        visitor.socket.send("{not json")
        assert visitor.next()["code"] == "bad_frame"
        visitor.send({"t": "say", "id": "0123456789", "text": "x" * 5_000, "open": "thread-0001"})
        assert visitor.answer("0123456789")["field"] == "text"
        assert visitor.say("Still here")["t"] == "said"


def test_a_browser_that_becomes_a_user_without_proof_speaks_for_nobody(
    cast: Cast, url: str
) -> None:
    cast.tracked("victim", name="Vic Tim")
    projects.change_project(
        cast.home.id, {"enforce_identity": True}, by=cast.alice.actor, now=clock.now()
    )
    with open_for(cast, url, "intruder") as intruder:
        intruder.say("Just a visitor")
        site = Site(cast.connection, cast.home.config, cast.home.secret_key)
        site.send(identify("victim", "intruder"), at=clock.now())
        with suppress(ConnectionClosed):  # it may be sent away before it says anything
            said = {"t": "say", "id": "0123456789", "text": "I am Vic", "open": "thread-0009"}
            intruder.send(said)
        assert intruder.is_over()
    row = cast.connection.execute(
        "SELECT count(*) FROM message WHERE project_id = %s AND body = 'I am Vic'",
        (cast.home.id,),
    ).fetchone()
    assert row == (0,)
