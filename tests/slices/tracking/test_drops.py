"""Why an event is not kept: a sentence for each reason, and the named answer to a whole request.

In a batch the bad one is refused alone and shown; alone it is answered with its reason.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import psycopg
import pytest

from regulars.tracking.pipeline.parse import MAX_BODY, MAX_EVENT
from tests.slices.tracking.site import Answer, Site, alias, identify, open_site, page, track

Database = psycopg.Connection[Any]


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# Refused alone, and shown with its reason; the neighbour is kept.

REFUSED: list[tuple[str, str | None, str]] = [
    ("wrong_type", None, "5"),
    ("wrong_type", None, '"text"'),
    ("wrong_type", None, "[]"),
    ("not_an_event", None, '"\\ud800"'),
    ("not_an_event", None, '{"type":"page","anonymousId":"a1","x":NaN}'),
    ("not_an_event", None, '{"type":"page" "anonymousId":"a1"}'),
    ("wrong_type", None, "null"),
    ("too_large", None, '{"type":"page","anonymousId":"a1","x":"' + "x" * MAX_EVENT + '"}'),
    ("too_deep", None, '{"type":"page","anonymousId":"a1","x":' + "[" * 10000 + "]" * 10000 + "}"),
    ("too_deep", None, '{"type":"page","anonymousId":"a1","properties":' + '{"a":' * 5000 + "1"
     + "}" * 5000 + "}"),
    ("too_deep", "properties.a", '{"type":"page","anonymousId":"a1","properties":{"a":'
     + "[" * 70 + "]" * 70 + "}}"),
    ("bad_text", "event", '{"type":"track","anonymousId":"a1","event":"\\ud800"}'),
    ("bad_text", "userId", '{"type":"identify","userId":"u\\u00001"}'),
    ("bad_text", "properties.x", '{"type":"page","anonymousId":"a1","properties":{"x":"\\u0000"}}'),
    ("bad_text", "properties", '{"type":"page","anonymousId":"a1","properties":{"\\udc00":1}}'),
    ("bad_number", "properties.x", '{"type":"page","anonymousId":"a1","properties":{"x":1e999}}'),
    ("bad_number", "properties.x", '{"type":"page","anonymousId":"a1","properties":{"x":-1'
     + "0" * 5000 + "}}"),
    ("wrong_type", "userId", '{"type":"identify","userId":{}}'),
    ("wrong_type", "userId", '{"type":"identify","userId":true}'),
    ("wrong_type", "context.ip", '{"type":"page","anonymousId":"a1","context":{"ip":5}}'),
    ("wrong_type", "properties", '{"type":"track","anonymousId":"a1","event":"E","properties":[]}'),
    ("wrong_type", "properties", '{"type":"page","anonymousId":"a1","properties":{"url":5}}'),
    ("wrong_type", "traits", '{"type":"identify","userId":"u1","traits":"text"}'),
    ("unknown_type", "type", '{"type":"purchase","anonymousId":"a1"}'),
    ("unknown_type", "type", '{"anonymousId":"a1"}'),
    ("no_event_name", "event", '{"type":"track","anonymousId":"a1"}'),
    ("no_event_name", "event", '{"type":"track","anonymousId":"a1","event":" \\t"}'),
    ("nobody", "userId", '{"type":"page"}'),
    ("nobody", "userId", '{"type":"page","anonymousId":"  ","userId":null}'),
    ("id_too_long", "anonymousId", '{"type":"page","anonymousId":"' + "a" * 201 + '"}'),
    ("id_too_long", "groupId", '{"type":"group","anonymousId":"a1","groupId":1e300}'),
    ("bad_time", "timestamp", '{"type":"page","anonymousId":"a1","timestamp":"99999-01-01"}'),
    ("two_users", "previousId", '{"type":"alias","previousId":"first","userId":"second"}'),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "field", "event"), REFUSED)
def test_a_bad_event_is_refused_alone_and_shown(
    site: Site, reason: str, field: str | None, event: str
) -> None:
    site.send(identify("first"), identify("second"))
    kept = json.dumps(page("neighbour"))
    answer = _post(site, f'{{"batch":[{kept},{event},{kept}]}}')
    assert (answer.status, answer.body) == (200, {"success": True})
    assert site.refusals() == [(reason, field, True)]
    assert site.drops() == {reason: 1}
    neighbour = site.person_of(anon="neighbour")
    assert neighbour is not None
    assert neighbour.page_views == 2


@pytest.mark.parametrize(("reason", "field", "event"), REFUSED)
def test_sent_alone_it_is_answered_with_its_reason(
    site: Site, reason: str, field: str | None, event: str
) -> None:
    site.send(identify("first"), identify("second"))
    answer = _post(site, event, path=f"/v1/{_kind(event)}")
    if reason == "unknown_type":
        assert answer.status == 200  # its path says what it is
    elif reason == "not_an_event":
        assert (answer.status, answer.body["code"]) == (400, "not_json")
    else:
        assert (answer.status, answer.body["code"]) == (400, reason)
        assert answer.body.get("field") == field
        assert site.refusals() == [(reason, field, True)]


def test_a_lead_s_email_of_several_people_is_ambiguous(site: Site) -> None:
    email = {"email": "pat@example.com"}
    site.send(identify("u1", traits=email), identify("u2", traits=email))
    site.send(identify(traits=email), way="secret")
    assert site.reasons() == ["ambiguous_email"]


def test_quiet_reasons_are_counted_and_not_shown(site: Site) -> None:
    crawler = {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
    site.send(page("a1", messageId="m1"), page("a1", messageId="m1"))
    site.send(page("a1"), headers=crawler)
    site.send(page("a1"), headers={"sec-gpc": "1"})
    assert site.drops() == {"duplicate": 1, "bot": 1, "privacy_signal": 1}
    assert site.refusals() == []


def test_a_flood_of_bad_events_is_counted_whole_and_shown_in_part(site: Site) -> None:
    site.send(*[{"type": "page"}] * 400)
    assert site.drops() == {"nobody": 400}
    assert len(site.refusals()) == 50


# The whole request: 400 for what is not JSON or too large, 401 for an unknown key.


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"surname=Doe", "not_json"),
        (b"{", "not_json"),
        (b'{"batch":[{"type":"page"}', "not_json"),
        (b'{"batch":[{"type":"page"}]}}', "not_json"),
        (b'{"batch":[{"type":"page","x":"\\ud800"]}}', "not_json"),
        (b'{"batch":[{"type":"page","x":"\\ud800"},]}', "not_json"),
        (b'{"batch":[{"type":"page"}]} {"batch":[]}', "not_json"),
        (b"[" * 10000 + b"]" * 10000, "wrong_type"),
        (b"[]", "wrong_type"),
        (b"5", "wrong_type"),
        (b'{"batch":{}}', "wrong_type"),
        (b'{"batch":[],"writeKey":5}', "wrong_type"),
        (b"{}", "no_batch"),
        (b'{"batch":null}', "no_batch"),
        (b'\xef\xbb\xbf{"batch":[]}', "not_json"),
        (b'{"batch":[{"type":"\xff"}]}', "not_utf8"),
        (b'{"batch":[{"type":"\xed\xa0\x80"}]}', "not_utf8"),
        (b'{"batch":["' + b"x" * MAX_BODY + b'"]}', "too_large"),
        (b'{"batch":[' + b"{}," * 2500 + b"{}]}", "too_large"),
        (b"\x1f\x8bnonsense", "bad_gzip"),
        (gzip.compress(b'{"batch":[]}', mtime=0)[:-9], "bad_gzip"),
        (gzip.compress(b" " * 50_000_000, mtime=0), "too_large"),
        (gzip.compress(b"{", mtime=0), "not_json"),
    ],
)
def test_a_request_that_can_t_be_read_gets_its_named_400(
    site: Site, body: bytes, code: str
) -> None:
    answer = _post(site, body)
    assert (answer.status, answer.body["code"]) == (400, code)
    assert answer.body["message"]
    assert site.count("refusal") == 0


@pytest.mark.parametrize("key", ["", "wk_unknown", "x" * 300, "wk_\x00", "\N{GRINNING FACE}"])
def test_an_unknown_key_gets_401(site: Site, key: str) -> None:
    body = json.dumps({"batch": [page("a1")], "writeKey": key}).encode()
    assert site.post("/v1/batch", body).status == 401


@pytest.mark.parametrize("given", ["Basic", "Basic !!!", "Basic w7PDvA", "Bearer x", "Basic OnB3"])
def test_a_broken_authorization_gets_401(site: Site, given: str) -> None:
    answer = site.post("/v1/batch", b'{"batch":[]}', headers={"authorization": given})
    assert (answer.status, answer.body["code"]) == (401, "unknown_key")


def test_a_secret_key_in_a_body_opens_nothing(site: Site) -> None:
    body = json.dumps({"batch": [page("a1")], "writeKey": site.secret_key}).encode()
    assert site.post("/v1/batch", body).status == 401


# What is meant to be taken is taken.


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_json_is_json_whatever_the_content_type_says(site: Site, content_type: str) -> None:
    body = json.dumps({"batch": [page("a1")], "writeKey": site.write_key}).encode()
    answer = site.post("/v1/batch", body, headers={"content-type": content_type})
    assert (answer.status, site.count("event")) == (200, 1)


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}])
def test_gzip_is_known_by_its_first_bytes(site: Site, headers: dict[str, str]) -> None:
    body = json.dumps({"batch": [page("a1")], "writeKey": site.write_key}).encode()
    assert site.post("/v1/batch", gzip.compress(body, mtime=0), headers=headers).status == 200
    assert site.post("/v1/batch", body, headers={"content-encoding": "gzip"}).status == 200
    assert site.count("event") == 2


def test_an_empty_batch_is_fine(site: Site) -> None:
    assert _post(site, b'{"batch":[]}').status == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("identify", "identify"), ("track", "track"), ("page", "page"), ("screen", "screen"),
        ("group", "group"), ("i", "identify"), ("t", "track"), ("p", "page"), ("s", "screen"),
        ("g", "group"),
    ],
)  # fmt: skip
def test_every_path_says_what_it_brings(site: Site, path: str, kind: str) -> None:
    answer = _post(site, '{"anonymousId":"a1","event":"Bought"}', path=f"/v1/{path}")
    assert answer.status == 200
    assert [event["kind"] for event in site.events()] == [kind]


@pytest.mark.parametrize("path", ["alias", "a"])
def test_so_do_the_alias_paths(site: Site, path: str) -> None:
    assert _post(site, json.dumps(alias("a1", "u1")), path=f"/v1/{path}").status == 200
    assert [event["kind"] for event in site.events()] == ["alias"]


def test_what_can_be_stored_comes_back_as_it_was(site: Site) -> None:
    properties = {
        "emoji": "\N{GRINNING FACE}", "control": 'a\tb\nc\\n"d"', "empty": "", "big": 2**70,
        "small": -1.5e-7, "nested": [[], {}, None, {"a": [1, {"b": "\N{COMBINING ACUTE ACCENT}"}]}],
        "": "no name", "\\N": "\\N", "\t": "\x7f",
    }  # fmt: skip
    site.send(track("T\u00e4t", "a1", properties=properties))
    (event,) = site.events()
    assert (event["name"], event["properties"]) == ("T\u00e4t", properties)


def _post(site: Site, body: str | bytes, path: str = "/v1/batch") -> Answer:
    basic = base64.b64encode(f"{site.write_key}:".encode()).decode()
    raw = body if isinstance(body, bytes) else body.encode()
    return site.post(path, raw, headers={"authorization": f"Basic {basic}"})


def _kind(event: str) -> str:
    for kind in ("identify", "track", "page", "group", "alias"):
        if f'"type":"{kind}"' in event:
            return kind
    return "page"
