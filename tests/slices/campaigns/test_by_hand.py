"""What agents do by hand: send again to those nobody knows of, hold all emails, leave drafts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from regulars.campaigns import (
    deciding,
    emails,
    health,
    holding,
    ledger,
    outcomes,
    sending,
    settings,
    unknown,
    upkeep,
)
from regulars.campaigns.sending import Engine
from regulars.campaigns.settings import Sending
from regulars.campaigns.unknown import Unknown
from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.people.person import Person
from regulars.workspaces.errors import ConflictError
from tests.slices.campaigns.mailing import Mailing
from tests.slices.mail.sink import Sink, sink

BOB = uuid4()
CHOSEN = """
SELECT chosen, chosen_by FROM email_recipient WHERE project_id = %s AND email_id = %s ORDER BY id
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with sink() as running:
        monkeypatch.setenv("REGULARS_SMTP_URL", running.url)
        yield running


class Hand:
    """A mailing, sent a turn at a time."""

    def __init__(self, mailing: Mailing) -> None:
        self.mailing = mailing
        self.connection = mailing.connection
        self.project_id = mailing.project_id
        self.engine = Engine(threading.Event(), penmen=0)

    def turn(self) -> int:
        with asyncio.Runner() as runner:
            return sending.send_due(
                self.connection, runner, self.engine, clock.now(), project_id=self.project_id
            )

    def lost(self, people: list[Person]) -> UUID:
        """An email whose outcome is unknown for these people: a worker died with it in hand."""
        email_id = self.mailing.accepted(people)
        email = self.mailing.look(email_id)
        now = clock.now()
        ids = [self.mailing.recipient(email_id, person) for person in people]
        with self.connection.transaction():
            deciding.decide(self.connection, email, new_id(now), ids, now)
            deciding.give_up(self.connection, email, new_id(now), now)
        return email_id

    def again(self, email_id: UUID) -> int:
        with self.connection.transaction():
            return unknown.send_again(self.connection, self.project_id, email_id, BOB, clock.now())

    def leave(self, email_id: UUID) -> int:
        with self.connection.transaction():
            return unknown.leave(self.connection, self.project_id, email_id, BOB, clock.now())

    def tidy(self, at: datetime) -> None:
        upkeep.empty_unsent(self.connection, at, project_id=self.project_id)

    def count(self, email_id: UUID) -> Unknown:
        return unknown.count(self.connection, self.project_id, email_id)

    def chosen(self, email_id: UUID) -> list[tuple[str | None, UUID | None]]:
        return self.connection.execute(CHOSEN, (self.project_id, email_id)).fetchall()


@pytest.fixture
def hand(mailing: Mailing) -> Iterator[Hand]:
    made = Hand(mailing)
    yield made
    asyncio.run(made.engine.close())


def test_nobody_unknown_is_sent_it_again_unless_somebody_says_so(hand: Hand, server: Sink) -> None:
    email = hand.lost(hand.mailing.people("a@example.com", "b@example.com"))
    hand.turn()
    assert server.arrived == []
    assert hand.mailing.look(email).state == "sent"
    assert hand.count(email) == Unknown(open=2)
    assert hand.again(email) == 2
    assert hand.mailing.counts(email, "waiting", "unknown") == (2, 0)
    hand.turn()
    assert len(server.arrived) == 2
    assert hand.mailing.counts(email, "waiting", "sent", "unknown") == (0, 2, 0)
    assert hand.mailing.look(email).state == "sent"
    assert hand.chosen(email) == [("again", BOB)] * 2


def test_whoever_showed_that_it_came_is_spared(hand: Hand, server: Sink) -> None:
    came, gone = hand.mailing.people("a@example.com", "b@example.com")
    email = hand.lost([came, gone])
    recipient = hand.mailing.recipient(email, came)
    outcomes.record(hand.connection, hand.project_id, recipient, "delivered", clock.now())
    assert hand.count(email) == Unknown(open=1, came=1)
    assert hand.again(email) == 1
    hand.turn()
    assert [one.to for one in server.arrived] == [["b@example.com"]]
    assert hand.count(email) == Unknown(came=1)


def test_what_is_left_as_it_is_stays_so_and_is_not_asked_about_again(
    hand: Hand, server: Sink
) -> None:
    email = hand.lost(hand.mailing.people("a@example.com"))
    assert hand.leave(email) == 1
    assert hand.count(email) == Unknown(left=1)
    assert hand.again(email) == 0
    hand.turn()
    assert server.arrived == []
    assert hand.mailing.counts(email, "unknown") == (1,)
    assert hand.chosen(email) == [("left", BOB)]


def test_what_becomes_unknown_once_more_can_be_chosen_for_once_more(
    hand: Hand, server: Sink
) -> None:
    (pat,) = hand.mailing.people("a@example.com")
    email = hand.lost([pat])
    hand.again(email)
    found, now = hand.mailing.look(email), clock.now()
    with hand.connection.transaction():
        ids = [hand.mailing.recipient(email, pat)]
        deciding.decide(hand.connection, found, new_id(now), ids, now)
        deciding.give_up(hand.connection, found, new_id(now), clock.now())
    assert hand.count(email) == Unknown(open=1)
    assert hand.again(email) == 1


