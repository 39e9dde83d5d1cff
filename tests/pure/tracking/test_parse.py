"""Bytes to messages: the fast way, the careful way, and that the second never loses a neighbour."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regulars.tracking.pipeline import careful, parse
from regulars.tracking.pipeline.careful import NotJSONError
from regulars.tracking.pipeline.parse import BodyError, NeedsCareError

# Any JSON; texts with what JSON escapes and what brackets are made of.
letters = st.characters(codec="utf-8", exclude_characters="\x00")
texts = st.text(alphabet=st.one_of(letters, st.sampled_from('"\\[]{},: \n')), max_size=12)
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=12,
)
# What spoils an event, or only a trait of it.
spoilt = st.sampled_from(
    [
        '"\\ud800"', '"a\\udc00b"', '"\\u0000"', "1e999", "-1e999", "9" * 400, "9" * 5000,
        "[" * 2000 + "]" * 2000, '{"a":' * 2000 + "1" + "}" * 2000,
    ]
)  # fmt: skip
events = st.fixed_dictionaries(
    {"type": st.just("track"), "event": st.just("E"), "anonymousId": st.just("a1")},
    optional={"properties": st.dictionaries(texts, values), "messageId": texts},
)


@settings(deadline=None)
@given(st.lists(values), st.sampled_from([None, 1]))
def test_a_list_is_cut_into_its_elements(whole: list[Any], indent: int | None) -> None:
    pieces = careful.members(json.dumps(whole, indent=indent).encode())
    assert [json.loads(piece) for _, piece in pieces] == whole


@settings(deadline=None)
@given(st.dictionaries(texts, values), st.booleans())
def test_an_object_is_cut_into_its_members(whole: dict[str, Any], ascii_only: bool) -> None:
    raw = json.dumps(whole, ensure_ascii=ascii_only).encode()
    assert {key: json.loads(value) for key, value in careful.named(raw).items()} == whole


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:\\ 1a', max_size=60).map(str.encode)))
@example(b'"')
@example(b'["')
@example(b"[,]")
@example(b'{"a"}')
@example(b"{:1}")
@example(b"[1 2]")
def test_whatever_comes_is_cut_or_refused(raw: bytes) -> None:
    for cut in (careful.members, careful.named):
        with suppress(NotJSONError):
            cut(raw)
    careful.read(raw)


@pytest.mark.parametrize(
    "raw", [b"[1,]", b"[,1]", b"[1,,2]", b"[1]]", b"[1", b"[1}", b"1", b"", b"[] []"]
)
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJSONError):
        careful.members(raw)


@settings(deadline=None)
@given(st.lists(events, min_size=1, max_size=6), spoilt, st.data())
def test_a_spoilt_event_spoils_itself_alone(
    batch: list[dict[str, Any]], bad: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(batch)))
    where = data.draw(st.sampled_from(["properties", "traits", "context", "event", "x"]))
    spoilt_event = f'{{"type":"identify","userId":"u1","{where}":{{"bad":{bad},"good":1}}}}'
    raws = [json.dumps(event) for event in batch]
    raws.insert(at, spoilt_event)
    body = f'{{"writeKey":"wk","batch":[{",".join(raws)}]}}'.encode()
    with pytest.raises(NeedsCareError):
        parse.read_batch(body, care=False)
    envelope, pieces = parse.read_batch(body)
    assert envelope.write_key == "wk"
    assert len(pieces) == len(batch) + 1
    read = pieces.pop(at)
    if where == "traits":
        assert (read.drop, read.message.user_id) == (None, "u1")
        assert json.loads(bytes(read.message.traits)) == {"good": 1}
        assert [notice.field for notice in read.notices] == ["traits.bad"]
    else:
        assert read.drop is not None
    alone = [
        parse.read_batch(f'{{"batch":[{raw}]}}'.encode())[1][0] for raw in map(json.dumps, batch)
    ]
    assert [_told(piece) for piece in pieces] == [_told(piece) for piece in alone]


@settings(deadline=None)
@given(events)
def test_both_ways_read_the_same(event: dict[str, Any]) -> None:
    raw = json.dumps(event).encode()
    fast = parse.read_batch(b'{"batch":[' + raw + b"]}")[1][0]
    slow = careful.read(raw)
    assert slow.message is not None
    assert (fast.drop, fast.message.message_id) == (slow.drop, slow.message.message_id)
    assert _json(fast.message.properties) == _json(slow.message.properties)


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))
    )
)
def test_any_body_is_read_or_refused_with_a_name(body: bytes) -> None:
    assert {_code(parse.read_batch, body), _code(parse.read_single, body)} <= {
        None, "bad_gzip", "too_large", "not_utf8", "wrong_type", "no_batch", "not_json"
    }  # fmt: skip


def _code(read: Callable[[bytes], object], body: bytes) -> str | None:
    try:
        read(parse.open_body(body))
    except BodyError as error:
        return error.code
    return None


def test_emoji_as_escapes_stay_on_the_fast_way() -> None:
    body = json.dumps({"batch": [{"type": "page", "properties": {"x": "\N{GRINNING FACE}"}}]})
    assert "\\ud83d" in body
    assert parse.read_batch(body.encode(), care=False)[1][0].drop is None


def test_many_brackets_side_by_side_stay_on_the_fast_way() -> None:
    products = [{"id": number, "tags": []} for number in range(200)]
    body = json.dumps({"batch": [{"type": "page", "properties": {"products": products}}]})
    assert parse.read_batch(body.encode(), care=False)[1][0].drop is None


def _told(piece: parse.Piece) -> Any:
    message = piece.message
    return piece.drop, message.event, message.message_id, _json(message.properties)


def _json(raw: Any) -> Any:
    return json.loads(bytes(raw))
