"""Emails to many that leave by a mail service: once each, whatever it answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest

from regulars.campaigns import sending, settings
from regulars.campaigns.sending import Engine
from regulars.campaigns.settings import Sending
from regulars.kit import clock
from regulars.mail import addresses
from regulars.mail.services import accounts, told
from tests.running import free_port
from tests.slices.campaigns.mailing import Mailing
from tests.slices.mail.services import ALL, Services, keys_of, mail_services

NEXT = "SELECT next_try_at FROM email_recipient WHERE project_id = %s AND email_id = %s"
DUE_NOW = "UPDATE email_recipient SET next_try_at = %s WHERE project_id = %s AND email_id = %s"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("REGULARS_TESTING", "1")
    with mail_services() as running:
        monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", running.url)
        yield running


class ByService:
    """A project that sends by a service, a turn at a time."""

    def __init__(self, mailing: Mailing) -> None:
        self.mailing = mailing
        self.engine = Engine(threading.Event(), penmen=0)

    def choose(self, service: str, **more: float) -> None:
        account = accounts.check(service, keys_of(service))
        said = Sending(service=service, service_key=accounts.to_keep(account))
        settings.keep(self.mailing.connection, self.mailing.project_id, replace(said, **more))  # type: ignore[arg-type]

    def turn(self, *, after: timedelta = timedelta()) -> int:
        with asyncio.Runner() as runner:
            now, project = clock.now() + after, self.mailing.project_id
            return sending.send_due(
                self.mailing.connection, runner, self.engine, now, project_id=project
            )


@pytest.fixture
def by_service(mailing: Mailing) -> Iterator[ByService]:
    made = ByService(mailing)
    yield made
    asyncio.run(made.engine.close())


@pytest.mark.parametrize("service", ALL)
def test_everybody_gets_one_by_the_service(
    mailing: Mailing, by_service: ByService, services: Services, service: str
) -> None:
    by_service.choose(service)
    people = mailing.people("zoe@example.com", "pat@example.com", name="Zoë")
    email = mailing.accepted(people)
    assert by_service.turn() == 2
    by_service.turn()
    assert sorted(one.to for one in services.took) == ["pat@example.com", "zoe@example.com"]
    rows = {mailing.recipient(email, person) for person in people}
    assert {next(addresses.mails_in(one.mark)) for one in services.took} == rows
    assert mailing.counts(email, "waiting", "sent") == (0, 2)
    assert mailing.look(email).state == "sent"


def test_what_the_service_calls_a_mail_leads_back_to_its_recipient(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("postmark")
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    by_service.turn()
    found = told.mail_of(mailing.connection, mailing.project_id, "postmark", "postmark-1")
    assert found == mailing.recipient(email, pat)
    assert told.mail_of(mailing.connection, mailing.project_id, "resend", "postmark-1") is None


def test_lines_are_kept_open_and_as_many_as_the_project_wants(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("postmark", at_once=3)
    email = mailing.accepted(mailing.people(*(f"p{n}@example.com" for n in range(40))))
    by_service.turn()
    assert mailing.counts(email, "sent") == (40,)
    assert 1 <= services.connections <= 3


def test_a_pace_is_kept(mailing: Mailing, by_service: ByService, services: Services) -> None:
    by_service.choose("postmark", per_second=20.0)
    mailing.accepted(mailing.people(*(f"p{n}@example.com" for n in range(30))))
    began = monotonic()
    by_service.turn()
    assert len(services.took) == 30
    assert monotonic() - began > 0.4  # the first twenty at once, the others at their pace


def test_a_refusal_ends_one_and_no_other(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("postmark", at_once=1)
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    services.answers.append("422")
    by_service.turn()
    assert mailing.counts(email, "waiting", "sent", "failed") == (0, 1, 1)
    assert any("No, says postmark" in row[3] for row in mailing.ledger(email))


def test_too_many_at_once_waits_as_long_as_the_service_says(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("postmark", at_once=1)
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    services.answers.append("429 1800")
    by_service.turn()
    assert services.took == []
    assert mailing.counts(email, "waiting", "failed", "unknown") == (2, 0, 0)
    assert mailing.look(email).trouble.startswith("Postmark is away: 429")
    assert by_service.engine.waits_for(mailing.project_id)
    assert by_service.engine._away[mailing.project_id][1] - monotonic() > 1700
    by_service.engine.was_there(mailing.project_id)
    by_service.turn()
    assert mailing.counts(email, "waiting", "sent") == (0, 2)
    assert mailing.look(email).trouble == ""


def test_a_fault_of_the_service_is_tried_later(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("resend", at_once=1)
    email = mailing.accepted(mailing.people("a@example.com"))
    services.answers.append("503 1800")
    by_service.turn()
    assert mailing.counts(email, "waiting", "sent") == (1, 0)
    ((at,),) = mailing.connection.execute(NEXT, (mailing.project_id, email)).fetchall()
    assert timedelta(minutes=29) < at - clock.now() <= timedelta(minutes=30)
    mailing.connection.execute(DUE_NOW, (clock.now(), mailing.project_id, email))
    by_service.turn()
    assert mailing.counts(email, "waiting", "sent") == (0, 1)


@pytest.mark.parametrize("answer", ["cut", "taken and cut", "504", "odd"])
def test_what_nobody_can_say_is_unknown_and_not_repeated(
    mailing: Mailing, by_service: ByService, services: Services, answer: str
) -> None:
    by_service.choose("brevo", at_once=1)
    email = mailing.accepted(mailing.people("a@example.com"))
    services.answers.append(answer)
    by_service.turn()
    by_service.turn(after=timedelta(days=2))
    assert mailing.counts(email, "waiting", "sent", "unknown") == (0, 0, 1)
    assert len(services.took) == (answer in ("taken and cut", "odd"))
    assert mailing.ledger(email)[0][3].startswith("Brevo’s answer never came")


def test_a_service_that_is_not_there_loses_nothing(
    mailing: Mailing, by_service: ByService, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("REGULARS_TESTING", "1")
    monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", f"http://127.0.0.1:{port}")
    by_service.choose("mailgun")
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    by_service.turn()
    assert mailing.counts(email, "waiting", "unknown", "failed") == (2, 0, 0)
    by_service.engine.was_there(mailing.project_id)
    with mail_services(port) as services:
        by_service.turn()
        assert len(services.took) == 2
    assert mailing.counts(email, "waiting", "sent") == (0, 2)


def test_a_key_that_is_refused_holds_mail_up_and_says_why(
    mailing: Mailing, by_service: ByService, services: Services
) -> None:
    by_service.choose("sendgrid")
    wrong = accounts.check("sendgrid", {"key": "wrong", "region": "eu"})
    kept = settings.of_project(mailing.connection, mailing.project_id)
    settings.keep(
        mailing.connection, mailing.project_id, replace(kept, service_key=accounts.to_keep(wrong))
    )
    email = mailing.accepted(mailing.people("a@example.com"))
    by_service.turn()
    assert mailing.counts(email, "waiting", "failed") == (1, 0)
    assert "401" in mailing.look(email).trouble


def test_keys_lie_sealed_in_the_database(mailing: Mailing, by_service: ByService) -> None:
    by_service.choose("mailjet")
    (row,) = mailing.connection.execute(
        "SELECT service, service_key FROM sending_settings WHERE project_id = %s",
        (mailing.project_id,),
    ).fetchall()
    assert row[0] == "mailjet"
    assert b"right" not in bytes(row[1])
    kept = settings.of_project(mailing.connection, mailing.project_id)
    assert accounts.read("mailjet", kept.service_key)["secret"] == "right"
