"""What time does to conversations and to files."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from regulars.inbox import answering, attachments, conversations, handling, upkeep
from regulars.inbox.answering import Answer
from regulars.inbox.attachments import Sender
from regulars.inbox.conversations import Conversation
from regulars.kit import clock, database
from regulars.kit.storage import GoneError, storage
from regulars.people import actions
from tests.cast import Cast


@pytest.fixture
def then() -> datetime:
    """Two days ago: what other tests put off or upload now is nobody's business here."""
    return clock.now() - timedelta(days=2)


def snoozed(cast: Cast, minutes: int | None, now: datetime) -> UUID:
    """A conversation that Alice put off."""
    until = None if minutes is None else now + timedelta(minutes=minutes)
    with cast.connection.transaction():
        made, _ = answering.start(
            cast.connection, cast.home.id, cast.pat.id, cast.alice.id, Answer("Hi", "c-1"), now
        )
    with cast.connection.transaction():
        handling.snooze(cast.connection, cast.home.id, made, until, now, by=cast.alice.id)
    return made


def get(cast: Cast, id_: UUID) -> Conversation:
    return conversations.get(cast.connection, cast.home.id, id_)


def test_what_was_put_off_comes_back_at_its_time(cast: Cast, then: datetime) -> None:
    one = snoozed(cast, 30, then)
    upkeep.wake(cast.connection, then + timedelta(minutes=29))
    assert get(cast, one).state == "snoozed"
    upkeep.wake(cast.connection, then + timedelta(minutes=31))
    assert (get(cast, one).state, get(cast, one).snoozed_until) == ("open", None)
    newest = conversations.messages_before(cast.connection, cast.home.id, one)[-1]
    assert newest.what == {"did": "reopened"}


def test_what_waits_for_an_answer_waits_on(cast: Cast, then: datetime) -> None:
    one = snoozed(cast, None, then)
    upkeep.wake(cast.connection, then + timedelta(days=1))
    assert get(cast, one).state == "snoozed"


def test_several_workers_wake_it_once(cast: Cast, then: datetime) -> None:
    one = snoozed(cast, 1, then)
    later = then + timedelta(minutes=2)

    def work() -> None:
        with database.connect() as connection:
            upkeep.wake(connection, later)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    said = conversations.messages_after(cast.connection, cast.home.id, one, 0)
    assert [each.what["did"] for each in said if each.by == "system"] == ["snoozed", "reopened"]


def test_a_file_that_was_never_sent_goes_after_a_day(cast: Cast, then: datetime) -> None:
    sender = Sender(agent_id=cast.alice.id)
    kept = attachments.take(cast.connection, cast.home.id, sender, "a.txt", b"text", then)
    key = attachments.find(cast.connection, cast.home.id, kept.id).key
    attachments.forget_unsent(cast.connection, then + timedelta(hours=23))
    assert storage().read(key) == b"text"
    attachments.forget_unsent(cast.connection, then + timedelta(hours=25))
    with pytest.raises(GoneError):
        storage().read(key)


def test_erasing_somebody_takes_their_files_from_the_disk(cast: Cast) -> None:
    now = clock.now()
    sender = Sender(agent_id=cast.alice.id)
    kept = attachments.take(cast.connection, cast.home.id, sender, "a.txt", b"text", now)
    key = attachments.find(cast.connection, cast.home.id, kept.id).key
    with cast.connection.transaction():
        answer = Answer("See", "c-1", files=[kept.id])
        answering.start(cast.connection, cast.home.id, cast.pat.id, cast.alice.id, answer, now)
    with cast.connection.transaction():
        actions.erase(cast.connection, cast.home.id, cast.pat.id, now)
    attachments.forget_unsent(cast.connection, now)
    with pytest.raises(GoneError):
        storage().read(key)
