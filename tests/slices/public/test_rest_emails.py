"""Emails over REST: sent to people, a segment or a filter; the audience frozen at acceptance."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

BODY = {"subject": "New beans", "body": "Hi {{ person.first_name | default: 'there' }}"}


@pytest.fixture
def shop(api: Api) -> Api:
    """A project that says who it is and where."""
    said = {"company": "Tideway Coffee", "postal_address": "Rua do Cais 14, Porto"}
    assert api.call("PATCH", "/project", said).status_code == 200
    return api


def send(api: Api, **said: Any) -> Any:
    return api.post("/emails", {**BODY, **said})


def test_an_email_to_people_counts_who_gets_it_and_who_does_not(shop: Api) -> None:
    pat = make(shop, user_id="u1", email="pat@example.com")
    silent = make(shop, user_id="u2")
    again = make(shop, user_id="u3", email="PAT@example.com")
    sent = send(shop, to=[pat["id"], silent["id"], again["id"]])
    assert sent.status_code == 201, sent.text
    said = sent.json()
    assert set(said) == {"email_id", "recipients", "left_out"}
    assert (said["recipients"], said["left_out"]) == (1, {"no_address": 1, "duplicate": 1})
    email = shop.get(f"/emails/{said['email_id']}").json()
    assert (email["kind"], email["counts"]["recipients"]) == ("marketing", 1)


def test_an_email_goes_to_a_segment_or_to_whoever_fits(shop: Api) -> None:
    pat = make(shop, user_id="u1", email="pat@example.com")
    make(shop, user_id="u2", email="lee@example.com")
    segment = shop.post("/segments", {"name": "Panel", "people": [pat["id"]]}).json()
    assert send(shop, to={"segment": segment["id"]}).json()["recipients"] == 1
    wanted = {"field": "email", "op": "ends_with", "value": "@example.com"}
    assert send(shop, to={"filter": wanted}).json()["recipients"] == 2


def test_marketing_needs_a_company_and_an_address(api: Api) -> None:
    pat = make(api, user_id="u1", email="pat@example.com")
    assert error(send(api, to=[pat["id"]])) == (400, "invalid", "company")
    assert send(api, to=[pat["id"]], kind="transactional").status_code == 201


def test_an_email_with_an_idempotency_key_is_sent_once(shop: Api) -> None:
    pat = make(shop, user_id="u1", email="pat@example.com")
    headers = {"Idempotency-Key": "beans-1"}
    answers = [
        shop.call("POST", "/emails", {**BODY, "to": [pat["id"]]}, headers=headers).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"to": []}, 400, "to"),
        ({"subject": ""}, 400, "subject"),
        ({"body": None}, 400, "body"),
        ({"body": "{% for %}"}, 400, "body"),
        ({"reply_to": "nobody"}, 400, "reply_to"),
        ({"bcc": "a@b@c"}, 400, "bcc"),
        ({"kind": "spam"}, 400, "kind"),
        ({"template": str(uuid4()), "body": None}, 404, None),
        ({"to": {"segment": str(uuid4())}}, 404, None),
    ],
)
def test_what_an_email_lacks_is_named(
    shop: Api, said: dict[str, Any], status: int, field: str | None
) -> None:
    pat = make(shop, user_id="u1", email="pat@example.com")
    code, _, named = error(send(shop, **{"to": [pat["id"]], **said}))
    assert (code, named) == (status, field)


def test_nobody_of_another_project_gets_an_email(shop: Api, stranger: Api) -> None:
    theirs = make(stranger, user_id="u1", email="pat@example.com")
    assert send(shop, to=[theirs["id"]]).status_code == 404
