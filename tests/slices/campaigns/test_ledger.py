"""Who gets an email is written down first: each person and each address once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regulars.campaigns import emails, ledger
from regulars.people import actions
from regulars.people.queries import Which
from regulars.people.selection import everyone
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError
from tests.cast import Cast
from tests.slices.campaigns.mailing import Mailing, Words
from tests.slices.tracking.site import NOON, Site


def test_who_can_be_written_to_is_told_from_who_cannot(mailing: Mailing) -> None:
    people = mailing.people("a@example.com", None, "nonsense", "A@Example.com", "ü@example.com")
    added = mailing.add(mailing.draft(), people)
    assert added.recipients == 1
    assert added.left_out == {"no_address": 1, "bad_address": 2, "duplicate": 1}


def test_whoever_is_added_again_is_there_once(mailing: Mailing) -> None:
    people = mailing.people("a@example.com", "b@example.com", None)
    email = mailing.draft()
    mailing.add(email, people)
    again = mailing.add(email, people)
    assert (again.recipients, again.left_out) == (0, {})
    assert mailing.counts(email, "recipients", "waiting", "left_out") == (2, 2, 1)


def test_nobody_of_another_project_is_written_down(mailing: Mailing, cast: Cast) -> None:
    other = Mailing(Site(cast.connection, cast.elsewhere.config, cast.elsewhere.secret_key))
    added = mailing.add(mailing.draft(), other.people("a@example.com"))
    assert (added.recipients, added.left_out) == (0, {})
    with pytest.raises(UnknownError):
        other.look(mailing.draft())


def test_an_audience_is_frozen_when_it_is_gathered(mailing: Mailing) -> None:
    first = mailing.people("a@example.com", "b@example.com")
    email = mailing.draft()
    with mailing.connection.transaction():
        which = Which(now=NOON, kind="user")
        emails.set_audience(
            mailing.connection, mailing.project_id, email, everyone(which), mailing.now,
            zone=NOON.tzinfo,  # type: ignore[arg-type]
        )  # fmt: skip
        expected = ledger.begin(mailing.connection, mailing.project_id, email, mailing.now)
    ledger.gather(mailing.connection, mailing.project_id, email, mailing.now, seconds=60)
    mailing.people("c@example.com")
    assert expected == 2
    assert mailing.states(email) == {person.id: "waiting" for person in first}
    assert mailing.look(email).state == "gathered"


def test_an_audience_of_nobody_is_refused(mailing: Mailing) -> None:
    with pytest.raises(InvalidError, match="Nobody is meant"):
        mailing.gathered([])


def test_a_gathered_email_becomes_a_draft_again(mailing: Mailing) -> None:
    email = mailing.gathered(mailing.people("a@example.com", None))
    with mailing.connection.transaction():
        ledger.forget(mailing.connection, mailing.project_id, email, mailing.now)
    assert mailing.ledger(email) == []
    assert mailing.counts(email, "recipients", "left_out") == (0, 0)
    assert (mailing.look(email).state, mailing.look(email).left_out) == ("draft", {})


def test_an_email_is_sent_once(mailing: Mailing) -> None:
    email = mailing.accepted(mailing.people("a@example.com"))
    with pytest.raises(ConflictError, match="sent already"), mailing.connection.transaction():
        emails.accept(mailing.connection, mailing.project_id, email, mailing.now)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"words": Words(subject=" ")}, "subject"),
        ({"sender": None}, "from"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"bcc": ["x@example.com", "y@"]}, "bcc"),
    ],
)
def test_an_email_leaves_whole_or_not_at_all(
    mailing: Mailing, said: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        mailing.accepted(mailing.people("a@example.com"), **said)
    assert refused.value.field == field


def test_an_email_is_taken_back_before_it_leaves(mailing: Mailing) -> None:
    email = mailing.gathered(mailing.people("a@example.com"))
    now = mailing.now
    with mailing.connection.transaction():
        emails.accept(
            mailing.connection, mailing.project_id, email, now, delay=timedelta(seconds=10)
        )
        emails.take_back(mailing.connection, mailing.project_id, email, now)
    assert mailing.look(email).state == "gathered"
    with mailing.connection.transaction():
        emails.accept(mailing.connection, mailing.project_id, email, now)
    with pytest.raises(ConflictError, match="begun to leave"), mailing.connection.transaction():
        emails.take_back(mailing.connection, mailing.project_id, email, now)


def test_a_stopped_email_waits_for_nobody(mailing: Mailing) -> None:
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    with mailing.connection.transaction():
        emails.stop(mailing.connection, mailing.project_id, email, mailing.now)
    assert set(mailing.states(email).values()) == {"cancelled"}
    assert mailing.counts(email, "waiting", "cancelled") == (0, 2)


def test_the_ledger_follows_a_merge_and_its_undoing(mailing: Mailing) -> None:
    one, other = mailing.people("a@example.com", "b@example.com")
    email = mailing.accepted([one, other])
    connection, project = mailing.connection, mailing.project_id
    with connection.transaction():
        actions.merge_people(connection, project, one.id, other.id, mailing.now, cause="agent")
    assert {person for person, *_ in mailing.ledger(email)} == {other.id}
    found = "SELECT id FROM merge WHERE project_id = %s AND from_id = %s"
    ((merge,),) = connection.execute(found, (project, one.id)).fetchall()
    with connection.transaction():
        actions.undo_merge(connection, project, merge, mailing.now)
    assert {person for person, *_ in mailing.ledger(email)} == {one.id, other.id}


def test_whoever_is_erased_leaves_no_address(mailing: Mailing) -> None:
    pat, stays = mailing.people("pat@example.com", "stays@example.com")
    email = mailing.accepted([pat, stays])
    with mailing.connection.transaction():
        actions.erase(mailing.connection, mailing.project_id, pat.id, mailing.now)
    assert [address for _, address, *_ in mailing.ledger(email)] == ["stays@example.com"]
    assert mailing.counts(email, "recipients", "waiting", "cancelled") == (2, 1, 1)
