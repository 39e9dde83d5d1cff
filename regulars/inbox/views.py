"""The lists of the inbox: what is mine, nobody's, waiting, put off, done; and how many of each.

Each is read from an index in its own order, a page at a time behind a cursor, and counted no
further than what is shown, so that a million conversations are as quick as ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox import conversations
from regulars.inbox.conversations import COLUMNS, STATUSES, Conversation
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
View = Literal["mine", "unassigned", "all", "waiting", "snoozed", "closed", "tickets", "mentions"]

VIEWS: tuple[View, ...] = get_args(View)
UNSOLVED = "unsolved"  # of tickets: open or pending
TICKETS = (UNSOLVED, *STATUSES, "any")
A_PAGE = 40
MOST_COUNTED = 99

# Literals, not parameters: the partial indexes say the same words.
_MENTIONED = """
c.id IN (SELECT m.conversation_id FROM mention m
         WHERE m.project_id = %(project)s AND m.project_id = c.project_id
           AND m.agent_id = %(agent)s AND m.seen_at IS NULL)
"""
_WHERE: Mapping[str, str] = {
    "mine": "c.state = 'open' AND c.assignee_id = %(agent)s",
    "unassigned": "c.state = 'open' AND c.assignee_id IS NULL",
    "all": "c.state = 'open'",
    "waiting": "c.state = 'open' AND c.waiting_since IS NOT NULL",
    "snoozed": "c.state = 'snoozed'",
    "closed": "c.state = 'closed'",
    "mentions": _MENTIONED,
}
_TICKETS: Mapping[str, str] = {
    UNSOLVED: "c.status IN ('open', 'pending')",
    "any": "c.number IS NOT NULL",
    **{one: f"c.number IS NOT NULL AND c.status = '{one}'" for one in STATUSES},
}
PAGE = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.merged_into IS NULL AND {{where}} {{behind}}
ORDER BY {{order}} LIMIT %(limit)s
"""
AMONG = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.merged_into IS NULL AND {{where}} AND c.id = ANY(%(ids)s)
"""
NEWEST = "c.last_at DESC, c.id DESC"
BEHIND_NEWEST = "AND (c.last_at, c.id) < (%(at)s, %(id)s)"
LONGEST = "c.waiting_since, c.id"  # whoever waits longest comes first
BEHIND_LONGEST = "AND (c.waiting_since, c.id) > (%(at)s, %(id)s)"
COUNT = f"""
SELECT '{{name}}', count(*) FROM (
    SELECT 1 FROM conversation c
    WHERE c.project_id = %(project)s AND c.merged_into IS NULL AND {{where}}
    LIMIT {MOST_COUNTED + 1}
) AS "{{name}}"
"""
COUNTS = " UNION ALL ".join(
    COUNT.format(name=view, where=_WHERE.get(view, _TICKETS[UNSOLVED])) for view in VIEWS
)
# What an agent is to look at: written by people, seen by nobody, theirs or (unless they want to
# hear of theirs alone) nobody's; and where a colleague mentions them.
UNREAD = f"""
SELECT count(*) FROM (
    SELECT c.id FROM conversation c
    WHERE c.project_id = %(project)s AND c.merged_into IS NULL AND c.state = 'open'
      AND c.person_seq > c.agents_seen
      AND (c.assignee_id = %(agent)s OR (c.assignee_id IS NULL AND NOT %(only_mine)s))
    UNION
    SELECT m.conversation_id FROM mention m
    WHERE m.project_id = %(project)s AND m.agent_id = %(agent)s AND m.seen_at IS NULL
    LIMIT {MOST_COUNTED + 1}
) unread
"""
MENTIONED_IN = """
SELECT conversation_id, max(seq) FROM mention
WHERE project_id = %s AND agent_id = %s AND conversation_id = ANY(%s) AND seen_at IS NULL
GROUP BY conversation_id
"""
OF_PERSON = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.person_id = %(person)s AND c.merged_into IS NULL
ORDER BY c.last_at DESC, c.id DESC LIMIT %(limit)s
"""
RATINGS = """
SELECT count(rating), avg(rating) FROM conversation
WHERE project_id = %s AND person_id = %s AND rating IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which list it is: a view, as one agent sees it; of tickets those of a status."""

    view: View
    agent_id: UUID
    status: str = UNSOLVED

    @property
    def where(self) -> str:
        """The condition that makes the list."""
        return _TICKETS[self.status] if self.view == "tickets" else _WHERE[self.view]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `next` is the cursor behind it; None at the end."""

    rows: list[Conversation]
    next: str | None


def is_view(text: str) -> bool:
    """Whether there is such a list."""
    return text in VIEWS


def asked(view: str, agent_id: UUID, status: str = UNSOLVED) -> Asked:
    """The list by its names. Raises InvalidError."""
    if view not in VIEWS:
        raise InvalidError("view", f"Expected one of {', '.join(VIEWS)}.")
    if status not in TICKETS:
        raise InvalidError("status", f"Expected one of {', '.join(TICKETS)}.")
    return Asked(view, agent_id, status)


def page(
    connection: Connection,
    project_id: UUID,
    which: Asked,
    *,
    cursor: str | None = None,
    limit: int = A_PAGE,
) -> Page:
    """A page of the list. Raises InvalidError for a cursor that is none."""
    waits = which.view == "waiting"
    named: dict[str, Any] = {"project": project_id, "agent": which.agent_id, "limit": limit + 1}
    behind = ""
    if cursor:
        named["at"], named["id"] = read_cursor(cursor)
        behind = BEHIND_LONGEST if waits else BEHIND_NEWEST
    statement = PAGE.format(where=which.where, behind=behind, order=LONGEST if waits else NEWEST)
    rows = _read(connection, statement, named)
    shown = rows[:limit]
    return Page(shown, cursor_of(shown[-1], waits=waits) if len(rows) > limit else None)


def among(
    connection: Connection, project_id: UUID, which: Asked, ids: Sequence[UUID]
) -> dict[UUID, Conversation]:
    """Those of the conversations that are on the list now."""
    named = {"project": project_id, "agent": which.agent_id, "ids": list(ids)}
    return {one.id: one for one in _read(connection, AMONG.format(where=which.where), named)}


def counts(connection: Connection, project_id: UUID, agent_id: UUID) -> dict[View, int]:
    """How many conversations each view has; of more than 99, 100."""
    named = {"project": project_id, "agent": agent_id}
    rows = connection.execute(COUNTS, named, prepare=True).fetchall()
    return cast("dict[View, int]", dict(rows))


def unread(
    connection: Connection, project_id: UUID, agent_id: UUID, *, only_mine: bool = False
) -> int:
    """How many conversations wait for the agent's look; of more than 99, 100."""
    named = {"project": project_id, "agent": agent_id, "only_mine": only_mine}
    row = connection.execute(UNREAD, named, prepare=True).fetchone()
    return 0 if row is None else int(row[0])


