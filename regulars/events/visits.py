"""Visits: a person's sessions with the pages seen in them and how long each was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

PAGES = ("page", "screen")
MOST_PAGES = 100  # of a visit that are listed
MOST_EVENTS = 2_000  # of a visit that are read
LONGEST = timedelta(days=2)  # how far a visit's events are looked for
EARLY = timedelta(minutes=30)  # an event that arrives late may come before what opened its session

SESSIONS = """
SELECT id, started_at, entry_url, referrer, utm, browser, os, device, country_code, city
FROM session WHERE project_id = %s AND id = ANY(%s)
"""
# Each visit's events, oldest first, within the time a visit can last.
OF_SESSIONS = """
SELECT e.* FROM unnest(%(sessions)s::uuid[], %(starts)s::timestamptz[]) AS s (id, started_at),
LATERAL (
    SELECT session_id, id, kind, name, happened_at, url, path, title
    FROM event
    WHERE project_id = %(project)s AND person_id = %(person)s AND session_id = s.id
      AND happened_at >= s.started_at - %(early)s AND happened_at < s.started_at + %(longest)s
    ORDER BY happened_at, id
    LIMIT %(most)s
) e
ORDER BY e.happened_at, e.id
"""
LATEST_SESSION = """
SELECT id, started_at, entry_url, referrer, utm, browser, os, device, country_code, city
FROM session WHERE project_id = %s AND person_id = %s
ORDER BY started_at DESC, id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class PageView:
    """A page, when it was opened and how long it was looked at; None where nobody can tell."""

    at: datetime
    path: str | None
    url: str | None
    title: str | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A session: from its first event to its last, with its pages, oldest first.

    `pages` holds the first of `page_count`.
    """

    id: UUID
    started_at: datetime
    ended_at: datetime
    newest: tuple[datetime, UUID]  # its last page view: where it stands in the timeline
    page_count: int
    pages: list[PageView]
    entry_url: str | None = None
    referrer: str | None = None
    utm: dict[str, Any] | None = None
    browser: str | None = None
    os: str | None = None
    device: str | None = None
    country_code: str | None = None
    city: str | None = None

    @property
    def at(self) -> datetime:
        """Where it stands in the timeline."""
        return self.newest[0]


def visits_of(
    connection: Connection, project_id: UUID, person_id: UUID, session_ids: Sequence[UUID]
) -> dict[UUID, Visit]:
    """The person's sessions with their pages; those without a page view are left out."""
    if not session_ids:
        return {}
    sessions = {
        row[0]: row for row in connection.execute(SESSIONS, (project_id, list(session_ids)))
    }
    rows = connection.execute(
        OF_SESSIONS,
        {
            "project": project_id,
            "person": person_id,
            "sessions": list(sessions),
            "starts": [row[1] for row in sessions.values()],
            "early": EARLY,
            "longest": LONGEST,
            "most": MOST_EVENTS,
        },
    ).fetchall()
    by_session: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_session.setdefault(row[0], []).append(row)
    visits = (_visit(sessions[id_], events) for id_, events in by_session.items())
    return {visit.id: visit for visit in visits if visit is not None}


def latest_visit(connection: Connection, project_id: UUID, person_id: UUID) -> Visit | None:
    """The visit that began last."""
    row = connection.execute(LATEST_SESSION, (project_id, person_id)).fetchone()
    return visits_of(connection, project_id, person_id, [row[0]]).get(row[0]) if row else None


def _visit(session: tuple[Any, ...], events: list[tuple[Any, ...]]) -> Visit | None:
    """The session with its events, the oldest first; None where no page is among them."""
    seen = [row for row in events if row[2] in PAGES]
    if not seen:
        return None
    # A page lasts until the next one; the last one until the last thing done on it.
    until = [*(row[4] for row in seen[1:]), events[-1][4]]
    pages = []
    for (_, _, _, name, at, url, path, title), end in zip(seen[:MOST_PAGES], until, strict=False):
        seconds = int((end - at).total_seconds())
        pages.append(PageView(at, path or name, url, title, seconds or None))
    id_, started_at, *rest = session
    newest = (seen[-1][4], seen[-1][1])
    started_at = min(started_at, events[0][4])
    return Visit(id_, started_at, events[-1][4], newest, len(seen), pages, *rest)
