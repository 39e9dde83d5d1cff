"""REST as plain HTTP: keys, methods, bodies, errors, and what it never sends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from regulars.kit import clock
from regulars.public.rest.door import MAX_BODY, RestDoor
from regulars.workspaces.audit import OPERATOR
from regulars.workspaces.models import ProjectKey
from regulars.workspaces.projects import make_key, revoke_key
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

PATHS = ["/people/search", "/people", "/people/merge", "/merges/x/undo", "/project", "/people/x"]


# Keys


def test_only_a_secret_key_of_a_project_opens(api: Api) -> None:
    for said in (
        None,
        "",
        "Bearer",
        f"Bearer {api.site.write_key}",
        f"Bearer {api.secret_key}x",
        f"Bearer  {api.secret_key}",
        f"Basic {api.secret_key}",
        api.secret_key,
        "Bearer " + "x" * 5000,
        "Bearer é".encode("latin-1"),
    ):
        headers = {} if said is None else {"Authorization": said}
        for path in PATHS:
            answer = httpx.post(f"{api.url}/api/v1{path}", headers=headers, json={})  # type: ignore[arg-type]
            if answer.status_code == 405:
                continue
            assert error(answer) == (401, "unknown_key", None)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (
        api.get("/project", headers={"Authorization": f"bearer {api.secret_key}"}).status_code
        == 200
    )


def test_a_revoked_key_opens_nothing_any_more(api: Api) -> None:
    now = clock.now()
    made = make_key(api.project_id, "secret", "Second", by=OPERATOR, now=now)
    headers = {"Authorization": f"Bearer {made.value}"}
    assert api.get("/project", headers=headers).status_code == 200
    revoke_key(api.project_id, made.key_id, by=OPERATOR, now=now)
    assert error(api.get("/project", headers=headers)) == (401, "unknown_key", None)


def test_a_key_that_is_used_says_when(api: Api) -> None:
    key = ProjectKey.objects.get(project_id=api.project_id, kind="secret")
    assert key.last_used_at is None
    api.get("/project")
    key.refresh_from_db()
    assert key.last_used_at is not None


# Methods and addresses


def test_an_address_that_is_none_is_a_404_in_json(api: Api) -> None:
    for path in ("", "/", "/nothing", "/people/", "/people/x/y/z", "/../x", "/people/x/timeline/"):
        assert error(api.get(path)) == (404, "not_found", None)
    answer = httpx.get(f"{api.url}/api/v2/people")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_method_that_is_not_taken_is_said_with_those_that_are(api: Api) -> None:
    answer = api.call("PUT", "/project")
    assert error(answer) == (405, "method_not_allowed", None)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"
    assert api.call("POST", "/people/search/../search", {}).status_code == 200
    assert api.get("/people/search").status_code == 405


def test_options_tells_the_methods_without_a_key(api: Api) -> None:
    answer = httpx.options(f"{api.url}/api/v1/people/x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


def test_head_answers_as_get_without_the_body(api: Api) -> None:
    person = make(api, user_id="u1")
    for path in (f"/people/{person['id']}", "/project", f"/people/{person['id']}/export"):
        answer = api.call("HEAD", path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("application/json")
    assert api.call("HEAD", "/people/x").status_code == 404


# Bodies


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "not_json"),
        (b"{'name': 1}", "not_json"),
        (b'{"name": NaN}', "not_json"),
        (b'{"name": Infinity}', "not_json"),
        (b'{"name": "x",}', "not_json"),
        (b'{"name": "x"} {}', "not_json"),
        (b"\xff\xfe\x00", "not_utf8"),
        (b"[" * 100_000, "not_json"),
        (b'{"attributes":{"x":' + b'{"x":' * 100 + b"1" + b"}" * 102, "too_deep"),
        (rb'{"user_id": "x\u0000"}', "bad_text"),
        (rb'{"user_id": "\ud800"}', "bad_text"),
        (rb'{"attributes": {"\udfff": 1}}', "bad_text"),
        (rb'{"attributes": {"x": [1, "a\u0000"]}}', "bad_text"),
        (b'{"attributes": {"x": 1e999}}', "bad_number"),
        (b'{"attributes": {"x": ' + b"9" * 5000 + b"}}", "bad_number"),
        (b'{"user_id": "' + b"x" * MAX_BODY + b'"}', "too_large"),
        (b"", "invalid"),
        (b"null", "invalid"),
        (b"[]", "invalid"),
        (b"5", "invalid"),
        (b'"x"', "invalid"),
        (b"\x1f\x8b\x08\x00", "not_utf8"),
    ],
)
def test_a_body_that_cannot_be_taken_is_named_and_changes_nothing(
    api: Api, body: bytes, code: str
) -> None:
    person = make(api, user_id="u1")
    for method, path in (
        ("POST", "/people"),
        ("POST", "/people/search"),
        ("POST", "/people/merge"),
        ("PATCH", f"/people/{person['id']}"),
        ("PATCH", "/project"),
    ):
        answer = api.call(method, path, content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert api.get(f"/people/{person['id']}").json() == person


def test_numbers_are_kept_as_they_are(api: Api) -> None:
    sent = {"big": 10**30, "small": -(2**63), "exact": 0.1, "zero": -0.0}
    person = make(api, user_id="u1", attributes=sent)
    assert api.get(f"/people/{person['id']}").json()["attributes"] == sent


def test_text_of_every_kind_is_kept_as_it_is(api: Api) -> None:
    text = "Ωmega 🎉 \u202e \\ \" ' %s {} \u2028 <script>"
    person = make(api, user_id=text, name=text, attributes={text: text}, tags=["🎉"])
    assert (person["user_id"], person["attributes"]) == (text, {text: text})


def test_a_content_type_does_not_matter(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = api.post("/people/search", content=b"{}", headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text


# What it never sends


def test_neither_cookies_nor_other_origins(api: Api) -> None:
    headers = {"Origin": "https://evil.example", "Cookie": "regulars_session=x; regulars_csrf=y"}
    for answer in (
        api.get("/project", headers=headers),
        api.post("/people", {"user_id": "u1"}, headers=headers),
        api.call("OPTIONS", "/people", headers=headers),
    ):
        assert answer.status_code < 300
        assert "set-cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers.get("cache-control", "no-store") == "no-store"


def test_a_host_that_is_not_served_gets_an_error_in_json(api: Api) -> None:
    answer = api.get("/project", headers={"Host": "evil.example"})
    assert error(answer) == (400, "invalid", None)


def test_with_the_database_away_the_answer_is_503_at_once() -> None:
    async def ask(path: str) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def unused(*_: Any) -> None:
            raise AssertionError

        door = RestDoor(unused, lambda: False)
        await door({"type": "http", "method": "GET", "path": path}, unused, send)  # type: ignore[arg-type]
        return sent

    started = time.monotonic()
    start, body = asyncio.run(ask("/api/v1/project"))
    assert time.monotonic() - started < 5  # at once, on a machine however busy
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert b'"unavailable"' in body["body"]


# Its own description


def test_the_openapi_document_names_the_calls_of_the_contract(api: Api) -> None:
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=30).json()
    assert document["openapi"].startswith("3.")
    called = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert {
        "POST /people/search", "POST /people", "GET /people/{person_id}/timeline",
        "GET /people/{person_id}/export", "POST /people/merge", "POST /merges/{merge_id}/undo",
        "POST /segments", "GET /segments/{segment_id}/why/{person_id}", "PUT /funnel",
        "GET /funnel/report", "POST /notes", "POST /tickets", "POST /conversations",
        "POST /templates", "POST /emails", "PATCH /project", "POST /campaigns",
        "POST /campaigns/{campaign_id}/start", "GET /campaigns/{campaign_id}/results",
        "POST /webhooks",
    } <= called  # fmt: skip


def test_the_documentation_loads_nothing_from_elsewhere(api: Api) -> None:
    page = httpx.get(f"{api.url}/api/v1/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Search people" in page.text
    loaded = [
        part.partition('"')[0]
        for attribute in ('src="', '<link rel="stylesheet" href="')
        for part in page.text.split(attribute)[1:]
    ]
    assert loaded
    for address in loaded:
        assert httpx.get(f"{api.url}{address}").status_code == 200
