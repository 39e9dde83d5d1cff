"""On a real PostgreSQL, SQL finds exactly the people for whom the reference says yes."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given

from regulars.filters.compile import compile_filters
from regulars.filters.evaluate import evaluate, evaluate_event
from regulars.filters.events import EventNeed, event_needs
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.sql import Sql
from regulars.filters.sql_fold import folded_in_sql
from regulars.filters.to_sql import event_to_sql
from regulars.kit.text import fold
from tests.pure.filters.aim import Event
from tests.pure.filters.awkward import NOWS, ZONES
from tests.pure.filters.worlds import World, asked_texts, raw_texts, worlds
from tests.slices.filters.people_rows import (
    PROJECT,
    STRANGERS,
    Connection,
    against_postgres,
    filled,
    found,
    put_events,
)


@given(world=worlds())
@against_postgres
def test_sql_and_generated_python_and_the_reference_agree(tables: Connection, world: World) -> None:
    check_agreement(tables, world)


@given(world=worlds(asked=8, levels=1))
@against_postgres
def test_they_agree_on_each_condition_alone(tables: Connection, world: World) -> None:
    check_agreement(tables, world)


def check_agreement(tables: Connection, world: World) -> None:
    with filled(tables, world.people, world.events):
        answers = [found(tables, filter_, world.when) for filter_ in world.filters]
    program = compile_filters(world.filters, world.when.zone)
    wanted = [
        tuple(evaluate(one, person, world.when) for one in world.filters) for person in world.people
    ]
    for person, truths in zip(world.people, wanted, strict=True):
        bits, _ = program.evaluate(person, world.when.now)
        assert program.truths(bits) == truths
    for n, answer in enumerate(answers):
        expected = [person for person, truths in enumerate(wanted) if truths[n]]
        assert answer == expected, (world.written[n], world.when)


@given(world=worlds())
@against_postgres
def test_memories_filled_from_history_are_those_kept_as_events_came(
    tables: Connection, world: World
) -> None:
    needs = event_needs(world.filters)
    with filled(tables, world.people, world.events):
        memories = {key: remembered(tables, need, world.when) for key, need in needs.items()}
    for key, need in needs.items():
        kept = sorted(
            event.at
            for done in world.events
            for event in done
            if event.kind == "track"
            and event.name == need.event
            and evaluate_event(need, event.properties, world.when)
        )
        assert memories[key] == kept


def remembered(tables: Connection, need: EventNeed, when: When) -> list[datetime]:
    """The times of all events of the project that the need's SQL finds."""
    sql, params = event_to_sql(need, zone=when.zone)
    rows = tables.execute(
        "SELECT e.happened_at FROM event e "
        f"WHERE e.project_id = %s AND {sql} ORDER BY e.happened_at",
        (PROJECT, *params),
    )
    return [at for (at,) in rows]


@given(raw=raw_texts, wanted=asked_texts)
@against_postgres
def test_sql_folds_as_python_where_it_must(database: Connection, raw: str, wanted: str) -> None:
    near = fold(wanted)
    text = folded_in_sql(Sql("%s::text", (raw,)), near)
    row = database.execute(
        f"SELECT ({text.text}) = %s, strpos({text.text}, %s) > 0",
        (*text.params, near, *text.params, near),
    ).fetchone()
    assert row == (fold(raw) == near, near in fold(raw))


def test_filters_see_no_other_project(tables: Connection) -> None:
    when = When(NOWS[0], ZONES[0])
    asked = parse({"event": "Order Completed", "op": "at_least", "count": 1})
    with filled(tables, [Facts()], [[]]):
        put_events(tables, STRANGERS, 0, [Event("Order Completed", when.now, "track", {})])
        assert found(tables, asked, when) == []
