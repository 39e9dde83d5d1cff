"""What a person did, newest first: visits with their pages, and events.

A visit is a session with its page views; it stands where its newest page view was. A part of the
timeline is cut by the person's events, so that it costs the same however long the history is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg

from regulars.events.visits import PAGES, Visit, visits_of
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
Group = Literal["pages", "events", "facts"]

# Which kinds of event an agent tells apart: what was seen, what was done, what was said.
GROUPS: dict[Group, tuple[str, ...]] = {
    "pages": PAGES,
    "events": ("track", "internal"),
    "facts": ("identify", "group", "alias"),
}
MOST_COUNTED = 10_000

EVENTS = """
SELECT id, session_id, kind, name, happened_at, url, path, title, properties, source, message_id
FROM event
WHERE project_id = %(project)s AND person_id = %(person)s AND kind = ANY(%(kinds)s)
  AND (%(at)s::timestamptz IS NULL OR (happened_at, id) < (%(at)s, %(id)s))
ORDER BY happened_at DESC, id DESC
LIMIT %(limit)s
"""
NEWEST = """
SELECT id FROM event WHERE project_id = %s AND person_id = %s
ORDER BY happened_at DESC, id DESC LIMIT 1
"""
COUNTS = f"""
SELECT kind, count(*) FROM (
    SELECT kind FROM event WHERE project_id = %s AND person_id = %s LIMIT {MOST_COUNTED + 1}
) counted GROUP BY kind
"""
HELD = f"""
SELECT (SELECT count(*) FROM (
           SELECT 1 FROM event WHERE project_id = %(project)s AND person_id = %(person)s
           LIMIT {MOST_COUNTED + 1}) e),
       (SELECT count(*) FROM (
           SELECT 1 FROM session WHERE project_id = %(project)s AND person_id = %(person)s
           LIMIT {MOST_COUNTED + 1}) s)
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did, as it is kept."""

    id: UUID
    session_id: UUID | None
    kind: str
    name: str | None
    happened_at: datetime
    url: str | None
    path: str | None
    title: str | None
    properties: dict[str, Any] | None
    source: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Part of a timeline, newest first; `next` continues it."""

    items: list[Visit | Event]
    next: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each group there are; not `exact` beyond some thousands."""

    groups: dict[Group, int] = field(default_factory=dict)
    exact: bool = True


def timeline(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    *,
    groups: Iterable[Group] = GROUPS,
    limit: int = 50,
    cursor: str | None = None,
) -> Timeline:
    """Up to `limit` events behind the cursor, gathered into visits. Raises InvalidError."""
    events, following = events_of(
        connection, project_id, person_id, groups=groups, limit=limit, cursor=cursor
    )
    seen = read_cursor(cursor) if cursor else None
    sessions = {e.session_id for e in events if e.session_id and e.kind in PAGES}
    visits = visits_of(connection, project_id, person_id, list(sessions))
    items: list[Visit | Event] = []
    shown: set[UUID] = set()
    for event in events:
        visit = visits.get(event.session_id) if event.session_id else None
        if event.kind not in PAGES or visit is None:
            items.append(event)
        elif visit.id not in shown:
            shown.add(visit.id)
            # A visit whose newest page came in an earlier part was shown there.
            if seen is None or visit.newest < seen:
                items.append(visit)
    return Timeline(items, following)


def events_of(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    *,
    groups: Iterable[Group] = GROUPS,
    limit: int = 50,
    cursor: str | None = None,
) -> tuple[list[Event], str | None]:
    """Up to `limit` single events behind the cursor, newest first, and the next cursor."""
    at, id_ = read_cursor(cursor) if cursor else (None, None)
    rows = connection.execute(
        EVENTS,
        {
            "project": project_id,
            "person": person_id,
            "kinds": [kind for group in groups for kind in GROUPS[group]],
            "at": at,
            "id": id_,
            "limit": limit + 1,
        },
    ).fetchall()
    events = [Event(*row) for row in rows[:limit]]
    following = write_cursor(events[-1].happened_at, events[-1].id) if len(rows) > limit else None
    return events, following


def newest_of(connection: Connection, project_id: UUID, person_id: UUID) -> UUID | None:
    """The event that the timeline begins with."""
    row = connection.execute(NEWEST, (project_id, person_id), prepare=True).fetchone()
    return row[0] if row else None


def counts(connection: Connection, project_id: UUID, person_id: UUID) -> Counts:
    """How many pages, events and facts there are."""
    kinds = dict(connection.execute(COUNTS, (project_id, person_id)).fetchall())
    groups = {name: sum(kinds.get(kind, 0) for kind in of) for name, of in GROUPS.items()}
    return Counts(groups, exact=sum(kinds.values()) <= MOST_COUNTED)


def held(connection: Connection, project_id: UUID, person_id: UUID) -> tuple[int, int]:
    """How many events and sessions are kept of the person; beyond 10,000 the count stops."""
    row = connection.execute(HELD, {"project": project_id, "person": person_id}).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def write_cursor(at: datetime, id_: UUID) -> str:
    """The place behind which a part begins."""
    packed = msgspec.json.encode([at, id_])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The place that a cursor names. Raises InvalidError."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        at, id_ = msgspec.json.decode(packed, type=tuple[datetime, UUID])
    except (binascii.Error, msgspec.DecodeError, ValueError, UnicodeError):
        raise InvalidError("cursor", "That is not a cursor of this timeline.") from None
    if at.tzinfo is None:
        raise InvalidError("cursor", "That is not a cursor of this timeline.")
    return at, id_
