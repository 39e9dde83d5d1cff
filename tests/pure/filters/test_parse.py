"""What is a filter and what is not; every refusal names the place and what was expected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.filters.ast import Filter
from regulars.filters.errors import FilterError
from regulars.filters.parse import MAX_CONDITIONS, parse, parse_text
from regulars.filters.to_json import to_json
from tests.pure.filters.awkward import NOWS, ZONES
from tests.pure.filters.worlds import World, filters, thorough, worlds

FIREFOX = {"field": "browser", "op": "is", "value": "Firefox"}
SEGMENT = "018f4d2e-7c1a-7000-8000-000000000001"

UNDERSTOOD: list[dict[str, Any]] = [
    FIREFOX,
    {"all": [FIREFOX, {"any": [FIREFOX, {"not": FIREFOX}]}]},
    {"field": "attributes.plan", "op": "is_unknown"},
    {"field": "attributes.a.b c", "op": "is", "value": "x"},
    {"field": "attributes.vip", "op": "is", "value": True},
    {"field": "attributes.size", "op": "between", "value": [1, 2.5]},
    {"field": "attributes.renews", "op": "between", "value": ["2024-01-01", "2024-02-01T10:00Z"]},
    {"field": "attributes.server", "op": "in_network", "value": "2001:db8::/32"},
    {"field": "company.name", "op": "is_any_of", "value": ["Acme", "Ajax"]},
    {"field": "kind", "op": "is_any_of", "value": ["lead", "user"]},
    {"field": "tags", "op": "has", "value": "beta"},
    {"field": "sessions", "op": "gte", "value": 3},
    {"field": "ip", "op": "is", "value": "1.2.3.4"},
    {"field": "last_seen", "op": "within_last", "value": 28},
    {"field": "last_seen", "op": "at_least_ago", "value": 28},
    {
        "event": "Order Completed",
        "op": "at_least",
        "count": 2,
        "within_days": 30,
        "where": [{"field": "properties.total", "op": "gt", "value": 50}],
    },
    {"event": "Order Completed", "op": "exactly", "count": 0},
    {"segment": SEGMENT, "op": "is_not_in"},
    {"checkpoint": 2, "op": "not_reached"},
    {"checkpoint": 2, "op": "reached_within", "days": 7},
    {"checkpoint": 3, "op": "reached", "after": [1, 2]},
    {"checkpoint": 2, "op": "reached_within", "days": 7, "after": [4]},
    {"campaign": SEGMENT, "op": "not_opened"},
    {"campaign": SEGMENT, "op": "clicked", "step": "mail-2", "variant": "b"},
    {"campaign": SEGMENT, "op": "under_way"},
    {"campaign": SEGMENT, "op": "not_under_way", "step": "Wait_1"},
    {"campaign": SEGMENT, "op": "passed", "step": "wait"},
]


@pytest.mark.parametrize("written", UNDERSTOOD, ids=json.dumps)
def test_it_is_understood_and_written_back_as_it_was(written: dict[str, Any]) -> None:
    assert to_json(parse(written)) == written
    assert parse_text(json.dumps(written)) == parse(written)


def nested(levels: int) -> dict[str, Any]:
    return FIREFOX if levels == 1 else {"not": nested(levels - 1)}


def field(name: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": name, "op": op} | ({"value": value[0]} if value else {})


def event(**more: Any) -> dict[str, Any]:
    return {"event": "Bought", "op": "at_least", "count": 1} | more


REFUSED: list[tuple[Any, str, str]] = [
    (None, "filter", "Expected a filter, got null"),
    ([FIREFOX], "filter", "Expected a filter, got a list"),
    ({}, "filter", "Expected one of all, any, not, field, event"),
    ({"all": [FIREFOX], "any": [FIREFOX]}, "filter", "Expected one of"),
    ({"all": []}, "filter.all", "at least one filter"),
    ({"any": FIREFOX}, "filter.any", "Expected a list"),
    ({"all": [FIREFOX, {"any": []}]}, "filter.all[1].any", "at least one"),
    ({"all": [FIREFOX], "op": "x"}, "filter", "Unknown key “op”"),
    (FIREFOX | {"valeu": 1}, "filter", "Unknown key “valeu”"),
    (nested(6), "filter.not.not.not.not.not", "5 levels"),
    ({"all": [FIREFOX] * 101}, "filter.all[100]", "100 conditions"),
    # Fields and operators.
    (field("colour", "is", "red"), "filter.field", "“colour” is not a field"),
    (field("browsr", "is", "x"), "filter.field", "Did you mean browser?"),
    (field("attributes", "is", "x"), "filter.field", "is not a field"),
    (field("attributes.", "is", "x"), "filter.field", "is not a field"),
    (field("attributes. ", "is", "x"), "filter.field", "not empty"),
    (field("attributes.a\0", "is", "x"), "filter.field", "NUL"),
    (field("attributes.\ud800", "is", "x"), "filter.field", "surrogates"),
    (field("attributes." + "k" * 501, "is", "x"), "filter.field", "500 characters"),
    (field("properties.total", "is", "x"), "filter.field", "is not a field"),
    (field("__class__", "is", "x"), "filter.field", "is not a field"),
    ({"field": 5, "op": "is", "value": "x"}, "filter.field", "name of a field, got 5"),
    ({"field": "browser", "value": "x"}, "filter.op", "Expected one of is, is_not"),
    (field("browser", "matches", ".*"), "filter.op", "no operator for browser (text)"),
    (field("browser", "gt", 1), "filter.op", "no operator for browser (text)"),
    (field("tags", "is", "x"), "filter.op", "Expected one of has, has_not"),
    (field("kind", "is_not", "user"), "filter.op", "no operator for kind"),
    (field("attributes.tags", "has", "x"), "filter.op", "no operator"),
    ({"field": "browser", "op": ["is"], "value": "x"}, "filter.op", "a list is no operator"),
    # Values.
    (field("browser", "is"), "filter.value", "is on browser needs text"),
    (field("browser", "is", None), "filter.value", "Expected text, got null"),
    (field("browser", "is", 5), "filter.value", "Expected text, got 5"),
    (field("browser", "is", ["x"]), "filter.value", "Expected text, got a list"),
    (field("browser", "is", ""), "filter.value", "not empty"),
    (field("browser", "is", " \u2003"), "filter.value", "not empty"),
    (field("browser", "is", "a\0b"), "filter.value", "NUL"),
    (field("browser", "is", "\udfff"), "filter.value", "surrogates"),
    (field("browser", "is", "x" * 1_000_000), "filter.value", "8,192 characters"),
    (field("browser", "is_any_of", "x"), "filter.value", "Expected a list of texts"),
    (field("browser", "is_any_of", []), "filter.value", "1 to 1,000"),
    (field("browser", "is_any_of", ["x"] * 1001), "filter.value", "1 to 1,000"),
    (field("browser", "is_any_of", ["x", ""]), "filter.value[1]", "not empty"),
    (field("browser", "is_any_of", ["x" * 8000] * 100), "filter.value[32]", "262,144"),
    (field("browser", "is_known", True), "filter.value", "is_known takes no value"),
    (field("attributes.size", "is", 5), "filter.value", "Expected text, got 5"),
    (field("attributes.size", "gt", "5"), "filter.value", "Expected a number, got “5”"),
    (field("attributes.size", "gt", True), "filter.value", "Expected a number, got true"),
    (field("sessions", "eq", float("nan")), "filter.value", "between -1e300 and 1e300"),
    (field("sessions", "eq", float("inf")), "filter.value", "between -1e300 and 1e300"),
    (field("sessions", "eq", 10**5000), "filter.value", "between -1e300 and 1e300"),
    (field("sessions", "between", [1]), "filter.value", "list of two numbers"),
    (field("sessions", "between", [1, "2"]), "filter.value[1]", "Expected a number"),
    (field("last_seen", "before", "yesterday"), "filter.value", "ISO date or time"),
    (field("last_seen", "before", "2023-02-29"), "filter.value", "ISO date or time"),
    (field("last_seen", "before", 1700000000), "filter.value", "ISO date or time, got 17"),
    (field("last_seen", "after", "0000-01-01"), "filter.value", "ISO date or time"),
    (field("last_seen", "after", "99999-01-01"), "filter.value", "ISO date or time"),
    (field("last_seen", "after", "0999-01-01"), "filter.value", "year from 1000 to 9998"),
    (field("last_seen", "after", "9999-12-31"), "filter.value", "year from 1000 to 9998"),
    (field("last_seen", "between", ["2024-01-01", 5]), "filter.value[1]", "ISO date"),
    (field("last_seen", "within_last", 0), "filter.value", "from 1 to 36,500, got 0"),
    (field("last_seen", "within_last", 2.5), "filter.value", "whole number of days"),
    (field("last_seen", "within_last", "28"), "filter.value", "whole number of days"),
    (field("last_seen", "within_last", 10**400), "filter.value", "got a number too large"),
    (field("ip", "is", "1.2.3"), "filter.value", "Expected an IP address"),
    (field("ip", "in_network", "10.0.0.0/33"), "filter.value", "IP network"),
    (field("ip", "in_network", "10.0.0.0/255.0.0.0"), "filter.value", "IP network"),
    (field("ip", "in_network", "fe80::1%eth0"), "filter.value", "IP network"),
    (field("kind", "is", "agent"), "filter.value", "visitor, lead or user, got “agent”"),
    (field("kind", "is", "User"), "filter.value", "visitor, lead or user"),
    # Behaviour.
    ({"event": "Bought", "op": "at_least"}, "filter.count", "needs a count"),
    (event(op="often"), "filter.op", "at_least, at_most, exactly"),
    (event(event=""), "filter.event", "name of an event that is not empty"),
    (event(count=-1), "filter.count", "from 0 to 1,000"),
    (event(count=1001), "filter.count", "from 0 to 1,000"),
    (event(count=True), "filter.count", "whole number"),
    (event(within_days=None), "filter.within_days", "whole number of days"),
    (event(where=[]), "filter.where", "list of conditions"),
    (event(where=[FIREFOX]), "filter.where[0].field", "properties.<key>"),
    (event(where=[{"all": []}]), "filter.where[0]", "field, op and value"),
    (
        event(where=[field("properties.due", "within_last", 3)]),
        "filter.where[0].op",
        "moves with the clock",
    ),
    ({"segment": "all", "op": "is_in"}, "filter.segment", "id of a segment"),
    ({"segment": 7, "op": "is_in"}, "filter.segment", "id of a segment, got 7"),
    ({"segment": SEGMENT, "op": "has"}, "filter.op", "is_in, is_not_in"),
    ({"checkpoint": 6, "op": "reached"}, "filter.checkpoint", "from 1 to 5"),
    ({"checkpoint": 1, "op": "reached", "days": 3}, "filter.days", "takes no days"),
    ({"checkpoint": 1, "op": "reached_within"}, "filter.days", "needs days"),
    ({"checkpoint": 1, "op": "reached", "after": 2}, "filter.after", "a list of 1 to 4"),
    ({"checkpoint": 1, "op": "reached", "after": []}, "filter.after", "a list of 1 to 4"),
    ({"checkpoint": 1, "op": "reached", "after": [2, 9]}, "filter.after[1]", "from 1 to 5"),
    ({"checkpoint": 1, "op": "reached", "after": [2, 1]}, "filter.after", "once"),
    ({"checkpoint": 1, "op": "reached", "after": [2, 2]}, "filter.after", "once"),
    ({"campaign": SEGMENT, "op": "liked"}, "filter.op", "sent, not_sent"),
    ({"campaign": SEGMENT, "op": "entered", "step": "a"}, "filter.step", "takes no step"),
    ({"campaign": SEGMENT, "op": "passed"}, "filter.step", "needs a step"),
    ({"campaign": SEGMENT, "op": "opened", "step": "a b"}, "filter.step", "id of a step"),
    ({"campaign": SEGMENT, "op": "opened", "variant": "a"}, "filter.variant", "needs its step"),
    (
        {"campaign": SEGMENT, "op": "under_way", "step": "a", "variant": "a"},
        "filter.variant",
        "takes no message",
    ),
]


@pytest.mark.parametrize(("written", "where", "what"), REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_with_its_place_and_what_was_expected(
    written: Any, where: str, what: str
) -> None:
    with pytest.raises(FilterError) as refused:
        parse(written)
    assert refused.value.field == where
    assert what in refused.value.message
    assert len(refused.value.message) < 500
    refused.value.message.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        b"\xff\xfe\x00",
        b"\xff",
        "[" * 100_000,
        '{"all":' * 100_000,
        '{"not":' * 20_000 + "1" + "}" * 20_000,
        '{"field": "sessions", "op": "eq", "value": NaN}',
        '{"field": "sessions", "op": "eq", "value": 1e999}',
        f'{{"field": "sessions", "op": "eq", "value": {"9" * 5000}}}',
        '{"field": "browser", "op": "is", "value": "\\ud800"}',
        '{"field": "browser", "op": "is", "value": "\\u0000"}',
    ],
    ids=range(13),
)
def test_text_that_is_no_filter_is_refused(text: str | bytes) -> None:
    with pytest.raises(FilterError):
        parse_text(text)


def test_five_levels_and_a_hundred_conditions_are_allowed() -> None:
    parse(nested(5))
    parse({"all": [FIREFOX] * MAX_CONDITIONS})


def test_conditions_inside_where_count() -> None:
    total = {"field": "properties.total", "op": "gt", "value": 1}
    parse(event(where=[total] * 99))
    with pytest.raises(FilterError):
        parse(event(where=[total] * 100))


def test_places_may_allow_some_kinds_of_condition_only() -> None:
    with pytest.raises(FilterError) as refused:
        parse({"all": [FIREFOX, {"checkpoint": 1, "op": "reached"}]}, kinds={"field"}, at="where")
    assert refused.value.field == "where.all[1]"
    assert "checkpoint cannot be used here" in refused.value.message


def test_whole_days_may_be_written_as_json_floats() -> None:
    assert to_json(parse(field("last_seen", "within_last", 28.0)))["value"] == 28


@given(st.sampled_from(NOWS).flatmap(lambda now: filters(now, ZONES[1])))
@thorough
def test_every_filter_survives_the_way_to_json_and_back(written: dict[str, Any]) -> None:
    parsed = parse(written)
    assert to_json(parsed) == written
    assert parse(json.loads(json.dumps(to_json(parsed)))) == parsed


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["is", "browser", "attributes.x", "between", "at_least", "2024-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "field", "op", "value", "event", "count", "where"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def attempted(data: Any) -> Filter | FilterError:
    """The filter, or an error that names a place; any other failure is the test's."""
    try:
        return parse(data)
    except FilterError as refused:
        error = refused
    assert error.field.startswith("filter")
    assert error.message
    return error


@given(junk)
@thorough
def test_anything_at_all_is_a_filter_or_a_named_error(data: Any) -> None:
    parsed = attempted(data)
    if not isinstance(parsed, FilterError):
        assert parse(to_json(parsed)) == parsed


@given(worlds(), st.data())
@thorough
def test_a_filter_with_one_part_spoilt_is_a_named_error_or_a_filter(
    world: World, data: st.DataObject
) -> None:
    spoilt = json.loads(json.dumps(world.written[0]))
    node: Any = spoilt
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(junk)
            break
        node = node[key]
    attempted(spoilt)