def test_a_stopped_email_is_sent_to_nobody_again(hand: Hand) -> None:
    email = hand.lost(hand.mailing.people("a@example.com"))
    with hand.connection.transaction():
        emails.stop(hand.connection, hand.project_id, email, clock.now())
    with pytest.raises(ConflictError):
        hand.again(email)


def test_while_emails_are_held_none_leaves_and_each_stays_as_it_is(
    hand: Hand, server: Sink
) -> None:
    email = hand.mailing.accepted(hand.mailing.people("a@example.com"))
    assert holding.hold(hand.connection, hand.project_id, BOB, clock.now())
    assert not holding.hold(hand.connection, hand.project_id, BOB, clock.now())
    hand.turn()
    assert server.arrived == []
    assert hand.mailing.look(email).state == "sending"
    held = holding.held_since(hand.connection, hand.project_id)
    assert held is not None
    assert held[1] == BOB
    assert holding.let_go(hand.connection, hand.project_id)
    hand.turn()
    assert len(server.arrived) == 1


def test_holding_reaches_a_run_that_has_begun(hand: Hand) -> None:
    """Nothing is decided on any more, so the run halts."""
    (pat,) = hand.mailing.people("a@example.com")
    email = hand.mailing.accepted([pat])
    holding.hold(hand.connection, hand.project_id, BOB, clock.now())
    ids = [hand.mailing.recipient(email, pat)]
    found = hand.mailing.look(email)
    run = new_id(clock.now())
    assert deciding.decide(hand.connection, found, run, ids, clock.now()) == set()


def test_holding_keeps_how_emails_leave(hand: Hand) -> None:
    settings.keep(hand.connection, hand.project_id, Sending(at_once=9))
    holding.hold(hand.connection, hand.project_id, BOB, clock.now())
    kept = settings.of_project(hand.connection, hand.project_id)
    assert kept.at_once == 9
    settings.keep(hand.connection, hand.project_id, replace(kept, at_once=3))
    assert holding.held_since(hand.connection, hand.project_id) is not None


def test_how_many_leave_a_minute(hand: Hand, server: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.mailing.accepted(hand.mailing.people(*(f"p{n}@example.com" for n in range(6))))
    hand.turn()
    now = clock.now()
    assert health.rate(hand.connection, hand.project_id, now) == 6
    assert health.rate(hand.connection, hand.project_id, now + timedelta(minutes=5)) == 0
    left = health.by_minute(hand.connection, hand.project_id, now)
    assert len(left) == health.MINUTES_SHOWN
    assert sum(people or 0 for people in left[-2:]) == 6  # a minute may have turned meanwhile
    # Of more than is looked at, the newest tell how quick it goes, and nothing of what was before.
    monkeypatch.setattr(health, "MOST_ROWS", 3)
    assert health.rate(hand.connection, hand.project_id, now + timedelta(seconds=20)) <= 9
    assert health.by_minute(hand.connection, hand.project_id, now)[0] is None


def test_only_what_was_sent_off_waits_at_a_provider(hand: Hand) -> None:
    hand.mailing.gathered(hand.mailing.people("a@example.com"))
    assert health.providers(hand.connection, hand.project_id, hand.mailing.now) == []
    hand.mailing.accepted(hand.mailing.people("b@example.org"))
    found = health.providers(hand.connection, hand.project_id, hand.mailing.now)
    assert [(one.domain, one.waiting) for one in found] == [("example.org", 1)]


def test_drafts_that_nobody_sends_let_their_people_go_and_keep_their_words(hand: Hand) -> None:
    email = hand.mailing.gathered(hand.mailing.people("a@example.com", "b@example.com"))
    changed = hand.mailing.look(email).changed_at
    hand.tidy(changed + timedelta(days=6))
    assert len(hand.mailing.ledger(email)) == 2
    hand.tidy(changed + timedelta(days=8))
    found = hand.mailing.look(email)
    assert (found.state, found.subject) == ("draft", "New beans")
    assert hand.mailing.ledger(email) == []
    assert hand.mailing.counts(email, "recipients", "waiting", "left_out") == (0, 0, 0)
    with hand.connection.transaction():
        ledger.begin(hand.connection, hand.project_id, email, clock.now())
    ledger.gather(hand.connection, hand.project_id, email, clock.now(), seconds=10)
    assert hand.mailing.counts(email, "recipients") == (2,)


def test_what_was_sent_keeps_its_ledger(hand: Hand, server: Sink) -> None:
    email = hand.mailing.accepted(hand.mailing.people("a@example.com"))
    hand.turn()
    hand.tidy(clock.now() + timedelta(days=400))
    assert len(hand.mailing.ledger(email)) == 1
