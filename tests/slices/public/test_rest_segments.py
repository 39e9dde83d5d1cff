"""Segments over REST: made, filled, read, changed, deleted, and why somebody is in one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from regulars.segments import filling
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make
from tests.slices.public.test_rest_search import ids, search

FIREFOX = {"field": "attributes.browser", "op": "is", "value": "firefox"}
FIELDS = {
    "id", "name", "kind", "builtin", "count", "filter", "filling", "created_at", "changed_at",
}  # fmt: skip


def test_a_filter_makes_a_dynamic_segment_that_says_how_far_it_is_filled(api: Api) -> None:
    somebody(api, "u1", browser="Firefox")
    somebody(api, "u2", browser="Safari")
    made = api.post("/segments", {"name": "  Fox   people ", "filter": FIREFOX})
    assert made.status_code == 201, made.text
    segment = made.json()
    assert set(segment) == FIELDS
    assert (segment["name"], segment["kind"], segment["builtin"]) == ("Fox people", "dynamic", None)
    assert (segment["filter"], segment["count"]) == (FIREFOX, 0)
    assert set(segment["filling"]) == {"done", "total"}
    fill(api)
    filled = api.get(f"/segments/{segment['id']}").json()
    assert (filled["count"], filled["filling"]) == (1, None)
    assert names(api, segment["id"]) == {"u1"}


def test_people_make_a_static_segment(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, email="lee@example.com")
    made = api.post("/segments", {"name": "Panel", "people": [pat["id"], lee["id"]]})
    assert made.status_code == 201, made.text
    segment = made.json()
    assert (segment["kind"], segment["filter"], segment["filling"]) == ("static", None, None)
    assert segment["count"] == 2
    assert segment["id"] in api.get(f"/people/{lee['id']}").json()["segments"]


def test_a_segment_of_nobody_can_be_picked_into_later(api: Api) -> None:
    segment = picked(api, [])
    pat = make(api, user_id="u1")
    assert segment["count"] == 0
    into = f"/segments/{segment['id']}/people"
    added = api.post(into, {"people": [pat["id"], pat["id"]]})
    assert (added.status_code, added.json()["count"]) == (200, 1)
    assert api.post(into, {"people": [pat["id"]]}).json()["count"] == 1
    assert api.delete(into, json={"people": [pat["id"]]}).status_code == 204
    assert api.delete(into, json={"people": [pat["id"]]}).status_code == 204
    assert api.get(f"/segments/{segment['id']}").json()["count"] == 0


def test_an_old_id_picks_who_they_became(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, email="lee@example.com")
    api.post("/people/merge", {"from": lee["id"], "into": pat["id"]})
    segment = picked(api, [lee["id"], pat["id"]])
    assert segment["count"] == 1
    assert names(api, segment["id"]) == {"u1"}


def test_one_who_fits_from_now_on_is_in_at_once(api: Api) -> None:
    segment = dynamic(api, FIREFOX)
    fill(api)
    pat = somebody(api, "u1", browser="FIREFOX")
    assert segment["id"] in pat["segments"]
    assert api.get(f"/segments/{segment['id']}").json()["count"] == 1


def test_the_list_has_every_segment_once_in_pages(api: Api) -> None:
    made = [dynamic(api, FIREFOX, f"Segment {n}")["id"] for n in range(5)]
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        part = api.get(f"/segments?limit=2{after}").json()
        assert set(part) == {"items", "next"}
        found += part["items"]
        cursor = part["next"]
    assert [one["builtin"] for one in found[:4]] == ["all", "new", "active", "slipping"]
    assert [one["id"] for one in found[4:]] == made
    for one in found:
        assert api.get(f"/segments/{one['id']}").json() == one


def test_a_persons_segments_are_among_those_listed(api: Api) -> None:
    pat = make(api, user_id="u1")
    listed = {one["id"]: one["builtin"] for one in api.get("/segments").json()["items"]}
    assert {listed[segment] for segment in pat["segments"]} == {"all", "new"}


def test_its_people_come_in_pages_in_any_order(api: Api) -> None:
    people = [make(api, user_id=f"u{n}", name=f"User {n}") for n in range(7)]
    segment = picked(api, [person["id"] for person in people[:5]])
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        part = api.get(f"/segments/{segment['id']}/people?sort=-name&limit=2{after}").json()
        assert set(part) == {"people", "total", "next"}
        assert part["total"] == 5
        found += [person["user_id"] for person in part["people"]]
        cursor = part["next"]
    assert found == ["u4", "u3", "u2", "u1", "u0"]


def test_a_segment_gets_another_name(api: Api) -> None:
    segment = picked(api, [])
    changed = api.patch(f"/segments/{segment['id']}", {"name": "Tasters"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Tasters")
    assert changed.json()["changed_at"] is not None


def test_a_segment_gets_another_filter_and_is_filled_anew(api: Api) -> None:
    somebody(api, "u1", browser="Firefox")
    somebody(api, "u2", browser="Safari")
    segment = dynamic(api, FIREFOX)
    fill(api)
    safari = {**FIREFOX, "value": "Safari"}
    changed = api.patch(f"/segments/{segment['id']}", {"filter": safari, "name": "Safari"})
    assert (changed.json()["filter"], changed.json()["name"]) == (safari, "Safari")
    assert changed.json()["filling"] is not None
    fill(api)
    assert names(api, segment["id"]) == {"u2"}


def test_a_change_of_nothing_changes_nothing(api: Api) -> None:
    segment = picked(api, [])
    assert api.patch(f"/segments/{segment['id']}", {}).json() == segment


def test_a_deleted_segment_is_gone_and_its_people_stay(api: Api) -> None:
    pat = make(api, user_id="u1")
    segment = picked(api, [pat["id"]])
    gone = api.delete(f"/segments/{segment['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert error(api.get(f"/segments/{segment['id']}")) == (404, "not_found", None)
    assert segment["id"] not in api.get(f"/people/{pat['id']}").json()["segments"]


def test_a_segment_that_others_are_built_on_stays(api: Api) -> None:
    base = dynamic(api, FIREFOX, "Base")
    built = dynamic(api, {"segment": base["id"], "op": "is_in"}, "Built")
    refused = api.delete(f"/segments/{base['id']}")
    assert error(refused) == (409, "conflict", "segment")
    assert "Built" in refused.json()["message"]
    circle = api.patch(
        f"/segments/{base['id']}", {"filter": {"segment": built["id"], "op": "is_in"}}
    )
    assert circle.status_code == 400
    assert circle.json()["field"].startswith("filter")


def test_a_name_is_taken_whatever_its_case(api: Api) -> None:
    picked(api, [], "Straße")
    other = picked(api, [], "Other")
    for answer in (
        api.post("/segments", {"name": "STRASSE", "people": []}),
        api.patch(f"/segments/{other['id']}", {"name": "strasse"}),
    ):
        assert error(answer) == (409, "conflict", "name")


def test_the_lists_that_every_project_has_cannot_be_changed(api: Api) -> None:
    pat = make(api, user_id="u1")
    for segment in api.get("/segments").json()["items"]:
        path = f"/segments/{segment['id']}"
        for answer in (
            api.patch(path, {"name": "Mine"}),
            api.patch(path, {"filter": FIREFOX}),
            api.delete(path),
            api.post(f"{path}/people", {"people": [pat["id"]]}),
            api.delete(f"{path}/people", json={"people": [pat["id"]]}),
        ):
            assert error(answer) == (403, "forbidden", None)
        assert api.get(f"{path}/people").status_code == 200
        assert api.get(f"{path}/why/{pat['id']}").status_code == 200


def test_nobody_is_picked_into_a_segment_with_a_filter(api: Api) -> None:
    pat = make(api, user_id="u1")
    segment = dynamic(api, FIREFOX)
    path = f"/segments/{segment['id']}/people"
    for method in ("POST", "DELETE"):
        assert error(api.call(method, path, {"people": [pat["id"]]})) == (400, "invalid", "people")
    static = picked(api, [])
    wrong = api.patch(f"/segments/{static['id']}", {"filter": FIREFOX})
    assert error(wrong) == (400, "invalid", "filter")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "A"}, "filter"),
        ({"name": "A", "filter": FIREFOX, "people": []}, "filter"),
        ({"name": 5, "people": []}, "name"),
        ({"name": "  ", "people": []}, "name"),
        ({"name": "x" * 81, "people": []}, "name"),
        ({"name": "A", "people": ["x"]}, "people.0"),
        ({"name": "A", "people": [str(uuid4())]}, "people[0]"),
        ({"name": "A", "people": [str(uuid4())] * 1001}, "people"),
        ({"name": "A", "filter": []}, "filter"),
        ({"name": "A", "filter": {}}, "filter"),
        ({"name": "A", "filter": {"all": [{**FIREFOX, "op": "gtt"}]}}, "filter.all[0].op"),
        ({"name": "A", "filter": {"all": [{**FIREFOX, "field": "shoe"}]}}, "filter.all[0].field"),
        ({"name": "A", "filter": {"checkpoint": 5, "op": "reached"}}, "filter"),
        ({"name": "A", "filter": {"segment": str(uuid4()), "op": "is_in"}}, "filter"),
        ({"name": "A", "people": [], "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_a_segment_is_refused_and_named(
    api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api.post("/segments", body)
    assert error(answer) == (400, "invalid", field)
    assert len(api.get("/segments").json()["items"]) == 4


@pytest.mark.parametrize("asked", ["limit=0", "limit=201", "cursor=x", f"cursor={'9' * 30}"])
def test_a_part_of_the_list_that_cannot_be_is_refused(api: Api, asked: str) -> None:
    answer = api.get(f"/segments?{asked}")
    assert error(answer) == (400, "invalid", asked.partition("=")[0])


def test_what_is_not_there_is_404(api: Api) -> None:
    pat = make(api, user_id="u1")
    segment = picked(api, [])
    for nobody in (uuid4(), "x", "%00", "1" * 500):
        for path in ("", "/people", f"/why/{pat['id']}"):
            assert api.get(f"/segments/{nobody}{path}").status_code == 404
        assert api.get(f"/segments/{segment['id']}/why/{nobody}").status_code == 404
        assert api.patch(f"/segments/{nobody}", {"name": "A"}).status_code == 404
        assert api.delete(f"/segments/{nobody}").status_code == 404


# Why


def test_why_says_each_condition_with_the_persons_own_value(api: Api) -> None:
    often = {"event": "Paid", "op": "at_least", "count": 2, "within_days": 7}
    either = {"any": [{"field": "country", "op": "is", "value": "France"}, often]}
    segment = dynamic(api, {"all": [FIREFOX, either]})
    fill(api)
    pat = somebody(api, "u1", browser="Firefox")
    for _ in range(2):
        api.track({"type": "track", "event": "Paid", "userId": "u1"})
    lee = somebody(api, "u2", browser="Safari")
    why = api.get(f"/segments/{segment['id']}/why/{pat['id']}").json()
    assert set(why) == {"held", "since", "sentence", "group", "parts"}
    assert (why["held"], why["group"]) == (True, "all")
    assert datetime.fromisoformat(why["since"]) <= datetime.now(UTC)
    assert "Firefox" in why["sentence"] or "firefox" in why["sentence"]
    browser, inner = why["parts"]
    assert (browser["held"], browser["value"], browser["group"]) == (True, "Firefox", None)
    assert [(part["held"], part["value"]) for part in inner["parts"]] == [(False, None), (True, 2)]
    out = api.get(f"/segments/{segment['id']}/why/{lee['id']}").json()
    assert (out["held"], out["since"]) == (False, None)
    assert [part["held"] for part in out["parts"]] == [False, False]


def test_why_of_one_condition_is_that_condition(api: Api) -> None:
    segment = dynamic(api, FIREFOX)
    pat = somebody(api, "u1", browser="Firefox")
    why = api.get(f"/segments/{segment['id']}/why/{pat['id']}").json()
    assert (why["held"], why["group"], len(why["parts"])) == (True, None, 1)
    assert why["parts"][0]["value"] == "Firefox"


def test_why_of_a_static_segment_is_that_they_were_picked(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, user_id="u2")
    segment = picked(api, [pat["id"]])
    inside = api.get(f"/segments/{segment['id']}/why/{pat['id']}").json()
    outside = api.get(f"/segments/{segment['id']}/why/{lee['id']}").json()
    assert (inside["held"], inside["sentence"], inside["parts"]) == (True, None, [])
    assert inside["since"] is not None
    assert (outside["held"], outside["since"]) == (False, None)


def test_an_export_tells_which_segments_they_entered_and_left(api: Api) -> None:
    segment = dynamic(api, FIREFOX, "Fox people")
    pat = somebody(api, "u1", browser="Firefox")
    api.patch(f"/people/{pat['id']}", {"attributes": {"browser": None}})
    moves = api.get(f"/people/{pat['id']}/export").json()["moves"]
    ours = [(one["way"], one["cause"]) for one in moves if one["segment"] == segment["id"]]
    assert ours == [("out", "facts"), ("in", "facts")]
    assert [one["at"] for one in moves] == sorted((one["at"] for one in moves), reverse=True)
    assert "Fox people" in {one["name"] for one in moves}


# Done once, and written down


def test_the_same_post_twice_is_one(api: Api) -> None:
    again = {"Idempotency-Key": "k1"}
    body = {"name": "Once", "people": []}
    first = api.post("/segments", body, headers=again)
    second = api.post("/segments", body, headers=again)
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    pat = make(api, user_id="u1")
    path = f"/segments/{first.json()['id']}/people"
    into = {"people": [pat["id"]]}
    put = api.post(path, into, headers={"Idempotency-Key": "k2"})
    api.delete(path, json=into)
    assert api.post(path, into, headers={"Idempotency-Key": "k2"}).json() == put.json()
    assert api.get(f"/segments/{first.json()['id']}").json()["count"] == 0


def test_the_audit_log_knows_what_was_done(api: Api) -> None:
    pat = make(api, user_id="u1")
    segment = picked(api, [], "Panel")
    path = f"/segments/{segment['id']}"
    api.post(f"{path}/people", {"people": [pat["id"]]})
    api.patch(path, {"name": "Tasters"})
    api.patch(path, {"name": "Tasters"})
    api.delete(path)
    rows = api.site.connection.execute(
        "SELECT action, subject, details FROM audit_entry"
        " WHERE project_id = %s AND action LIKE 'segment.%%' ORDER BY at, id",
        (api.project_id,),
    ).fetchall()
    assert rows == [
        ("segment.made", "Panel", {}),
        ("segment.changed", "Panel", {"added": 1}),
        ("segment.changed", "Tasters", {"name": ["Panel", "Tasters"]}),
        ("segment.deleted", "Tasters", {"people": 1}),
    ]


# Hostile filters, the same in a search and in a segment

PLACES = ("/people/search", "/segments")
HOSTILE = [
    ".*", "^(a+)+$", "[a-z", "%", "_", "a%b", "\\", "\\d+", "$1", "'; DROP TABLE person; --",
    "' OR '1'='1", '") OR 1=1 --', "%s %(x)s {0}", "<script>", "NULL",
]  # fmt: skip


@pytest.mark.parametrize("operator", ["is", "contains", "starts_with", "ends_with"])
def test_patterns_and_sql_are_plain_text_that_finds_who_has_just_that(
    api: Api, operator: str
) -> None:
    for n, text in enumerate(HOSTILE):
        make(api, user_id=f"u{n}", attributes={"said": text})
    make(api, user_id="other", attributes={"said": "aaaaaaaaaaaaaaaaaaaaaaaa! b"})
    for n, text in enumerate(HOSTILE):
        filter_ = {"field": "attributes.said", "op": operator, "value": text}
        whoever = {f"u{m}" for m, said in enumerate(HOSTILE) if FITS[operator](said, text)}
        assert f"u{n}" in whoever
        assert ids(search(api, filter=filter_)) == whoever
        segment = dynamic(api, filter_, f"Segment {n}")
        fill(api)
        assert names(api, segment["id"]) == whoever


@pytest.mark.parametrize("place", PLACES)
def test_a_field_that_does_not_exist_is_named(api: Api, place: str) -> None:
    answer = post_filter(api, place, {"field": "shoe_size", "op": "is", "value": "44"})
    assert error(answer) == (400, "invalid", "filter.field")
    assert "shoe_size" in answer.json()["message"]


@pytest.mark.parametrize("place", PLACES)
def test_a_custom_field_that_nobody_has_is_merely_unknown(api: Api, place: str) -> None:
    answer = post_filter(api, place, {"field": "attributes.shoe", "op": "is", "value": "44"})
    assert answer.status_code == (200 if place == "/people/search" else 201)


@pytest.mark.parametrize("place", PLACES)
def test_a_megabyte_of_text_is_refused_in_words(api: Api, place: str) -> None:
    whole = post_filter(api, place, {**FIREFOX, "value": "x" * 1024 * 1024})
    assert error(whole) == (400, "too_large", None)
    nearly = post_filter(api, place, {**FIREFOX, "value": "x" * 1000 * 1000})
    assert error(nearly) == (400, "invalid", "filter.value")
    assert len(nearly.text) < 1000


@pytest.mark.parametrize("place", PLACES)
def test_a_filter_has_five_levels_and_no_sixth(api: Api, place: str) -> None:
    deep: dict[str, Any] = FIREFOX
    for _ in range(4):
        deep = {"all": [deep]}
    assert post_filter(api, place, deep).status_code in (200, 201)
    deeper = post_filter(api, place, {"any": [deep]}, "Deeper")
    assert error(deeper)[:2] == (400, "invalid")
    assert deeper.json()["field"].startswith("filter")
    assert "levels" in deeper.json()["message"]


@pytest.mark.parametrize("place", PLACES)
def test_a_hundred_conditions_are_a_filter_and_one_more_is_none(api: Api, place: str) -> None:
    assert post_filter(api, place, {"any": [FIREFOX] * 100}).status_code in (200, 201)
    more = post_filter(api, place, {"any": [FIREFOX] * 101}, "More")
    assert error(more)[:2] == (400, "invalid")
    assert more.json()["field"].startswith("filter")


FITS: dict[str, Any] = {
    "is": lambda said, text: said == text,
    "contains": lambda said, text: text.casefold() in said.casefold(),
    "starts_with": lambda said, text: said.casefold().startswith(text.casefold()),
    "ends_with": lambda said, text: said.casefold().endswith(text.casefold()),
}


def post_filter(api: Api, place: str, filter_: Any, name: str = "Hostile") -> Any:
    """A search by the filter, or a segment of it."""
    named = {"name": name} if place == "/segments" else {}
    return api.post(place, content=json.dumps({**named, "filter": filter_}).encode())


def somebody(api: Api, user_id: str, **attributes: Any) -> dict[str, Any]:
    return make(api, user_id=user_id, attributes=attributes)


def dynamic(api: Api, filter_: Any, name: str = "By a filter") -> dict[str, Any]:
    return _made(api, {"name": name, "filter": filter_})


def picked(api: Api, people: list[str], name: str = "Picked") -> dict[str, Any]:
    return _made(api, {"name": name, "people": people})


def names(api: Api, segment: str) -> set[str]:
    """The user ids of those who are in it."""
    return {one["user_id"] for one in api.get(f"/segments/{segment}/people").json()["people"]}


def fill(api: Api) -> None:
    """What the worker does in the background, until there is nothing left to do."""
    filling.fill_project(api.site.connection, UUID(str(api.project_id)), datetime.now(UTC))


def _made(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post("/segments", body)
    assert answer.status_code == 201, answer.text
    segment: dict[str, Any] = answer.json()
    return segment
