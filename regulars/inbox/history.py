"""What was said with a person, as parts of their history: lines, and days of talking.

Both are read behind a place (instant, id of a message), the newest first. The team's own notes
among the messages are no part of it: they are in the thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox.conversations import By, Channel

Connection = psycopg.Connection[Any]
Place = tuple[datetime, UUID]
Deed = Literal["ticketed", "closed", "reopened", "changed"]

# Whatever was said aloud, and that a ticket was opened; `begins` where nothing of it came before.
LINES = """
SELECT m.id, m.at, m.conversation_id, m.seq, m.by, m.agent_id, m.channel, left(m.body, 500) AS text,
       c.subject, coalesce((m.what->>'number')::bigint, c.number) AS number,
       NOT EXISTS (
           SELECT 1 FROM message e
           WHERE e.project_id = m.project_id AND e.conversation_id = m.conversation_id
             AND e.seq < m.seq
             AND (e.by IN ('person', 'agent') OR e.what->>'did' = 'ticketed')
       ) AS begins
FROM conversation c
JOIN message m ON m.project_id = c.project_id AND m.conversation_id = c.id
WHERE c.project_id = %(project)s AND c.person_id = %(person)s
  AND (m.by IN ('person', 'agent') OR (m.by = 'system' AND m.what->>'did' = 'ticketed'))
  AND (%(at)s::timestamptz IS NULL OR (m.at, m.id) < (%(at)s, %(before)s))
ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""
# A conversation's day: how much either side said, and what was said last. It stands where that was.
DAYS = """
WITH day AS (
    SELECT m.conversation_id, max(m.at) AS at,
           (array_agg(m.id ORDER BY m.at DESC, m.id DESC))[1] AS id,
           count(*) FILTER (WHERE m.by = 'person') AS theirs,
           count(*) FILTER (WHERE m.by = 'agent') AS ours, min(m.seq) AS first
    FROM conversation c
    JOIN message m ON m.project_id = c.project_id AND m.conversation_id = c.id
    WHERE c.project_id = %(project)s AND c.person_id = %(person)s AND m.by IN ('person', 'agent')
    GROUP BY m.conversation_id, (m.at AT TIME ZONE %(zone)s)::date
)
SELECT day.id, day.at, day.conversation_id, day.theirs, day.ours, c.subject, c.number, c.channel,
       last.by, last.agent_id, left(last.body, 500) AS text,
       (SELECT count(*) FROM attachment a
        WHERE a.project_id = last.project_id AND a.message_id = last.id) AS files,
       NOT EXISTS (
           SELECT 1 FROM message e
           WHERE e.project_id = c.project_id AND e.conversation_id = c.id AND e.seq < day.first
             AND e.by IN ('person', 'agent')
       ) AS begins
FROM day
JOIN conversation c ON c.project_id = %(project)s AND c.id = day.conversation_id
JOIN message last ON last.project_id = c.project_id AND last.id = day.id
WHERE %(at)s::timestamptz IS NULL OR (day.at, day.id) < (%(at)s, %(before)s)
ORDER BY day.at DESC, day.id DESC LIMIT %(limit)s
"""
# What became of tickets: opened, done, opened again, or of another status.
DEEDS = """
SELECT m.id, m.at, m.conversation_id, m.agent_id, m.what->>'did' AS did,
       m.what->'changed'->'status'->>1 AS status, c.subject,
       coalesce((m.what->>'number')::bigint, c.number) AS number
FROM conversation c
JOIN message m ON m.project_id = c.project_id AND m.conversation_id = c.id
WHERE c.project_id = %(project)s AND c.person_id = %(person)s AND m.by = 'system'
  AND (m.what->>'did' = 'ticketed'
       OR (c.number IS NOT NULL AND (m.what->>'did' IN ('closed', 'reopened')
                                     OR m.what->'changed' ? 'status')))
  AND (%(at)s::timestamptz IS NULL OR (m.at, m.id) < (%(at)s, %(before)s))
ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""
# How many there are, and a text that is another once anything was said or done.
STATE = """
SELECT count(*), count(number),
       count(*) || '.' || coalesce(sum(last_seq), 0)
FROM conversation WHERE project_id = %s AND person_id = %s
"""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said, or (`by` system) that a ticket was opened."""

    id: UUID
    at: datetime
    conversation_id: UUID
    seq: int
    by: By
    agent_id: UUID | None
    channel: Channel
    text: str
    subject: str
    number: int | None
    begins: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A day of a conversation: how many messages either side wrote, and the last of them."""

    id: UUID
    at: datetime
    conversation_id: UUID
    theirs: int
    ours: int
    subject: str
    number: int | None
    channel: Channel
    by: By
    agent_id: UUID | None
    text: str
    files: int
    begins: bool


@dataclass(frozen=True, slots=True)
class TicketDeed:
    """What became of a ticket. `status` is its new one where that was set."""

    id: UUID
    at: datetime
    conversation_id: UUID
    agent_id: UUID | None
    did: Deed
    status: str | None
    subject: str
    number: int | None


@dataclass(frozen=True, slots=True)
class State:
    """How much there is: conversations, tickets among them, and a text that changes with them."""

    conversations: int
    tickets: int
    mark: str


def lines(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    *,
    before: Place | None = None,
    limit: int,
) -> list[Line]:
    """What was said, behind the place."""
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(LINES, _asked(project_id, person_id, before, limit)).fetchall()


def talks(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    zone: str,
    *,
    before: Place | None = None,
    limit: int,
) -> list[Talk]:
    """Days of talking behind the place; days are those of the time zone."""
    with connection.cursor(row_factory=class_row(Talk)) as cursor:
        asked = _asked(project_id, person_id, before, limit) | {"zone": zone}
        return cursor.execute(DAYS, asked).fetchall()


def deeds(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    *,
    before: Place | None = None,
    limit: int,
) -> list[TicketDeed]:
    """What became of the person's tickets, behind the place."""
    with connection.cursor(row_factory=class_row(TicketDeed)) as cursor:
        return cursor.execute(DEEDS, _asked(project_id, person_id, before, limit)).fetchall()


def state(connection: Connection, project_id: UUID, person_id: UUID) -> State:
    """How much there is."""
    row = connection.execute(STATE, (project_id, person_id), prepare=True).fetchone()
    return State(*row) if row else State(0, 0, "")


def _asked(project_id: UUID, person_id: UUID, before: Place | None, limit: int) -> dict[str, Any]:
    at, id_ = before or (None, None)
    return {
        "project": project_id,
        "person": person_id,
        "at": at,
        "before": id_,
        "limit": limit,
    }