def mentioned_in(
    connection: Connection, project_id: UUID, agent_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, int]:
    """Those of the conversations in which the agent is mentioned and has not looked, and where."""
    rows = connection.execute(MENTIONED_IN, (project_id, agent_id, list(ids)), prepare=True)
    return dict(rows.fetchall())


def of_person(
    connection: Connection, project_id: UUID, person_id: UUID, *, limit: int = 6
) -> list[Conversation]:
    """A person's conversations, the newest first."""
    named = {"project": project_id, "person": person_id, "limit": limit}
    return _read(connection, OF_PERSON, named)


def ratings_of(
    connection: Connection, project_id: UUID, person_id: UUID
) -> tuple[int, float] | None:
    """How many of their conversations a person rated, and how on average; None for none."""
    row = connection.execute(RATINGS, (project_id, person_id)).fetchone()
    return (row[0], float(row[1])) if row is not None and row[0] else None


def bounded(count: int) -> str:
    """A count as it is shown."""
    return str(count) if count <= MOST_COUNTED else f"{MOST_COUNTED}+"


def cursor_of(one: Conversation, *, waits: bool = False) -> str:
    """The place behind a conversation, of a list by what was said last or by who `waits`."""
    at = one.waiting_since if waits else one.last_at
    # Without a "+", which addresses read as a space.
    return f"{(at or one.last_at).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{one.id}"


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The place that a cursor names. Raises InvalidError."""
    at, _, id_ = text.partition("~")
    try:
        when, key = datetime.fromisoformat(at), UUID(id_)
    except ValueError as wrong:
        raise InvalidError("cursor", "That is no place in this list.") from wrong
    if when.tzinfo is None:
        raise InvalidError("cursor", "That is no place in this list.")
    return when, key


def _read(connection: Connection, statement: str, named: dict[str, Any]) -> list[Conversation]:
    with connection.cursor(row_factory=class_row(conversations.Conversation)) as cursor:
        return cursor.execute(statement, named).fetchall()
