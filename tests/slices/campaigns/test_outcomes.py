"""What came of an email is recorded once, and reaches all who ask."""

from __future__ import annotations

from uuid import uuid4

import pytest

from regulars.campaigns import outcomes
from regulars.campaigns.outcomes import OUTCOMES, Outcome
from regulars.events import outbox
from regulars.events.timeline import events_of
from tests.slices.campaigns.mailing import Mailing

URL = "https://tideway.example/beans"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_counts_once(mailing: Mailing, outcome: Outcome) -> None:
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    recipient = mailing.recipient(email, pat)
    news = [
        outcomes.record(mailing.connection, mailing.project_id, recipient, outcome, mailing.now)
        for _ in range(2)
    ]
    assert news == [True, False]
    assert mailing.counts(email, outcome) == (1,)
    kept = mailing.connection.execute(
        "SELECT person_id, campaign_id, outcome FROM campaign_outcome WHERE project_id = %s",
        (mailing.project_id,),
    ).fetchall()
    assert kept == [(pat.id, email, outcome)]


def test_an_outcome_stands_in_the_person_s_record_and_in_the_outbox(mailing: Mailing) -> None:
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    recipient = mailing.recipient(email, pat)
    outcomes.record(
        mailing.connection, mailing.project_id, recipient, "clicked", mailing.now,
        detail={"url": URL},
    )  # fmt: skip
    found, _ = events_of(mailing.connection, mailing.project_id, pat.id, groups=["events"])
    assert [(one.name, (one.properties or {})["url"]) for one in found] == [
        ("Email link clicked", URL)
    ]
    last = outbox.last(mailing.connection, mailing.project_id)
    _, topic, body, _ = outbox.after(mailing.connection, mailing.project_id, last - 1)[0]
    assert (topic, body["outcome"], body["people"]) == ("emails", "clicked", [str(pat.id)])


def test_what_machines_do_is_counted_apart_and_nowhere_else(mailing: Mailing) -> None:
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    recipient = mailing.recipient(email, pat)
    for machine in (True, True, False):
        outcomes.record(
            mailing.connection, mailing.project_id, recipient, "opened", mailing.now,
            machine=machine,
        )  # fmt: skip
    assert mailing.counts(email, "opened", "machine_opened") == (1, 1)
    found, _ = events_of(mailing.connection, mailing.project_id, pat.id, groups=["events"])
    assert [one.name for one in found] == ["Email opened"]


def test_a_link_counts_clicks_and_people(mailing: Mailing) -> None:
    people = mailing.people("a@example.com", "b@example.com")
    email = mailing.accepted(people)
    for person in (people[0], people[0], people[1]):
        outcomes.record(
            mailing.connection, mailing.project_id, mailing.recipient(email, person), "clicked",
            mailing.now, detail={"url": URL},
        )  # fmt: skip
    found = mailing.connection.execute(
        "SELECT url, people, clicks FROM email_link WHERE project_id = %s", (mailing.project_id,)
    ).fetchall()
    assert found == [(URL, 2, 3)]


def test_a_recipient_that_is_nobody_is_no_news(mailing: Mailing) -> None:
    assert not outcomes.record(
        mailing.connection, mailing.project_id, uuid4(), "opened", mailing.now
    )
