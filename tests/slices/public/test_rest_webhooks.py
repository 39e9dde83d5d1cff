"""Webhooks over REST: made, changed, tried, looked at, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error

URL = "https://example.com/hooks"
FIELDS = {
    "id", "url", "topics", "enabled", "off_because", "failing_since", "delivered_at", "created_at",
    "changed_at",
}  # fmt: skip


def test_a_webhook_is_made_and_its_secret_is_answered_once(api: Api) -> None:
    answer = api.post("/webhooks", {"url": URL, "topics": ["segment.*"]})
    assert answer.status_code == 201, answer.text
    one = answer.json()
    assert set(one) == FIELDS | {"secret"}
    assert one["topics"] == ["segment.entered", "segment.left"]
    assert one["secret"].startswith("whsec_")
    del one["secret"]
    assert api.get(f"/webhooks/{one['id']}").json() == one
    assert api.get("/webhooks").json() == {"items": [one], "next": None}
    rotated = api.post(f"/webhooks/{one['id']}/secret")
    assert (rotated.status_code, rotated.json()["id"]) == (201, one["id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topics": ["*"]}, "url"),
        ({"url": URL}, "topics"),
        ({"url": "http://127.0.0.1/", "topics": ["*"]}, "url"),
        ({"url": "http://[::1]/", "topics": ["*"]}, "url"),
        ({"url": "javascript:alert(1)", "topics": ["*"]}, "url"),
        ({"url": URL, "topics": []}, "topics"),
        ({"url": URL, "topics": ["email.eaten"]}, "topics"),
        ({"url": URL, "topics": ["*"], "secret": "mine"}, "secret"),
    ],
)
def test_what_is_no_webhook_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    assert error(api.post("/webhooks", body)) == (400, "invalid", field)
    assert api.get("/webhooks").json()["items"] == []


def test_what_is_given_is_changed(api: Api) -> None:
    one = make(api)
    path = f"/webhooks/{one['id']}"
    off = api.patch(path, {"enabled": False}).json()
    assert (off["enabled"], off["url"], off["topics"]) == (False, URL, one["topics"])
    moved = api.patch(path, {"url": f"{URL}/2", "topics": ["message.sent"]}).json()
    assert (moved["enabled"], moved["url"], moved["topics"]) == (
        False,
        f"{URL}/2",
        ["message.sent"],
    )
    assert error(api.patch(path, {"topics": [], "enabled": True})) == (400, "invalid", "topics")
    assert not api.get(path).json()["enabled"]


def test_a_project_has_twenty_at_most(api: Api) -> None:
    for _ in range(20):
        make(api)
    assert error(api.post("/webhooks", {"url": URL, "topics": ["*"]})) == (409, "conflict", "url")


def test_a_test_is_a_delivery_that_can_be_sent_again(api: Api) -> None:
    one = make(api)
    path = f"/webhooks/{one['id']}"
    made = api.post(f"{path}/test")
    assert (made.status_code, made.json()["topic"]) == (201, "webhook.test")
    again = api.post(f"{path}/deliveries/{made.json()['id']}/again")
    assert (again.status_code, again.json()["state"]) == (201, "waiting")
    api.post(f"{path}/test")
    first = api.get(f"{path}/deliveries?limit=1").json()
    rest = api.get(f"{path}/deliveries?limit=1&cursor={first['next']}").json()
    assert rest == {"items": [again.json()], "next": None}
    other = make(api)
    elsewhere = f"/webhooks/{other['id']}/deliveries/{made.json()['id']}/again"
    assert error(api.post(elsewhere)) == (404, "not_found", None)


def test_a_deleted_one_is_gone(api: Api) -> None:
    one = make(api)
    api.post(f"/webhooks/{one['id']}/test")
    assert api.delete(f"/webhooks/{one['id']}").status_code == 204
    assert error(api.get(f"/webhooks/{one['id']}")) == (404, "not_found", None)
    assert api.get("/webhooks").json()["items"] == []


def make(api: Api) -> dict[str, Any]:
    answer = api.post("/webhooks", {"url": URL, "topics": ["*"]})
    assert answer.status_code == 201, answer.text
    one: dict[str, Any] = answer.json()
    return one
