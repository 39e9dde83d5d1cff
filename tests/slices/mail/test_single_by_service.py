"""Answers and notices leave by the project's own way out, and wait for nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from regulars.mail import compose, outgoing, sending, smtp
from regulars.mail.letters import Letter, Mailbox
from regulars.mail.sending import Waits
from regulars.mail.services import accounts, told
from regulars.mail.smtp import AwayError
from tests.cast import Cast
from tests.slices.mail.conftest import NOW, Post
from tests.slices.mail.services import Services, keys_of, mail_services
from tests.slices.mail.sink import sink


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("REGULARS_TESTING", "1")
    with mail_services() as running:
        monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", running.url)
        account = accounts.check("postmark", keys_of("postmark"))
        monkeypatch.setattr(sending, "WAY", [lambda _connection, _project: account])
        yield running


def test_an_answer_leaves_by_the_service_once(post: Post, services: Services) -> None:
    mail = post.write()
    post.send()
    post.send()
    (took,) = services.took
    assert (took.to, took.subject) == ("pat@example.com", "Your beans")
    assert post.look(mail).state == "sent"
    assert told.mail_of(post.connection, post.project_id, "postmark", "postmark-1") == mail


def test_an_answer_of_which_nobody_can_say_is_shown_and_not_repeated(
    post: Post, services: Services
) -> None:
    mail = post.write()
    services.answers.append("taken and cut")
    post.send()
    post.send(after=timedelta(days=1))
    assert len(services.took) == 1
    found = post.look(mail)
    assert found.state == "failed"
    assert found.last_error.startswith("Whether it was taken, nobody can say")


def test_a_service_that_refuses_the_key_lets_answers_wait(post: Post, services: Services) -> None:
    mail = post.write()
    services.answers.extend(["403", "429 60"])
    assert "403" in post.away()
    assert "429" in post.away()
    assert post.look(mail).state == "waiting"
    post.send()
    assert post.look(mail).state == "sent"
    assert post.look(mail).tries == 1


def test_a_service_s_fault_is_tried_when_it_says(post: Post, services: Services) -> None:
    mail = post.write()
    services.answers.append("503 900")
    post.send()
    at = post.look(mail).next_try_at
    assert at is not None
    assert at >= NOW + timedelta(seconds=900)


def test_one_project_s_way_out_holds_up_nobody_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alice's server is away; Charlie's mail leaves, and Alice's is let alone for a while."""
    connection, stop, waits = cast.connection, threading.Event(), Waits()
    now = datetime.now(UTC)
    away = smtp.server_of("smtp://127.0.0.1:1", "http://localhost")
    with sink() as server, asyncio.Runner() as runner:
        there = smtp.server_of(server.url, "http://localhost")
        ways = {cast.home.id: away, cast.elsewhere.id: there}
        monkeypatch.setattr(sending, "WAY", [lambda _connection, project: ways.get(project)])
        for project in ways:
            letter = Letter(
                id=uuid4(), kind="conversation", sender=Mailbox("help@tideway.example"),
                to=Mailbox("pat@example.com"), subject="Beans", text="Hello",
            )  # fmt: skip
            outgoing.queue(connection, project, compose.write(project, letter, now), now)
        sending.send_due(connection, runner, now, stop, waits, only=list(ways))
        assert len(server.arrived) == 1
    assert cast.home.id in waits.now(0)
    assert cast.elsewhere.id not in waits.now(0)


def test_waits_grow_and_heed_what_was_asked() -> None:
    waits, project = Waits(), uuid4()
    waits.add(project, AwayError("gone"), 100)
    assert waits.now(101.9) == [project]
    assert waits.now(102.1) == []
    waits.add(project, AwayError("too many", 300), 110)
    assert waits.now(409) == [project]
    waits.over(project)
    assert waits.now(0) == []


def test_what_services_call_our_mails_is_forgotten_in_the_end(post: Post) -> None:
    connection, project = post.connection, post.project_id
    old, new = NOW - timedelta(days=61), NOW - timedelta(days=59)
    told.keep(connection, project, [(uuid4(), ("resend", "old"))], old)
    told.keep(connection, project, [(uuid4(), ("resend", "new"))], new)
    told.forget_old(connection, NOW)
    assert told.mail_of(connection, project, "resend", "old") is None
    assert told.mail_of(connection, project, "resend", "new") is not None
