"""What is kept of a person: their timeline a part at a time, and everything at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from django.http import HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router

from regulars.events.sessions import Session, sessions_page
from regulars.events.timeline import Event, events_of, read_cursor, write_cursor
from regulars.inbox.history import Line, lines
from regulars.kit import database
from regulars.kit.ids import instant_of
from regulars.people import queries
from regulars.people.person import Person
from regulars.public.rest import bodies, notes, schemas, threads
from regulars.public.rest.answers import ERRORS, person_of
from regulars.public.rest.people import on_person
from regulars.public.rest.requests import KeyRequest
from regulars.segments import queries as segments
from regulars.segments.queries import Transition

Connection = psycopg.Connection[Any]

router = Router(tags=["People"])

Reader = Callable[[], list[dict[str, Any]]]  # the next part each time, and at the end an empty one

Limit = Annotated[int, Query(ge=1, le=200)]
PartCursor = Annotated[str | None, Query(description="`next` of the part before.")]

A_PART = 1_000  # rows read at once for an export
MOST_NAMES = 100_000  # identities and merges of one person


@router.get(
    "/{person_id}/timeline",
    response={200: schemas.Timeline, **ERRORS},
    summary="Read a person's timeline",
)
def timeline(
    request: KeyRequest,
    person_id: UUID,
    limit: Limit = 50,
    cursor: PartCursor = None,
) -> schemas.Timeline:
    """What the person did, what was said of them and with them, newest first."""

    def work(core: Connection, person: Person) -> schemas.Timeline:
        done, more = events_of(core, request.auth.id, person.id, limit=limit, cursor=cursor)
        before = read_cursor(cursor) if cursor else None
        said = lines(core, request.auth.id, person.id, before=before, limit=limit + 1)
        both: list[Event | Line] = [*done, *said]
        both.sort(key=_place, reverse=True)
        following = write_cursor(*_place(both[limit - 1])) if more or len(both) > limit else None
        items = [schemas.Event.model_construct(**_told(one)) for one in both[:limit]]
        return schemas.Timeline.model_construct(items=items, next=following)

    return on_person(request, person_id, work)


@router.get(
    "/{person_id}/export",
    response={200: schemas.Export, **ERRORS},
    summary="Export all we hold on a person",
)
def export(request: KeyRequest, person_id: UUID) -> HttpResponseBase:
    """Everything that is kept of the person. Long histories are streamed as they are read."""

    def work(core: Connection, person: Person) -> tuple[UUID, bytes]:
        return person.id, bodies.write(_facts(core, request, person))

    found, facts = on_person(request, person_id, work)
    response = StreamingHttpResponse(
        _export(request.auth.id, found, facts), content_type="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="person-{found}.json"'
    return response


def _facts(core: Connection, request: KeyRequest, person: Person) -> dict[str, Any]:
    """What there is little of: who they are, by what they are known, what they are part of."""
    project_id = request.auth.id
    known = queries.identities(core, project_id, person.id, limit=MOST_NAMES)
    merges = queries.merges_of(core, project_id, person.id, limit=MOST_NAMES)
    return {
        "person": person_of(core, project_id, person, request.now).model_dump(),
        "identities": [
            {"kind": one.kind, "value": one.value, "since": _utc(one.since)} for one in known
        ],
        "segments": [
            {"id": one.id, "name": one.name, "since": _utc(one.since)}
            for one in segments.memberships_of(core, project_id, person.id)
        ],
        "merges": [
            {
                "id": one.id,
                "from": one.from_id,
                "cause": one.cause,
                "at": _utc(one.at),
                "undone_at": _utc(one.undone_at),
                "who_went": one.gone,
            }
            for one in merges
        ],
    }


async def _export(project_id: UUID, person_id: UUID, facts: bytes) -> AsyncIterator[bytes]:
    """One JSON object, written as its rows are read: no more than a part is held at a time.

    No transaction is held either, since a slow reader would hold it open; what happens meanwhile
    may or may not be in it.
    """
    yield facts[:-1]
    for name, reader in PARTS.items():
        yield f',"{name}":['.encode()
        async for part in _parts(reader(project_id, person_id)):
            yield part
        yield b"]"
    yield b"}"


async def _parts(read: Reader) -> AsyncIterator[bytes]:
    """Rows as JSON with commas between them, part by part."""
    comma = b""
    while rows := await asyncio.to_thread(read):
        yield comma + b",".join(bodies.write(row) for row in rows)
        comma = b","


def _sessions(project_id: UUID, person_id: UUID) -> Reader:
    last: Session | None = None

    def read() -> list[dict[str, Any]]:
        nonlocal last
        with database.pool().connection() as core:
            part = sessions_page(core, project_id, person_id, limit=A_PART, after=last)
        last = part[-1] if part else None
        return [_session(session) for session in part]

    return read


def _moves(project_id: UUID, person_id: UUID) -> Reader:
    last: UUID | None = None

    def read() -> list[dict[str, Any]]:
        nonlocal last
        with database.pool().connection() as core:
            part = segments.transitions_of(core, project_id, person_id, before=last, limit=A_PART)
        last = part[-1].id if part else None
        return [_move(one) for one in part]

    return read


def _events(project_id: UUID, person_id: UUID) -> Reader:
    cursor: str | None = None
    more = True

    def read() -> list[dict[str, Any]]:
        nonlocal cursor, more
        if not more:
            return []
        with database.pool().connection() as core:
            part, cursor = events_of(core, project_id, person_id, limit=A_PART, cursor=cursor)
        more = cursor is not None
        return [_event(event) for event in part]

    return read


# What an export holds behind the facts, in order: whoever keeps more of a person adds it here.
PARTS: dict[str, Callable[[UUID, UUID], Reader]] = {
    "sessions": _sessions,
    "moves": _moves,
    "conversations": threads.exported,
    "messages": threads.exported_messages,
    "notes": notes.exported,
    "events": _events,
}


def _place(one: Event | Line) -> tuple[datetime, UUID]:
    return (one.happened_at if isinstance(one, Event) else one.at), one.id


def _told(one: Event | Line) -> dict[str, Any]:
    return _event(one) if isinstance(one, Event) else _line(one)


def _line(line: Line) -> dict[str, Any]:
    """What was said, in the form of an event."""
    properties = {
        "conversation": line.conversation_id,
        "seq": line.seq,
        "channel": line.channel,
        "subject": line.subject,
        "ticket": line.number,
        "text": line.text,
    }
    if line.by != "person":
        properties["agent_id"] = line.agent_id
    return {
        "id": line.id,
        "kind": "message",
        "name": _name(line),
        "happened_at": _utc(line.at),
        "received_at": _utc(line.at),
        "url": None,
        "path": None,
        "title": None,
        "properties": properties,
        "session_id": None,
        "message_id": None,
        "source": "server",
    }


def _name(line: Line) -> str:
    if line.by == "system":
        return "ticket.opened"
    if line.begins:
        return "conversation.started"
    return "message.received" if line.by == "person" else "message.sent"


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "name": event.name,
        "happened_at": _utc(event.happened_at),
        "received_at": instant_of(event.id),
        "url": event.url,
        "path": event.path,
        "title": event.title,
        "properties": event.properties or {},
        "session_id": event.session_id,
        "message_id": event.message_id,
        "source": event.source,
    }


def _move(moved: Transition) -> dict[str, Any]:
    by_agent = moved.cause == "agent"  # whose id says nothing about the person
    return {
        "segment": moved.segment_id,
        "name": moved.segment_name,
        "way": moved.way,
        "cause": moved.cause,
        "detail": None if by_agent else moved.detail,
        "at": _utc(moved.at),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "anonymous_id": session.anonymous_id,
        "started_at": _utc(session.started_at),
        "entry_url": session.entry_url,
        "referrer": session.referrer,
        "utm": session.utm or {},
        "browser": session.browser,
        "os": session.os,
        "device": session.device,
        "ip": session.ip,
        "country_code": session.country_code,
        "city": session.city,
    }


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
