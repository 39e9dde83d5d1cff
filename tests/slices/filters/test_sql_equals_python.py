"""On a real PostgreSQL, SQL finds exactly the people for whom the reference says yes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, given, settings
from psycopg.types.json import Jsonb

from regulars.filters.ast import Filter
from regulars.filters.compile import compile_filters
from regulars.filters.evaluate import evaluate, evaluate_event
from regulars.filters.events import EventNeed, event_needs
from regulars.filters.facts import Facts
from regulars.filters.folding import TEXT_FIELDS
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.sql import Sql
from regulars.filters.sql_fold import folded_in_sql
from regulars.filters.to_sql import event_to_sql, to_sql
from regulars.kit.text import fold
from tests.pure.filters.aim import Event
from tests.pure.filters.worlds import (
    EXAMPLES,
    NOWS,
    ZONES,
    World,
    asked_texts,
    raw_texts,
    remember,
    thorough,
    worlds,
)

Connection = psycopg.Connection[Any]

PROJECT, STRANGERS = UUID(int=100), UUID(int=200)

against_postgres = settings(
    thorough,
    max_examples=EXAMPLES,
    suppress_health_check=[*thorough.suppress_health_check, HealthCheck.function_scoped_fixture],
)

# What a person's rows hold beside the columns named like the facts.
_PLAIN = (
    *TEXT_FIELDS, "kind", "signed_up_at", "first_seen", "last_contacted", "last_emailed", "ip",
)  # fmt: skip


@given(world=worlds())
@against_postgres
def test_sql_and_generated_python_and_the_reference_agree(tables: Connection, world: World) -> None:
    check_agreement(tables, world)


@given(world=worlds(asked=8, levels=1))
@against_postgres
def test_they_agree_on_each_condition_alone(tables: Connection, world: World) -> None:
    check_agreement(tables, world)


def check_agreement(tables: Connection, world: World) -> None:
    with filled(tables, world):
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
    with filled(tables, world):
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
    person = Facts()
    remember(person, [], [asked], when)
    with filled(tables, World(when, [person], [[]], [asked])):
        put_events(tables, STRANGERS, 0, [Event("Order Completed", when.now, "track", {})])
        assert found(tables, asked, when) == []


def found(tables: Connection, filter_: Filter, when: When) -> list[int]:
    """The people of the project that the filter's SQL finds."""
    sql, params = to_sql(filter_, now=when.now, zone=when.zone)
    rows = tables.execute(
        "SELECT p.id FROM person p JOIN person_activity a "
        "ON a.project_id = p.project_id AND a.id = p.id "
        f"WHERE p.project_id = %s AND {sql} ORDER BY p.id",
        (PROJECT, *params),
    )
    return [id_.int for (id_,) in rows]


def remembered(tables: Connection, need: EventNeed, when: When) -> list[datetime]:
    """The times of all events of the project that the need's SQL finds."""
    sql, params = event_to_sql(need, zone=when.zone)
    rows = tables.execute(
        "SELECT e.happened_at FROM event e "
        f"WHERE e.project_id = %s AND {sql} ORDER BY e.happened_at",
        (PROJECT, *params),
    )
    return [at for (at,) in rows]


@contextmanager
def filled(tables: Connection, world: World) -> Iterator[None]:
    """The world's people and events in the project; the same ids mean others next door."""
    with tables.transaction(force_rollback=True):
        for n, (person, done) in enumerate(zip(world.people, world.events, strict=True)):
            put_person(tables, PROJECT, n, person)
            put_events(tables, PROJECT, n, done)
            others = (n + 1) % len(world.people)
            put_person(tables, STRANGERS, n, world.people[others])
            put_events(tables, STRANGERS, n, world.events[others])
        yield


def put_person(tables: Connection, project: UUID, n: int, person: Facts) -> None:
    values: dict[str, Any] = {key: getattr(person, key) for key in _PLAIN}
    values |= {
        "project_id": project,
        "id": UUID(int=n),
        "email_folded": person.folded.get("email"),
        "name_folded": person.folded.get("name"),
        "attributes": Jsonb(person.attributes),
        "company": Jsonb(person.company),
        "folded": Jsonb(person.folded),
        "tags": list(person.tags),
        "created_at": "2024-01-01",
        "updated_at": "2024-01-01",
    }
    insert(tables, "person", [values])
    insert(
        tables,
        "person_activity",
        [
            {
                "project_id": project,
                "id": UUID(int=n),
                "kind": person.kind,
                "last_seen": person.last_seen,
                "sessions": person.sessions,
            }
        ],
    )
    whose = {"project_id": project, "person_id": UUID(int=n)}
    insert(
        tables,
        "segment_member",
        (
            whose | {"id": segment, "segment_id": segment, "since": "2024-01-01"}
            for segment in person.segments
        ),
    )
    insert(
        tables,
        "checkpoint_reached",
        (
            whose | {"checkpoint": number, "reached_at": at}
            for number, at in person.checkpoints.items()
        ),
    )
    insert(
        tables,
        "campaign_outcome",
        (
            whose | {"campaign_id": campaign, "outcome": outcome}
            for campaign, outcomes in person.campaigns.items()
            for outcome in outcomes
        ),
    )


def put_events(tables: Connection, project: UUID, n: int, done: list[Event]) -> None:
    insert(
        tables,
        "event",
        (
            {
                "project_id": project,
                "id": UUID(int=number),
                "person_id": UUID(int=n),
                "kind": event.kind,
                "name": event.name,
                "happened_at": event.at,
                "properties": Jsonb(event.properties),
                "source": "server",
            }
            for number, event in enumerate(done)
        ),
    )


def insert(tables: Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        tables.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))
