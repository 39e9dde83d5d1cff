"""People over REST: made, read, changed, erased."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.slices.public.served import Api

FIELDS = {
    "id", "kind", "user_id", "email", "name", "first_name", "last_name", "gender", "phone",
    "signed_up_at", "first_seen", "last_seen", "last_contacted", "last_emailed", "online",
    "sessions", "country", "country_code", "region", "city", "browser", "browser_version", "os",
    "device", "ip", "language", "timezone", "utm_source", "utm_medium", "utm_campaign", "utm_term",
    "utm_content", "referrer", "landing_page", "company", "attributes", "tags", "segments",
    "checkpoints", "created_at", "updated_at",
}  # fmt: skip


# Making and updating


def test_a_person_is_made_with_all_that_is_said_and_read_back(api: Api) -> None:
    attributes = {"plan": "pro", "seats": 5, "beta": True, "deep": {"a": [1, None]}}
    made = api.post(
        "/people",
        {
            "user_id": "u1",
            "email": "Pat@Example.com",
            "name": "Pat Smith",
            "gender": "female",
            "phone": "+351 900",
            "signed_up_at": "2024-05-01T12:00:00+02:00",
            "country": "Portugal",
            "city": "Lisboa",
            "attributes": attributes,
            "company": {"id": "c1", "name": "Acme"},
            "tags": ["vip", "early"],
        },
    )
    assert made.status_code == 201, made.text
    person = made.json()
    assert set(person) == FIELDS
    assert (person["kind"], person["user_id"], person["email"]) == (
        "user",
        "u1",
        "Pat@Example.com",
    )
    assert (person["first_name"], person["last_name"]) == ("Pat", "Smith")
    assert person["signed_up_at"] == "2024-05-01T10:00:00Z"
    assert person["attributes"] == {
        "plan": "pro",
        "seats": 5,
        "beta": True,
        "deep": {"a": [1, None]},
    }
    assert person["company"] == {"id": "c1", "name": "Acme"}
    assert sorted(person["tags"]) == ["early", "vip"]
    assert (person["last_seen"], person["online"], person["checkpoints"]) == (None, False, [1])
    assert api.get(f"/people/{person['id']}").json() == person


def test_the_same_user_id_updates_the_same_person(api: Api) -> None:
    first = api.post("/people", {"user_id": "u1", "attributes": {"plan": "free", "seats": 1}})
    again = api.post("/people", {"user_id": "u1", "attributes": {"plan": "pro"}})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["attributes"] == {"plan": "pro", "seats": 1}


def test_without_a_user_id_the_email_says_who_it_is(api: Api) -> None:
    lead = api.post("/people", {"email": "lee@example.com"})
    assert (lead.status_code, lead.json()["kind"]) == (201, "lead")
    user = api.post("/people", {"user_id": "u1", "email": "pat@example.com"}).json()
    for email, who in (("LEE@example.com", lead.json()), (" pat@Example.com ", user)):
        again = api.post("/people", {"email": email, "name": "Named"})
        assert (again.status_code, again.json()["id"]) == (200, who["id"])
        assert again.json()["kind"] == who["kind"]


def test_a_user_with_a_leads_email_brings_the_lead_along(api: Api) -> None:
    lead = api.post("/people", {"email": "pat@example.com", "attributes": {"from": "fair"}}).json()
    user = api.post("/people", {"user_id": "u1", "email": "pat@example.com"}).json()
    assert (user["kind"], user["attributes"]) == ("user", {"from": "fair"})
    assert api.get(f"/people/{lead['id']}").json()["id"] == user["id"]


def test_an_email_that_several_have_is_a_conflict(api: Api) -> None:
    for user_id in ("u1", "u2"):
        api.post("/people", {"user_id": user_id, "email": "team@example.com"})
    answer = api.post("/people", {"email": "team@example.com"})
    assert error(answer) == (409, "conflict", "email")


def test_a_user_known_by_email_alone_gets_the_user_id_that_comes_later(api: Api) -> None:
    api.basic("/members", json={"email": "pat@example.com"})
    (known,) = api.site.people()
    named = api.post("/people", {"user_id": "u1", "email": "pat@example.com"})
    assert (named.status_code, named.json()["id"]) == (200, str(known.id))
    assert named.json()["user_id"] == "u1"


def test_calls_at_once_for_one_person_make_one_person(api: Api) -> None:
    def make(number: int) -> int:
        by = {"email": "pat@example.com"} if number % 2 else {"email": "PAT@example.com"}
        return api.post("/people", {**by, "attributes": {f"n{number}": number}}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(make, range(16)))
    assert sorted(statuses) == [200] * 15 + [201]
    assert len(api.site.only_person().attributes) == 16


@pytest.mark.parametrize("body", [{}, {"name": "Pat"}, {"email": None}, {"user_id": " "}])
def test_somebody_nobody_could_find_again_is_not_made(api: Api, body: Any) -> None:
    assert error(api.post("/people", body)) == (400, "invalid", "email")
    assert api.site.people() == []


# Changing


def test_a_change_leaves_what_it_does_not_name(api: Api) -> None:
    person = make(api, user_id="u1", name="Pat Smith", city="Lisboa", tags=["vip"])
    changed = api.patch(f"/people/{person['id']}", {"city": "Porto"})
    assert changed.status_code == 200
    assert changed.json()["city"] == "Porto"
    assert (changed.json()["name"], changed.json()["tags"]) == ("Pat Smith", ["vip"])


def test_attributes_are_merged_and_null_removes_one(api: Api) -> None:
    person = make(api, user_id="u1", attributes={"plan": "pro", "seats": 5, "a.b": 1})
    changed = api.patch(
        f"/people/{person['id']}", {"attributes": {"seats": None, "a.b": None, "new": False}}
    )
    assert changed.json()["attributes"] == {"plan": "pro", "new": False}


def test_null_forgets_a_fact_and_tags_are_replaced(api: Api) -> None:
    person = make(api, user_id="u1", email="pat@example.com", phone="1", tags=["a", "b"])
    changed = api.patch(f"/people/{person['id']}", {"phone": None, "tags": ["b", "c", " c "]})
    assert (changed.json()["phone"], changed.json()["tags"]) == (None, ["b", "c"])


def test_a_lead_who_gets_a_user_id_is_a_user(api: Api) -> None:
    lead = make(api, email="pat@example.com")
    changed = api.patch(f"/people/{lead['id']}", {"user_id": "u1"}).json()
    assert (changed["kind"], changed["user_id"]) == ("user", "u1")
    assert changed["signed_up_at"] is not None
    assert api.post("/people", {"user_id": "u1"}).json()["id"] == lead["id"]
    assert api.site.kinds() == {"user": 1}


def test_a_user_id_neither_changes_nor_is_taken_from_somebody(api: Api) -> None:
    user, lead = make(api, user_id="u1"), make(api, email="lee@example.com")
    for who, user_id in ((user, "u2"), (user, None), (lead, "u1")):
        answer = api.patch(f"/people/{who['id']}", {"user_id": user_id})
        assert error(answer) == (409, "conflict", "user_id")
    assert api.patch(f"/people/{user['id']}", {"user_id": "u1"}).status_code == 200


def test_a_change_moves_the_person_between_segments(api: Api) -> None:
    long_ago, lately = "2020-01-01", (datetime.now(UTC) - timedelta(days=1)).isoformat()
    person = make(api, user_id="u1", signed_up_at=long_ago)
    assert segments(api, person) == ["all", "slipping"]
    changed = api.patch(f"/people/{person['id']}", {"signed_up_at": lately}).json()
    assert segments(api, changed) == ["all", "new"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"kind": "user"}, "kind"),
        ({"last_seen": "2024-01-01"}, "last_seen"),
        ({"email": "not an address"}, "email"),
        ({"email": 5}, "email"),
        ({"name": ["Pat"]}, "name"),
        ({"name": True}, "name"),
        ({"signed_up_at": "soon"}, "signed_up_at"),
        ({"signed_up_at": "99999-01-01"}, "signed_up_at"),
        ({"signed_up_at": "0000-00-00"}, "signed_up_at"),
        ({"signed_up_at": True}, "signed_up_at"),
        ({"signed_up_at": 1e300}, "signed_up_at"),
        ({"attributes": []}, "attributes"),
        ({"attributes": {"": 1}}, "attributes"),
        ({"attributes": {"plan": "x" * 9000}}, "attributes.plan"),
        ({"attributes": None}, "attributes"),
        ({"tags": "vip"}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"tags": ["x" * 999]}, "tags"),
        ({"tags": ["x"] * 101}, "tags"),
        ({"company": "Acme"}, "company"),
        ({"user_id": "x" * 201}, "user_id"),
        ({"user_id": 7}, "user_id"),
    ],
)
def test_what_cannot_be_taken_is_refused_whole_and_named(
    api: Api, said: dict[str, Any], field: str
) -> None:
    person = make(api, email="pat@example.com", name="Pat")
    answer = api.patch(f"/people/{person['id']}", {"city": "Porto", **said})
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid"
    assert answer.json()["field"].split(".")[0] == field.split(".", maxsplit=1)[0]
    assert answer.json()["message"].endswith(".")
    assert api.get(f"/people/{person['id']}").json() == person


# Old ids, erasure


def test_the_old_id_of_a_merged_person_serves_as_the_survivors(api: Api) -> None:
    gone, into = make(api, email="lee@example.com"), make(api, user_id="u1")
    api.post("/people/merge", {"from": gone["id"], "into": into["id"]})
    assert api.get(f"/people/{gone['id']}").json()["id"] == into["id"]
    changed = api.patch(f"/people/{gone['id']}", {"city": "Porto"})
    assert (changed.status_code, changed.json()["id"]) == (200, into["id"])
    assert api.delete(f"/people/{gone['id']}").status_code == 204
    for one in (gone, into):
        assert api.get(f"/people/{one['id']}").status_code == 404


def test_an_erased_person_is_gone_and_may_come_anew(api: Api) -> None:
    person = make(api, user_id="u1", email="pat@example.com")
    api.track({"type": "track", "event": "Paid", "userId": "u1"})
    gone = api.delete(f"/people/{person['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for again in (api.get, api.delete, lambda path: api.patch(path, {"city": "Porto"})):
        assert error(again(f"/people/{person['id']}")) == (404, "not_found", None)
    assert {table: api.site.count(table) for table in ("person", "event", "identity")} == {
        "person": 0,
        "event": 0,
        "identity": 0,
    }
    anew = api.post("/people", {"user_id": "u1"})
    assert (anew.status_code, anew.json()["email"]) == (201, None)
    assert anew.json()["id"] != person["id"]


def test_nobody_is_404_also_where_the_id_is_none(api: Api) -> None:
    for nobody in (
        uuid4(),
        "x",
        "00000000-0000-0000-0000-00000000000g",
        "%00",
        "%f0%28",
        "1" * 500,
    ):
        for path in ("", "/timeline", "/export"):
            assert api.get(f"/people/{nobody}{path}").status_code == 404
        assert api.delete(f"/people/{nobody}").status_code == 404
        assert api.patch(f"/people/{nobody}", {}).status_code == 404


def make(api: Api, **said: Any) -> dict[str, Any]:
    answer = api.post("/people", said)
    assert answer.status_code == 201, answer.text
    person: dict[str, Any] = answer.json()
    return person


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of an error, which has no more and no less than it should."""
    body = answer.json()
    assert set(body) == {"code", "message", "field"}
    return answer.status_code, body["code"], body["field"]


def segments(api: Api, person: dict[str, Any]) -> list[str]:
    """The built-in segments the person is in, by what they are."""
    rows = api.site.connection.execute(
        "SELECT id, builtin FROM segment WHERE project_id = %s", (api.project_id,)
    ).fetchall()
    names = {str(id_): builtin for id_, builtin in rows}
    return sorted(names[id_] for id_ in person["segments"])
