"""Conversations by email: how answers leave, and how what comes back finds its thread."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from regulars.inbox import answering, conversations, from_email, hook, notices, settings
from regulars.inbox.answering import Answer
from regulars.inbox.conversations import Conversation
from regulars.kit import clock
from regulars.mail import outgoing
from regulars.people import store
from tests.cast import Cast
from tests.slices.public.served import Served


@pytest.fixture
def by_mail(cast: Cast) -> Cast:
    """Alice's project takes mail at an address of its own."""
    address = f"help-{uuid4().hex[:8]}@in.tideway.example"
    settings.change(cast.connection, cast.home.id, {"inbound_address": address}, clock.now())
    return cast


def address_of(cast: Cast) -> str:
    return settings.load(cast.connection, cast.home.id).inbound_address


def mail(sender: str, to: str, text: str, **headers: str) -> bytes:
    """A mail as a mail program writes it: an id stays in one piece, however long."""
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=900))
    message["From"], message["To"] = sender, to
    message["Message-ID"] = headers.pop("Message_ID", f"<{uuid4()}@mail.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if "Subject" not in message:
        message["Subject"] = "A question"
    message.set_content(text)
    return message.as_bytes()


def begun(cast: Cast) -> Conversation:
    """Alice has written to Pat by email."""
    with cast.connection.transaction():
        id_, _ = answering.start(
            cast.connection,
            cast.home.id,
            cast.pat.id,
            cast.alice.id,
            Answer("How is the grinder?", str(uuid4()), channel="email"),
            clock.now(),
            subject="Your grinder",
        )
    return conversations.get(cast.connection, cast.home.id, id_)


def sent(cast: Cast, one: Conversation) -> list[Any]:
    """The mails of a conversation, read by another library."""
    mails = outgoing.of_conversation(cast.connection, cast.home.id, one.id)
    raws = [outgoing.raw_of(cast.connection, cast.home.id, each.id) or b"" for each in mails]
    return [message_from_bytes(raw, policy=policy.default) for raw in raws]


def texts(cast: Cast, one: Conversation) -> list[tuple[str, str]]:
    found = conversations.messages_after(cast.connection, cast.home.id, one.id, 0)
    return [(each.by, each.body) for each in found if each.by != "system"]


def find_all(cast: Cast) -> list[Conversation]:
    rows = cast.connection.execute(
        "SELECT id FROM conversation WHERE project_id = %s ORDER BY created_at, id",
        (cast.home.id,),
    ).fetchall()
    ids: list[UUID] = [id_ for (id_,) in rows]
    found = conversations.found(cast.connection, cast.home.id, ids)
    return [found[id_] for id_ in ids]


def test_an_agent_s_email_leaves_and_says_where_answers_go(by_mail: Cast) -> None:
    (first,) = sent(by_mail, begun(by_mail))
    assert first["To"].addresses[0].addr_spec == "pat@example.com"
    assert first["Subject"] == "Your grinder"
    assert first["Reply-To"].addresses[0].addr_spec.endswith("@in.tideway.example")
    assert "How is the grinder?" in first.get_body(("plain",)).get_content()


def test_an_answer_finds_its_thread_and_what_it_quotes_is_folded(by_mail: Cast) -> None:
    one = begun(by_mail)
    (first,) = sent(by_mail, one)
    to = first["Reply-To"].addresses[0].addr_spec
    text = "It is loud.\n\nOn Mon, 23 Nov 2026, Alice wrote:\n> How is the grinder?\n"
    from_email.deliver(mail("pat@example.com", to, text), [to], clock.now())
    newest = conversations.messages_before(by_mail.connection, by_mail.home.id, one.id)[-1]
    assert (newest.by, newest.channel, newest.body) == ("person", "email", "It is loud.")
    assert "How is the grinder?" in newest.quoted


def test_an_answer_finds_its_thread_by_what_it_refers_to_alone(by_mail: Cast) -> None:
    one = begun(by_mail)
    (first,) = sent(by_mail, one)
    raw = mail("pat@example.com", address_of(by_mail), "Loud.", In_Reply_To=first["Message-ID"])
    from_email.deliver(raw, [address_of(by_mail)], clock.now())
    assert texts(by_mail, one)[-1] == ("person", "Loud.")


def test_the_same_mail_delivered_again_is_there_once(by_mail: Cast) -> None:
    one = begun(by_mail)
    to = sent(by_mail, one)[0]["Reply-To"].addresses[0].addr_spec
    raw = mail("pat@example.com", to, "Once.")
    for _ in range(3):
        from_email.deliver(raw, [to], clock.now())
    assert texts(by_mail, one) == [("agent", "How is the grinder?"), ("person", "Once.")]


def test_the_next_answer_refers_to_all_that_went_before(by_mail: Cast) -> None:
    one = begun(by_mail)
    (first,) = sent(by_mail, one)
    to = first["Reply-To"].addresses[0].addr_spec
    raw = mail("pat@example.com", to, "It is loud.", Message_ID="<loud@mail.example>")
    from_email.deliver(raw, [to], clock.now())
    with by_mail.connection.transaction():
        answer = Answer("We send another.", str(uuid4()))
        answering.reply(
            by_mail.connection, by_mail.home.id, one.id, by_mail.alice.id, answer, clock.now()
        )
    second = sent(by_mail, one)[-1]
    assert second["In-Reply-To"] == "<loud@mail.example>"
    assert second["References"].split() == [first["Message-ID"], "<loud@mail.example>"]
    assert second["Subject"] == "Re: Your grinder"


def test_an_absence_note_is_written_down_and_wakes_nobody(by_mail: Cast) -> None:
    one = begun(by_mail)
    to = sent(by_mail, one)[0]["Reply-To"].addresses[0].addr_spec
    raw = mail("pat@example.com", to, "I am away.", Auto_Submitted="auto-replied")
    from_email.deliver(raw, [to], clock.now())
    after = conversations.get(by_mail.connection, by_mail.home.id, one.id)
    assert (after.person_seq, after.waiting_since) == (0, None)
    newest = conversations.messages_before(by_mail.connection, by_mail.home.id, one.id)[-1]
    assert (newest.by, newest.what["did"]) == ("system", "automatic")


def test_our_own_mail_that_comes_back_is_dropped(by_mail: Cast) -> None:
    one = begun(by_mail)
    own = outgoing.of_conversation(by_mail.connection, by_mail.home.id, one.id)[0]
    raw = outgoing.raw_of(by_mail.connection, by_mail.home.id, own.id) or b""
    from_email.deliver(raw, [address_of(by_mail)], clock.now())
    assert len(texts(by_mail, one)) == 1
    assert len(find_all(by_mail)) == 1


def test_a_mail_from_somebody_new_begins_a_conversation_with_a_lead(by_mail: Cast) -> None:
    raw = mail("Vera Novak <vera@example.com>", address_of(by_mail), "Do you ship?")
    from_email.deliver(raw, [address_of(by_mail)], clock.now())
    (one,) = find_all(by_mail)
    person = store.read(by_mail.connection, by_mail.home.id, [one.person_id])[one.person_id]
    assert (person.kind, person.name, person.email) == ("lead", "Vera Novak", "vera@example.com")
    assert (one.subject, one.channel, one.verified) == ("A question", "email", False)


def test_a_mail_to_nobody_here_is_refused(by_mail: Cast) -> None:
    raw = mail("vera@example.com", "nobody@in.tideway.example", "Hello?")
    with pytest.raises(from_email.NobodyTakesItError):
        from_email.deliver(raw, ["nobody@in.tideway.example"], clock.now())


def test_a_file_comes_along(by_mail: Cast) -> None:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"] = "vera@example.com", address_of(by_mail)
    message["Subject"], message["Message-ID"] = "A picture", f"<{uuid4()}@mail.example>"
    message.set_content("Here it is.")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bill.pdf")
    from_email.deliver(message.as_bytes(), [address_of(by_mail)], clock.now())
    (one,) = find_all(by_mail)
    (said,) = conversations.messages_after(by_mail.connection, by_mail.home.id, one.id, 0)
    assert [file.name for file in said.files] == ["bill.pdf"]


def test_the_hook_takes_mail_with_the_project_s_signature_alone(
    by_mail: Cast, served: Served
) -> None:
    raw = mail("vera@example.com", "anything@example.com", "By the hook.")
    good = hook.path_of(by_mail.home.id)
    assert httpx.post(served.url + good, content=raw).status_code == 200
    other = good.replace(str(by_mail.home.id), str(by_mail.elsewhere.id))
    assert httpx.post(served.url + other, content=raw).status_code == 404
    assert httpx.post(served.url + good[:-1] + "0x", content=raw).status_code == 404
    assert [one.subject for one in find_all(by_mail)] == ["A question"]


def test_what_somebody_did_not_see_in_the_messenger_is_sent_on_once(by_mail: Cast) -> None:
    now = clock.now()
    with by_mail.connection.transaction():
        id_, _ = answering.start(
            by_mail.connection,
            by_mail.home.id,
            by_mail.pat.id,
            by_mail.alice.id,
            Answer("Are you there?", str(uuid4())),
            now,
        )
    one = conversations.get(by_mail.connection, by_mail.home.id, id_)
    notices.tell_people(by_mail.connection, now + timedelta(minutes=2))
    assert sent(by_mail, one) == []  # they were seen a moment ago: it may still be read
    for minutes in (6, 7):
        notices.tell_people(by_mail.connection, now + timedelta(minutes=minutes))
    (only,) = sent(by_mail, one)
    assert "Are you there?" in only.get_body(("plain",)).get_content()


def test_agents_are_written_to_when_nobody_looked(by_mail: Cast) -> None:
    raw = mail("vera@example.com", address_of(by_mail), "Anybody?")
    now = clock.now()
    from_email.deliver(raw, [address_of(by_mail)], now)
    for minutes in (14, 16, 17):
        notices.tell_agents(by_mail.connection, now + timedelta(minutes=minutes))
    rows = by_mail.connection.execute(
        "SELECT to_address FROM outgoing_mail WHERE project_id = %s AND kind = 'agent_notice'",
        (by_mail.home.id,),
    ).fetchall()
    assert sorted(to for (to,) in rows) == sorted([by_mail.alice.email, by_mail.bob.email])
