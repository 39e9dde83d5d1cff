"""Lets go of pictures that no mail shows: uploaded, never sent, and named nowhere any more.

A picture is kept for good once a mail that shows it was sent, or it stood above mails as the logo
(`image.shown_at`): the mail stays in mailboxes, and asks for it whenever it is opened. Any other
goes when nothing has named it for a while: no template, no draft, no campaign's step.

Slices above say where else pictures are named: `NAMED_ABOVE` is filled by the wiring.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.storage import UnavailableError, storage
from regulars.mail import images

Connection = psycopg.Connection[Any]

GRACE = timedelta(days=30)  # that a picture is kept which nothing names
AT_ONCE = 200  # pictures a project and round
_TEXTS = 100  # texts that are read at a time

log = logging.getLogger(__name__)

# Projects that have pictures which were never shown and are old enough.
PROJECTS = "SELECT DISTINCT project_id FROM image WHERE shown_at IS NULL AND created_at < %s"
UNSHOWN = """
SELECT id FROM image WHERE project_id = %s AND shown_at IS NULL AND created_at < %s
ORDER BY created_at LIMIT %s
"""
# Nobody uploads it anew, and nothing is sent with it, between this and the end.
CLAIM = """
SELECT id FROM image WHERE project_id = %s AND id = ANY(%s::uuid[]) AND shown_at IS NULL
    AND created_at < %s
ORDER BY id FOR UPDATE SKIP LOCKED
"""
FORGET = "DELETE FROM image WHERE project_id = %s AND id = ANY(%s::uuid[])"

# Where pictures are named: statements that take a project and give texts.
NAMED_HERE = (
    "SELECT content::text FROM template WHERE project_id = %s",
    "SELECT mail_logo FROM project WHERE id = %s",
)
NAMED_ABOVE: list[LiteralString] = []


def tidy(connection: Connection, now: datetime) -> int:
    """Let go of those of every project that nothing names; how many there were."""
    before = now - GRACE
    projects = [row[0] for row in connection.execute(PROJECTS, (before,)).fetchall()]
    return sum(tidy_project(connection, project_id, now) for project_id in projects)


def tidy_project(connection: Connection, project_id: UUID, now: datetime) -> int:
    """The same of one project. Where the storage is away, they stay until the next time."""
    before = now - GRACE
    rows = connection.execute(UNSHOWN, (project_id, before, AT_ONCE)).fetchall()
    unnamed = {row[0] for row in rows}
    unnamed -= _named(connection, project_id, unnamed)
    if not unnamed:
        return 0
    with connection.transaction():
        asked = (project_id, arrays.of_ids(unnamed), before)
        claimed = {row[0] for row in connection.execute(CLAIM, asked).fetchall()}
        # Somebody may have taken one of them into a mail while the others were looked for.
        claimed -= _named(connection, project_id, claimed)
        return _let_go(connection, project_id, sorted(claimed))


def _named(connection: Connection, project_id: UUID, among: set[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    if not among:
        return found
    for statement in (*NAMED_HERE, *NAMED_ABOVE):
        for text in _texts(connection, statement, project_id):
            found |= images.named_in(project_id, text)
            if among <= found:
                return found
    return found


def _texts(connection: Connection, statement: LiteralString, project_id: UUID) -> Iterator[str]:
    """What a statement gives, some at a time: a project may have many drafts."""
    with connection.transaction(), connection.cursor("texts") as cursor:
        cursor.itersize = _TEXTS
        for (text,) in cursor.execute(statement, (project_id,)):
            yield text or ""


def _let_go(connection: Connection, project_id: UUID, ids: list[UUID]) -> int:
    """The files first: what is left of a crash is a row, which is found again."""
    gone = []
    for image_id in ids:
        try:
            storage().forget(images.key(project_id, image_id))
        except UnavailableError as away:
            log.warning("The storage of files: %s", away)
            break
        gone.append(image_id)
    if gone:
        connection.execute(FORGET, (project_id, arrays.of_ids(gone)))
    return len(gone)
