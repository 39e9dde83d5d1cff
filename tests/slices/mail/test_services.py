"""A mail leaves by a service once, as it was meant; what the service says is understood."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest

from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import addresses, compose, newsletter
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.letters import File, Letter, Mailbox
from regulars.mail.services import accounts, line, message, wire
from regulars.mail.services.amazon import authorization
from regulars.mail.services.line import OverService
from regulars.mail.smtp import AwayError, BadServerError, LaterError, RefusedError
from tests.running import free_port
from tests.slices.mail.services import ALL, Services, keys_of, mail_services

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ID = UUID(int=7)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("REGULARS_TESTING", "1")
    with mail_services() as running:
        monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", running.url)
        yield running


def one(to: str = "zoe@example.com", name: str = "Zoë “Z”, Öst") -> bytes:
    head = newsletter.Head(
        Mailbox("hello@tideway.example", "Tideway, Coffee"), Mailbox("answers@tideway.example")
    )
    leave = (
        ("List-Unsubscribe", "<https://people.example.com/u/1>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    copy = newsletter.Copy(ID, Mailbox(to, name), "Grüße", "<p>Hällo</p>", "Hällo", leave)
    return b"DKIM-Signature: v=1;\r\n b=abc\r\n" + newsletter.write(head, copy, NOON)


def send(service: str, *mails: bytes, to: str = "zoe@example.com", **keys: str) -> list[str]:
    """Hand them over one after the other; what the service calls them."""

    async def go() -> list[str]:
        account = accounts.check(service, keys_of(service) | keys)
        open_ = await OverService(account).call()
        try:
            return [await open_.send("bounces@tideway.example", to, raw) for raw in mails]
        finally:
            await open_.close()

    return asyncio.run(go())


@pytest.mark.parametrize("service", ALL)
def test_a_mail_leaves_as_it_was_meant(services: Services, service: str) -> None:
    (name,) = send(service, one())
    (took,) = services.took
    assert took.to == "zoe@example.com"
    assert took.subject == "Grüße"
    assert list(addresses.mails_in(took.mark)) == [ID]
    fields = {key.lower(): value for key, value in took.headers.items()}
    assert fields["list-unsubscribe"] == "<https://people.example.com/u/1>"
    assert fields["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "dkim-signature" not in fields
    assert list(addresses.mails_in(fields["x-regulars"])) == [ID]
    assert name
    whole = str(took.said) if service != "ses" else took.said.as_string()
    assert "answers@tideway.example" in whole
    assert ("tracking-opens" in whole or "TrackOpens" in whole) == (
        service in ("mailgun", "mailjet", "postmark")
    )


@pytest.mark.parametrize("service", ["mailgun", "postmark", "sendgrid"])
def test_our_message_id_goes_along_where_it_is_kept(services: Services, service: str) -> None:
    send(service, one())
    fields = {key.lower(): value for key, value in services.took[0].headers.items()}
    assert list(addresses.mails_in(fields["message-id"])) == [ID]


def test_names_of_the_world_arrive_whole(services: Services) -> None:
    send("postmark", one())
    said = services.took[0].said
    assert said["To"] == '"Zoë “Z”, Öst" <zoe@example.com>'
    assert said["From"] == '"Tideway, Coffee" <hello@tideway.example>'
    assert (said["TextBody"].strip(), said["HtmlBody"].strip()) == ("Hällo", "<p>Hällo</p>")
    assert said["ReplyTo"] == "answers@tideway.example"


def test_mails_go_over_one_connection(services: Services) -> None:
    send("postmark", *[one()] * 5)
    assert len(services.took) == 5
    assert services.connections == 1


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("400", RefusedError),
        ("422", RefusedError),
        ("429 7", AwayError),
        ("403", AwayError),
        ("302", AwayError),
        ("500", LaterError),
        ("503 9", LaterError),
        ("504", UnknownOutcomeError),
        ("cut", UnknownOutcomeError),
    ],
)
def test_what_a_service_says_is_understood(
    services: Services, service: str, answer: str, kind: type[Exception]
) -> None:
    services.answers.append(answer)
    with pytest.raises(kind) as caught:
        send(service, one())
    assert services.took == []
    assert services.connections == 1  # nothing is tried again by itself
    if " " in answer:
        assert isinstance(caught.value, AwayError | LaterError)
        assert caught.value.wait == float(answer.partition(" ")[2])
    if answer not in ("cut", "302"):
        assert "No, says" in str(caught.value)


@pytest.mark.parametrize("service", [one for one in ALL if one != "sendgrid"])
def test_a_yes_in_unknown_words_is_no_no(services: Services, service: str) -> None:
    services.answers.append("odd")
    with pytest.raises(UnknownOutcomeError):
        send(service, one())


@pytest.mark.parametrize("service", ALL)
def test_a_wrong_key_holds_all_mail_up_and_ends_none(services: Services, service: str) -> None:
    wrong = {"secret": "wrong"} if service == "mailjet" else {"key": "wrong"}
    with pytest.raises(AwayError, match="401"):
        send(service, one(), **wrong)


def test_a_service_that_is_not_there_was_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_TESTING", "1")
    monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", f"http://127.0.0.1:{free_port()}")
    for service in ALL:
        with pytest.raises(AwayError, match="refused"):
            send(service, one())


def test_a_connection_that_ends_before_we_speak_has_taken_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A handshake that is cut off: nothing of the mail has left."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("REGULARS_TESTING", "1")
        monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", f"https://127.0.0.1:{port}")

        async def go() -> None:
            loop = asyncio.get_running_loop()
            sending = loop.run_in_executor(None, send, "postmark", one())
            caller, _ = await loop.run_in_executor(None, server.accept)
            caller.close()
            with pytest.raises(AwayError):
                await sending

        asyncio.run(go())


def test_a_service_that_does_not_answer_leaves_us_not_knowing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", 0.2)
    services.answers.append("hang")
    with pytest.raises(UnknownOutcomeError):
        send("resend", one())


def test_a_line_is_let_go_when_an_answer_takes_too_long(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(wire, "TIMEOUT", 5)
    services.slowly = 0.6

    async def go() -> bool:
        open_ = await OverService(accounts.check("resend", keys_of("resend"))).call()
        with pytest.raises(UnknownOutcomeError):
            await open_.send("", "zoe@example.com", one())
        return open_.is_open

    assert asyncio.run(go()) is False


def test_a_time_to_come_back_is_a_wait(services: Services) -> None:
    until = clock.now() + timedelta(seconds=100)
    services.answers.append(f"429 {format_datetime(until, usegmt=True)}")
    with pytest.raises(AwayError) as caught:
        send("sparkpost", one())
    assert 50 < caught.value.wait <= 100


def test_what_stands_in_a_thread_leads_back_and_files_come_along(services: Services) -> None:
    letter = Letter(
        id=new_id(NOON),
        kind="conversation",
        sender=Mailbox("help@tideway.example", "Tideway"),
        to=Mailbox("zoe@example.com", "Zoë"),
        subject="Re: Beans",
        text="Here.",
        answers="<a1@example.com>",
        references=("<a0@example.com>", "<a1@example.com>"),
        files=(File("Bohnen.pdf", "application/pdf", b"%PDF-1.4"),),
    )
    raw = compose.write(ID, letter, NOON).raw
    send("postmark", raw)
    said = services.took[0].said
    fields = services.took[0].headers
    assert fields["In-Reply-To"] == "<a1@example.com>"
    assert fields["References"].split() == ["<a0@example.com>", "<a1@example.com>"]
    (file,) = said["Attachments"]
    assert (file["Name"], file["ContentType"]) == ("Bohnen.pdf", "application/pdf")


def test_a_request_to_amazon_is_signed_as_amazon_publishes() -> None:
    """The examples get-vanilla and post-vanilla of Amazon's test suite for version 4."""
    fields = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    keys = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    codes = {
        "GET": "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "POST": "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    }
    for method, code in codes.items():
        said = authorization((method, "/"), fields, b"", keys, ("us-east-1", "service"))
        assert said.endswith(f"Signature={code}")


