"""A person's timeline and export over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from regulars.public.rest import history
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0"
NOW = datetime.now(UTC).replace(microsecond=0)


def test_a_timeline_tells_each_event_newest_first(api: Api) -> None:
    person = make(api, user_id="u1")
    api.track(
        {
            "type": "track",
            "event": "Paid",
            "userId": "u1",
            "messageId": "m1",
            "properties": {"total": 5},
            "timestamp": at(2),
        },
        {
            "type": "page",
            "userId": "u1",
            "properties": {"url": "https://shop.example/cart?x=1", "title": "Cart"},
            "timestamp": at(1),
        },
    )
    told = timeline(api, person)
    assert [item["kind"] for item in told["items"]] == ["page", "track"]
    page, paid = told["items"]
    assert set(page) == {
        "id", "kind", "name", "happened_at", "received_at", "url", "path", "title", "properties",
        "session_id", "message_id", "source",
    }  # fmt: skip
    assert (page["path"], page["title"]) == ("/cart", "Cart")
    assert (paid["name"], paid["properties"]) == ("Paid", {"total": 5})
    assert (paid["message_id"], paid["source"], paid["session_id"]) == ("m1", "server", None)
    assert paid["happened_at"] == at(2)
    assert paid["received_at"].endswith("Z")
    assert paid["received_at"] > paid["happened_at"]
    assert told["next"] is None


def test_parts_of_a_timeline_follow_each_other(api: Api) -> None:
    person = make(api, user_id="u1")
    api.track(
        *(
            {"type": "track", "event": f"E{n}", "userId": "u1", "timestamp": at(n // 3)}
            for n in range(1, 12)
        )
    )
    whole = [item["id"] for item in timeline(api, person)["items"]]
    parts, cursor = [], None
    while True:
        part = timeline(api, person, limit=4, **({"cursor": cursor} if cursor else {}))
        parts += [item["id"] for item in part["items"]]
        cursor = part["next"]
        if cursor is None:
            break
    assert parts == whole
    assert len(set(parts)) == 11


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=%ff", "cursor"),
    ],
)
def test_a_part_of_a_timeline_that_is_none_is_refused(api: Api, query: str, field: str) -> None:
    person = make(api, user_id="u1")
    answer = api.get(f"/people/{person['id']}/timeline?{query}")
    assert error(answer) == (400, "invalid", field)


def test_the_survivor_of_a_merge_has_both_timelines(api: Api) -> None:
    api.track({"type": "page", "anonymousId": "a1", "properties": {"path": "/before"}})
    visitor = api.post("/people/search", {"kind": "visitor"}).json()["people"][0]
    user = make(api, user_id="u1")
    api.track({"type": "track", "event": "Paid", "userId": "u1"})
    api.post("/people/merge", {"from": visitor["id"], "into": user["id"]})
    assert {item["kind"] for item in timeline(api, visitor)["items"]} == {"page", "track"}


def test_an_export_holds_all_there_is_of_a_person_and_nobody_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "A_PART", 2)
    browser = {"Origin": "https://shop.example", "User-Agent": FIREFOX}
    for n in range(5):
        api.track(
            {
                "type": "page",
                "anonymousId": f"browser{n}",
                "properties": {"path": f"/{n}", "url": f"https://shop.example/{n}?utm_source=ad"},
            },
            headers=browser,
        )
        api.track(
            {"type": "identify", "anonymousId": f"browser{n}", "userId": "u1"}, headers=browser
        )
    make(api, user_id="u2", attributes={"secret": "another's"})
    person = api.post("/people/search", {"query": "u1"}).json()["people"][0]

    answer = api.get(f"/people/{person['id']}/export")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"].startswith("attachment")
    held = answer.json()
    assert set(held) == {
        "person", "identities", "segments", "merges", "sessions", "moves", "conversations",
        "messages", "notes", "events",
    }  # fmt: skip
    assert held["person"] == api.get(f"/people/{person['id']}").json()
    known = {(one["kind"], one["value"]) for one in held["identities"] if one["kind"] != "former"}
    assert known == {("user", "u1"), *(("anonymous", f"browser{n}") for n in range(5))}
    assert len(held["sessions"]) == 5
    assert len(held["events"]) == 10
    assert len(held["merges"]) == 4  # the first browser's visitor became the user
    assert {one["name"] for one in held["segments"]} >= {"All", "New"}
    assert "another's" not in answer.text
    times = [event["happened_at"] for event in held["events"]]
    assert times == sorted(times, reverse=True)
    assert len({event["id"] for event in held["events"]}) == 10


def test_an_export_of_somebody_of_whom_little_is_known(api: Api) -> None:
    person = make(api, email="lee@example.com")
    held = api.get(f"/people/{person['id']}/export").json()
    assert (held["sessions"], held["events"], held["merges"]) == ([], [], [])


def test_a_long_history_is_exported_whole(api: Api) -> None:
    person = make(api, user_id="u1")
    for part in range(3):
        api.track(
            *(
                {
                    "type": "track",
                    "event": "Tick",
                    "userId": "u1",
                    "messageId": str(uuid4()),
                    "properties": {"n": part * 1000 + n, "text": 'é\n"\\'},
                }
                for n in range(1000)
            )
        )
    held = api.get(f"/people/{person['id']}/export").json()
    assert sorted(event["properties"]["n"] for event in held["events"]) == list(range(3000))
    assert held["events"][0]["properties"]["text"] == 'é\n"\\'


def timeline(api: Api, person: dict[str, Any], **asked: Any) -> dict[str, Any]:
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    answer = api.get(f"/people/{person['id']}/timeline?{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert set(told) == {"items", "next"}
    return told


def at(hours_ago: int) -> str:
    return (NOW - timedelta(hours=hours_ago)).isoformat().replace("+00:00", "Z")
