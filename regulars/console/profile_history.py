"""A person's history: what they did, what was said, segments they were in, notes on them, as one.

Events, days of talking, tickets' deeds, moves and notes are kept apart and paged apart. A part of
the history goes down as far as all have been read: what lies deeper in one comes with the next
part. So all need one order, of places (instant, id). A move stands where the millisecond in which
its id was made ends, which is after the event that brought it about; a note where that millisecond
begins. Their ids then sort as their places do. A day of talking stands where its last message does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.http import Http404

from regulars.console import profile_timeline
from regulars.console.access import AgentRequest
from regulars.console.frame import project_url
from regulars.console.profile_timeline import Drawing
from regulars.console.segments_page import agents_of
from regulars.events import timeline
from regulars.events.timeline import GROUPS, Event, read_cursor, write_cursor
from regulars.events.visits import Visit
from regulars.funnels import queries as funnels
from regulars.funnels.queries import Milestone
from regulars.inbox import history as talking
from regulars.inbox import notes_queries
from regulars.inbox.history import Talk, TicketDeed
from regulars.inbox.notes_queries import Note
from regulars.kit import clock
from regulars.kit.ids import first_id, instant_of
from regulars.people.person import Person
from regulars.segments import queries as segments
from regulars.segments.queries import Transition
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
Place = tuple[datetime, UUID]
Part = profile_timeline.Part

A_PART = 40  # of each kind, that are loaded at a time
# What the timeline calls them, beside the groups of events.
MOVES, NOTES, TALKS, TICKETS = "segments", "notes", "talks", "tickets"
REACHED = "checkpoints"
CHIPS = {
    "pages": "Pages",
    "events": "Events",
    "facts": "Facts said",
    TALKS: "Chats",
    NOTES: "Notes",
    TICKETS: "Tickets",
    REACHED: "Checkpoints",
    MOVES: "Segments",
}

_EPOCH, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter of the timeline by kind."""

    key: str
    label: str
    count: int
    on: bool


@dataclass(frozen=True, slots=True)
class History:
    """A part of a history, newest first; `next` continues it."""

    items: list[Part]
    next: str | None


def timeline_part(core: Connection, request: AgentRequest, person: Person) -> dict[str, Any]:
    """The part of the timeline that a request asks for, with its filters."""
    kinds = [kind for kind in request.GET.getlist("kind") if kind in CHIPS] or list(CHIPS)
    try:
        part = history(
            core,
            request.project.id,
            person.id,
            kinds,
            zone=request.project.time_zone,
            cursor=request.GET.get("cursor") or None,
            person=person,
        )
    except InvalidError as wrong:
        raise Http404 from wrong
    events = timeline.counts(core, request.project.id, person.id)
    most = timeline.MOST_COUNTED + 1
    moves = segments.transitions_counted(core, request.project.id, person.id, most)
    counted: dict[str, int] = {str(group): count for group, count in events.groups.items()}
    counted[MOVES] = moves
    counted[NOTES], _ = notes_queries.state(core, request.project.id, person.id)
    counted[REACHED] = len(funnels.milestones(core, request.project.id, person))
    talked = talking.state(core, request.project.id, person.id)
    counted[TALKS], counted[TICKETS] = talked.conversations, talked.tickets
    url = project_url(request.project.id, f"people/{person.id}/")
    drawing = Drawing(request.project, clock.now(), agents_of(request), url)
    return {
        "days": profile_timeline.days_of(part.items, drawing),
        "next": part.next,
        "kinds": kinds,
        "chips": [
            Chip(kind, label, counted.get(kind, 0), kind in kinds) for kind, label in CHIPS.items()
        ],
        "exact": events.exact and moves < most,
    }


def history(
    core: Connection,
    project_id: UUID,
    person_id: UUID,
    kinds: list[str],
    *,
    zone: str = "UTC",
    cursor: str | None = None,
    limit: int = A_PART,
    person: Person | None = None,
) -> History:
    """What comes behind the cursor: up to `limit` of each kind. Raises InvalidError.

    Days of talking are those of the time zone. `person` has reached checkpoints.
    """
    done = timeline.timeline(
        core,
        project_id,
        person_id,
        groups=[group for group in GROUPS if group in kinds],
        limit=limit,
        cursor=cursor,
    )
    ends = [read_cursor(done.next)] if done.next else []
    place = read_cursor(cursor) if cursor else None
    moved: list[Transition] = []
    if MOVES in kinds:
        before = _before(place, _MILLISECOND) if place else None
        moved = segments.transitions_of(core, project_id, person_id, before=before, limit=limit + 1)
    written: list[Note] = []
    if NOTES in kinds:
        before = _before(place) if place else None
        written = notes_queries.behind(
            core, project_id, person_id=person_id, before=before, limit=limit + 1
        )
    talks: list[Talk] = []
    if TALKS in kinds:
        talks = talking.talks(core, project_id, person_id, zone, before=place, limit=limit + 1)
    deeds: list[TicketDeed] = []
    if TICKETS in kinds:
        deeds = talking.deeds(core, project_id, person_id, before=place, limit=limit + 1)
    reached: list[Milestone] = []
    if REACHED in kinds and person is not None:
        reached = funnels.milestones(core, project_id, person, before=place)
    others: tuple[Sequence[Part], ...] = (moved, written, talks, deeds, reached)
    ends += [_place(found[limit - 1]) for found in others if len(found) > limit]
    end = max(ends, default=None)
    parts = [*done.items, *(one for found in others for one in found[:limit])]
    items = [one for one in parts if end is None or _place(one) >= end]
    return History(sorted(items, key=_place, reverse=True), write_cursor(*end) if end else None)


def newest_of(core: Connection, project_id: UUID, person_id: UUID) -> str:
    """What the timeline begins with, and how its notes stand: another text once that changes."""
    event = timeline.newest_of(core, project_id, person_id)
    moved = segments.transitions_of(core, project_id, person_id, limit=1)
    notes, at = notes_queries.state(core, project_id, person_id)
    written = f"{notes}.{at.timestamp()}" if at else ""
    talked = talking.state(core, project_id, person_id).mark
    return f"{event or ''}.{moved[0].id if moved else ''}.{written}.{talked}"


def _place(item: Part) -> Place:
    match item:
        case Visit():
            return item.newest
        case Event():
            return item.happened_at, item.id
        case Talk() | TicketDeed() | Milestone():
            return item.at, item.id
        case Transition():
            return instant_of(item.id) + _MILLISECOND, item.id
        case Note():
            return instant_of(item.id), item.id


def _before(place: Place, after: timedelta = timedelta(0)) -> UUID:
    """The id such that those with lesser ones stand behind the place.

    They stand so long `after` the millisecond in which their ids were made.
    """
    at, id_ = min(max(place[0], _EPOCH + after), _END) - after, place[1]
    if at.microsecond % 1000:
        return first_id(at + _MILLISECOND)
    return max(first_id(at), min(id_, first_id(at + _MILLISECOND)))
