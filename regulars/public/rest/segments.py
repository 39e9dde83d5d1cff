"""Segments: make, list, read, change, delete; who is in one, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse
from ninja import Query, Router

from regulars.filters.why import Why
from regulars.people import queries as people_queries
from regulars.people.queries import Which
from regulars.public.rest import schemas
from regulars.public.rest.answers import ERRORS_OF_CHANGES, people_of
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.public.rest.schemas import Builtin, Group
from regulars.segments import actions, queries, reasons
from regulars.segments.queries import Segment
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

router = Router(tags=["Segments"])

audit.describe(actions.AUDITED)

ERRORS = ERRORS_OF_CHANGES
LONGEST_CURSOR = 9  # digits of a segment's number

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]
Sort = Annotated[
    str, Query(description="A field, or attributes.<key>; with - the other way round.")
]


@router.get("", response={200: schemas.Segments, **ERRORS}, summary="List the segments")
def list_segments(
    request: KeyRequest, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Segments:
    """All of them, the four that every project has first, then the oldest first."""
    after = _number(cursor) if cursor is not None else 0

    def work(core: Connection) -> schemas.Segments:
        found = queries.segments_after(core, request.auth.id, after, limit + 1)
        following = str(found[limit - 1].number) if len(found) > limit else None
        return schemas.Segments(items=[_said(one) for one in found[:limit]], next=following)

    return change(work)


@router.post("", response={201: schemas.Segment, **ERRORS}, summary="Make a segment")
def make(request: KeyRequest, given: schemas.NewSegment) -> HttpResponse:
    """One of whoever fits a filter, or of people who are picked by hand.

    A dynamic one is filled from the moment it is made; `filling` says how far that is.
    """
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Segment]:
        picked = None if given.people is None else _people(core, project_id, given.people)
        made = actions.create(
            core, project_id, given.name, request.now, filter_=given.filter, people=picked
        )
        segment = queries.segment(core, project_id, made)
        _record(request, "segment.made", segment.name)
        return 201, _said(segment)

    return change_once(request, work)


@router.get("/{segment_id}", response={200: schemas.Segment, **ERRORS}, summary="Read a segment")
def read(request: KeyRequest, segment_id: UUID) -> schemas.Segment:
    """The segment, with how many are in it now."""
    return change(lambda core: _said(queries.segment(core, request.auth.id, segment_id)))


@router.patch(
    "/{segment_id}", response={200: schemas.Segment, **ERRORS}, summary="Change a segment"
)
def change_segment(
    request: KeyRequest, segment_id: UUID, given: schemas.SegmentChange
) -> schemas.Segment:
    """Give it another name, another filter, or both."""
    project_id, now = request.auth.id, request.now
    said = given.model_dump(exclude_unset=True)

    def work(core: Connection) -> schemas.Segment:
        before = queries.segment(core, project_id, segment_id)
        details: dict[str, Any] = {}
        if "name" in said:
            actions.rename(core, project_id, segment_id, said["name"], now)
        if "filter" in said:
            actions.change_filter(core, project_id, segment_id, said["filter"], now)
            details["rule"] = "changed"
        after = queries.segment(core, project_id, segment_id)
        if after.name != before.name:
            details["name"] = [before.name, after.name]
        if details:
            _record(request, "segment.changed", after.name, **details)
        return _said(after)

    return change(work)


@router.delete("/{segment_id}", response={204: None, **ERRORS}, summary="Delete a segment")
def delete(request: KeyRequest, segment_id: UUID) -> HttpResponse:
    """Let it go; the people stay. A conflict while other segments are built on it."""

    def work(core: Connection) -> HttpResponse:
        segment = queries.segment(core, request.auth.id, segment_id)
        actions.delete(core, request.auth.id, segment_id, request.now)
        _record(request, "segment.deleted", segment.name, people=segment.people)
        return HttpResponse(status=204)

    return change(work)


@router.get(
    "/{segment_id}/people", response={200: schemas.People, **ERRORS}, summary="List its people"
)
def people(
    request: KeyRequest,
    segment_id: UUID,
    sort: Sort = "-last_seen",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.People:
    """Who is in it, as a search for people answers."""
    project = request.auth
    which = Which(request.now, segment_id=segment_id, zone=ZoneInfo(project.time_zone))

    def work(core: Connection) -> schemas.People:
        page = people_queries.people_page(
            core, project.id, which, sort=sort, limit=limit, cursor=cursor, total="exact"
        )
        total = page.total or people_queries.count(core, project.id, which)
        found = people_of(core, project.id, page.people, request.now)
        return schemas.People(people=found, total=total.number, next=page.next)

    return change(work)


@router.post(
    "/{segment_id}/people", response={200: schemas.Segment, **ERRORS}, summary="Put people in"
)
def add_people(request: KeyRequest, segment_id: UUID, given: schemas.SegmentPeople) -> HttpResponse:
    """Of a static segment; who is in it already stays in it. Answers the segment."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Segment]:
        queries.segment(core, project_id, segment_id)  # before its people: it may be unknown
        picked = _people(core, project_id, given.people)
        added = actions.add_people(core, project_id, segment_id, picked, request.now)
        segment = queries.segment(core, project_id, segment_id)
        if added:
            _record(request, "segment.changed", segment.name, added=len(added))
        return 200, _said(segment)

    return change_once(request, work)


