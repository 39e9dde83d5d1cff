"""Whatever comes in by the tracking API's door: a named answer, never a 500, no lost neighbour.

`REGULARS_HYPOTHESIS_EXAMPLES` says how many bodies each property is tried with.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from regulars.kit import database as kit_database
from regulars.tracking import intake
from tests.slices.tracking.site import NOON, Answer, Door, Site, open_site

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))
hostile = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

BATCHES = ("/v1/batch", "/v1/b")
KINDS = ("identify", "track", "page", "screen", "group", "alias")
SINGLES = tuple(f"/v1/{kind}" for kind in KINDS)
FIELDS = (
    "type", "userId", "anonymousId", "previousId", "groupId", "event", "name", "category",
    "properties", "traits", "context", "timestamp", "originalTimestamp", "sentAt", "token",
)  # fmt: skip
CONTEXT = (
    "ip", "userAgent", "locale", "timezone", "page", "campaign", "traits", "active", "direct",
    "gpc", "token", "library",
)  # fmt: skip
PROPERTIES = ("url", "path", "title", "referrer", "search", "price", "any")
TRAIT_NAMES = (
    "email", "name", "firstName", "phone", "createdAt", "company", "address", "gender", "age",
    "avatar", "plan", "tags", "birthday", "\u0130", "last_seen",
)  # fmt: skip

DEEP = 10_000

# Values as they stand in a body: many are no JSON, or JSON that no database holds.
ODD = (
    "null", "true", "0", "-1", "1.5", "1e999", "-1e400", "1" + "0" * 400, "-" + "9" * 400, "1e308",
    "0e999", "9" * 5000, "1." + "7" * 400, "9223372036854775808", "NaN", "Infinity", "-Infinity",
    '""', '" "', r'"\ud800"', r'"\udc00 and \ud83d"', r'"\u0000"', r'"a\u0000b"', '"\u0000"',
    '"\u202e\ufeff\u2028"', r'"\\N"', r'"\t\r\n\\."', r'"\ud83d\ude00"', '"\\x"', '"\n"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"99999-01-01"',
    '"9999-12-31T23:59:59-14:00"', '"1969-12-31"', '"2026-02-30"', '"-4713-01-01"', "1e18",
    "253402300800", "-62135596801", '"2026-03-10T12:00:00+99:99"', '"24:00"',
    "[]", "{}", "[null]", "[[[]]]", '{"":""}', '{"\\ud800":1}', '{"\\u0000":1}', '{"a":1,"a":2}',
    "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * 65 + "]" * 65,
    "[" * DEEP, "]", "}", '"', '"\\', "undefined", "'a'", "01", "+1", ".5", "1.", "1e", "tru",
    '"' + "x" * 201 + '"', '"' + "x" * 33_000 + '"', '"' + "é" * 20_000 + '"',
    '"' + "%00" * 50 + '"', '"http://[::1"', '"999.999.999.999"', '"fe80::1%eth0"',
    '"{}"', '"$1; DROP TABLE person"', "/* */ 1", "",
)  # fmt: skip

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "L"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# As json.dumps has it: half characters escaped, NaN and Infinity as they are.
odd = st.sampled_from(ODD) | anything.map(json.dumps)


@st.composite
def messages(draw: st.DrawFn) -> str:
    """An event some of whose fields are odd. Its text may be no JSON."""
    kind = draw(st.sampled_from(KINDS))
    fields = {
        "type": f'"{kind}"',
        "messageId": f'"{uuid4()}"',
        "anonymousId": '"odd"',
        "event": '"Tried"',
    }
    where = draw(st.sampled_from(("top", "context", "page", "properties", "traits")))
    value = draw(odd)
    if where == "top":
        fields[draw(st.sampled_from(FIELDS))] = value
    elif where == "context":
        fields["context"] = _object(draw(st.sampled_from(CONTEXT)), value)
    elif where == "page":
        page = _object(draw(st.sampled_from(PROPERTIES)), value)
        fields["context"] = _object("page", page)
    elif where == "properties":
        fields["properties"] = _object(draw(st.sampled_from(PROPERTIES)), value)
    else:
        fields["traits"] = _object(draw(st.sampled_from(TRAIT_NAMES)), value)
        fields["userId"] = '"odd user"'
    if draw(st.booleans()):
        fields["twice"] = '1,"twice":2'
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"


def _object(key: str, value: str) -> str:
    return f'{{"{key}":{value}}}'


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


# One bad event among good ones: it alone is refused, or mended with a notice.


@hostile
@given(message=messages(), path=st.sampled_from(BATCHES))
@example('{"type":"track","event":"a","anonymousId":"a","properties":{"a":1e999}}', "/v1/b")
@example('{"type":"track","event":"a","anonymousId":"\\ud800"}', "/v1/batch")
@example('{"type":"page","anonymousId":"a","timestamp":"99999-01-01"}', "/v1/b")
@example('{"type":"identify","userId":"u","traits":{"a":"\\u0000"}}', "/v1/batch")
@example('{"type":"identify","userId":"u","traits":{"a":' + "[" * DEEP + "]" * DEEP + "}}", "/v1/b")
@example('{"type":"track","event":"a","anonymousId":"a","x":"' + "x" * 33_000 + '"}', "/v1/b")
def test_neighbours_are_stored_whatever_stands_between_them(
    site: Site, message: str, path: str
) -> None:
    before, after = _good("before"), _good("after")
    refused, dropped, stored = _kept(site), sum(site.drops().values()), site.count("event")
    body = f'{{"batch":[{json.dumps(before)},{message},{json.dumps(after)}]}}'.encode()
    answer = _post(site, path, body)
    if answer.status == 400:  # its brackets or quotes tore the body as a whole
        assert not _is_json(message)
        _is_named(answer)
        assert site.count("event") == stored
        return
    assert answer.status == 200, answer
    times = _times(site)
    assert (times[before["messageId"]], times[after["messageId"]]) == (1, 1)
    kept = site.count("event") - stored - 2
    now = sum(site.drops().values()) - dropped
    if _is_json(message):
        assert (kept, now) in {(1, 0), (0, 1)}
    if now:
        reasons = _kept(site) - refused
        assert sum(reasons.values()) >= now or site.drops().keys() & {"bot", "duplicate"}


@hostile
@given(message=messages(), path=st.sampled_from(SINGLES))
@example('{"type":' + "[" * DEEP + ',"anonymousId":"never closed"}', "/v1/identify")
def test_a_single_event_is_taken_or_refused_by_name(site: Site, message: str, path: str) -> None:
    stored = site.count("event")
    answer = _post(site, path, message.encode())
    if answer.status == 200:
        assert site.count("event") <= stored + 1
        return
    assert answer.status == 400
    _is_named(answer)
    assert site.count("event") == stored


# Whole bodies.


@hostile
@given(body=st.binary(max_size=300), path=st.sampled_from(BATCHES + SINGLES))
@example(b"", "/v1/batch")
@example(b"\x1f\x8b", "/v1/b")
@example(b"[" * 100_000, "/v1/track")
@example(b'{"batch":' + b"[" * 100_000, "/v1/batch")
def test_bytes_that_are_no_request_are_refused_whole(site: Site, body: bytes, path: str) -> None:
    answer = _post(site, path, body)
    assert answer.status == 400
    _is_named(answer)
    assert site.count("event") == 0


@hostile
@given(data=st.data(), path=st.sampled_from(BATCHES + SINGLES))
def test_a_body_cut_or_bent_at_any_byte_is_answered_by_name(
    site: Site, data: st.DataObject, path: str
) -> None:
    message = {
        **_good("bent"),
        "messageId": "bent",
        "context": {"locale": "de-DE"},
        "traits": {"name": "Ünal"},
    }
    whole = json.dumps({"batch": [message] * 2} if path in BATCHES else message, ensure_ascii=False)
    body = whole.encode()
    if data.draw(st.booleans()):
        body = gzip.compress(body)
    at = data.draw(st.integers(0, len(body) - 1))
    bent = data.draw(st.binary(max_size=3))
    answer = _post(site, path, body[:at] + (bent and bent + body[at + len(bent) :]))
    if answer.status != 200:
        assert answer.status == 400
        _is_named(answer)
    else:
        assert bent, "a request cut short was taken for a whole one"


HUGE = json.dumps({"batch": [{"type": "track", "event": "x" * 1_000_000, "anonymousId": "a"}]})

WHOLE = {
    "empty": (b"", "not_json"),
    "a list": (b"[]", None),
    "a text": (b'"batch"', None),
    "null": (b"null", None),
    "no batch": (b"{}", "no_batch"),
    "a batch that is an object": (b'{"batch":{}}', None),
    "a batch that is a text": (b'{"batch":"[]"}', None),
    "a batch that is null": (b'{"batch":null}', "no_batch"),
    "invalid UTF-8": (b'{"batch":[{"type":"track","event":"\xff"}]}', "not_utf8"),
    "UTF-8 of half a character": (b'{"batch":[{"event":"\xed\xa0\x80"}]}', "not_utf8"),
    "UTF-16": ('{"batch":[]}'.encode("utf-16"), None),
    "a text of a megabyte": (HUGE.encode(), "too_large"),
    "the same, zipped": (gzip.compress(HUGE.encode()), "too_large"),
    "a bomb": (gzip.compress(b" " * 50_000_000), "too_large"),
    "half a gzip": (gzip.compress(HUGE.encode())[:-100], None),
    "a gzip of half a body": (gzip.compress(b'{"batch":[{"type":'), "not_json"),
    "half a gzip's head": (b"\x1f\x8b\x08", "bad_gzip"),
    "a gzip with a wrong sum": (gzip.compress(b'{"batch":[]}')[:-8] + b"\0" * 8, "bad_gzip"),
    "2,501 events": (json.dumps({"batch": [{}] * 2501}).encode(), "too_large"),
    "2,501 events, one odd": (
        b'{"batch":[' + b"{}," * 2500 + rb'{"a":"\ud800"}]}',
        "too_large",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_body_that_is_bad_as_a_whole_is_refused_whole(site: Site, name: str) -> None:
    body, code = WHOLE[name]
    answer = _post(site, "/v1/batch", body)
    assert answer.status == 400
    _is_named(answer)
    if code is not None:
        assert answer.body["code"] == code
    assert site.count("event") == 0


def test_an_event_above_its_size_is_refused_alone(site: Site) -> None:
    large = {**_good("large"), "properties": {"text": "x" * 33 * 1024}}
    before, after = _good("before"), _good("after")
    body = json.dumps({"batch": [before, large, after]}).encode()
    assert _post(site, "/v1/batch", body).status == 200
    assert _times(site) == {before["messageId"]: 1, after["messageId"]: 1}
    assert site.reasons() == ["too_large"]


def test_whole_batches_of_odd_events_spoil_no_neighbour(site: Site) -> None:
    """Every odd value in one body, each between good events."""
    good = [_good(f"a{number}") for number in range(len(ODD) + 1)]
    told = [
        f'{{"type":"track","event":"a","anonymousId":"odd","properties":{{"a":{value}}}}}'
        for value in ODD
    ]
    parts = [json.dumps(good[0])]
    for neighbour, odd_one in zip(good[1:], told, strict=True):
        parts += [odd_one, json.dumps(neighbour)] if _is_json(odd_one) else [json.dumps(neighbour)]
    answer = _post(site, "/v1/batch", f'{{"batch":[{",".join(parts)}]}}'.encode())
    assert answer.status == 200, answer
    times = _times(site)
    assert {times[message["messageId"]] for message in good} == {1}
    kept, refused = site.count("event") - len(good), sum(site.drops().values())
    assert kept + refused == len(parts) - len(good)
    assert {"bad_text", "bad_number", "too_deep", "too_large"} <= site.drops().keys()


# Keys.


@hostile
@given(authorization=st.text(st.characters(max_codepoint=255)), key=odd)
def test_an_unknown_key_is_401(site: Site, authorization: str, key: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    body = f'{{"batch":[],"writeKey":{key}}}'
    answer = site.post("/v1/batch", body.encode(), headers=headers)
    assert answer.status == (401 if _is_text_or_null(key) else answer.status)
    assert answer.status in (400, 401)
    _is_named(answer)


@hostile
@given(key=st.text())
def test_an_unknown_key_by_basic_is_401(site: Site, key: str) -> None:
    told = base64.b64encode(f"{key}:".encode()).decode()
    answer = site.post("/v1/batch", b'{"batch":[]}', headers={"authorization": f"Basic {told}"})
    assert answer.status == 401
    assert answer.body["code"] == "unknown_key"


# Too much at once.


def test_overload_is_429_early_and_passes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_WAITING", 50)
    door = Door()
    try:
        _overload(site, door)
    finally:
        door.close()


def _overload(site: Site, door: Door) -> None:
    answers: list[Answer] = []
    bodies = [json.dumps({"batch": [_good("a") for _ in range(10)]}).encode() for _ in range(12)]

    def send(body: bytes) -> None:
        answers.append(door.call("/v1/batch", body, _key(site), "127.0.0.1"))

    senders = [threading.Thread(target=send, args=(body,)) for body in bodies]
    with kit_database.connect() as other:
        with other.transaction():
            # Whoever changes the project's segments makes all its writers wait.
            other.execute(
                "SELECT FROM segment_plan WHERE project_id = %s FOR UPDATE", (site.project.id,)
            )
            for sender in senders:
                sender.start()
            # Those that find no room are sent away while the others wait.
            while len(answers) < 2:
                threading.Event().wait(0.01)
            early = list(answers)
        for sender in senders:
            sender.join(30)
    assert {(one.status, one.body["code"]) for one in early} == {(429, "overloaded")}
    assert all(int(one.headers["retry-after"]) >= 1 for one in early)
    taken = [one for one in answers if one.status == 200]
    assert len(taken) >= 5
    assert site.count("event") == 10 * len(taken)
    assert door.call("/v1/batch", bodies[0], _key(site), "127.0.0.1").status == 200


# What is sent, and what is there


def _good(anonymous: str) -> dict[str, Any]:
    at = (NOON - timedelta(minutes=1)).isoformat()
    return {
        "type": "track",
        "event": "Good",
        "messageId": str(uuid4()),
        "anonymousId": anonymous,
        "timestamp": at,
    }


def _key(site: Site) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{site.write_key}:".encode()).decode()}


def _post(site: Site, path: str, body: bytes) -> Answer:
    return site.post(path, body, headers=_key(site))


def _times(site: Site) -> Counter[str]:
    """How often each message was stored."""
    return Counter(event["message_id"] for event in site.events())


def _kept(site: Site) -> Counter[str]:
    """The refusals that the Tracking page has, by reason."""
    return Counter(reason for reason, _, refused in site.refusals() if refused)


def _is_named(answer: Answer) -> None:
    assert answer.body["code"].isidentifier(), answer
    assert answer.body["message"].strip(), answer


def _is_json(text: str) -> bool:
    """Whether it is JSON by the letter (RFC 8259), however deep or large."""
    try:
        json.loads(text, parse_constant=_not_json, parse_int=len)
    except RecursionError:
        return all(text.count(opener) == text.count(closer) for opener, closer in ("[]", "{}"))
    except ValueError:
        return False
    return True


def _is_text_or_null(text: str) -> bool:
    try:
        return json.loads(text) is None
    except (ValueError, RecursionError):
        return False


def _not_json(name: str) -> float:
    raise ValueError(name)
