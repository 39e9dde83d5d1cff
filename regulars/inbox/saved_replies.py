"""Saved replies: texts that agents send again and again, found by typing a slash.

Every function takes a connection with a transaction open. A deleted one can be brought back for
some days; then the next deletion takes it away for good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox import merge_tags
from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces import plain
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MAX_NAME = 80
MAX_BODY = 5_000
MAX_REPLIES = 500  # of a project
KEPT = timedelta(days=7)  # that a deleted one can be brought back

# What the audit log calls these.
AUDITED = {
    "saved_reply.made": "Made a saved reply",
    "saved_reply.changed": "Changed a saved reply",
    "saved_reply.deleted": "Deleted a saved reply",
    "saved_reply.restored": "Brought a saved reply back",
}

_SHORTCUT = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A saved reply; `body` holds merge tags."""

    id: UUID
    name: str
    shortcut: str | None
    body: str
    used: int
    last_used: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


_COLUMNS = ", ".join(one.name for one in fields(SavedReply))

ALL = f"""
SELECT {_COLUMNS} FROM saved_reply WHERE project_id = %s AND deleted_at IS NULL
ORDER BY used DESC, id
"""
# Those whose shortcut begins with it come first, then those that are used most.
SEARCH = f"""
SELECT {_COLUMNS} FROM saved_reply
WHERE project_id = %(project)s AND deleted_at IS NULL AND strpos(words, %(typed)s) > 0
ORDER BY %(typed)s <> '' AND starts_with(shortcut, %(typed)s) IS NOT TRUE, used DESC, id
LIMIT %(limit)s
"""
GET = f"""
SELECT {_COLUMNS} FROM saved_reply WHERE project_id = %s AND id = %s AND deleted_at IS NULL
"""
COUNT = "SELECT count(*) FROM saved_reply WHERE project_id = %s AND deleted_at IS NULL"
# Names and shortcuts are given one at a time in a project.
LOCK = "SELECT FROM project WHERE id = %s FOR NO KEY UPDATE"
TAKEN = """
SELECT name FROM saved_reply
WHERE project_id = %s AND shortcut = %s AND id <> %s AND deleted_at IS NULL
"""
ADD = """
INSERT INTO saved_reply (project_id, id, name, shortcut, body, words, created_at, created_by,
                         changed_at, changed_by)
VALUES (%(project)s, %(id)s, %(name)s, %(shortcut)s, %(body)s, %(words)s, %(now)s, %(by)s,
        %(now)s, %(by)s)
"""
CHANGE = """
UPDATE saved_reply SET name = %(name)s, shortcut = %(shortcut)s, body = %(body)s,
                       words = %(words)s, changed_at = %(now)s, changed_by = %(by)s
WHERE project_id = %(project)s AND id = %(id)s AND deleted_at IS NULL
"""
USE = """
UPDATE saved_reply SET used = used + 1, last_used = greatest(last_used, %s)
WHERE project_id = %s AND id = %s AND deleted_at IS NULL
"""
DELETE = "UPDATE saved_reply SET deleted_at = %s WHERE project_id = %s AND id = %s"
FORGET = "DELETE FROM saved_reply WHERE project_id = %s AND deleted_at < %s"
DELETED = """
SELECT name, shortcut FROM saved_reply
WHERE project_id = %s AND id = %s AND deleted_at >= %s FOR UPDATE
"""
RESTORE = """
UPDATE saved_reply SET deleted_at = NULL, shortcut = %s WHERE project_id = %s AND id = %s
"""


def everything(connection: Connection, project_id: UUID) -> list[SavedReply]:
    """All of the project, those first that are used most."""
    return _read(connection, ALL, (project_id,))


def search(
    connection: Connection, project_id: UUID, typed: str = "", limit: int = 20
) -> list[SavedReply]:
    """Those that hold what was typed (a slash before it means nothing), the likeliest first."""
    asked = {"project": project_id, "typed": fold(typed).removeprefix("/"), "limit": limit}
    if "\x00" in typed:
        return []
    return _read(connection, SEARCH, asked)


def get(connection: Connection, project_id: UUID, reply_id: UUID) -> SavedReply:
    """The saved reply. Raises UnknownError."""
    found = _read(connection, GET, (project_id, reply_id))
    if not found:
        raise UnknownError("There is no such saved reply.")
    return found[0]


