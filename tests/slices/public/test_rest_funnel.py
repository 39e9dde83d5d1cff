"""The funnel over REST: its checkpoints, and how people do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error

SIGNED_UP = {"title": "Signed up", "filter": {"field": "kind", "op": "is", "value": "user"}}
ACTIVE = {"title": "Active", "filter": {"field": "last_seen", "op": "within_last", "value": 28}}
PRO = {"title": "Pro", "filter": {"field": "attributes.plan", "op": "is", "value": "pro"}}


def put(api: Api, *checkpoints: dict[str, Any]) -> Any:
    return api.call("PUT", "/funnel", {"checkpoints": [*checkpoints]})


def test_every_project_has_two_checkpoints(api: Api) -> None:
    found = api.get("/funnel").json()["checkpoints"]
    assert [(one["number"], one["title"], one["filter"]) for one in found] == [
        (1, "Signed up", SIGNED_UP["filter"]),
        (2, "Active", ACTIVE["filter"]),
    ]


def test_a_third_is_added_and_reached(api: Api) -> None:
    answer = put(api, SIGNED_UP, ACTIVE, {**PRO, "description": "They pay."})
    assert answer.status_code == 200
    third = answer.json()["checkpoints"][2]
    assert (third["number"], third["description"], third["counting"]) == (3, "They pay.", None)
    pat = api.post("/people", {"user_id": "pat", "attributes": {"plan": "pro"}}).json()
    lee = api.post("/people", {"user_id": "lee"}).json()
    assert (pat["checkpoints"], lee["checkpoints"]) == ([1, 3], [1])
    found = api.post("/people/search", {"filter": {"checkpoint": 3, "op": "reached"}}).json()
    assert [one["id"] for one in found["people"]] == [pat["id"]]
    found = api.post("/people/search", {"filter": {"checkpoint": 3, "op": "not_reached"}}).json()
    assert [one["id"] for one in found["people"]] == [lee["id"]]


def test_the_report_counts_in_order_and_by_parts(api: Api) -> None:
    put(api, SIGNED_UP, PRO)
    for n in range(4):
        plan = "pro" if n else "free"
        country = "Ghana" if n > 1 else "Chile"
        api.post("/people", {"user_id": f"u{n}", "country": country, "attributes": {"plan": plan}})
    report = api.get("/funnel/report?split=attributes.plan").json()
    assert [one["reached"] for one in report["checkpoints"]] == [4, 3]
    (first, second) = report["checkpoints"]
    assert (first["conversion"], second["conversion"], second["dropped"]) == (None, 0.75, 1)
    assert {one["label"]: one["reached"] for one in report["parts"]} == {
        "pro": [3, 3],
        "free": [1, 0],
    }


def test_a_period_is_compared_with_the_one_before(api: Api) -> None:
    api.post("/people", {"user_id": "old", "signed_up_at": "2020-01-05T00:00:00Z"})
    api.post("/people", {"user_id": "new", "signed_up_at": "2020-02-05T00:00:00Z"})
    asked = "from=2020-02-01T00:00:00Z&to=2020-03-03T00:00:00Z"
    (first, _) = api.get(f"/funnel/report?{asked}").json()["checkpoints"]
    assert (first["reached"], first["reached_before"]) == (1, 1)


@pytest.mark.parametrize(
    ("checkpoints", "field"),
    [
        ([SIGNED_UP], "checkpoints"),
        ([SIGNED_UP] * 6, "checkpoints"),
        ([SIGNED_UP, {**ACTIVE, "title": " "}], "checkpoints[1].title"),
        ([SIGNED_UP, {**ACTIVE, "filter": {}}], "checkpoints[1].filter"),
        ([SIGNED_UP, {**ACTIVE, "number": 1}], "checkpoints[1].number"),
        (
            [SIGNED_UP, {**ACTIVE, "filter": {"checkpoint": 1, "op": "reached"}}],
            "checkpoints[1].filter",
        ),
    ],
)
def test_what_cannot_be_a_funnel_is_refused_and_named(
    api: Api, checkpoints: list[Any], field: str
) -> None:
    assert error(put(api, *checkpoints)) == (400, "invalid", field)


def test_one_that_a_segment_asks_for_stays(api: Api) -> None:
    put(api, SIGNED_UP, ACTIVE, PRO)
    api.post("/segments", {"name": "Payers", "filter": {"checkpoint": 3, "op": "reached"}})
    assert put(api, SIGNED_UP, ACTIVE).status_code == 409
