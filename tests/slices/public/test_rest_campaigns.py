"""Campaigns over REST: made, refused by field, started, paused, resumed, stopped, and what came."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.campaigns import campaigns_loop
from regulars.kit import clock
from regulars.kit import database as kit_database
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

CONTENT = {
    "format": "blocks",
    "subject": "Hello",
    "blocks": [{"type": "text", "id": "t", "html": "<p>Hello.</p>"}],
}
MAIL = {"id": "hello", "type": "email", "variants": [{"content": CONTENT}]}


def a_campaign(api: Api, **said: Any) -> dict[str, Any]:
    made = api.post("/campaigns", {"name": "Letters", "steps": [MAIL], **said})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def with_sender(api: Api) -> None:
    said = {"from_email": "us@example.com", "postal_address": "Street 1", "company": "Us"}
    assert api.call("PATCH", "/project", said).status_code == 200


def run(api: Api) -> None:
    with kit_database.connect() as connection:
        while campaigns_loop.step_project(connection, api.site.project.id, clock.now()):
            pass


def test_a_campaign_is_a_draft_that_says_what_is_wrong_with_it(api: Api) -> None:
    one = a_campaign(api, trigger={"type": "registered"})
    assert (one["state"], one["trigger"]) == ("draft", {"type": "registered"})
    assert {problem["where"] for problem in one["problems"]} >= {"steps.hello"}
    assert api.get(f"/campaigns/{one['id']}").json() == one
    listed = api.get("/campaigns").json()["items"]
    assert [each["id"] for each in listed] == [one["id"]]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"steps": [{"id": "a", "type": "email", "variants": []}]}, "steps[0].variants"),
        ({"trigger": {"type": "every", "period": "year", "at": "08:00"}}, "trigger.period"),
        ({"audience": {"filter": {"field": "name", "op": "eq"}}}, "audience.filter.op"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_field(
    api: Api, said: dict[str, Any], field: str
) -> None:
    answer = api.post("/campaigns", {"name": "Letters", **said})
    assert answer.status_code == 400
    assert error(answer)[2] == field


def test_it_is_started_once_nothing_is_wrong_and_tells_what_came_of_it(api: Api) -> None:
    make(api, user_id="u1", email="pat@example.com")
    one = a_campaign(api, goal={"filter": {"field": "sessions", "op": "gte", "value": 9}})
    at = f"/campaigns/{one['id']}"
    refused = api.post(f"{at}/start", {})
    assert (refused.status_code, error(refused)[2]) == (400, "steps.hello")
    with_sender(api)
    started = api.post(f"{at}/start", {})
    assert (started.status_code, started.json()["state"]) == (200, "running")
    run(api)
    found = api.get(f"{at}/results").json()
    assert (found["entered"], found["goal"], found["held_out"]) == (1, 0, 0)
    assert found["steps"][0]["done"] == 1
    assert found["difference"] is None
    assert api.delete(at).status_code in (204, 409)


def test_it_is_paused_resumed_changed_and_stopped(api: Api) -> None:
    with_sender(api)
    one = a_campaign(api, trigger={"type": "registered"})
    at = f"/campaigns/{one['id']}"
    assert api.post(f"{at}/pause", {}).status_code == 409
    for action, state in (("start", "running"), ("pause", "paused"), ("resume", "running")):
        assert api.post(f"{at}/{action}", {}).json()["state"] == state
    more = [MAIL, {"id": "wait", "type": "wait", "days": 1}]
    changed = api.call("PATCH", at, {"steps": more}).json()
    assert changed["unpublished"] is True
    assert api.post(f"{at}/start", {}).json()["unpublished"] is False
    assert api.delete(at).status_code == 409
    assert api.post(f"{at}/stop", {}).json()["state"] == "stopped"
    assert api.delete(at).status_code == 204
    assert api.get(at).status_code == 404
