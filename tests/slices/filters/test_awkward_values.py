"""Every operator over every awkward value: SQL, generated Python and the reference agree.

Random search meets rare pairs rarely; this asks all of them, a few hundred people at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars.filters.ast import Filter
from regulars.filters.compile import compile_filters
from regulars.filters.evaluate import evaluate
from regulars.filters.facts import Facts
from regulars.filters.folding import folded_tags
from regulars.filters.operands import When
from regulars.filters.parse import parse
from tests.pure.filters.aim import Event
from tests.pure.filters.awkward import (
    ADDRESSES,
    BLANKS,
    DATES,
    NETWORKS,
    NO_ADDRESSES,
    NO_DATES,
    NUMBERS,
    ODD_DATES,
    WORDS,
)
from tests.pure.filters.worlds import remember
from tests.slices.filters.people_rows import Connection, answers, filled

NOW = datetime(2024, 5, 15, 12, 0, tzinfo=UTC)
MICRO = timedelta(microseconds=1)

OTHERS: list[Any] = [None, True, False, [], ["fire"], {}, {"x": "fire"}]
TEXT_OPS = ["is", "is_not", "contains", "not_contains", "starts_with", "ends_with"]
# The fields that keep text in three ways, and a property, whose text SQL must fold itself.
TEXTS = ["browser", "email", "attributes.x", "company.x", "properties.x"]


def condition(field: str, op: str, *value: Any) -> dict[str, Any]:
    written = {"field": field, "op": op} | ({"value": value[0]} if value else {})
    if not field.startswith("properties."):
        return written
    return {"event": "Did", "op": "at_least", "count": 1, "where": [written]}


def anybody(value: Any) -> tuple[Facts, list[Event]]:
    """A person with the value wherever it fits."""
    person = Facts(attributes={"x": value}, company={"x": value})
    if isinstance(value, str):
        person.browser = person.email = value
        person.tags = folded_tags([value])
        person.ip = value.lower() if value in ADDRESSES else None
    elif isinstance(value, int) and abs(value) < 2**31:
        person.sessions = int(value)
    person.refold()
    # A page view of the same name does not count, whatever its properties.
    views = [Event("Did", NOW, "page", {"x": other}) for other in (value, "fire", 5, "1.2.3.4")]
    return person, [Event("Did", NOW, "track", {"x": value}), *views]


def check(
    tables: Connection,
    people: Iterable[tuple[Facts, list[Event]]],
    written: Iterable[dict[str, Any]],
    when: When,
) -> None:
    everybody = list(people)
    filters: list[Filter] = [parse(one) for one in written]
    for person, done in everybody:
        remember(person, done, filters, when)
    program = compile_filters(filters, when.zone)
    with filled(tables, [person for person, _ in everybody], [done for _, done in everybody]):
        for some in (range(len(filters))[n : n + 40] for n in range(0, len(filters), 40)):
            found = answers(tables, [filters[n] for n in some], when)
            for number, (person, _) in enumerate(everybody):
                truths = program.truths(program.evaluate(person, when.now)[0])
                for n, answer in zip(some, found[number], strict=True):
                    said = (filters[n], person.attributes, when)
                    assert evaluate(filters[n], person, when) == truths[n], said
                    assert answer == truths[n], said


def test_texts(tables: Connection) -> None:
    values = [*WORDS, *BLANKS, *DATES[:3], *ADDRESSES[:3], *NUMBERS[:4], *OTHERS]
    asked = [condition(*one) for one in product(TEXTS, TEXT_OPS, WORDS)]
    for field, op in product(TEXTS, ["is_any_of", "is_none_of"]):
        asked += [
            condition(field, op, WORDS[n : n + size]) for n in (0, 15, 30) for size in (2, 12)
        ]
    asked += [condition(*one) for one in product(TEXTS, ["is_known", "is_unknown"])]
    asked += [condition("tags", *one) for one in product(["has", "has_not"], WORDS)]
    check(tables, map(anybody, values), asked, When(NOW, UTC))


def test_numbers_and_booleans(tables: Connection) -> None:
    values = [*NUMBERS, *OTHERS, "5", "true", "nan", "", 1e-7, 4.999999999999999, -0.1]
    fields = ["sessions", "attributes.x", "company.x", "properties.x"]
    asked = [
        condition(*one) for one in product(fields, ["eq", "ne", "gt", "gte", "lt", "lte"], NUMBERS)
    ]
    pairs = list(product(NUMBERS[::4], NUMBERS[::3]))
    asked += [condition(field, "between", list(pair)) for field in fields for pair in pairs]
    asked += [condition(field, "is", truth) for field in fields[1:] for truth in (True, False)]
    asked += [condition(*one) for one in product(fields, ["is_known", "is_unknown"])]
    check(tables, map(anybody, values), asked, When(NOW, UTC))


def test_addresses(tables: Connection) -> None:
    values = [*ADDRESSES, *NO_ADDRESSES, " 10.0.0.1 ", "", *OTHERS, *DATES[:3], 16909060]
    fields = ["ip", "attributes.x", "company.x", "properties.x"]
    ops = ["in_network", "not_in_network"]
    asked = [condition(*one) for one in product(fields, ops, [*NETWORKS, *ADDRESSES])]
    asked += [condition("ip", *one) for one in product(["is", "is_not"], ADDRESSES)]
    asked += [condition("ip", op) for op in ("is_known", "is_unknown")]
    check(tables, map(anybody, values), asked, When(NOW, UTC))


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("UTC", NOW),
        ("Asia/Kolkata", NOW),
        ("Europe/Berlin", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2024, 3, 31, 1, 0, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 2, 18, 1, 30, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 11, 4, 3, 0, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
        ("America/St_Johns", datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    ],
)
def test_dates(tables: Connection, zone: str, now: datetime) -> None:
    when = When(now, ZoneInfo(zone))
    local = now.astimezone(when.zone)
    days = [(local + timedelta(days=n)).date().isoformat() for n in (-1, 0, 1)]
    moments = [
        *days,
        now.isoformat(),
        local.replace(tzinfo=None).isoformat(),
        (local.replace(tzinfo=None) - timedelta(minutes=45)).isoformat(),
        "2024-02-29T12:00:00.1234567Z",
    ]
    fields = ["last_seen", "attributes.x", "properties.x"]
    asked = [condition(*one) for one in product(fields, ["before", "after", "on"], moments)]
    asked += [
        condition(field, "between", list(pair))
        for field in fields
        for pair in product(moments[::2], moments[::2])
    ]
    moving = product(fields[:2], ["within_last", "not_within_last", "at_least_ago"], [1, 2, 28])
    asked += [condition(*one) for one in moving]
    people = [anybody(value) for value in (*DATES, *ODD_DATES, *NO_DATES, *OTHERS, 1715774400)]
    people += [anybody(text) for at in near(now, when.zone) for text in writings(at, when.zone)]
    people += [(Facts(last_seen=at), []) for at in near(now, when.zone)]
    check(tables, people, asked, when)


def near(now: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Instants about the boundaries: of windows, of days, of the clock's change."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for base in (now, midnight.astimezone(UTC)):
        for back in (0, 1, 28):
            for by in (-MICRO, timedelta(0), MICRO):
                yield base - timedelta(days=back) + by
    for minutes in (-90, -60, -45, -30, 30, 60, 90):
        yield now + timedelta(minutes=minutes)


def writings(at: datetime, zone: tzinfo) -> list[str]:
    local = at.astimezone(zone)
    wall = local.replace(tzinfo=None)
    return [
        at.isoformat(),
        f"{wall.isoformat(timespec='microseconds')}999{local.strftime('%z')[:5]}",
        wall.isoformat(),
        f"{wall.isoformat(' ', 'microseconds')}999",
        wall.date().isoformat(),
    ]
