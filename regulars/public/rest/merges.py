"""Merging two people by hand, and undoing it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from ninja import Router

from regulars.people import actions, queries
from regulars.people.changes import CollidedError
from regulars.people.merge import NothingToUndoError
from regulars.people.person import Person
from regulars.public.rest import schemas
from regulars.public.rest.answers import ERRORS, person_of
from regulars.public.rest.errors import ApiError
from regulars.public.rest.requests import KeyRequest, actor_of, change_once
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

people_router = Router(tags=["Merges"])
router = Router(tags=["Merges"])


@people_router.post("/merge", response={201: schemas.Merge, **ERRORS}, summary="Merge two people")
def merge_people(request: KeyRequest, wish: schemas.MergeWish) -> HttpResponse:
    """All that is `from`'s becomes `into`'s, and the old id leads there. Two users may merge."""
    project_id, now = request.auth.id, request.now

    def work(core: Connection) -> tuple[int, schemas.Merge]:
        gone = _somebody(core, project_id, wish.from_, "from")
        into = _somebody(core, project_id, wish.into, "into")
        if gone.id == into.id:
            raise ApiError(409, "They are the same person already.", field="from")
        try:
            merge_id = actions.merge_people(core, project_id, gone.id, into.id, now, cause="rest")
        except UnknownError as moved:
            raise CollidedError from moved  # merged or erased since the look: look again
        _record(request, "person.merged", merge_id)
        return 201, _merge(core, request, merge_id, into.id)

    return change_once(request, work)


@router.post("/{merge_id}/undo", response={200: schemas.Merge, **ERRORS}, summary="Undo a merge")
def undo_merge(request: KeyRequest, merge_id: UUID) -> HttpResponse:
    """Bring back who went, with what was theirs; what happened since stays with who stayed."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Merge]:
        done = queries.merge_done(core, project_id, merge_id)
        if done is None:
            raise UnknownError("There is no such merge.")
        try:
            back = actions.undo_merge(core, project_id, merge_id, request.now)
        except NothingToUndoError:
            raise ApiError(409, "This merge was undone before.") from None
        _record(request, "person.merge_undone", merge_id)
        return 200, _merge(core, request, merge_id, back.id)

    return change_once(request, work)


def _somebody(core: Connection, project_id: UUID, person_id: UUID, field: str) -> Person:
    person = queries.person(core, project_id, person_id)
    if person is None:
        raise ApiError(404, "There is no such person.", field=field)
    return person


def _merge(core: Connection, request: KeyRequest, merge_id: UUID, person_id: UUID) -> schemas.Merge:
    done = queries.merge_done(core, request.auth.id, merge_id)
    person = queries.person(core, request.auth.id, person_id)
    if done is None or person is None:
        raise CollidedError
    said: dict[str, Any] = {
        "id": done.id,
        "from": done.from_id,
        "into": done.into_id,
        "at": _utc(done.at),
        "undone_at": _utc(done.undone_at),
        "person": person_of(core, request.auth.id, person, request.now),
    }
    return schemas.Merge(**said)


def _record(request: KeyRequest, action: str, merge_id: UUID) -> None:
    audit.record(request.auth.id, action, str(merge_id), by=actor_of(request), now=request.now)


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
