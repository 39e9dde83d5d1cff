"""CONTRACT.md's rules, one sentence each, asked of the reference and of generated code alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from regulars.filters.compile import compile_filters
from regulars.filters.evaluate import evaluate
from regulars.filters.events import event_key
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse

NOW = datetime(2024, 5, 15, 12, 0, tzinfo=UTC)
KOLKATA = ZoneInfo("Asia/Kolkata")
MICRO = timedelta(microseconds=1)


def holds(written: dict[str, Any], person: Facts, now: datetime = NOW) -> bool:
    filter_ = parse(written)
    person.refold()
    bits, _ = compile_filters([filter_], KOLKATA).evaluate(person, now)
    answer = evaluate(filter_, person, When(now, KOLKATA))
    assert bool(bits) == answer
    return answer


def asks(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "op": op} | ({"value": value[0]} if value else {})


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (" FireFox\n", "firefox"),
        ("STRASSE", "straße"),
        ("e\u0301cole", "\u00c9COLE"),
        ("\u03a3\u03a3", "\u03c2\u03c3"),
    ],
)
def test_text_is_stripped_case_folded_and_composed_on_both_sides(value: str, wanted: str) -> None:
    assert holds(asks("browser", "is", wanted), Facts(browser=value))
    assert holds(asks("attributes.x", "is", wanted), Facts(attributes={"x": value}))
    assert not holds(asks("browser", "is_not", wanted), Facts(browser=value))


@pytest.mark.parametrize("unknown", [None, "", "  ", "\u00a0", float("nan")])
@pytest.mark.parametrize(
    "negative",
    [
        asks("attributes.x", "is_not", "a"),
        asks("attributes.x", "not_contains", "a"),
        asks("attributes.x", "is_none_of", ["a"]),
        asks("attributes.x", "ne", 5),
        asks("attributes.x", "not_within_last", 5),
        asks("attributes.x", "not_in_network", "::/0"),
        asks("attributes.x", "is_unknown"),
    ],
)
def test_negative_operators_hold_for_unknown_values(
    unknown: object, negative: dict[str, Any]
) -> None:
    assert holds(negative, Facts(attributes={"x": unknown}))
    assert not holds({"not": negative}, Facts(attributes={"x": unknown}))
    assert holds(negative, Facts())


def test_positive_operators_do_not() -> None:
    for op, value in (("is", "a"), ("lt", 5), ("before", "2024-01-01"), ("is", False)):
        assert not holds(asks("attributes.x", op, value), Facts())
    assert not holds(asks("sessions", "lt", 5), Facts(sessions=None))


def test_a_person_without_tags_has_none_of_them() -> None:
    assert holds(asks("tags", "has_not", "vip"), Facts())
    assert holds(asks("tags", "is_unknown"), Facts())
    assert holds(asks("tags", "has", "VIP"), Facts(tags=["vip"]))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5, asks("attributes.x", "is", "5")),
        ("10", asks("attributes.x", "eq", 10)),
        (True, asks("attributes.x", "eq", 1)),
        (1, asks("attributes.x", "is", True)),
        ("true", asks("attributes.x", "is", True)),
        (1715774400, asks("attributes.x", "before", "2030-01-01")),
        (["a"], asks("attributes.x", "is", "a")),
    ],
)
def test_nothing_is_coerced(value: object, written: dict[str, Any]) -> None:
    assert not holds(written, Facts(attributes={"x": value}))
    assert holds(asks("attributes.x", "is_known"), Facts(attributes={"x": value}))


def test_whole_numbers_beyond_floats_are_told_apart() -> None:
    person = Facts(attributes={"transaction_id": 2**53 + 1})
    assert holds(asks("attributes.transaction_id", "eq", 2**53 + 1), person)
    assert not holds(asks("attributes.transaction_id", "eq", 2**53), person)
    assert holds(asks("attributes.transaction_id", "gt", float(2**53)), person)
    # A float says what its digits say, as JSON and PostgreSQL have it.
    assert holds(asks("attributes.x", "eq", 10**23), Facts(attributes={"x": 1e23}))


def test_a_day_of_a_window_is_24_hours_and_its_boundary_counts() -> None:
    ago = NOW - timedelta(days=28)
    within, beyond = asks("last_seen", "within_last", 28), asks("last_seen", "not_within_last", 28)
    assert holds(within, Facts(last_seen=ago))
    assert not holds(within, Facts(last_seen=ago - MICRO))
    assert holds(beyond, Facts(last_seen=ago - MICRO))
    assert holds(within, Facts(last_seen=NOW + timedelta(days=3)))
    assert holds(beyond, Facts())


def test_at_least_so_long_ago_includes_the_very_instant() -> None:
    ago = NOW - timedelta(days=28)
    slipping = asks("last_seen", "at_least_ago", 28)
    assert holds(slipping, Facts(last_seen=ago))
    assert not holds(slipping, Facts(last_seen=ago + MICRO))
    assert not holds(slipping, Facts())


# The 15th of May in Kolkata, 5:30 ahead of UTC.
DAY_STARTS = datetime(2024, 5, 14, 18, 30, tzinfo=UTC)
DAY_ENDS = DAY_STARTS + timedelta(days=1)


@pytest.mark.parametrize(
    ("op", "value", "first", "after"),
    [
        ("on", "2024-05-15", DAY_STARTS, DAY_ENDS),
        ("on", "2024-05-15T03:00", DAY_STARTS, DAY_ENDS),
        ("between", ["2024-05-15", "2024-05-16"], DAY_STARTS, DAY_ENDS + timedelta(days=1)),
        ("between", ["2024-05-14T20:00Z", "2024-05-15"], DAY_STARTS, DAY_ENDS),
        ("after", "2024-05-14", DAY_STARTS, None),
        ("after", "2024-05-15T00:00", DAY_STARTS + MICRO, None),
        ("before", "2024-05-16", None, DAY_ENDS),
        ("before", "2024-05-16T00:00+05:30", None, DAY_ENDS),
    ],
)
def test_days_are_whole_days_of_the_project(
    op: str, value: Any, first: datetime | None, after: datetime | None
) -> None:
    written = asks("signed_up_at", op, value)
    if first is not None:
        assert holds(written, Facts(signed_up_at=first))
        assert not holds(written, Facts(signed_up_at=first - MICRO))
    if after is not None:
        assert holds(written, Facts(signed_up_at=after - MICRO))
        assert not holds(written, Facts(signed_up_at=after))


def test_a_custom_time_without_offset_is_on_the_projects_clock() -> None:
    written = asks("attributes.renews", "on", "2024-05-15")
    assert holds(written, Facts(attributes={"renews": "2024-05-15"}))
    assert holds(written, Facts(attributes={"renews": "2024-05-15T23:59"}))
    assert holds(written, Facts(attributes={"renews": "2024-05-14T18:30:00Z"}))
    assert not holds(written, Facts(attributes={"renews": "2024-05-15T18:30:00Z"}))


def bought(op: str, count: int, **more: Any) -> dict[str, Any]:
    return {"event": "Bought", "op": op, "count": count} | more


def buyer(written: dict[str, Any], *days_ago: float) -> Facts:
    key = event_key(parse(written))  # type: ignore[arg-type]
    return Facts(event_times={key: [NOW - timedelta(days=ago) for ago in days_ago]})


@pytest.mark.parametrize(
    ("op", "count", "days_ago", "answer"),
    [
        ("at_least", 0, (), True),
        ("at_least", 1, (), False),
        ("at_least", 2, (1, 30), True),
        ("at_least", 2, (1, 30.1), False),
        ("at_most", 0, (), True),
        ("at_most", 0, (31,), True),
        ("at_most", 0, (30,), False),
        ("exactly", 1, (3, 40), True),
        ("exactly", 1, (3, 4), False),
        ("exactly", 0, (40,), True),
        ("at_least", 1, (-2,), True),
    ],
)
def test_events_are_counted_in_their_window(
    op: str, count: int, days_ago: tuple[float, ...], answer: bool
) -> None:
    written = bought(op, count, within_days=30)
    assert holds(written, buyer(written, *days_ago)) is answer


def test_the_next_instant_is_when_the_first_answer_can_change() -> None:
    filters = [
        asks("last_seen", "within_last", 28),
        asks("last_seen", "at_least_ago", 28),
        {"all": [asks("browser", "is", "Firefox"), asks("last_seen", "within_last", 7)]},
    ]
    seen = NOW - timedelta(days=1)
    program = compile_filters([parse(one) for one in filters], KOLKATA)

    def next_of(person: Facts) -> datetime | None:
        person.refold()
        return program.evaluate(person, NOW)[1]

    assert next_of(Facts(last_seen=seen)) == seen + timedelta(days=28)
    assert next_of(Facts(last_seen=seen, browser="Firefox")) == seen + timedelta(days=7) + MICRO
    assert next_of(Facts()) is None


def test_marks_stand_for_segments_where_the_facts_have_them() -> None:
    segment = UUID(int=9)
    filter_ = parse({"segment": str(segment), "op": "is_in"})
    program = compile_filters([filter_], UTC, marks={segment: 3})
    assert program.evaluate(Facts(segments=[3]), NOW) == (1, None)
    assert program.evaluate(Facts(segments=[4]), NOW) == (0, None)


def test_no_text_from_outside_becomes_code() -> None:
    hostile = "x') or __import__('os').abort() or ('"
    program = compile_filters(
        [
            parse(asks(f"attributes.{hostile}", "contains", hostile)),
            parse(bought("at_least", 1) | {"event": hostile}),
            parse({"campaign": str(UUID(int=1)), "op": "opened"}),
        ],
        UTC,
    )
    assert "import" not in program.source
    assert program.evaluate(Facts(), NOW) == (0, None)
