"""What webhooks are told, in which order, and how it is signed."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.events import outbox
from regulars.people import actions
from regulars.webhooks import deliveries, topics, webhooks
from regulars.workspaces.errors import InvalidError
from tests.slices.campaigns.stage import Stage, email, wait
from tests.slices.tracking.site import identify, page, track
from tests.slices.webhooks.conftest import Told
from tests.slices.webhooks.receiver import Receiver


def test_what_people_do_is_told_in_its_order(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    for number in range(5):
        told.did(track("Order Completed", "b1", properties={"number": number}), page("b1"))
    assert told.tend(hook) == 5
    assert [one["data"]["event"]["properties"]["number"] for one in receiver.told] == [*range(5)]
    one = receiver.told[0]
    assert set(one) == {"id", "topic", "project", "seq", "at", "data"}
    assert (one["topic"], one["project"]) == ("event.performed", str(told.project_id))
    assert one["data"]["person"]["id"] == str(told.site.only_person().id)
    headers = receiver.came[0][0]
    assert headers["X-Regulars-Delivery"] == one["id"]
    assert headers["X-Regulars-Topic"] == "event.performed"
    assert headers["Content-Type"] == "application/json"
    assert receiver.is_signed(0, hook.secret)
    assert not receiver.is_signed(0, "whsec_another")
    assert told.tend(hook) == 0


def test_a_sign_up_and_segments_are_told(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["person.signed_up", "segment.*", "person.changed"])
    told.did(page("b1"))
    told.did(identify("u1", "b1", {"email": "pat@example.com", "name": "Pat"}))
    told.tend(hook)
    assert receiver.topics().count("person.signed_up") == 1
    assert "person.changed" in receiver.topics()
    (signed_up,) = (one for one in receiver.told if one["topic"] == "person.signed_up")
    assert signed_up["data"]["person"] == {
        "id": str(told.site.only_person().id), "kind": "user", "user_id": "u1",
        "email": "pat@example.com", "name": "Pat",
    }  # fmt: skip
    entered = [one["data"] for one in receiver.told if one["topic"] == "segment.entered"]
    assert {one["segment"]["name"] for one in entered} >= {"All", "New", "Active"}


def test_a_checkpoint_that_is_reached_is_told(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["checkpoint.*"])
    told.did(page("b1"))
    told.did(page("b1"))
    told.tend(hook)
    assert receiver.topics() == ["checkpoint.reached"]
    data = receiver.told[0]["data"]
    assert (data["checkpoint"]["number"], data["checkpoint"]["title"]) == (2, "Active")
    assert data["person"]["id"] == str(told.site.only_person().id)


def test_a_conversation_is_told_from_its_beginning_to_its_end(
    told: Told, receiver: Receiver
) -> None:
    talk, hook = told.talk, told.webhook(receiver.url, ["conversation.*", "message.*", "ticket.*"])
    talk.seen("b1")
    one, _ = talk.say("b1", text="Anybody?")
    talk.reply(one.id, "Among us", private=True)
    talk.reply(one.id, "Here!")
    talk.number(one.id)
    talk.change(one.id, priority="high")
    talk.close(one.id)
    talk.reopen(one.id)
    told.tend(hook)
    assert receiver.topics() == [
        "conversation.started", "message.received", "message.sent", "ticket.opened",
        "ticket.changed", "conversation.closed", "conversation.reopened",
    ]  # fmt: skip
    assert receiver.told[1]["data"]["message"]["text"] == "Anybody?"
    assert receiver.told[4]["data"]["conversation"]["ticket"]["number"] == 1
    assert "Among us" not in str(receiver.told)


def test_nothing_is_told_of_what_was_before_or_is_not_asked_for(
    told: Told, receiver: Receiver
) -> None:
    told.did(track("Before", "b1"))
    hook = told.webhook(receiver.url, ["message.received"])
    told.did(track("After", "b1"))
    assert told.tend(hook) == 0
    assert told.get(hook).place > hook.place


def test_each_thing_is_made_a_delivery_once(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    told.did(*(track(f"Deed {number}", "b1") for number in range(3)))
    for _ in range(2):
        with told.connection.transaction():
            deliveries.make(told.connection, hook, told.now)
        told.connection.execute(  # as if the cursor had been lost
            "UPDATE webhook SET place = %s WHERE project_id = %s AND id = %s",
            (hook.place, told.project_id, hook.id),
        )
    assert told.tend(hook) == 3
    assert len({one["id"] for one in receiver.told}) == 3


def test_a_new_secret_and_the_one_before_sign_for_a_day(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url)
    with told.connection.transaction():
        after = webhooks.rotate(told.connection, told.project_id, hook.id, told.now)
        deliveries.add_test(told.connection, after, told.now)
    told.tend(hook)
    assert receiver.topics() == [topics.TEST]
    assert receiver.is_signed(0, hook.secret)
    assert receiver.is_signed(0, after.secret)
    told.later(days=1)
    with told.connection.transaction():
        deliveries.add_test(told.connection, after, told.now)
    told.tend(hook)
    assert not receiver.is_signed(1, hook.secret)
    assert receiver.is_signed(1, after.secret)


def test_what_was_told_of_somebody_goes_with_them(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["event.performed"])
    told.did(track("Kept", "b2"))
    told.did(page("b1"), track("As a visitor", "b1"))
    told.tend(hook)
    told.did(identify("u1", "b1"), track("As a user", "b1", user="u1"))
    told.tend(hook)
    person = told.site.person_of(user="u1")
    assert person is not None
    with told.connection.transaction():
        actions.erase(told.connection, told.project_id, person.id, told.now)
    assert [_name(one.body) for one in told.deliveries(hook)] == ["Kept"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["message.received", "message.received"], ["message.received"]),
        (["segment.*"], ["segment.entered", "segment.left"]),
        (["*"], list(topics.TOPICS)),
    ],
)
def test_topics_are_kept_each_once(given: list[str], kept: list[str]) -> None:
    assert topics.clean(given) == kept


@pytest.mark.parametrize("given", [[], ["x"], ["segment"], ["*.entered"], ["message.received", ""]])
def test_topics_that_are_none_are_refused(given: list[str]) -> None:
    with pytest.raises(InvalidError):
        topics.clean(given)


def _name(body: str) -> Any:
    import json

    return json.loads(body)["data"]["event"]["name"]


def test_what_other_slices_write_into_the_outbox_is_told(told: Told, receiver: Receiver) -> None:
    hook = told.webhook(receiver.url, ["email.*"])
    told.site.send(page("b1"))
    person = str(told.site.only_person().id)
    about = {"email": "e1", "campaign": None, "step": None}
    entries: list[tuple[str, Any]] = [
        ("emails", {**about, "outcome": "opened", "recipient": "r1", "person": person}),
        ("emails", {**about, "outcome": "sent", "recipients": ["r1"], "people": [person]}),
        ("emails", {**about, "outcome": "clicked", "recipients": ["r1"], "people": [person]}),
        ("something new", {"of": "tomorrow"}),
    ]
    with told.connection.transaction():
        outbox.append(told.connection, told.project_id, entries, told.now)
    told.tend(hook)
    assert receiver.topics() == ["email.opened", "email.clicked"]
    assert receiver.told[1]["data"]["email"] == {
        "id": "e1", "recipient": "r1", "campaign": None, "step": None,
    }  # fmt: skip


def test_a_campaign_tells_who_enters_reaches_its_goal_and_is_through(
    told: Told, receiver: Receiver
) -> None:
    stage = Stage(told.site)
    pro = {"field": "attributes.plan", "op": "is", "value": "pro"}
    one = stage.started(
        email(), wait(days=1), trigger={"type": "registered"}, goal={"filter": pro}, at=told.now
    )
    hook = told.webhook(receiver.url, ["campaign.*"])
    ada = stage.user("ada", at=told.now)
    stage.user("ben", at=told.now)
    stage.run(told.now)
    stage.user("ada", at=told.now, plan="pro")
    stage.run(told.now)
    told.tend(hook)
    assert receiver.topics() == [
        "campaign.entered", "campaign.entered", "campaign.goal", "campaign.completed",
    ]  # fmt: skip
    goal, completed = (one["data"] for one in receiver.told[2:])
    assert goal["campaign"] == {"id": str(one), "name": "Campaign"}
    assert goal["person"]["id"] == str(ada.id)
    assert goal["held_out"] is False
    assert completed["how"] == "goal"
