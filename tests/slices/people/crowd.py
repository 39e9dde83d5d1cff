"""People to list: made quickly, with every kind of gap and tie among their facts."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from regulars.people import facts
from regulars.people.person import Kind, Person
from tests.slices.tracking.site import NOON, Site, changing, done


def add(site: Site, kind: Kind = "user", **said: Any) -> Person:
    """One person of whom this is known; `attributes` and `last_seen` too."""
    return add_all(site, [{"kind": kind, **said}])[0]


def add_all(site: Site, crowd: list[dict[str, Any]]) -> list[Person]:
    """All these, in one transaction."""
    changes = changing(site)
    people = []
    for number, said in enumerate(crowd):
        person = changes.new_person()
        person.kind = said.get("kind", "user")
        if person.kind == "user":
            user_id = said.get("user_id", f"u{number}-{person.id.hex[-6:]}")
            facts.put(person, "user_id", user_id)
            changes.know("user", user_id, person)
        for name, value in said.items():
            if name in ("last_seen", "browser_seen_at", "sessions", "tags", "page_path"):
                setattr(person, name, value)
            elif name == "attributes":
                for key, one in value.items():
                    facts.set_custom(person, person.attributes, name, key, one, 1, _no_warning)
            elif name not in ("kind", "user_id"):
                facts.put(person, name, value)
        people.append(person)
    done(changes)
    return people


def varied(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """A crowd with ties, unknown values, and letters of several scripts."""
    chance = random.Random(seed)
    names = (None, "Ana", "ana", "Åsa", "Zoë", "王小明", "_under", "100%", "back\\slash", "Ben Ott")
    crowd = []
    for number in range(count):
        seen = chance.choice((None, *(NOON - timedelta(days=day) for day in (0, 1, 10, 40, 90))))
        signed_up = chance.choice((None, *(NOON - timedelta(days=day) for day in (1, 3, 30, 300))))
        crowd.append(
            {
                "kind": chance.choice(("user", "user", "lead")),
                "name": chance.choice(names),
                "email": chance.choice((None, f"p{number % 7}@example.com")),
                "last_seen": seen,
                "signed_up_at": signed_up,
                "first_seen": chance.choice((None, NOON - timedelta(days=number % 5))),
                "sessions": chance.choice((0, 1, 1, 7)),
                "country": chance.choice((None, "Sweden", "Iceland", "Åland")),
                "city": chance.choice((None, "Lund", "lund", "Östersund")),
                "browser": chance.choice((None, "Firefox", "Safari")),
                "attributes": chance.choice(
                    ({}, {"plan": "pro"}, {"plan": 5}, {"plan": 40}, {"plan": 1.25}, {"plan": True})
                ),
            }
        )
    return crowd


def _no_warning(key: str, problem: str) -> None:
    raise AssertionError(f"{key}: {problem}")
