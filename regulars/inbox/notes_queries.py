"""What is asked about notes: those of a person, those the person may read, one with its history.

A note that was deleted is in none of these, but for the export of everything that is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

MOST_SHARED = 50  # that a messenger shows
MOST_VERSIONS = 200

_COLUMNS = (
    "id", "person_id", "agent_id", "html", "text", "shared", "pinned_at", "created_at",
    "edited_at", "edited_by", "deleted_at",
)  # fmt: skip
# A former colleague has a name, too.
_CALLED = "coalesce(nullif({agent}.name, ''), {agent}.email, '')"
NOTES = f"""
SELECT {", ".join(f"n.{column}" for column in _COLUMNS)},
       {_CALLED.format(agent="a")} AS by, {_CALLED.format(agent="e")} AS editor
FROM note n LEFT JOIN agent a ON a.id = n.agent_id LEFT JOIN agent e ON e.id = n.edited_by
"""
FIND = f"""
{NOTES}
WHERE n.project_id = %s AND n.id = %s AND n.deleted_at IS NULL
"""
OF_PERSON = f"""
{NOTES}
WHERE n.project_id = %s AND n.person_id = %s AND n.deleted_at IS NULL
ORDER BY n.pinned_at DESC NULLS LAST, n.id DESC LIMIT %s
"""
# Newest first, behind a note; of one person, or of everybody.
BEHIND = f"""
{NOTES}
WHERE n.project_id = %(project)s AND (%(person)s::uuid IS NULL OR n.person_id = %(person)s)
  AND (%(before)s::uuid IS NULL OR n.id < %(before)s)
  AND (%(deleted)s OR n.deleted_at IS NULL)
ORDER BY n.id DESC LIMIT %(limit)s
"""
# Names of agents, but never their addresses: the person reads this.
SHARED_WITH = """
SELECT n.id, n.html, n.agent_id, coalesce(a.name, '') AS by, n.created_at AS at
FROM note n LEFT JOIN agent a ON a.id = n.agent_id
WHERE n.project_id = %s AND n.person_id = %s AND n.shared AND n.deleted_at IS NULL
ORDER BY n.pinned_at DESC NULLS LAST, n.id DESC LIMIT %s
"""
HISTORY = f"""
SELECT v.id, v.note_id, v.agent_id, v.html, v.shared, v.at, {_CALLED.format(agent="a")} AS by
FROM note_version v LEFT JOIN agent a ON a.id = v.agent_id
WHERE v.project_id = %s AND v.note_id = ANY(%s) ORDER BY v.id DESC LIMIT %s
"""
STATE = """
SELECT count(*), max(greatest(created_at, edited_at)) FROM note
WHERE project_id = %s AND person_id = %s AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A note about a person. `html` is sanitised, `text` the same without markup.

    `by` and `editor` are what the agents are called who wrote it and who changed it last; empty
    where it was nobody, or none but the REST API.
    """

    id: UUID
    person_id: UUID
    agent_id: UUID | None
    html: str
    text: str
    shared: bool
    pinned_at: datetime | None
    created_at: datetime
    edited_at: datetime | None
    edited_by: UUID | None
    deleted_at: datetime | None
    by: str
    editor: str


@dataclass(frozen=True, slots=True)
class SharedNote:
    """A note as the person reads it. `by` is the agent's name, or empty."""

    id: UUID
    html: str
    agent_id: UUID | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """What a note said from an instant on, who could read it, and who made it so."""

    id: UUID
    note_id: UUID
    agent_id: UUID | None
    html: str
    shared: bool
    at: datetime
    by: str


def note(connection: Connection, project_id: UUID, note_id: UUID) -> Note:
    """One note. Raises UnknownError."""
    found = read(connection, FIND, (project_id, note_id))
    if not found:
        raise UnknownError("There is no such note.")
    return found[0]


def of_person(
    connection: Connection, project_id: UUID, person_id: UUID, limit: int = 200
) -> list[Note]:
    """The person's notes: those pinned last first, then the newest."""
    return read(connection, OF_PERSON, (project_id, person_id, limit))


def behind(
    connection: Connection,
    project_id: UUID,
    *,
    person_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
    deleted: bool = False,
) -> list[Note]:
    """Notes with ids below `before`, newest first: the person's, or all of the project's."""
    asked = {
        "project": project_id, "person": person_id, "before": before, "limit": limit,
        "deleted": deleted,
    }  # fmt: skip
    return read(connection, BEHIND, asked)


def shared_with(
    connection: Connection, project_id: UUID, person_id: UUID, limit: int = MOST_SHARED
) -> list[SharedNote]:
    """What the person may read, in the same order. Ask first whether this is the person."""
    with connection.cursor(row_factory=class_row(SharedNote)) as cursor:
        return cursor.execute(SHARED_WITH, (project_id, person_id, limit)).fetchall()


def history(
    connection: Connection, project_id: UUID, note_ids: Sequence[UUID], limit: int = MOST_VERSIONS
) -> list[Version]:
    """What the notes said, the newest first; with each note what it says now."""
    with connection.cursor(row_factory=class_row(Version)) as cursor:
        return cursor.execute(HISTORY, (project_id, list(note_ids), limit)).fetchall()


def state(connection: Connection, project_id: UUID, person_id: UUID) -> tuple[int, datetime | None]:
    """How many notes there are of the person, and when one was last written or changed."""
    row = connection.execute(STATE, (project_id, person_id)).fetchone()
    return (row[0], row[1]) if row else (0, None)


def read(
    connection: Connection, statement: str, asked: Sequence[Any] | Mapping[str, Any]
) -> list[Note]:
    """Rows of NOTES as notes."""
    with connection.cursor(row_factory=class_row(Note)) as cursor:
        return cursor.execute(statement, asked).fetchall()
