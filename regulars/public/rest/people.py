"""People: search, create or update, read, change, erase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse
from ninja import Router

from regulars.filters.ast import Filter
from regulars.filters.errors import FilterError
from regulars.filters.parse import parse
from regulars.people import actions, queries
from regulars.people.changes import CollidedError
from regulars.people.person import Person
from regulars.public.rest import schemas
from regulars.public.rest.answers import ERRORS, people_of, person_of
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.segments import queries as segments
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

router = Router(tags=["People"])

# What a filter may ask about; other kinds of condition come with the slices that answer them.
CONDITIONS = frozenset({"field", "event", "segment", "checkpoint"})

audit.describe(actions.AUDITED)


@router.post("/search", response={200: schemas.People, **ERRORS}, summary="Search people")
def search(request: KeyRequest, asked: schemas.Search) -> schemas.People:
    """People whom a filter, a kind and the search box find, in the order asked for."""
    project = request.auth

    def work(core: Connection) -> schemas.People:
        which = queries.Which(
            now=request.now,
            kind=asked.kind,
            query=asked.query,
            filter=filter_of(core, project.id, asked.filter),
            zone=ZoneInfo(project.time_zone),
        )
        page = queries.people_page(
            core,
            project.id,
            which,
            sort=asked.sort,
            limit=asked.limit,
            cursor=asked.cursor,
            total="exact",
        )
        total = page.total or queries.count(core, project.id, which)
        people = people_of(core, project.id, page.people, request.now)
        return schemas.People(people=people, total=total.number, next=page.next)

    return change(work)


@router.post(
    "",
    response={200: schemas.Person, 201: schemas.Person, **ERRORS},
    summary="Create or update a person",
)
def create_or_update(request: KeyRequest, given: schemas.NewPerson) -> HttpResponse:
    """The person with this `user_id`, else the one lead or user with this `email`.

    201 where they were made, 200 where they were there. Leads with the same email join a user.
    """
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Person]:
        said = given.model_dump(exclude_unset=True)
        person, made = actions.create_or_update(core, project_id, said, request.now)
        return 201 if made else 200, person_of(core, project_id, person, request.now)

    return change_once(request, work)


@router.get("/{person_id}", response={200: schemas.Person, **ERRORS}, summary="Read a person")
def read(request: KeyRequest, person_id: UUID) -> schemas.Person:
    """The person; by the old id of somebody who was merged, the one they became."""
    return on_person(request, person_id, lambda core, person: _said(core, request, person))


@router.patch("/{person_id}", response={200: schemas.Person, **ERRORS}, summary="Change a person")
def change_person(
    request: KeyRequest, person_id: UUID, given: schemas.PersonChange
) -> schemas.Person:
    """Change the facts that are given: `attributes` and `company` key by key, `tags` as a whole."""
    said = given.model_dump(exclude_unset=True)

    def work(core: Connection, person: Person) -> schemas.Person:
        changed = actions.change(core, request.auth.id, person.id, said, request.now)
        return _said(core, request, changed)

    return on_person(request, person_id, work)


@router.delete("/{person_id}", response={204: None, **ERRORS}, summary="Erase a person")
def erase(request: KeyRequest, person_id: UUID) -> HttpResponse:
    """Erase the person and everything that is theirs. It can't be undone."""

    def work(core: Connection, person: Person) -> HttpResponse:
        actions.erase(core, request.auth.id, person.id, request.now)
        audit.record(
            request.auth.id, "person.erased", str(person.id), by=actor_of(request), now=request.now
        )
        return HttpResponse(status=204)

    return on_person(request, person_id, work)


def on_person(request: KeyRequest, person_id: UUID, work: Callable[[Connection, Person], T]) -> T:
    """Do the work on the person, or on whom they were merged into, in one transaction."""

    def standing(core: Connection) -> T:
        person = queries.person(core, request.auth.id, person_id)
        if person is None:
            raise UnknownError("There is no such person.")
        try:
            return work(core, person)
        except UnknownError as gone:
            # Merged or erased since the look: look again.
            raise CollidedError from gone

    return change(standing)


def _said(core: Connection, request: KeyRequest, person: Person) -> schemas.Person:
    return person_of(core, request.auth.id, person, request.now)


def filter_of(core: Connection, project_id: UUID, given: Any) -> Filter | None:
    """A filter as it was given. Raises FilterError."""
    if given is None:
        return None
    wanted = parse(given, kinds=CONDITIONS)
    missing = segments.missing(core, project_id, wanted)
    if missing:
        raise FilterError(f"There is no segment {min(missing)}", "filter")
    unknown = segments.missing_steps(core, project_id, wanted)
    if unknown:
        raise FilterError(f"There is no checkpoint {min(unknown)}", "filter")
    return wanted
