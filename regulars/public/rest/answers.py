"""Rows into what REST answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.people import queries as people
from regulars.people.person import Person
from regulars.people.queries import is_online
from regulars.public.rest import schemas
from regulars.public.rest.errors import ApiError
from regulars.segments import findings
from regulars.segments import queries as segments

Connection = psycopg.Connection[Any]

# The errors that every call may answer.
ERRORS: dict[frozenset[int], Any] = {frozenset({400, 401, 404, 409, 503}): schemas.Error}
# Of calls that change what may be everybody's and nobody's to change.
ERRORS_OF_CHANGES: dict[frozenset[int], Any] = {
    frozenset({400, 401, 403, 404, 409, 503}): schemas.Error
}

_SAME = frozenset(schemas.Person.model_fields) - {"online", "segments", "checkpoints"}


def person_of(
    connection: Connection, project_id: UUID, person: Person, now: datetime
) -> schemas.Person:
    """One person."""
    return people_of(connection, project_id, [person], now)[0]


def people_of(
    connection: Connection, project_id: UUID, people: Iterable[Person], now: datetime
) -> list[schemas.Person]:
    """People, in the order given."""
    ids = segments.by_number(connection, project_id)
    steps = segments.steps(connection, project_id)
    told = list(people)
    findings.tell(connection, project_id, told)
    return [_person(person, ids, steps, now) for person in told]


def current_id(connection: Connection, project_id: UUID, person_id: UUID) -> UUID:
    """The id that the person has today, whom a request names as `person`. Raises ApiError."""
    person = people.person(connection, project_id, person_id)
    if person is None:
        raise ApiError(404, "There is no such person.", field="person")
    return person.id


def _person(
    person: Person, segment_ids: dict[int, UUID], steps: dict[str, int], now: datetime
) -> schemas.Person:
    facts = {name: _plain(getattr(person, name)) for name in _SAME}
    return schemas.Person.model_construct(
        **facts,
        online=is_online(person, now),
        segments=[segment_ids[number] for number in person.segments if number in segment_ids],
        checkpoints=sorted(steps[key] for key in person.checkpoints if key in steps),
    )


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
