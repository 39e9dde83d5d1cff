"""Merging people over REST, and undoing it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make


def test_a_merge_makes_one_of_two_and_its_undo_two_of_one(api: Api) -> None:
    gone = make(api, user_id="u2", attributes={"plan": "pro"}, tags=["old"])
    into = make(api, user_id="u1", name="Pat")
    merged = api.post("/people/merge", {"from": gone["id"], "into": into["id"]})
    assert merged.status_code == 201
    merge = merged.json()
    assert set(merge) == {"id", "from", "into", "at", "undone_at", "person"}
    assert (merge["from"], merge["into"], merge["undone_at"]) == (gone["id"], into["id"], None)
    assert (merge["person"]["name"], merge["person"]["attributes"]) == ("Pat", {"plan": "pro"})
    assert api.get(f"/people/{gone['id']}").json() == merge["person"]
    assert api.post("/people", {"user_id": "u2"}).json()["id"] == into["id"]

    undone = api.post(f"/merges/{merge['id']}/undo")
    assert undone.status_code == 200
    assert undone.json()["undone_at"] is not None
    back = undone.json()["person"]
    assert (back["id"], back["user_id"], back["tags"]) == (gone["id"], "u2", ["old"])
    assert api.get(f"/people/{into['id']}").json()["attributes"] == {}
    assert api.post("/people", {"user_id": "u2"}).json()["id"] == gone["id"]


def test_a_merge_is_undone_once(api: Api) -> None:
    merge = merged(api)
    assert api.post(f"/merges/{merge['id']}/undo").status_code == 200
    assert error(api.post(f"/merges/{merge['id']}/undo")) == (409, "conflict", None)


def test_the_same_person_cannot_be_merged(api: Api) -> None:
    merge = merged(api)
    for one, other in ((merge["into"], merge["into"]), (merge["from"], merge["into"])):
        answer = api.post("/people/merge", {"from": one, "into": other})
        assert error(answer) == (409, "conflict", "from")


def test_nobody_and_somebody_elses_person_cannot_be_merged(api: Api, stranger: Api) -> None:
    ours, theirs = make(api, user_id="u1"), make(stranger, user_id="u1")
    for nobody in (theirs["id"], str(uuid4())):
        for field, body in (
            ("from", {"from": nobody, "into": ours["id"]}),
            ("into", {"from": ours["id"], "into": nobody}),
        ):
            assert error(api.post("/people/merge", body)) == (404, "not_found", field)
    assert stranger.get(f"/people/{theirs['id']}").json() == theirs


def test_anothers_merge_cannot_be_undone(api: Api, stranger: Api) -> None:
    merge = merged(api)
    for merge_id in (merge["id"], uuid4(), "x"):
        assert stranger.post(f"/merges/{merge_id}/undo").status_code == 404
    assert api.get(f"/people/{merge['from']}").json()["id"] == merge["into"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "from"),
        ({"from": str(uuid4())}, "into"),
        ({"from": "x", "into": str(uuid4())}, "from"),
        ({"from": 5, "into": str(uuid4())}, "from"),
        ({"from": str(uuid4()), "into": str(uuid4()), "why": "x"}, "why"),
        ({"from": None, "into": str(uuid4())}, "from"),
    ],
)
def test_a_merge_of_what_are_no_ids_is_refused(api: Api, body: Any, field: str) -> None:
    assert error(api.post("/people/merge", body)) == (400, "invalid", field)


def test_merges_crossing_each_other_leave_one_person(api: Api) -> None:
    one, other = make(api, user_id="u1"), make(api, user_id="u2")
    ways = [(one, other), (other, one)] * 4

    def run(way: tuple[dict[str, Any], dict[str, Any]]) -> int:
        body = {"from": way[0]["id"], "into": way[1]["id"]}
        return api.post("/people/merge", body).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(run, ways))
    assert sorted(statuses) == [201] + [409] * 7
    assert api.site.kinds() == {"user": 1}


def merged(api: Api) -> dict[str, Any]:
    """A merge that was done."""
    gone, into = make(api, user_id="u2"), make(api, user_id="u1")
    merge: dict[str, Any] = api.post(
        "/people/merge", {"from": gone["id"], "into": into["id"]}
    ).json()
    return merge
