"""On a real PostgreSQL, the compact rows answer as the reference does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given

from regulars.filters.evaluate import evaluate
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.slots import SLOTS
from regulars.filters.to_sql import compact_sql
from regulars.kit.connection import copying
from regulars.people import compact, store
from regulars.people.person import Person
from tests.pure.filters.worlds import World, worlds
from tests.slices.filters.people_rows import (
    PROJECT,
    STRANGERS,
    Connection,
    against_postgres,
    filled,
)


@pytest.mark.parametrize("apart", [None, PROJECT], ids=["each", "apart"])
@given(world=worlds())
@against_postgres
def test_compact_rows_answer_as_the_reference(
    tables: Connection, apart: UUID | None, world: World
) -> None:
    check(tables, world, apart)


@pytest.mark.parametrize("apart", [None, PROJECT], ids=["each", "apart"])
@given(world=worlds(asked=8, levels=1))
@against_postgres
def test_they_do_for_each_condition_alone(
    tables: Connection, apart: UUID | None, world: World
) -> None:
    check(tables, world, apart)


@pytest.mark.parametrize("apart", [None, PROJECT], ids=["each", "apart"])
@pytest.mark.parametrize("op", ["before", "after"])
def test_on_the_day_of_a_bound_the_instant_decides(
    tables: Connection, apart: UUID | None, op: str
) -> None:
    bound = datetime(2026, 3, 4, 23, 59, 30, tzinfo=UTC)
    seen = [bound + timedelta(seconds=s) for s in (-90_000, -45, -1, 0, 1, 29, 31, 90_000)]
    written = {"field": "last_seen", "op": op, "value": bound.isoformat()}
    people = [Facts(last_seen=at) for at in seen]
    world = World(When(bound, UTC), people, [[] for _ in seen], [parse(written)], [written])
    check(tables, world, apart)


def check(tables: Connection, world: World, apart: UUID | None) -> None:
    everybody = [person_of(PROJECT, 0, facts) for facts in world.people]
    # Whoever is asked apart has slots for some of what they are asked.
    slots = slots_of(compact.keys(everybody)) if apart else {}
    with filled(tables, world.people, world.events):
        for project, shift in ((PROJECT, 0), (STRANGERS, 1)):
            for n in range(len(world.people)):
                facts = world.people[(n + shift) % len(world.people)]
                put(tables, person_of(project, n, facts), slots)
        for written, filter_ in zip(world.written, world.filters, strict=True):
            sql, params = compact_sql(
                filter_, now=world.when.now, zone=world.when.zone, apart=apart, slots=slots
            )
            rows = tables.execute(
                "SELECT p.id FROM person_compact p WHERE p.project_id = %s"
                f" AND {sql} ORDER BY p.id",
                (PROJECT, *params),
            ).fetchall()
            expected = [
                n for n, person in enumerate(world.people) if evaluate(filter_, person, world.when)
            ]
            assert [id_.int for (id_,) in rows] == expected, (written, world.when)


def slots_of(keys: Iterable[str]) -> dict[str, int]:
    """As many as there are, given to the first keys."""
    return {key: number for number, key in enumerate(sorted(keys)[:SLOTS], start=1)}


def person_of(project: UUID, number: int, facts: Facts) -> Person:
    """The facts as a person of the product."""
    person = Person(project, UUID(int=number), kind=facts.kind)  # type: ignore[arg-type]
    for name in (*compact.STANDARD, "last_seen", "sessions", "attributes", "company", "folded"):
        setattr(person, name, getattr(facts, name))
    person.sessions = facts.sessions or 0
    person.tags = list(facts.tags)
    if person.last_seen is not None:
        person.last_seen = person.last_seen.astimezone(UTC)
    return person


def put(tables: Connection, person: Person, slots: Mapping[str, int]) -> None:
    with copying(tables, compact.COPY, store.copy_text([compact.values(person, slots)])):
        pass
