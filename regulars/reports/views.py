"""Views of the reports that are kept under a name: what was asked, not what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MOST = 50
LONGEST_NAME = 80

# Who adds a view waits for others who do.
HOLD = "SELECT FROM project WHERE id = %s FOR NO KEY UPDATE"
ALL = "SELECT id, name, asked, created_by FROM report_view WHERE project_id = %s ORDER BY id"
ADD = """
INSERT INTO report_view (project_id, id, name, asked, created_by, created_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
DELETE = "DELETE FROM report_view WHERE project_id = %s AND id = %s RETURNING name"


@dataclass(frozen=True, slots=True)
class View:
    """A kept view."""

    id: UUID
    name: str
    asked: dict[str, str]
    created_by: UUID | None


def views(connection: Connection, project_id: UUID) -> list[View]:
    """The project's views, by name."""
    with connection.cursor(row_factory=class_row(View)) as cursor:
        found = cursor.execute(ALL, (project_id,)).fetchall()
    return sorted(found, key=lambda one: (fold(one.name), one.id))


def save(
    connection: Connection,
    project_id: UUID,
    name: str,
    asked: Mapping[str, str],
    now: datetime,
    by: UUID | None,
) -> UUID:
    """Keep a view. In a transaction. Raises InvalidError, and ConflictError for a taken name."""
    called = " ".join(name.replace("\x00", " ").split())
    if not called:
        raise InvalidError("name", "A view needs a name.")
    if len(called) > LONGEST_NAME:
        raise InvalidError("name", f"A name has at most {LONGEST_NAME} characters.")
    connection.execute(HOLD, (project_id,))
    there = views(connection, project_id)
    if fold(called) in {fold(one.name) for one in there}:
        raise ConflictError("name", "Another view has this name.")
    if len(there) >= MOST:
        raise ConflictError("name", f"A project has at most {MOST} views. Delete one first.")
    id_ = new_id(now)
    connection.execute(ADD, (project_id, id_, called, Jsonb(dict(asked)), by, now))
    return id_


def delete(connection: Connection, project_id: UUID, view_id: UUID) -> str:
    """Keep it no longer; what it was called. Raises UnknownError."""
    row = connection.execute(DELETE, (project_id, view_id)).fetchone()
    if row is None:
        raise UnknownError("There is no such view.")
    return str(row[0])