def test_our_signature_is_left_out_of_what_amazon_gets() -> None:
    assert b"DKIM" not in message.unsigned(one())
    assert message.unsigned(one()).endswith(one()[-200:])


@pytest.mark.parametrize(
    ("service", "given", "field"),
    [
        ("postmark", {}, "key"),
        ("postmark", {"key": "two words"}, "key"),
        ("postmark", {"key": "x", "stream": "A B"}, "stream"),
        ("mailjet", {"key": "x"}, "secret"),
        ("mailgun", {"key": "x", "region": "mars"}, "region"),
        ("ses", {"key": "x", "secret": "y", "region": "evil.example/#"}, "region"),
    ],
)
def test_what_is_no_account_is_refused_by_name(
    service: str, given: dict[str, str], field: str
) -> None:
    with pytest.raises(accounts.WrongError) as caught:
        accounts.check(service, given)
    assert caught.value.field == field


def test_an_account_shows_no_secret_and_keeps_what_is_not_said_anew() -> None:
    account = accounts.check("ses", keys_of("ses"))
    assert "right" not in repr(account)
    assert accounts.check("ses", {"region": "eu-central-1"}, account)["secret"] == "right"
    assert accounts.read("ses", accounts.to_keep(account)) == account
    with pytest.raises(BadServerError):
        accounts.read("ses", "")
    with pytest.raises(BadServerError):
        accounts.read("pigeons", accounts.to_keep(account))


def test_only_tests_lead_keys_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", "http://127.0.0.1:1")
    monkeypatch.setenv("REGULARS_TESTING", "0")
    account = accounts.check("ses", keys_of("ses"))
    assert account.url == "https://email.eu-west-1.amazonaws.com/"
    assert accounts.check("mailgun", keys_of("mailgun")).url == "https://api.eu.mailgun.net/v3/"
