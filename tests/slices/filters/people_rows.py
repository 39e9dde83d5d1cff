"""People and their events as rows, for tests that ask SQL about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

import psycopg
from hypothesis import HealthCheck, settings
from psycopg.types.json import Jsonb

from regulars.filters.ast import Filter
from regulars.filters.behaviour import CAMPAIGN_OPERATORS
from regulars.filters.facts import Facts
from regulars.filters.folding import TEXT_FIELDS
from regulars.filters.operands import When
from regulars.filters.to_sql import to_sql
from tests.pure.filters.aim import Event
from tests.pure.filters.worlds import split, thorough

Connection = psycopg.Connection[Any]

PROJECT, STRANGERS = UUID(int=100), UUID(int=200)

against_postgres = settings(
    thorough,
    suppress_health_check=[*thorough.suppress_health_check, HealthCheck.function_scoped_fixture],
)

# Columns named like the facts.
_PLAIN = (
    *TEXT_FIELDS, "kind", "signed_up_at", "first_seen", "last_contacted", "last_emailed", "ip",
)  # fmt: skip

_JOINED = (
    "FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id "
    "WHERE p.project_id = %s"
)


def found(tables: Connection, filter_: Filter, when: When) -> list[int]:
    """The people of the project that the filter's SQL finds, by their number."""
    sql, params = to_sql(filter_, now=when.now, zone=when.zone)
    rows = tables.execute(f"SELECT p.id {_JOINED} AND {sql} ORDER BY p.id", (PROJECT, *params))
    return [id_.int for (id_,) in rows]


def answers(
    tables: Connection, filters: Sequence[Filter], when: When
) -> dict[int, tuple[bool, ...]]:
    """Each person's answers to all the filters, by the person's number."""
    pieces = [to_sql(one, now=when.now, zone=when.zone) for one in filters]
    rows = tables.execute(
        f"SELECT p.id, {', '.join(f'{sql} IS TRUE' for sql, _ in pieces)} {_JOINED}",
        (*(param for _, params in pieces for param in params), PROJECT),
    )
    return {id_.int: tuple(truths) for id_, *truths in rows}


@contextmanager
def filled(
    tables: Connection, people: Sequence[Facts], events: Sequence[list[Event]]
) -> Iterator[None]:
    """The people and their events in the project; the same ids mean others next door."""
    with tables.transaction(force_rollback=True):
        for n, (person, done) in enumerate(zip(people, events, strict=True)):
            put_person(tables, PROJECT, n, person)
            put_events(tables, PROJECT, n, done)
            other = (n + 1) % len(people)
            put_person(tables, STRANGERS, n, people[other])
            put_events(tables, STRANGERS, n, events[other])
        yield


def put_person(tables: Connection, project: UUID, n: int, person: Facts) -> None:
    wide: dict[str, Any] = {key: getattr(person, key) for key in _PLAIN}
    wide |= {
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
    hot = {
        "project_id": project,
        "id": UUID(int=n),
        "kind": person.kind,
        "last_seen": person.last_seen,
        "sessions": person.sessions,
    }
    _insert(tables, "person", [wide])
    _insert(tables, "person_activity", [hot])
    whose = {"project_id": project, "person_id": UUID(int=n)}
    memberships = [
        whose | {"id": segment, "segment_id": segment, "since": "2024-01-01"}
        for segment in person.segments
    ]
    reached = [
        whose | {"checkpoint": number, "reached_at": at}
        for number, at in person.checkpoints.items()
    ]
    _insert(tables, "segment_member", memberships)
    _insert(tables, "checkpoint_reached", reached)
    times = {f"at{number}": at for number, at in person.checkpoints.items()}
    _insert(tables, "checkpoint_times", [whose | times])
    for campaign, answers_ in person.campaigns.items():
        for answer in answers_:
            put_answer(tables, whose | {"campaign_id": campaign}, *split(answer))


def put_answer(
    tables: Connection, whose: dict[str, Any], outcome: str, step: str | None, variant: str | None
) -> None:
    """A row that makes it so, and nothing else but what goes with it."""
    operator = CAMPAIGN_OPERATORS[outcome]
    if variant is not None:
        _put_message(tables, whose, outcome, step, variant)
    elif operator.kept_in == "entries":
        _insert(tables, "campaign_entry", [_entry(whose, outcome, step)])
    elif step is None:  # of a step it is its message that makes it so
        _insert(tables, "campaign_outcome", [whose | {"outcome": outcome}])


def _put_message(
    tables: Connection, whose: dict[str, Any], outcome: str, step: str | None, variant: str
) -> None:
    project, campaign = whose["project_id"], whose["campaign_id"]
    email = uuid5(campaign, f"{step}:{variant}")
    named = {"project_id": project, "id": email, "campaign_id": campaign, "email_id": email}
    place = {"step": step, "variant": variant, "round": 0, "turn": 0}
    _insert(tables, "campaign_email", [named | place])
    row = {
        "project_id": project, "id": uuid5(email, outcome), "email_id": email,
        "person_id": whose["person_id"], "first_person": whose["person_id"],
        "state": "sent" if outcome == "sent" else "kept", "created_at": "2024-01-01",
    }  # fmt: skip
    if outcome not in ("sent", "passed"):
        row[f"{outcome}_at"] = "2024-01-01"
    _insert(tables, "email_recipient", [row])


def _entry(whose: dict[str, Any], outcome: str, step: str | None) -> dict[str, Any]:
    at = {"since": "2024-01-01", "entered_at": "2024-01-01"}
    row = whose | at | {"id": uuid5(whose["campaign_id"], f"{outcome}:{step}")}
    if outcome == "under_way":
        return row | {"state": "active", "step": step}
    if outcome == "passed":
        return row | {"state": "ended", "passed": ["first", step]}
    return row | {"state": "ended", "ended": _ENDS[outcome]}


_ENDS = {
    "finished": "finished",
    "left_at_goal": "goal",
    "left_audience": "audience_left",
    "missed_deadline": "deadline",
}


def put_events(tables: Connection, project: UUID, n: int, done: list[Event]) -> None:
    rows = [
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
    ]
    _insert(tables, "event", rows)


def _insert(tables: Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        tables.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))
