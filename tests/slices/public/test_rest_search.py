"""Searching people over REST: filters, the search box, orders and pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make


@pytest.fixture
def crowd(api: Api) -> Api:
    """Ten people of whom tests know what to expect."""
    for n in range(1, 8):
        make(
            api,
            user_id=f"u{n}",
            name=f"User {n}",
            email=f"u{n}@example.com",
            country="Portugal" if n % 2 else "France",
            signed_up_at=(datetime.now(UTC) - timedelta(days=10 * n)).isoformat(),
            attributes={"seats": n, "plan": "pro" if n > 4 else "Free"},
            tags=["vip"] if n == 3 else [],
        )
    for n in (1, 2):
        make(api, email=f"lead{n}@example.com", name=f"Lead {n}")
    api.track({"type": "page", "anonymousId": "a1"})
    return api


def test_a_search_for_everybody_finds_everybody(crowd: Api) -> None:
    found = search(crowd)
    assert (found["total"], len(found["people"]), found["next"]) == (10, 10, None)


def test_a_kind_is_listed_by_itself(crowd: Api) -> None:
    counts = {kind: search(crowd, kind=kind)["total"] for kind in ("user", "lead", "visitor")}
    assert counts == {"user": 7, "lead": 2, "visitor": 1}


def test_people_are_as_they_are_read_by_themselves(crowd: Api) -> None:
    for person in search(crowd, sort="name")["people"]:
        assert crowd.get(f"/people/{person['id']}").json() == person


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("user 3", ["User 3"]),
        ("SER 3", ["User 3"]),
        ("lead", ["Lead 1", "Lead 2"]),
        ("u5@exam", ["User 5"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
    ],
)
def test_the_search_box_finds_any_part_of_a_name_email_or_id(
    crowd: Api, query: str, names: list[str]
) -> None:
    found = search(crowd, query=query, sort="name")
    assert [person["name"] for person in found["people"]] == names
    assert found["total"] == len(names)


@pytest.mark.parametrize(
    ("filter_", "users"),
    [
        ({"field": "country", "op": "is", "value": "france"}, {2, 4, 6}),
        ({"field": "attributes.seats", "op": "between", "value": [3, 5]}, {3, 4, 5}),
        ({"field": "attributes.plan", "op": "is", "value": "free"}, {1, 2, 3, 4}),
        ({"field": "tags", "op": "has", "value": "vip"}, {3}),
        ({"field": "signed_up_at", "op": "within_last", "value": 25}, {1, 2}),
        ({"not": {"field": "country", "op": "is", "value": "France"}}, {1, 3, 5, 7}),
        (
            {
                "any": [
                    {"field": "name", "op": "ends_with", "value": "7"},
                    {
                        "all": [
                            {"field": "country", "op": "is", "value": "Portugal"},
                            {"field": "attributes.seats", "op": "lt", "value": 3},
                        ]
                    },
                ]
            },
            {1, 7},
        ),
    ],
)
def test_a_filter_is_the_whole_filter_language(
    crowd: Api, filter_: dict[str, Any], users: set[int]
) -> None:
    found = search(crowd, kind="user", filter=filter_)
    assert {int(person["user_id"][1:]) for person in found["people"]} == users
    assert found["total"] == len(users)


def test_a_filter_asks_for_what_people_did(crowd: Api) -> None:
    for user, total in (("u1", 20), ("u1", 90), ("u2", 90)):
        crowd.track(
            {"type": "track", "event": "Paid", "userId": user, "properties": {"total": total}}
        )
    often = {"event": "Paid", "op": "at_least", "count": 2, "within_days": 1}
    dear = {
        "event": "Paid",
        "op": "exactly",
        "count": 1,
        "where": [{"field": "properties.total", "op": "gt", "value": 50}],
    }
    assert ids(search(crowd, filter=often)) == {"u1"}
    assert ids(search(crowd, filter=dear)) == {"u1", "u2"}
    assert search(crowd, filter={"event": "paid", "op": "at_least", "count": 1})["total"] == 0


def test_a_filter_asks_for_segments(crowd: Api) -> None:
    everybody = search(crowd, kind="user", sort="signed_up_at")["people"]
    slipping = set(everybody[0]["segments"]) - set(everybody[-1]["segments"])
    (segment,) = slipping
    found = search(crowd, filter={"segment": segment, "op": "is_in"})
    assert ids(found) == {"u3", "u4", "u5", "u6", "u7"}
    assert search(crowd, filter={"segment": segment, "op": "is_not_in"})["total"] == 5


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        ({}, "filter"),
        ({"all": []}, "filter.all"),
        ({"field": "colour", "op": "is", "value": "red"}, "filter.field"),
        ({"field": "country", "op": "gt", "value": 1}, "filter.op"),
        ({"field": "country", "op": "is", "value": 5}, "filter.value"),
        ({"all": [{"field": "country", "op": "is"}]}, "filter.all[0].value"),
        ({"field": "country", "op": "is", "value": "x", "more": 1}, "filter"),
        ({"not": {"not": {"not": {"not": {"not": {"field": "os", "op": "is_known"}}}}}}, None),
        ({"segment": str(uuid4()), "op": "is_in"}, "filter"),
        ({"segment": "x", "op": "is_in"}, "filter.segment"),
    ],
)
def test_a_filter_that_is_none_is_refused_and_the_part_named(
    crowd: Api, filter_: dict[str, Any], field: str | None
) -> None:
    answer = crowd.post("/people/search", {"filter": filter_})
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"].startswith("filter")
    if field is not None:
        assert answer.json()["field"] == field


def test_anothers_segment_is_none_of_ours(crowd: Api, stranger: Api) -> None:
    (segment,) = stranger.site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'all'", (stranger.project_id,)
    ).fetchall()[0]
    answer = crowd.post("/people/search", {"filter": {"segment": str(segment), "op": "is_not_in"}})
    assert (answer.status_code, answer.json()["field"]) == (400, "filter")


@pytest.mark.parametrize(
    "sort",
    [
        "name", "-name", "email", "-last_seen", "last_seen", "-signed_up_at", "signed_up_at",
        "first_seen", "sessions", "country", "attributes.seats", "-attributes.plan", "city",
    ],
)  # fmt: skip
def test_pages_follow_each_other_without_a_gap_or_a_double(crowd: Api, sort: str) -> None:
    whole = search(crowd, sort=sort, limit=200)
    pages, cursor = [], None
    while True:
        page = search(crowd, sort=sort, limit=3, cursor=cursor)
        assert page["total"] == 10
        pages += page["people"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [person["id"] for person in pages] == [person["id"] for person in whole["people"]]
    assert len({person["id"] for person in pages}) == 10


def test_the_newest_seen_come_first_unless_asked_otherwise(crowd: Api) -> None:
    crowd.track({"type": "track", "event": "Paid", "userId": "u4"})
    assert search(crowd)["people"][0]["user_id"] == "u4"
    named = [p["name"] for p in search(crowd, kind="user", sort="-name", limit=2)["people"]]
    assert named == ["User 7", "User 6"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "50"}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"kind": "robot"}, "kind"),
        ({"sort": "shoe_size"}, "sort"),
        ({"sort": ""}, "sort"),
        ({"sort": "attributes."}, "sort"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "é" * 9}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"query": "x" * 201}, "query"),
        ({"query": 5}, "query"),
        ({"filter": []}, "filter"),
        ({"filter": "all"}, "filter"),
        ({"page": 2}, "page"),
    ],
)
def test_what_a_search_cannot_mean_is_refused_and_named(
    api: Api, asked: dict[str, Any], field: str
) -> None:
    answer = api.post("/people/search", asked)
    assert error(answer) == (400, "invalid", field)


def test_a_cursor_belongs_to_its_order(crowd: Api) -> None:
    cursor = search(crowd, sort="name", limit=2)["next"]
    answer = crowd.post("/people/search", {"sort": "-name", "limit": 2, "cursor": cursor})
    assert error(answer) == (400, "invalid", "cursor")


def test_a_search_sees_its_own_project_alone(crowd: Api, stranger: Api) -> None:
    assert search(stranger)["total"] == 0
    make(stranger, user_id="u1", name="User 1")
    assert search(stranger, query="user")["total"] == 1
    assert search(crowd, query="user 1")["total"] == 1


def search(api: Api, **asked: Any) -> dict[str, Any]:
    answer = api.post("/people/search", asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"people", "total", "next"}
    return found


def ids(found: dict[str, Any]) -> set[str]:
    return {person["user_id"] for person in found["people"]}
