"""Events come in any order, and change a person to the same: a property of the pure fold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.people.person import HOT, WIDE, Person, new_person
from regulars.people.store import COMING
from regulars.people.unite import copied
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.fold import become_user, fold
from regulars.tracking.pipeline.steps import Event, Request

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Lisbon")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Safari/605.1.15"
)

# What depends on the order by its nature: which run of events was noticed first.
BY_ORDER = {"sessions", "open_sessions", "updated_at", "id"}

names = st.sampled_from(["Pat", "Pat Doe", "", None])
traits = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "firstName": names,
        "lastName": names,
        "email": st.sampled_from(["a@example.com", "b@example.com", None]),
        "plan": st.sampled_from(["pro", 5, None]),
        "createdAt": st.sampled_from(["2025-01-01", "2024-01-01"]),
        "company": st.sampled_from([{"name": "Acme"}, {"name": "Bolt", "size": 3}]),
        "address": st.sampled_from([{"city": "Porto"}, {"city": "Braga"}]),
    },
)
# A device tells all of itself or nothing, as browsers do.
devices = st.fixed_dictionaries(
    {
        "userAgent": st.sampled_from([FIREFOX, SAFARI]),
        "ip": st.sampled_from(["193.136.0.1", "10.0.0.1"]),
        "locale": st.sampled_from(["pt", "en-GB"]),
        "timezone": st.just("Europe/Lisbon"),
    },
    optional={"active": st.just(value=False)},
)
contexts: st.SearchStrategy[dict[str, Any]] = st.one_of(devices, st.just({}))
pages = st.sampled_from(
    [
        {"url": "https://shop.example/?utm_source=ads", "referrer": "https://search.example/"},
        {"url": "https://shop.example/cart", "title": "Cart"},
    ]
)
messages = st.one_of(
    st.fixed_dictionaries({"type": st.just("page"), "properties": pages, "context": contexts}),
    st.fixed_dictionaries({"type": st.just("identify"), "traits": traits, "context": contexts}),
    st.fixed_dictionaries({"type": st.just("track"), "event": st.just("E"), "context": contexts}),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(messages, min_size=2, max_size=6), st.data())
def test_any_order_comes_to_the_same(batch: list[dict[str, Any]], data: st.DataObject) -> None:
    events = [_event(message, number) for number, message in enumerate(batch)]
    other = data.draw(st.permutations(events))
    is_user = data.draw(st.booleans())
    assert _facts(events, is_user=is_user) == _facts(other, is_user=is_user)


@settings(max_examples=200, deadline=None)
@given(st.lists(messages, min_size=2, max_size=6), st.booleans())
def test_whatever_an_event_changes_is_written(
    batch: list[dict[str, Any]],
    is_user: bool,
) -> None:
    *before, last = [_event(message, number) for number, message in enumerate(batch)]
    person = _folded(before, is_user=is_user)
    person.fresh = person.changed = person.said_again = False
    person.seen_changed = person.came_by = False
    was = copied(person)
    fold(person, last, ZONE, lambda: UUID(int=1000))
    moved = {name for name in (*WIDE, *HOT) if getattr(person, name) != getattr(was, name)}
    facts = moved.intersection(WIDE) - {"stamps", "updated_at"}
    assert person.changed or not facts
    assert person.said_again or person.changed or "stamps" not in moved
    assert person.seen_changed or moved.intersection(HOT) <= set(COMING)
    assert person.came_by or person.seen_changed or not moved.intersection(HOT)


def _event(message: dict[str, Any], number: int) -> Event:
    """The event, each at a time of its own: of two sayings of one moment the later to come wins."""
    at = NOON + timedelta(minutes=7 * number)
    said = {"anonymousId": "a1", **message, "timestamp": at.isoformat()}
    body = msgspec.json.encode({"batch": [said]})
    request = Request(received_at=NOON + timedelta(days=1), browser_call=True)
    event = steps.run(parse.read_batch(body)[1][0].message, request)
    assert isinstance(event, Event)
    return event


def _facts(events: list[Event], *, is_user: bool) -> dict[str, Any]:
    person = _folded(events, is_user=is_user)
    return {name: getattr(person, name) for name in (*WIDE, *HOT) if name not in BY_ORDER}


def _folded(events: list[Event], *, is_user: bool) -> Person:
    person: Person = new_person(UUID(int=1), UUID(int=2), NOON)
    if is_user:
        become_user(person, "u1")
    numbers = count(10)
    for event in events:
        fold(person, event, ZONE, lambda: UUID(int=next(numbers)))
    return person
