"""The sentences that agents read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from regulars.filters.describe import Names, Role, describe, describe_pieces
from regulars.filters.parse import parse
from tests.pure.filters.worlds import World, thorough, worlds

SEGMENT = "018f4d2e-7c1a-7000-8000-000000000001"
FIREFOX = {"field": "browser", "op": "is", "value": "Firefox"}
SEEN = {"field": "last_seen", "op": "within_last", "value": 28}
PLAN = {"field": "attributes.plan", "op": "is_any_of", "value": ["Weekly box", "Pantry", "Solo"]}

SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"all": [FIREFOX, SEEN]}, "Browser is Firefox and last seen in the past 28 days"),
    (SEEN | {"value": 1}, "Last seen in the past 1 day"),
    (
        {"all": [FIREFOX, {"any": [SEEN, PLAN]}]},
        (
            "Browser is Firefox and (last seen in the past 28 days or "
            "plan is any of Weekly box, Pantry or Solo)"
        ),
    ),
    ({"all": [{"any": [FIREFOX]}]}, "Browser is Firefox"),
    ({"not": FIREFOX}, "Browser is not Firefox"),
    ({"not": {"not": FIREFOX}}, "Browser is Firefox"),
    (
        {"not": {"all": [FIREFOX, SEEN]}},
        "Not (browser is Firefox and last seen in the past 28 days)",
    ),
    ({"not": {"field": "sessions", "op": "gt", "value": 3}}, "Not (sessions is more than 3)"),
    (
        {"field": "email", "op": "not_contains", "value": "@example.com"},
        "Email does not contain @example.com",
    ),
    ({"field": "utm_source", "op": "is_unknown"}, "UTM source is unknown"),
    ({"field": "sessions", "op": "between", "value": [2, 5]}, "Sessions is between 2 and 5"),
    ({"field": "attributes.iOS version", "op": "is", "value": "17"}, "iOS version is 17"),
    ({"field": "attributes.vip", "op": "is", "value": True}, "vip is true"),
    ({"field": "company.size", "op": "gte", "value": 50}, "company size is at least 50"),
    (
        {"field": "attributes.renews", "op": "before", "value": "2024-05-01"},
        "renews is before 1 May 2024",
    ),
    (
        {"field": "signed_up_at", "op": "between", "value": ["2024-05-01", "2024-05-31"]},
        "Signed up between 1 May 2024 and 31 May 2024",
    ),
    (
        {"field": "last_contacted", "op": "after", "value": "2024-05-01T10:30Z"},
        "Last contacted after 1 May 2024, 10:30 UTC",
    ),
    (
        {"field": "last_contacted", "op": "after", "value": "2024-05-01 10:30:05+05:30"},
        "Last contacted after 1 May 2024, 10:30:05 UTC+0530",
    ),
    ({"field": "last_seen", "op": "at_least_ago", "value": 28}, "Last seen at least 28 days ago"),
    (
        {"field": "ip", "op": "in_network", "value": "10.0.0.0/8"},
        "IP address is in network 10.0.0.0/8",
    ),
    ({"field": "tags", "op": "has_not", "value": "beta"}, "Tags do not have beta"),
    (
        {"field": "kind", "op": "is_any_of", "value": ["lead", "user"]},
        "Kind is any of lead or user",
    ),
    (
        {"event": "Order Completed", "op": "at_least", "count": 1},
        "Did Order Completed at least once",
    ),
    (
        {"event": "Order Completed", "op": "exactly", "count": 0, "within_days": 30},
        "Did not do Order Completed in the past 30 days",
    ),
    (
        {
            "event": "Order Completed",
            "op": "at_least",
            "count": 3,
            "within_days": 90,
            "where": [{"field": "properties.total", "op": "gt", "value": 50}],
        },
        "Did Order Completed (total is more than 50) at least 3 times in the past 90 days",
    ),
    ({"segment": SEGMENT, "op": "is_not_in"}, "Is not in segment Skipped two boxes"),
    ({"not": {"segment": SEGMENT, "op": "is_not_in"}}, "Is in segment Skipped two boxes"),
    (
        {"checkpoint": 2, "op": "reached_within", "days": 7},
        "Reached checkpoint Active in the past 7 days",
    ),
    ({"checkpoint": 3, "op": "not_reached"}, "Has not reached checkpoint 3"),
    (
        {"checkpoint": 3, "op": "reached", "after": [1, 2]},
        "Reached checkpoint 3, after 1 and then Active",
    ),
    (
        {"not": {"checkpoint": 3, "op": "reached", "after": [2]}},
        "Has not reached checkpoint 3, after Active",
    ),
    ({"campaign": SEGMENT, "op": "opened"}, "Opened campaign Win-back"),
    ({"campaign": SEGMENT, "op": "not_sent"}, "Was not sent campaign Win-back"),
    (
        {"campaign": SEGMENT, "op": "clicked", "step": "mail"},
        "Clicked in “We miss you” of campaign Win-back",
    ),
    (
        {"campaign": SEGMENT, "op": "not_opened", "step": "mail", "variant": "b"},
        "Has not opened “We miss you” (message B) of campaign Win-back",
    ),
    (
        {"campaign": SEGMENT, "op": "under_way", "step": "wait"},
        "Is now in wait of campaign Win-back",
    ),
    ({"not": {"campaign": SEGMENT, "op": "under_way"}}, "Is not now in campaign Win-back"),
]

NAMES = Names(
    segments={UUID(SEGMENT): "Skipped two boxes"},
    campaigns={UUID(SEGMENT): "Win-back"},
    checkpoints={2: "Active"},
    steps={(UUID(SEGMENT), "mail"): "“We miss you”"},
)


@pytest.mark.parametrize(("written", "sentence"), SENTENCES, ids=[one for _, one in SENTENCES])
def test_it_reads(written: dict[str, Any], sentence: str) -> None:
    assert describe(parse(written), NAMES) == sentence


def test_ids_without_a_name_are_shown_as_they_are() -> None:
    assert describe(parse({"segment": SEGMENT, "op": "is_in"})) == f"Is in segment {SEGMENT}"


def test_pages_can_set_fields_and_values_apart() -> None:
    pieces = describe_pieces(parse({"all": [FIREFOX, SEEN, PLAN | {"value": ["Solo"]}]}))
    assert [(piece.text, piece.role) for piece in pieces if piece.role is not Role.WORD] == [
        ("Browser", Role.FIELD),
        ("Firefox", Role.VALUE),
        ("last seen", Role.FIELD),
        ("28 days", Role.VALUE),
        ("plan", Role.KEY),
        ("Solo", Role.VALUE),
    ]


@given(worlds())
@thorough
def test_every_filter_has_a_sentence(world: World) -> None:
    for filter_ in world.filters:
        assert describe(filter_).strip()
