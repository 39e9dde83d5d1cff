"""Settings → Webhooks: made, shown with what became of deliveries, changed, tried, deleted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from regulars.kit import clock
from regulars.webhooks import deliveries, sending, webhooks
from regulars.webhooks.webhooks import Webhook
from tests.cast import Cast
from tests.slices.webhooks.receiver import receiving

URL = "https://example.com/hooks"


def test_one_is_made_and_its_secret_shown_once(cast: Cast) -> None:
    answer = post(cast, "new", url=URL, topics=["message.received", "segment.entered"])
    (one,) = of(cast)
    assert (one.url, one.topics) == (URL, ["segment.entered", "message.received"])
    assert one.secret in page(answer)
    assert one.secret not in page(get(cast, f"{one.id}/"))
    assert "Your own servers are told" in page(get(cast))
    assert URL in page(get(cast))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"topics": ["*"]}, "be empty"),
        ({"url": URL}, "Choose at least one topic."),
        ({"url": "http://127.0.0.1/", "topics": ["message.sent"]}, "This host is not public."),
        ({"url": URL, "topics": ["email.eaten"]}, "Select a valid choice"),
    ],
)
def test_what_is_none_is_refused_where_it_was_typed(
    cast: Cast, given: dict[str, Any], said: str
) -> None:
    answer = post(cast, "new", **given)
    assert answer.status_code == 422
    assert said in page(answer)
    assert of(cast) == []


def test_what_is_told_is_shown_with_its_answer_as_text(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WEBHOOK_NETWORKS", "127.0.0.1")
    with receiving() as receiver:
        one = make(cast, receiver.url)
        receiver.answer = "<script>alert(1)</script>"
        receiver.statuses = [418]
        post(cast, f"{one.id}/test")
        assert "On its way" in page(get(cast, f"{one.id}/"))
        assert sending.tend(cast.home.id, one.id) == 1
        shown = page(get(cast, f"{one.id}/"))
        assert "It answered 418." in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "<script>alert" not in shown
        (delivery,) = of_webhook(cast, one)
        post(cast, f"{one.id}/deliveries/{delivery.id}/again")
        assert sending.tend(cast.home.id, one.id) == 1
    assert "Delivered" in page(get(cast, f"{one.id}/deliveries"))


def test_it_is_changed_switched_off_and_on_and_given_a_new_secret(cast: Cast) -> None:
    one = make(cast, URL)
    post(cast, f"{one.id}/", url=f"{URL}/2", topics=["ticket.opened"])
    post(cast, f"{one.id}/switch")
    (off,) = of(cast)
    assert (off.url, off.topics, off.is_on) == (f"{URL}/2", ["ticket.opened"], False)
    assert "Switch on" in page(get(cast, f"{one.id}/"))
    post(cast, f"{one.id}/test")
    assert of_webhook(cast, one) == []
    post(cast, f"{one.id}/switch", on="1")
    rotated = post(cast, f"{one.id}/secret")
    (on,) = of(cast)
    assert on.is_on
    assert on.secret != one.secret
    assert on.secret in page(rotated)


def test_a_deleted_one_is_gone(cast: Cast) -> None:
    one = make(cast, URL)
    post(cast, f"{one.id}/test")
    post(cast, f"{one.id}/delete")
    assert of(cast) == []
    assert get(cast, f"{one.id}/").status_code == 404
    log = page(cast.alice.client.get(cast.home.url("settings/audit/")))
    assert re.search("Deleted a webhook", log)


def get(cast: Cast, rest: str = "") -> Any:
    return cast.alice.client.get(cast.home.url(f"settings/webhooks/{rest}"))


def post(cast: Cast, rest: str, **fields: Any) -> Any:
    return cast.alice.client.post(cast.home.url(f"settings/webhooks/{rest}"), fields)


def page(answer: Any) -> str:
    return str(answer.content.decode())


def of(cast: Cast) -> list[Webhook]:
    return webhooks.of_project(cast.connection, cast.home.id)


def of_webhook(cast: Cast, one: Webhook) -> list[deliveries.Delivery]:
    return deliveries.page(cast.connection, one)


def make(cast: Cast, url: str) -> Webhook:
    with cast.connection.transaction():
        return webhooks.create(cast.connection, cast.home.id, url, ["*"], clock.now())
