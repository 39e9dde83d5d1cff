"""On a real PostgreSQL, packs answer as the reference does, whoever has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch
from uuid import UUID

from hypothesis import given

from regulars.filters.ast import FieldCondition, conditions
from regulars.filters.evaluate import evaluate
from regulars.filters.facts import Facts
from regulars.filters.operands import KINDS
from regulars.people import asking
from regulars.people.compact import NOTE_ONE
from regulars.people.packed import forms
from regulars.people.packed.finding import find
from regulars.people.packed.keeping import pack_project
from tests.pure.filters.worlds import World, worlds
from tests.slices.filters.conftest import READ_TABLES
from tests.slices.filters.people_rows import (
    PROJECT,
    STRANGERS,
    Connection,
    against_postgres,
    put_person,
)
from tests.slices.filters.test_compact_equals_python import person_of, put
from tests.slices.people.packs import ids_of

GHOST = 1_000  # whoever was there when packs were made, and is gone


@given(world=worlds())
@against_postgres
def test_packs_answer_as_the_reference(tables: Connection, world: World) -> None:
    check(tables, world)


@given(world=worlds(asked=8, levels=1))
@against_postgres
def test_they_do_for_each_condition_alone(tables: Connection, world: World) -> None:
    check(tables, world)


def check(tables: Connection, world: World) -> None:
    with packed(tables, world.people, world):
        for written, filter_ in zip(world.written, world.filters, strict=True):
            asked = asking.asked(tables, PROJECT, filter_, world.when)
            found = find(tables, PROJECT, asked, KINDS, at_most=GHOST)
            is_of_facts = all(isinstance(one, FieldCondition) for one in conditions(filter_))
            assert (found is not None) == is_of_facts, written
            if found is None:
                continue
            expected = [
                n for n, person in enumerate(world.people) if evaluate(filter_, person, world.when)
            ]
            assert sorted(id_.int for id_ in ids_of(found)) == expected, (written, world.when)
            counted = find(tables, PROJECT, asked, ("user", "lead"))
            assert counted is not None
            of_kind = [n for n in expected if world.people[n].kind != "visitor"]
            assert counted.number == len(of_kind), (written, world.when)


@contextmanager
def packed(tables: Connection, people: list[Facts], world: World) -> Iterator[None]:
    """The people in packs of two, a third of them changed and another come since."""
    try:
        for n, facts in enumerate(people):
            put_person(tables, PROJECT, n, facts)
            put(tables, person_of(STRANGERS, n, people[n - 1]), {})
            if n % 3 != 1:
                put(tables, person_of(PROJECT, n, people[n - 1] if n % 3 else facts), {})
        put(tables, person_of(PROJECT, GHOST, people[0]), {})
        with patch.object(forms, "MOST", 2):
            pack_project(tables, PROJECT, world.when.now)
        for n, facts in enumerate(people):
            if n % 3:
                delete(tables, n)
                put(tables, person_of(PROJECT, n, facts), {})
                tables.execute(NOTE_ONE, (PROJECT, UUID(int=n)))
        delete(tables, GHOST)
        tables.execute(NOTE_ONE, (PROJECT, UUID(int=GHOST)))
        yield
    finally:
        tables.execute(f"TRUNCATE {', '.join(f'pg_temp.{table}' for table in READ_TABLES)}")


def delete(tables: Connection, n: int) -> None:
    tables.execute(
        "DELETE FROM person_compact WHERE project_id = %s AND id = %s", (PROJECT, UUID(int=n))
    )
