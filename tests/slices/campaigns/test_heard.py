"""What comes back of an email by mail: bounces, complaints and answers reach its ledger."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from regulars.inbox import from_email
from regulars.kit import clock
from regulars.mail import addresses, bounces, domains, subscriptions
from regulars.people import actions
from regulars.people.person import Person
from tests.pure.mail.test_bounces import MARK, arf, dsn
from tests.slices.campaigns.mailing import Mailing

PAT = "pat@example.com"


@pytest.fixture
def pat(mailing: Mailing) -> Person:
    (person,) = mailing.people(PAT)
    return person


@pytest.fixture
def email(mailing: Mailing, pat: Person) -> UUID:
    return mailing.accepted([pat])


def _of(raw: bytes, recipient: UUID) -> bytes:
    """The report, about this recipient's mail."""
    return raw.replace(MARK.encode(), addresses.mark(recipient).encode())


def _hand_in(mailing: Mailing, raw: bytes, *recipients: str) -> None:
    from_email.deliver(raw, recipients, clock.now(), project_id=mailing.project_id)


def _reasons(mailing: Mailing) -> dict[str, Any]:
    return dict(
        subscriptions.left_out(
            mailing.connection, mailing.project_id, [PAT], marketing=False, topic_id=None
        )
    )


def test_a_bounce_reaches_the_email_and_ends_writing_to_the_address(
    mailing: Mailing, pat: Person, email: UUID
) -> None:
    recipient = mailing.recipient(email, pat)
    for _ in range(2):
        _hand_in(mailing, _of(dsn(), recipient))
    assert mailing.counts(email, "bounced") == (1,)
    assert _reasons(mailing) == {PAT: "bounced"}


def test_a_complaint_reaches_the_email(mailing: Mailing, pat: Person, email: UUID) -> None:
    _hand_in(mailing, _of(arf(), mailing.recipient(email, pat)))
    assert mailing.counts(email, "complained") == (1,)
    assert _reasons(mailing) == {PAT: "complained"}


def test_a_report_about_another_project_s_mail_does_nothing(
    mailing: Mailing, pat: Person, email: UUID, cast: Any
) -> None:
    raw = _of(dsn(), mailing.recipient(email, pat))
    from_email.deliver(raw, (), clock.now(), project_id=cast.elsewhere.id)
    assert mailing.counts(email, "bounced") == (0,)
    assert _reasons(mailing) == {}


def test_reports_come_back_to_the_return_path(mailing: Mailing, pat: Person, email: UUID) -> None:
    name = f"r{email.hex[-12:]}.example"
    connection, project_id = mailing.connection, mailing.project_id
    domains.ensure(connection, project_id, name, clock.now())
    (domain,) = domains.all_of(connection, project_id, clock.now())
    domains.set_return_path(connection, project_id, domain.id, f"back@{name}")
    recipient = mailing.recipient(email, pat)
    address = bounces.return_address(f"back@{name}", recipient)
    assert from_email.takes(connection, address)
    from_email.deliver(_of(dsn(returned="nothing"), recipient), [address], clock.now())
    assert mailing.counts(email, "bounced") == (1,)


def test_an_answer_is_an_outcome_and_reaches_the_inbox(
    mailing: Mailing, pat: Person, email: UUID
) -> None:
    answered = f"<{addresses.mark(mailing.recipient(email, pat))}@tideway.example>"
    raw = (
        f"From: Pat <{PAT}>\r\nTo: hello@tideway.example\r\nSubject: Re: New beans\r\n"
        f"Message-ID: <x{email.hex}@example.com>\r\nIn-Reply-To: {answered}\r\n\r\nMore of them\r\n"
    )
    for _ in range(2):
        _hand_in(mailing, raw.encode())
    assert mailing.counts(email, "replied") == (1,)
    count = mailing.connection.execute(
        "SELECT count(*) FROM conversation WHERE project_id = %s AND person_id = %s",
        (mailing.project_id, pat.id),
    ).fetchone()
    assert count == (1,)


def test_an_unsubscription_survives_the_person_and_their_address_does_not(
    mailing: Mailing, pat: Person
) -> None:
    from regulars.mail.links import address_hash

    connection, project_id = mailing.connection, mailing.project_id
    hash_ = address_hash(project_id, PAT)
    subscriptions.leave(connection, project_id, hash_, clock.now(), source="page", address=PAT)
    with connection.transaction():
        actions.erase(connection, project_id, pat.id, clock.now())
    kept = connection.execute(
        "SELECT address FROM unsubscription WHERE project_id = %s", (project_id,)
    ).fetchall()
    assert kept == [(None,)]
    left = subscriptions.left_out(connection, project_id, [PAT], marketing=True, topic_id=None)
    assert left == {PAT: "unsubscribed"}
