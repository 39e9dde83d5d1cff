"""Conversations as programs list them: by how they stand, whose they are and with whom.

The inbox's own lists are `views`, made for agents' eyes; these take any combination of conditions.
Each is read in the order of what was said last, behind a cursor, from the index that fits best.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox import views
from regulars.inbox.conversations import COLUMNS, Channel, Conversation, Priority, State, Status
from regulars.inbox.views import BEHIND_NEWEST, NEWEST, Page
from regulars.kit.text import fold

Connection = psycopg.Connection[Any]

NOBODY = "nobody"

# Those that were merged into another are that other's by now. Conditions are literals where the
# partial indexes say them, and parameters elsewhere.
LIST = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.merged_into IS NULL {{where}}
ORDER BY {NEWEST} LIMIT %(limit)s
"""
_STATES: dict[State, str] = {
    "open": "c.state = 'open'",
    "snoozed": "c.state = 'snoozed'",
    "closed": "c.state = 'closed'",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations; all that is given must hold. `assignee` may be NOBODY."""

    tickets: bool | None = None
    person_id: UUID | None = None
    assignee: UUID | str | None = None
    state: State | None = None
    channel: Channel | None = None
    waiting: bool | None = None
    status: Status | None = None
    priority: Priority | None = None
    number: int | None = None
    tag: str | None = None
    due_before: datetime | None = None


def listed(
    connection: Connection,
    project_id: UUID,
    wanted: Wanted,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of them, whatever was said in last first. Raises InvalidError for a bad cursor."""
    conditions, named = _conditions(wanted)
    named |= {"project": project_id, "limit": limit + 1}
    behind = ""
    if cursor is not None:
        named["at"], named["id"] = views.read_cursor(cursor)
        behind = BEHIND_NEWEST
    where = " ".join([*(f"AND {one}" for one in conditions), behind])
    with connection.cursor(row_factory=class_row(Conversation)) as rows:
        found = rows.execute(LIST.format(where=where), named).fetchall()
    shown = found[:limit]
    return Page(shown, views.cursor_of(shown[-1]) if len(found) > limit else None)


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """The conditions in SQL, and what they name."""
    conditions: list[str] = []
    if wanted.tickets is not None:
        conditions.append(f"c.number IS {'NOT ' if wanted.tickets else ''}NULL")
    if wanted.state is not None:
        conditions.append(_STATES[wanted.state])
    if wanted.waiting is not None:
        conditions.append(f"c.waiting_since IS {'NOT ' if wanted.waiting else ''}NULL")
    if wanted.assignee == NOBODY:
        conditions.append("c.assignee_id IS NULL")
    named: dict[str, Any] = {}
    for condition, key, value in (
        ("c.person_id = %(person)s", "person", wanted.person_id),
        ("c.assignee_id = %(assignee)s", "assignee", _agent(wanted.assignee)),
        ("c.channel = %(channel)s", "channel", wanted.channel),
        ("c.status = %(status)s", "status", wanted.status),
        ("c.priority = %(priority)s", "priority", wanted.priority),
        ("c.number = %(number)s", "number", wanted.number),
        ("c.tags @> ARRAY[%(tag)s::text]", "tag", None if wanted.tag is None else fold(wanted.tag)),
        ("c.due_at < %(due)s", "due", wanted.due_before),
    ):
        if value is not None:
            conditions.append(condition)
            named[key] = value
    return conditions, named


def _agent(assignee: UUID | str | None) -> UUID | None:
    return assignee if isinstance(assignee, UUID) else None