@router.delete("/{segment_id}/people", response={204: None, **ERRORS}, summary="Take people out")
def remove_people(
    request: KeyRequest, segment_id: UUID, given: schemas.SegmentPeople
) -> HttpResponse:
    """Of a static segment; who is not in it is left as they are."""
    project_id = request.auth.id

    def work(core: Connection) -> HttpResponse:
        segment = queries.segment(core, project_id, segment_id)
        picked = _people(core, project_id, given.people)
        removed = actions.remove_people(core, project_id, segment_id, picked, request.now)
        if removed:
            _record(request, "segment.changed", segment.name, removed=len(removed))
        return HttpResponse(status=204)

    return change(work)


@router.get(
    "/{segment_id}/why/{person_id}",
    response={200: schemas.SegmentWhy, **ERRORS},
    summary="Why somebody is in it, or not",
)
def why(request: KeyRequest, segment_id: UUID, person_id: UUID) -> schemas.SegmentWhy:
    """The segment's filter condition by condition, each with the person's own value."""

    def work(core: Connection) -> schemas.SegmentWhy:
        answer, inside = reasons.why(core, request.auth.id, segment_id, person_id, request.now)
        since = inside.since.astimezone(UTC) if inside else None
        if answer is None:
            held = inside is not None
            return schemas.SegmentWhy(held=held, since=since, sentence=None, group=None, parts=[])
        return schemas.SegmentWhy(
            held=answer.held,
            since=since,
            sentence=answer.sentence,
            group=_group(answer),
            parts=[_reason(part) for part in (answer.parts or (answer,))],
        )

    return change(work)


def _people(core: Connection, project_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """The people by their ids of today: old ids lead to who they became. Raises InvalidError."""
    found = people_queries.people(core, project_id, ids)
    today = []
    for place, id_ in enumerate(ids):
        person = found.get(id_) or people_queries.person(core, project_id, id_)
        if person is None:
            raise InvalidError(f"people[{place}]", f"There is no person {id_}.")
        today.append(person.id)
    return list(dict.fromkeys(today))


def _said(segment: Segment) -> schemas.Segment:
    filling = segment.filling
    return schemas.Segment(
        id=segment.id,
        name=segment.name,
        kind="static" if segment.filter is None else "dynamic",
        builtin=cast("Builtin | None", segment.builtin),
        count=segment.people,
        filter=segment.filter,
        filling=schemas.Filling(done=filling.done, total=filling.total) if filling else None,
        created_at=segment.created_at.astimezone(UTC),
        changed_at=segment.changed_at.astimezone(UTC) if segment.changed_at else None,
    )


def _reason(part: Why) -> schemas.Reason:
    return schemas.Reason(
        held=part.held,
        sentence=part.sentence,
        group=_group(part),
        value=_plain(part.value),
        parts=[_reason(one) for one in part.parts],
    )


def _group(part: Why) -> Group | None:
    return cast("Group", part.word) if part.word else None


def _plain(value: Any) -> Any:
    """A value of the person's as JSON has it."""
    match value:
        case datetime():
            return value.astimezone(UTC)
        case set() | frozenset():
            return sorted(value)
        case _:
            return value


def _number(cursor: str) -> int:
    """The number of the segment that the part before ended with."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= LONGEST_CURSOR):
        raise InvalidError("cursor", "That is not a cursor of this list.")
    return int(cursor)


def _record(request: KeyRequest, action: str, name: str, /, **details: Any) -> None:
    audit.record(
        request.auth.id, action, name, by=actor_of(request), now=request.now, details=details
    )
