"""Interakt's calls, as companies that used Interakt still make them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.slices.public.served import Api

SUCCESS = {"status": "success"}
YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def test_a_member_is_a_user_with_all_that_was_said(api: Api) -> None:
    answer = member(
        api,
        email="Pat@Example.com",
        name="Pat Smith",
        user_id="u1",
        created_at=1_700_000_000,
        last_seen=int(YESTERDAY.timestamp()),
        plan="pro",
        seats=5,
    )
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    person = api.site.only_person()
    assert (person.kind, person.user_id, person.email) == ("user", "u1", "Pat@Example.com")
    assert (person.name, person.first_name, person.last_name) == ("Pat Smith", "Pat", "Smith")
    assert person.signed_up_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert person.last_seen == YESTERDAY
    assert person.attributes == {"plan": "pro", "seats": 5}


def test_a_call_again_changes_the_same_member(api: Api) -> None:
    member(api, user_id=7, email="pat@example.com", plan="free")
    member(api, user_id="7", plan="pro")
    assert api.site.only_person().attributes == {"plan": "pro"}


# Who it is


def test_a_member_without_a_user_id_is_a_user_known_by_the_email(api: Api) -> None:
    member(api, email="pat@example.com", name="Pat")
    member(api, email=" PAT@example.com", plan="pro")
    person = api.site.only_person()
    assert (person.kind, person.user_id, person.name) == ("user", None, "Pat")
    assert person.attributes == {"plan": "pro"}
    assert person.signed_up_at is not None
    assert api.site.kinds() == {"user": 1}


def test_a_user_id_that_comes_later_is_the_same_members(api: Api) -> None:
    member(api, email="pat@example.com")
    member(api, email="pat@example.com", user_id="u1")
    assert api.site.only_person().user_id == "u1"
    member(api, email="pat@example.com", plan="pro")
    assert api.site.only_person().attributes == {"plan": "pro"}


def test_a_lead_who_is_named_as_a_member_becomes_a_user_with_their_history(api: Api) -> None:
    lead(api, email="pat@example.com", source="fair")
    member(api, email="pat@example.com")
    person = api.site.only_person()
    assert (person.kind, person.attributes) == ("user", {"source": "fair"})
    assert len(api.site.events(of=person)) == 2


def test_an_email_that_several_have_is_refused_and_said_so(api: Api) -> None:
    member(api, email="team@example.com", user_id="u1")
    member(api, email="team@example.com", user_id="u2")
    answer = member(api, email="team@example.com", plan="pro")
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")
    assert (answer.json()["code"], answer.json()["field"]) == ("ambiguous_email", "email")
    assert api.site.reasons() == ["ambiguous_email"]


def test_calls_at_once_for_one_email_make_one_person(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: member(api, email="pat@example.com", n=n), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert api.site.only_person().kind == "user"


@pytest.mark.parametrize("nobody", [{}, {"name": "Pat"}, {"email": ""}, {"email": None}])
def test_a_member_without_email_and_user_id_is_a_failure(api: Api, nobody: Any) -> None:
    answer = api.basic("/members", json=nobody)
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")
    assert answer.json()["field"] == "email"
    assert api.site.people() == []
    assert api.site.reasons() == ["nobody"]


# Leads


def test_a_lead_is_a_lead(api: Api) -> None:
    assert lead(api, email="lee@example.com", name="Lee").json() == SUCCESS
    person = api.site.only_person()
    assert (person.kind, person.email, person.name) == ("lead", "lee@example.com", "Lee")


def test_a_lead_call_about_a_user_leaves_them_a_user(api: Api) -> None:
    member(api, email="pat@example.com", user_id="u1")
    lead(api, email="pat@example.com", newsletter=True)
    person = api.site.only_person()
    assert (person.kind, person.attributes) == ("user", {"newsletter": True})


@pytest.mark.parametrize("nobody", [{"name": "Lee"}, {"email": " "}, {"email": 5}])
def test_a_lead_without_email_is_taken_not_stored_and_warned_of(api: Api, nobody: Any) -> None:
    answer = api.basic("/leads", json=nobody)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert api.site.people() == []
    assert api.site.refusals() == [("lead_without_email", "traits.email", True)]
    assert api.site.drops() == {"lead_without_email": 1}


# Attributes


def test_a_nested_object_is_kept_with_a_unique_id_and_left_out_without(api: Api) -> None:
    answer = member(
        api,
        email="pat@example.com",
        plan={"unique_id": 7, "name": "Pro"},
        address={"city": "Pune"},
        orders=[{"unique_id": 1}, {"total": 5}],
        deep={"unique_id": 1, "inner": {"no": "id"}},
    )
    assert answer.json() == SUCCESS
    person = api.site.only_person()
    assert person.attributes == {"plan": {"unique_id": 7, "name": "Pro"}}
    assert person.city is None
    warned = [(reason, field) for reason, field, refused in api.site.refusals() if not refused]
    assert sorted(warned) == [
        ("trait_left_out", "traits.address"),
        ("trait_left_out", "traits.deep"),
        ("trait_left_out", "traits.orders"),
    ]


def test_a_company_with_a_unique_id_is_the_persons_company(api: Api) -> None:
    member(api, email="pat@example.com", company={"unique_id": "c1", "name": "Acme"})
    assert api.site.only_person().company == {"id": "c1", "name": "Acme"}


def test_an_attribute_that_cannot_be_kept_is_left_out_alone(api: Api) -> None:
    body = rb'{"email":"pat@example.com","a":"\ud800","b":"x\u0000","c":1e999,"d":' + b"9" * 400
    answer = api.basic(
        "/members", content=body + b',"e":"fine","f":' + b"[" * 50 + b"]" * 50 + b"}"
    )
    assert answer.json() == SUCCESS
    assert api.site.only_person().attributes == {"e": "fine"}
    fields = {field for reason, field, _ in api.site.refusals() if reason == "trait_left_out"}
    assert fields == {"traits.a", "traits.b", "traits.c", "traits.d", "traits.f"}


# When they were seen


def test_last_seen_never_goes_back_and_never_ahead_of_now(api: Api) -> None:
    early, late = int(YESTERDAY.timestamp()) - 99, int(YESTERDAY.timestamp())
    member(api, user_id="u1", last_seen=late)
    member(api, user_id="u1", last_seen=early)
    member(api, user_id="u1")
    assert api.site.only_person().last_seen == YESTERDAY
    member(api, user_id="u1", last_seen=late + 9 * 86_400)
    seen = api.site.only_person().last_seen
    assert seen is not None
    assert timedelta(0) <= datetime.now(UTC) - seen < timedelta(minutes=1)


def test_a_member_who_was_not_said_to_be_seen_was_not(api: Api) -> None:
    member(api, email="pat@example.com")
    assert api.site.only_person().last_seen is None


def test_a_last_seen_that_is_no_time_is_left_out(api: Api) -> None:
    member(api, user_id="u1", last_seen="soon", created_at="whenever", plan="pro")
    person = api.site.only_person()
    assert (person.last_seen, person.attributes) == (None, {"plan": "pro"})
    assert {field for _, field, _ in api.site.refusals()} == {
        "traits.last_seen",
        "traits.created_at",
    }


def test_an_imported_member_who_was_seen_long_ago_is_slipping_away(api: Api) -> None:
    member(api, user_id="u1", created_at=1_600_000_000, last_seen=1_600_000_000)
    rows = api.site.connection.execute(
        "SELECT builtin FROM segment s JOIN segment_member m"
        " ON m.project_id = s.project_id AND m.segment_id = s.id WHERE s.project_id = %s",
        (api.project_id,),
    ).fetchall()
    assert sorted(rows) == [("all",), ("slipping",)]


# Many at once


def test_an_import_takes_a_hundred_members(api: Api) -> None:
    members = [{"email": f"m{n}@example.com", "n": n} for n in range(100)]
    answer = api.basic("/members/import_data", json={"members": members})
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert api.site.kinds() == {"user": 100}


def test_an_import_of_more_than_a_hundred_is_refused_whole(api: Api) -> None:
    members = [{"email": f"m{n}@example.com"} for n in range(101)]
    answer = api.basic("/members/import_data", json={"members": members})
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")
    assert answer.json()["field"] == "members"
    assert api.site.people() == []


def test_a_bad_member_of_an_import_is_refused_alone(api: Api) -> None:
    members = [{"email": "a@example.com"}, {"name": "nobody"}, 5, {"email": "b@example.com"}]
    answer = api.basic("/members/import_data", json={"members": members})
    assert (answer.status_code, answer.json()) == (200, {"status": "success", "refused": 2})
    assert [person.email for person in api.site.people()] == ["a@example.com", "b@example.com"]
    assert api.site.reasons() == ["nobody", "not_an_event"]


@pytest.mark.parametrize("body", [{}, {"members": {}}, {"members": None}, [], 5, "x", None])
def test_an_import_without_a_list_is_a_failure(api: Api, body: Any) -> None:
    answer = api.basic("/members/import_data", content=json.dumps(body).encode())
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")


def test_a_retry_with_the_same_idempotency_key_is_one_call(api: Api) -> None:
    for plan in ("pro", "free"):
        headers = {"Idempotency-Key": "k1"}
        answer = api.basic("/members", json={"user_id": "u1", "plan": plan}, headers=headers)
        assert answer.json() == SUCCESS
    assert api.site.only_person().attributes == {"plan": "pro"}


# The door


def test_a_form_serves_as_well_as_json(api: Api) -> None:
    form = {"email": "pat@example.com", "created_at": "1700000000", "city": "São Paulo"}
    assert api.basic("/members", data=form).json() == SUCCESS
    person = api.site.only_person()
    assert person.signed_up_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert person.attributes == {"city": "São Paulo"}
    members = json.dumps([{"email": "lee@example.com"}])
    assert api.basic("/members/import_data", data={"members": members}).json() == SUCCESS
    assert api.site.kinds() == {"user": 2}


@pytest.mark.parametrize("path", ["/members", "/leads", "/members/import_data"])
def test_only_the_projects_id_with_its_own_secret_key_opens(
    api: Api, stranger: Api, path: str
) -> None:
    body = {"email": "pat@example.com", "members": [{"email": "pat@example.com"}]}
    for auth in (
        None,
        (str(api.project_id), "sk_wrong"),
        (str(api.project_id), api.site.write_key),
        (str(stranger.project_id), api.secret_key),
        ("app", api.secret_key),
        (api.secret_key, ""),
        ("\ud800".encode("utf-8", "surrogatepass"), "é"),
    ):
        answer = api.basic(path, json=body, auth=auth)
        assert (answer.status_code, answer.json()["status"]) == (401, "failure")
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert api.site.people() == stranger.site.people() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 20_000,
        b'{"email":NaN}',
        b"\xff\xfe",
        b"\x1f\x8bgarbage",
        b"[]",
        b'"x"',
        b'{"email":"a@example.com"},{}',
        b'{"email":"' + b"x" * 600_000 + b'"}',
    ],
)
def test_a_body_that_is_none_is_a_failure(api: Api, body: bytes) -> None:
    for path in ("/members", "/leads", "/members/import_data"):
        answer = api.basic(path, content=body)
        assert (answer.status_code, answer.json()["status"]) == (400, "failure")
    assert api.site.people() == []


def test_only_post_is_taken(api: Api) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(method, f"{api.url}/api/v1/members")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert httpx.options(f"{api.url}/api/v1/members").status_code == 204


def test_nothing_about_keys_may_be_read_by_pages_of_other_origins(api: Api) -> None:
    answer = api.basic("/members", json={"user_id": "u1"}, headers={"Origin": "https://x.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert api.site.only_person().browser_seen_at is None


def test_a_page_with_interakts_script_and_a_member_call_are_one_person(api: Api) -> None:
    browser = str(uuid4())
    api.track(
        {"type": "identify", "anonymousId": browser, "traits": {"email": "pat@example.com"}},
        {"type": "page", "anonymousId": browser, "properties": {"path": "/shop"}},
    )
    assert _kinds(api) == ["lead"]
    member(api, email="pat@example.com", name="Pat")
    person = api.site.only_person()
    assert (person.kind, api.site.paths(person)) == ("user", ["/shop"])


def _kinds(api: Api) -> list[str]:
    return [person.kind for person in api.site.people()]


def member(api: Api, **said: Any) -> httpx.Response:
    return api.basic("/members", json=said)


def lead(api: Api, **said: Any) -> httpx.Response:
    return api.basic("/leads", json=said)