def create(
    connection: Connection,
    project_id: UUID,
    now: datetime,
    *,
    name: Any,
    body: Any,
    shortcut: Any = "",
    by: UUID | None = None,
) -> UUID:
    """Keep another one; returns its id. Raises InvalidError, ConflictError."""
    connection.execute(LOCK, (project_id,))
    (count,) = connection.execute(COUNT, (project_id,)).fetchone() or (0,)
    if count >= MAX_REPLIES:
        raise InvalidError("name", f"A project can have {MAX_REPLIES} saved replies at most.")
    id_ = new_id(now)
    values = _values(connection, project_id, id_, name=name, shortcut=shortcut, body=body)
    connection.execute(ADD, {**values, "now": now, "by": by})
    return id_


def change(
    connection: Connection,
    project_id: UUID,
    reply_id: UUID,
    now: datetime,
    *,
    name: Any,
    body: Any,
    shortcut: Any = "",
    by: UUID | None = None,
) -> None:
    """Write it anew. Raises InvalidError, ConflictError, UnknownError."""
    connection.execute(LOCK, (project_id,))
    get(connection, project_id, reply_id)
    values = _values(connection, project_id, reply_id, name=name, shortcut=shortcut, body=body)
    connection.execute(CHANGE, {**values, "now": now, "by": by})


def delete(connection: Connection, project_id: UUID, reply_id: UUID, now: datetime) -> SavedReply:
    """Let go of it; returns what it was. Raises UnknownError."""
    connection.execute(LOCK, (project_id,))
    gone = get(connection, project_id, reply_id)
    connection.execute(FORGET, (project_id, now - KEPT))
    connection.execute(DELETE, (now, project_id, reply_id))
    return gone


def restore(connection: Connection, project_id: UUID, reply_id: UUID, now: datetime) -> SavedReply:
    """Bring a deleted one back: without its shortcut, if another has taken that meanwhile.

    Raises UnknownError for one that is not there, or was deleted too long ago.
    """
    connection.execute(LOCK, (project_id,))
    row = connection.execute(DELETED, (project_id, reply_id, now - KEPT)).fetchone()
    if row is None:
        raise UnknownError("There is no such saved reply.")
    shortcut = row[1]
    if shortcut is not None and _taken(connection, project_id, reply_id, shortcut):
        shortcut = None
    connection.execute(RESTORE, (shortcut, project_id, reply_id))
    return get(connection, project_id, reply_id)


def note_use(connection: Connection, project_id: UUID, reply_id: UUID, now: datetime) -> None:
    """Remember that it was sent; one that is gone meanwhile is nobody's concern."""
    connection.execute(USE, (now, project_id, reply_id))


def _values(
    connection: Connection, project_id: UUID, id_: UUID, *, name: Any, shortcut: Any, body: Any
) -> dict[str, Any]:
    """What is kept of it, once it is right."""
    called = plain.line("name", name, most=MAX_NAME, called="The name")
    short = _checked_shortcut(connection, project_id, id_, shortcut)
    text = _checked_body(body)
    words = fold(f"{short or ''} {called} {text}")
    return {
        "project": project_id, "id": id_, "name": called, "shortcut": short, "body": text,
        "words": words,
    }  # fmt: skip


def _checked_shortcut(
    connection: Connection, project_id: UUID, id_: UUID, value: Any
) -> str | None:
    given = plain.line(
        "shortcut", value or "", most=MAX_NAME, called="The shortcut", required=False
    )
    shortcut = fold(given).removeprefix("/")
    if not shortcut:
        return None
    if not _SHORTCUT.fullmatch(shortcut):
        message = "A shortcut is up to 30 letters a to z, digits, - and _, such as gift."
        raise InvalidError("shortcut", message)
    owner = _taken(connection, project_id, id_, shortcut)
    if owner:
        raise ConflictError("shortcut", f"/{shortcut} already finds “{owner}”.")
    return shortcut


def _checked_body(value: Any) -> str:
    text = plain.lines("body", value, most=MAX_BODY, called="The text")
    if not text:
        raise InvalidError("body", "The text can't be empty.")
    try:
        merge_tags.check(text)
    except merge_tags.TagError as wrong:
        raise InvalidError("body", str(wrong)) from wrong
    return text


def _taken(connection: Connection, project_id: UUID, id_: UUID, shortcut: str) -> str | None:
    """The name of the other reply that has this shortcut."""
    row = connection.execute(TAKEN, (project_id, shortcut, id_)).fetchone()
    return row[0] if row else None


def _read(connection: Connection, query: str, values: Any) -> list[SavedReply]:
    with connection.cursor(row_factory=class_row(SavedReply)) as cursor:
        return cursor.execute(query, values).fetchall()
