"""What the filter panel asks of the console, and lists that are filtered by their address."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from regulars.filters.catalog import STANDARD_FIELDS
from regulars.filters.operators import OPERATORS
from regulars.kit import clock
from regulars.people import custom
from regulars.segments import actions
from tests.cast import Cast
from tests.slices.console.test_people import add, count, get, names, site
from tests.slices.tracking.site import track

FIREFOX = {"field": "browser", "op": "is", "value": "Firefox"}


def ask(cast: Cast, what: str) -> Any:
    answer = cast.alice.client.get(cast.home.url(f"filters/{what}"))
    assert answer.status_code == 200
    return json.loads(answer.content)


def at(rule: Any, **more: str) -> str:
    text = rule if isinstance(rule, str) else json.dumps(rule)
    return f"?filter={quote(text)}" + "".join(f"&{key}={value}" for key, value in more.items())


def matching(cast: Cast, rule: Any, **more: str) -> str:
    answer = cast.alice.client.get(cast.home.url(f"people/count{at(rule, **more)}"))
    assert answer.status_code == 200
    words = str(answer.content.decode()).replace("<b>", "").replace("</b>", "")
    return " ".join(words.split())


def test_the_catalogue_has_every_field_and_every_operator(cast: Cast) -> None:
    found = ask(cast, "catalog")
    fields = {one["key"] for group in found["groups"] for one in group["fields"]}
    assert fields == set(STANDARD_FIELDS)
    offered = {(one["type"], one["op"]) for ops in found["types"].values() for one in ops}
    assert offered == {(str(type_), op) for type_, op in OPERATORS}


def test_the_catalogue_has_what_the_project_says_and_does(cast: Cast) -> None:
    now = clock.now()
    keys: Any = {("attributes", "plan"): "text", ("company", "size"): "number"}
    custom.learn(cast.connection, cast.home.id, keys, now)
    site(cast).send(track("Order Completed", "a"), at=now)
    with cast.connection.transaction():
        segment = actions.create(cast.connection, cast.home.id, "Foxes", now, filter_=FIREFOX)
    found = ask(cast, "catalog")
    own = {one["key"]: one for group in found["groups"][-2:] for one in group["fields"]}
    assert (own["attributes.plan"]["likely"], own["company.size"]["likely"]) == ("text", "number")
    assert [one["name"] for one in found["events"]] == ["Order Completed"]
    assert found["segments"] == [{"id": str(segment), "name": "Foxes"}]


def test_values_are_suggested_the_most_frequent_first(cast: Cast) -> None:
    for country in ("India", "India", "Indonesia", "Sweden"):
        add(cast, country=country)
    found = ask(cast, "values?field=country&q=ind")
    assert [one["value"] for one in found["values"]] == ["India", "Indonesia"]


@pytest.mark.parametrize("field", ["shoe_size", "", "attributes.", "a%00b"])
def test_values_of_a_field_that_is_none_are_refused(cast: Cast, field: str) -> None:
    answer = cast.alice.client.get(cast.home.url(f"filters/values?field={field}"))
    assert answer.status_code == 400


def test_properties_of_an_event_are_those_it_had_lately(cast: Cast) -> None:
    said = {"total": 5, "plan": "pro"}
    site(cast).send(track("Order Completed", "a", properties=said), at=clock.now())
    assert ask(cast, "properties?event=Order%20Completed") == {"properties": ["plan", "total"]}
    assert ask(cast, "properties?event=Nothing") == {"properties": []}
    assert cast.alice.client.get(cast.home.url("filters/properties?event=%00")).status_code == 400


def test_a_list_holds_whom_its_address_filters(cast: Cast) -> None:
    add(cast, name="Ana", browser="Firefox")
    add(cast, name="Ben", browser="Safari")
    html = get(cast, at(FIREFOX))
    assert names(html) == ["Ana"]
    assert "Counting…" in html
    assert matching(cast, FIREFOX) == "1 person matches"


def test_a_filter_stays_while_the_kind_and_the_list_change(cast: Cast) -> None:
    add(cast, name="Ana", browser="Firefox")
    html = get(cast, at(FIREFOX))
    assert html.count("filter=%7B%22field%22") > 4  # tabs, kinds, headers


def test_filters_a_search_and_a_built_in_list_narrow_each_other(cast: Cast) -> None:
    now = clock.now()
    add(cast, name="Ana", browser="Firefox", last_seen=now)
    add(cast, name="Anders", browser="Firefox", last_seen=now - timedelta(days=60))
    add(cast, name="Ann", browser="Safari", last_seen=now)
    assert matching(cast, FIREFOX, q="an") == "2 people match"
    assert names(get(cast, at(FIREFOX, q="an", list="active"))) == ["Ana"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"field": "shoe_size", "op": "is", "value": "42"}, "is not a field"),
        ({"field": "name", "op": "matches", "value": ".*"}, "is no operator"),
        ({"not": {"not": {"not": {"not": {"not": FIREFOX}}}}}, "5 levels deep"),
        ({"segment": str(uuid4()), "op": "is_in"}, "does not exist any more"),
        ("[]", "Expected a filter"),
        ({"field": "name", "op": "is", "value": "x" * 7_000}, "use fewer values"),
        ("' OR 1=1 --", "Expected a filter as JSON"),
    ],
)
def test_a_filter_that_is_none_is_named_and_lists_nobody(cast: Cast, rule: Any, said: str) -> None:
    add(cast, name="Ana")
    html = get(cast, at(rule))
    assert said in html
    assert "This filter can’t be used" in html
    assert "people-table whole" not in html
    assert 'class="who"' not in html


@pytest.mark.parametrize("value", ["^(a|b)+$", "'; DROP TABLE person; --", "100%_\\", "{{7*7}}"])
def test_a_value_is_text_whatever_it_looks_like(cast: Cast, value: str) -> None:
    add(cast, name=value)
    add(cast, name="Ana")
    rule = {"field": "name", "op": "is", "value": value}
    assert matching(cast, rule) == "1 person matches"
    assert matching(cast, {**rule, "op": "contains", "value": value[1:]}) == "1 person matches"


def test_the_people_of_a_segment_are_of_every_kind(cast: Cast) -> None:
    people = [add(cast, kind, name=kind) for kind in ("user", "lead", "visitor")]
    with cast.connection.transaction():
        ids = [person.id for person in people]
        segment = actions.create(cast.connection, cast.home.id, "All", clock.now(), people=ids)
    html = get(cast, f"?segment={segment}")
    assert sorted(names(html)) == ["lead", "user", "visitor"]
    assert count(html, f"segment-{segment}") == "3"
    leads = get(cast, f"?segment={segment}&kind=lead")
    assert names(leads) == ["lead"]
    assert "<b>1</b> lead" in leads


def test_a_segment_that_is_none_is_not_found(cast: Cast) -> None:
    get(cast, f"?segment={uuid4()}", status=404)
    get(cast, "?segment=nonsense", status=400)


def test_a_rule_is_edited_beside_whom_it_finds(cast: Cast) -> None:
    add(cast, name="Ana", browser="Firefox")
    add(cast, name="Ben", browser="Safari")
    with cast.connection.transaction():
        segment = actions.create(cast.connection, cast.home.id, "F", clock.now(), filter_=FIREFOX)
    html = get(cast, f"?segment={segment}&edit=1")
    assert names(html) == ["Ana"]
    assert "Save changes" in html
    assert "&quot;browser&quot;" in html
    changed = {**FIREFOX, "value": "Safari"}
    assert names(get(cast, f"{at(changed)}&segment={segment}&edit=1")) == ["Ben"]
