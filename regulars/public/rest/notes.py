"""Notes: write, list, read, change, delete; and those of a person for their export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from ninja import Query, Router

from regulars.inbox import notes, notes_queries
from regulars.inbox.notes_queries import Note, Version
from regulars.kit import database
from regulars.people.changes import CollidedError
from regulars.public.rest import schemas
from regulars.public.rest.answers import ERRORS, current_id
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

router = Router(tags=["Notes"])

audit.describe(notes.AUDITED)

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]
About = Annotated[UUID | None, Query(description="Of this person alone.")]

EXPORTED_AT_ONCE = 200
MOST_VERSIONS = 100_000  # of as many notes


@router.get("", response={200: schemas.Notes, **ERRORS}, summary="List notes")
def list_notes(
    request: KeyRequest, person: About = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Notes:
    """A person's, or all of the project's, newest first."""
    before = _place(cursor) if cursor is not None else None

    def work(core: Connection) -> schemas.Notes:
        of = None if person is None else current_id(core, request.auth.id, person)
        found = notes_queries.behind(
            core, request.auth.id, person_id=of, before=before, limit=limit + 1
        )
        following = str(found[limit - 1].id) if len(found) > limit else None
        return schemas.Notes(items=[_said(one) for one in found[:limit]], next=following)

    return change(work)


@router.post("", response={201: schemas.Note, **ERRORS}, summary="Write a note")
def write(request: KeyRequest, given: schemas.NewNote) -> HttpResponse:
    """About a person. They may read it in their messenger, unless `shared` is false."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Note]:
        person_id = current_id(core, project_id, given.person)
        try:
            made = notes.add(
                core,
                project_id,
                person_id,
                request.now,
                html=given.html,
                text=given.text,
                shared=given.shared,
                pinned=given.pinned,
            )
        except UnknownError as gone:
            raise CollidedError from gone  # merged or erased since the look: look again
        return 201, _said(notes_queries.note(core, project_id, made))

    return change_once(request, work)


@router.get("/{note_id}", response={200: schemas.Note, **ERRORS}, summary="Read a note")
def read(request: KeyRequest, note_id: UUID) -> schemas.Note:
    """One note."""
    return change(lambda core: _said(notes_queries.note(core, request.auth.id, note_id)))


@router.patch("/{note_id}", response={200: schemas.Note, **ERRORS}, summary="Change a note")
def change_note(request: KeyRequest, note_id: UUID, given: schemas.NoteChange) -> schemas.Note:
    """What it says, who may read it, whether it is pinned: that which is given."""
    project_id, now = request.auth.id, request.now
    said = given.model_dump(exclude_unset=True)
    pinned = said.pop("pinned", None)

    def work(core: Connection) -> schemas.Note:
        notes_queries.note(core, project_id, note_id)  # before its words: it may be unknown
        if said:
            notes.edit(core, project_id, note_id, now, **said)
        if pinned is not None:
            notes.pin(core, project_id, note_id, now, pinned=pinned)
        return _said(notes_queries.note(core, project_id, note_id))

    return change(work)


@router.delete("/{note_id}", response={204: None, **ERRORS}, summary="Delete a note")
def delete(request: KeyRequest, note_id: UUID) -> HttpResponse:
    """Show it nowhere any more; a week later it is gone for good."""

    def work(core: Connection) -> HttpResponse:
        notes.delete(core, request.auth.id, note_id, request.now)
        audit.record(
            request.auth.id, "note.deleted", str(note_id), by=actor_of(request), now=request.now
        )
        return HttpResponse(status=204)

    return change(work)


def exported(project_id: UUID, person_id: UUID) -> Callable[[], list[dict[str, Any]]]:
    """Reads the person's notes part by part, those deleted lately too, with what they said."""
    last: UUID | None = None

    def part() -> list[dict[str, Any]]:
        nonlocal last
        with database.pool().connection() as core:
            found = notes_queries.behind(
                core,
                project_id,
                person_id=person_id,
                before=last,
                limit=EXPORTED_AT_ONCE,
                deleted=True,
            )
            ids = [one.id for one in found]
            told = notes_queries.history(core, project_id, ids, limit=MOST_VERSIONS)
        last = found[-1].id if found else None
        of: defaultdict[UUID, list[Version]] = defaultdict(list)
        for version in told:
            of[version.note_id].append(version)
        return [_held(one, of[one.id]) for one in found]

    return part


def _said(note: Note) -> schemas.Note:
    return schemas.Note(
        id=note.id,
        person=note.person_id,
        html=note.html,
        text=note.text,
        shared=note.shared,
        pinned=note.pinned_at is not None,
        agent_id=note.agent_id,
        by=note.by or None,
        created_at=note.created_at.astimezone(UTC),
        edited_at=_utc(note.edited_at),
    )


def _held(note: Note, versions: list[Version]) -> dict[str, Any]:
    return {
        **_said(note).model_dump(),
        "deleted_at": _utc(note.deleted_at),
        "versions": [
            {"html": one.html, "shared": one.shared, "by": one.by or None, "at": _utc(one.at)}
            for one in versions
        ],
    }


def _place(cursor: str) -> UUID:
    """The note that the part before ended with."""
    try:
        return UUID(cursor)
    except ValueError:
        raise InvalidError("cursor", "That is not a cursor of this list.") from None


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
