"""The catalogue holds what BRIEF.md and CONTRACT.md promise, and every part of it is documented."""

from __future__ import annotations

from dataclasses import fields as attributes_of
from pathlib import Path

import pytest

from regulars.filters.ast import fields_of, is_timed
from regulars.filters.behaviour import (
    CAMPAIGN_OPERATORS,
    CHECKPOINT_OPERATORS,
    EVENT_OPERATORS,
    SEGMENT_OPERATORS,
)
from regulars.filters.catalog import STANDARD_FIELDS, ValueType, find_field
from regulars.filters.events import EventNeed, event_needs
from regulars.filters.facts import Facts
from regulars.filters.folding import folded_tags, folded_texts
from regulars.filters.operators import OPERATORS, Operator, operators_of
from regulars.filters.parse import parse

PROMISED = {
    ValueType.TEXT: "is is_not contains not_contains starts_with ends_with is_any_of is_none_of",
    ValueType.NUMBER: "eq ne gt gte lt lte between",
    ValueType.DATE: "before after on between within_last not_within_last",
    ValueType.BOOLEAN: "is",
    ValueType.IP: "is is_not in_network not_in_network",
    ValueType.LIST: "has has_not",
    ValueType.KIND: "is is_any_of",
    ValueType.ANY: "is_known is_unknown",
}

FIELDS = (
    "email name first_name last_name signed_up_at last_seen last_contacted gender city country "
    "region browser os ip utm_source utm_medium utm_content referrer utm_campaign utm_term phone "
    "device language timezone first_seen last_emailed sessions user_id tags kind"
)

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "filters.md"


@pytest.mark.parametrize("type_", ValueType)
def test_every_promised_operator_is_there(type_: ValueType) -> None:
    there = {key for of, key in OPERATORS if of is type_}
    assert set(PROMISED[type_].split()) <= there


def test_every_promised_field_is_there() -> None:
    assert set(STANDARD_FIELDS) == set(FIELDS.split())


def test_facts_know_every_field_by_its_name() -> None:
    assert set(STANDARD_FIELDS) <= {one.name for one in attributes_of(Facts)}


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda one: f"{one.type}-{one.key}")
def test_a_negative_operator_names_one_that_is_there(operator: Operator) -> None:
    negates = operator.negates
    assert negates is None or (operator.type, negates) in OPERATORS


def test_after_the_first_dot_all_is_the_key() -> None:
    found = find_field("attributes.address.city")
    assert found is not None
    assert (found.bag, found.name) == ("attributes", "address.city")


def test_menus_offer_what_fits_the_type() -> None:
    found = find_field("sessions")
    assert found is not None
    assert [one.key for one in operators_of(found.types)] == [
        *PROMISED[ValueType.NUMBER].split(),
        *PROMISED[ValueType.ANY].split(),
    ]


def test_a_filter_says_what_a_change_must_touch() -> None:
    filter_ = parse(
        {
            "all": [
                {"field": "attributes.plan", "op": "is", "value": "pro"},
                {"not": {"field": "last_seen", "op": "before", "value": "2024-01-01"}},
                {"event": "Bought", "op": "at_least", "count": 1},
                {"checkpoint": 1, "op": "reached"},
            ]
        }
    )
    assert fields_of(filter_) == {"attributes.plan", "last_seen", "event:Bought", "checkpoint"}
    assert not is_timed(filter_)
    assert is_timed(parse({"not": {"field": "last_seen", "op": "within_last", "value": 3}}))
    assert is_timed(parse({"event": "Bought", "op": "at_most", "count": 1, "within_days": 3}))


def test_conditions_on_the_same_events_share_a_memory_as_long_as_the_longest_needs() -> None:
    where = [{"field": "properties.total", "op": "gt", "value": 5}]
    needs = event_needs(
        [
            parse({"event": "Bought", "op": "at_least", "count": 2, "within_days": 3}),
            parse({"event": "Bought", "op": "exactly", "count": 7}),
            parse({"event": "Bought", "op": "at_least", "count": 1, "where": where}),
        ]
    )
    assert sorted((need.event, len(need.where), need.keep) for need in needs.values()) == [
        ("Bought", 0, 8),
        ("Bought", 1, 2),
    ]
    assert all(isinstance(need, EventNeed) and key == need.key for key, need in needs.items())


def test_folded_copies_hold_every_text_and_no_blank() -> None:
    assert folded_texts(
        {"browser": " Firefox", "city": " ", "ip": "1.2.3.4", "name": None},
        {"plan": "PRO", "size": 5, "blank": "", "list": ["X"]},
        {"name": "\u00c9cole"},
    ) == {"browser": "firefox", "attributes.plan": "pro", "company.name": "\u00e9cole"}
    assert folded_tags(["VIP", "vip ", "", "Beta"]) == ["vip", "beta"]


def documented() -> str:
    return REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", STANDARD_FIELDS)
def test_every_field_is_documented(key: str) -> None:
    assert f"| `{key}` | {STANDARD_FIELDS[key].type} |" in documented()


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda one: f"{one.type}-{one.key}")
def test_every_operator_is_documented(operator: Operator) -> None:
    assert f"| {operator.type} | `{operator.key}` |" in documented()


@pytest.mark.parametrize(
    "key",
    [*EVENT_OPERATORS, *SEGMENT_OPERATORS, *CHECKPOINT_OPERATORS, *CAMPAIGN_OPERATORS],
)
def test_every_operator_on_behaviour_is_documented(key: str) -> None:
    assert f"`{key}`" in documented()
