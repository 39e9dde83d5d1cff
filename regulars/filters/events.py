"""Event conditions: what must be remembered of a person's events to answer them.

An event condition is answered from the times of the newest count + 1 matching events, which also
say when time alone changes the answer. Conditions that differ only in operator, count or window
share one memory, found under `event_key`.

Public: `event_key`, `EventNeed`, `event_needs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from regulars.filters.ast import EventCondition, FieldCondition, Filter, conditions
from regulars.filters.to_json import to_json


@dataclass(frozen=True, slots=True)
class EventNeed:
    """Which events to remember, and how many of their newest times."""

    key: str
    event: str
    where: tuple[FieldCondition, ...]
    keep: int


def event_key(condition: EventCondition | EventNeed) -> str:
    """The name of a condition's memory: 32 hexadecimal digits from its event and properties."""
    written = json.dumps([condition.event, [to_json(one) for one in condition.where]])
    return blake2b(written.encode(), digest_size=16).hexdigest()


def event_needs(filters: Iterable[Filter]) -> dict[str, EventNeed]:
    """All that these filters need remembered, by key."""
    found: dict[str, EventNeed] = {}
    for filter_ in filters:
        for one in conditions(filter_):
            if not isinstance(one, EventCondition):
                continue
            key = event_key(one)
            need = found.get(key) or EventNeed(key, one.event, one.where, 0)
            found[key] = replace(need, keep=max(need.keep, one.count + 1))
    return found
