"""What is done to notes: add, edit, pin, let the person read one or not, delete and take that back.

Every function takes a connection with a transaction open. What a note said, and who could read it,
is kept with every change. What is deleted can be brought back for some days; then it is gone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import rich_text
from regulars.inbox.live import Pointer, tell
from regulars.inbox.notes_queries import NOTES, Note, read
from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MAX_TEXT = 10_000  # characters, without markup
MAX_HTML = 50_000
KEPT = timedelta(days=7)  # that a deleted note can be brought back
TOPIC = "notes"  # of the outbox: {"people": [those whose notes these are]}

_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")

# What the audit log calls these: all else about a note, its own history says.
AUDITED = {
    "note.deleted": "Deleted a note",
    "note.restored": "Brought a deleted note back",
}

# Nobody merges or erases the person meanwhile.
HOLD = "SELECT FROM person_activity WHERE project_id = %s AND id = %s FOR KEY SHARE"
LOCK = f"{NOTES} WHERE n.project_id = %s AND n.id = %s FOR UPDATE OF n"
ADD = """
INSERT INTO note (project_id, id, person_id, agent_id, html, text, words, shared, pinned_at,
                  created_at)
VALUES (%(project)s, %(id)s, %(person)s, %(by)s, %(html)s, %(text)s, %(words)s, %(shared)s,
        %(pinned_at)s, %(now)s)
"""
KEEP_VERSION = """
INSERT INTO note_version (project_id, id, note_id, agent_id, html, shared, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
EDIT = """
UPDATE note SET html = %s, text = %s, words = %s, shared = %s, edited_at = %s, edited_by = %s
WHERE project_id = %s AND id = %s
"""
PIN = "UPDATE note SET pinned_at = %s WHERE project_id = %s AND id = %s"
DELETE = "UPDATE note SET deleted_at = %s WHERE project_id = %s AND id = %s"


def add(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    html: str | None = None,
    text: str | None = None,
    shared: bool,
    pinned: bool = False,
    by: UUID | None = None,
) -> UUID:
    """Write a note about the person, as rich text or as plain text; returns its id.

    With `shared` the person may read it too. Raises InvalidError, and UnknownError for a person
    who is not there: old ids of merged people stand for nobody here.
    """
    rich, words = _body(html, text)
    if connection.execute(HOLD, (project_id, person_id)).fetchone() is None:
        raise UnknownError("There is no such person.")
    id_ = new_id(now)
    values = {
        "project": project_id, "id": id_, "person": person_id, "by": by, "html": rich,
        "text": words, "words": fold(words), "shared": shared,
        "pinned_at": now if pinned else None, "now": now,
    }  # fmt: skip
    connection.execute(ADD, values)
    connection.execute(KEEP_VERSION, (project_id, new_id(now), id_, by, rich, shared, now))
    _announce(connection, project_id, person_id, now)
    return id_


def edit(
    connection: Connection,
    project_id: UUID,
    note_id: UUID,
    now: datetime,
    *,
    html: str | None = None,
    text: str | None = None,
    shared: bool | None = None,
    by: UUID | None = None,
) -> bool:
    """Change what the note says, who may read it, or both; what is not given stays as it is.

    Returns whether anything changed. Raises InvalidError, UnknownError.
    """
    before = _locked(connection, project_id, note_id)
    rich, words = before.html, before.text
    if html is not None or text is not None:
        rich, words = _body(html, text)
    open_to_person = before.shared if shared is None else shared
    if (rich, open_to_person) == (before.html, before.shared):
        return False
    # Who waited for another's edit began before it ended, and yet is the last.
    at = max(now, (before.edited_at or before.created_at) + datetime.resolution)
    edited = (rich, words, fold(words), open_to_person, at, by, project_id, note_id)
    connection.execute(EDIT, edited)
    version = (project_id, new_id(at), note_id, by, rich, open_to_person, at)
    connection.execute(KEEP_VERSION, version)
    _announce(connection, project_id, before.person_id, now)
    return True


def pin(
    connection: Connection, project_id: UUID, note_id: UUID, now: datetime, *, pinned: bool
) -> None:
    """Keep the note above the others, or no longer. Raises UnknownError."""
    before = _locked(connection, project_id, note_id)
    if pinned == (before.pinned_at is not None):
        return
    connection.execute(PIN, (now if pinned else None, project_id, note_id))
    _announce(connection, project_id, before.person_id, now)


def delete(connection: Connection, project_id: UUID, note_id: UUID, now: datetime) -> Note:
    """Show the note nowhere any more; returns what it was. Raises UnknownError."""
    before = _locked(connection, project_id, note_id)
    connection.execute(DELETE, (now, project_id, note_id))
    _announce(connection, project_id, before.person_id, now)
    return before


def restore(connection: Connection, project_id: UUID, note_id: UUID, now: datetime) -> Note:
    """Bring a deleted note back as it was; one that is there stays. Raises UnknownError."""
    before = _locked(connection, project_id, note_id, deleted=True)
    if before.deleted_at is not None:
        if before.deleted_at <= now - KEPT:
            raise UnknownError("There is no such note any more.")
        connection.execute(DELETE, (None, project_id, note_id))
        _announce(connection, project_id, before.person_id, now)
    return before


def _locked(
    connection: Connection, project_id: UUID, note_id: UUID, *, deleted: bool = False
) -> Note:
    found = read(connection, LOCK, (project_id, note_id))
    if not found or (found[0].deleted_at is not None and not deleted):
        raise UnknownError("There is no such note.")
    return found[0]


def _body(html: str | None, text: str | None) -> tuple[str, str]:
    """The rich text as it is kept, and its words. Raises InvalidError."""
    field, given = ("text", text) if html is None else ("html", html)
    if given is None or (html is not None and text is not None):
        raise InvalidError("html", "Expected either html or text.")
    if _UNUSABLE.search(given):
        raise InvalidError(field, "There is a character in it that can't be kept.")
    if len(given) > MAX_HTML:
        raise InvalidError(field, f"A note has at most {MAX_TEXT:,} characters.")
    try:
        rich = rich_text.of_text(given) if html is None else rich_text.clean(given)
    except rich_text.TooMuchError:
        raise InvalidError(field, "There is more formatting in it than a note can have.") from None
    words = rich_text.plain(rich)
    if not words:
        raise InvalidError(field, "Write something first.")
    if len(words) > MAX_TEXT:
        raise InvalidError(field, f"A note has at most {MAX_TEXT:,} characters.")
    return rich, words


def _announce(connection: Connection, project_id: UUID, person_id: UUID, now: datetime) -> None:
    """Tell screens that are open, and the person's messenger. The transaction's last writes."""
    tell(connection, project_id, Pointer("notes", person_id=person_id))
    outbox.append(connection, project_id, [(TOPIC, {"people": [str(person_id)]})], now)
