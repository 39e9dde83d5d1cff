"""Templates: messages that are written once and used in emails and campaigns.

Every function takes a connection with a transaction open. A deleted one can be brought back for
some days; then the next deletion takes it away for good. What was made from a template keeps its
own copy of the content, so a template can change and go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from regulars.kit.ids import new_id
from regulars.mail import clean
from regulars.mail.content import thumb
from regulars.mail.content.compiling import compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.content.look import Look
from regulars.mail.drafts import ANYHOW, ChangedError, Save, Stand, takes_place

Connection = psycopg.Connection[Any]

MAX_NAME = 80  # letters
MAX_TEMPLATES = 500  # of a project
KEPT = timedelta(days=7)  # that a deleted one can be brought back

# What the audit log calls these.
AUDITED = {
    "template.made": "Made a template",
    "template.deleted": "Deleted a template",
    "template.restored": "Brought a template back",
}


class NoTemplateError(LookupError):
    """There is no such template in this project."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A template as lists show it."""

    id: UUID
    name: str
    subject: str
    format: str
    thumb: list[Any]
    made_from: str | None
    version: int
    created_at: datetime
    changed_at: datetime
    changed_by: UUID | None


@dataclass(frozen=True, slots=True)
class Template:
    """A template whole. `content` is JSON as it was kept; `read` makes a Content of it."""

    id: UUID
    name: str
    content: dict[str, Any]
    made_from: str | None
    version: int
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None

    def read(self) -> Content:
        """What it says. Raises ContentError for one that an older version kept otherwise."""
        return Content.from_json(self.content)


_LISTED = (
    "id, name, content->>'subject' AS subject, content->>'format' AS format, thumb, made_from, "
    "version, created_at, changed_at, changed_by"
)
_WHOLE = "id, name, content, made_from, version, created_at, created_by, changed_at, changed_by"
# The project's templates, those changed last first; behind a place, where one is given.
NEWEST = f"""
SELECT {_LISTED} FROM template
WHERE project_id = %(project)s AND deleted_at IS NULL
  AND (%(at)s::timestamptz IS NULL OR (changed_at, id) < (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY changed_at DESC, id DESC LIMIT %(limit)s
"""
GET = f"SELECT {_WHOLE} FROM template WHERE project_id = %s AND id = %s AND deleted_at IS NULL"
COUNT = "SELECT count(*) FROM template WHERE project_id = %s AND deleted_at IS NULL"
LOCK = "SELECT FROM project WHERE id = %s FOR NO KEY UPDATE"
ADD = """
INSERT INTO template (project_id, id, name, content, thumb, made_from, created_at, created_by,
                      changed_at, changed_by)
VALUES (%(project)s, %(id)s, %(name)s, %(content)s, %(thumb)s, %(made_from)s, %(now)s, %(by)s,
        %(now)s, %(by)s)
"""
VERSION = """
SELECT version, changed_in, changed_step FROM template
WHERE project_id = %s AND id = %s AND deleted_at IS NULL FOR UPDATE
"""
CHANGE = """
UPDATE template SET name = coalesce(%(name)s, name), content = coalesce(%(content)s, content),
                    thumb = coalesce(%(thumb)s, thumb), version = version + 1,
                    changed_at = %(now)s, changed_by = %(by)s,
                    changed_in = %(tab)s, changed_step = %(step)s
WHERE project_id = %(project)s AND id = %(id)s
RETURNING version
"""
DELETE = """
UPDATE template SET deleted_at = %s
WHERE project_id = %s AND id = %s AND deleted_at IS NULL RETURNING name
"""
FORGET = "DELETE FROM template WHERE project_id = %s AND deleted_at < %s"
RESTORE = """
UPDATE template SET deleted_at = NULL
WHERE project_id = %s AND id = %s AND deleted_at >= %s RETURNING name
"""


def newest(
    connection: Connection,
    project_id: UUID,
    *,
    limit: int = MAX_TEMPLATES,
    behind: tuple[datetime, UUID] | None = None,
) -> list[Listed]:
    """The project's templates, those that were changed last first."""
    at, id_ = behind or (None, None)
    asked = {"project": project_id, "at": at, "id": id_, "limit": limit}
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(NEWEST, asked).fetchall()


def count(connection: Connection, project_id: UUID) -> int:
    """How many there are."""
    row = connection.execute(COUNT, (project_id,)).fetchone()
    return int(row[0]) if row else 0


def get(connection: Connection, project_id: UUID, template_id: UUID) -> Template:
    """One template. Raises NoTemplateError."""
    with connection.cursor(row_factory=class_row(Template)) as cursor:
        found = cursor.execute(GET, (project_id, template_id)).fetchone()
    if found is None:
        raise NoTemplateError("There is no such template.")
    return found


def create(
    connection: Connection,
    project_id: UUID,
    now: datetime,
    *,
    name: Any,
    content: Any,
    made_from: str | None = None,
    by: UUID | None = None,
) -> UUID:
    """Keep another one; returns its id. Raises ContentError, which names the field."""
    called, said = name_of(name), checked(content)
    connection.execute(LOCK, (project_id,))
    if count(connection, project_id) >= MAX_TEMPLATES:
        raise ContentError("name", f"A project can have {MAX_TEMPLATES} templates at most.")
    id_ = new_id(now)
    values = {
        "project": project_id, "id": id_, "name": called, "content": Jsonb(said.to_json()),
        "thumb": Jsonb(thumb.facts(said)), "made_from": made_from, "now": now, "by": by,
    }  # fmt: skip
    connection.execute(ADD, values)
    return id_


def change(
    connection: Connection,
    project_id: UUID,
    template_id: UUID,
    now: datetime,
    *,
    name: Any = None,
    content: Any = None,
    save: Save = ANYHOW,
    by: UUID | None = None,
) -> int:
    """Write it anew, what is given of it; returns its version.

    The `save` says whether it may take the place of what is kept (`drafts`). Raises ContentError,
    NoTemplateError and ChangedError.
    """
    called = None if name is None else name_of(name)
    said = None if content is None else checked(content)
    row = connection.execute(VERSION, (project_id, template_id)).fetchone()
    if row is None:
        raise NoTemplateError("There is no such template.")
    if not takes_place(Stand(*row), save):
        return int(row[0])
    values = {
        "project": project_id, "id": template_id, "name": called, "now": now, "by": by,
        "tab": save.tab, "step": save.step,
        "content": None if said is None else Jsonb(said.to_json()),
        "thumb": None if said is None else Jsonb(thumb.facts(said)),
    }  # fmt: skip
    written = connection.execute(CHANGE, values).fetchone()
    return int(written[0]) if written else row[0]


def delete(connection: Connection, project_id: UUID, template_id: UUID, now: datetime) -> str:
    """Let go of it; returns its name. Raises NoTemplateError."""
    connection.execute(FORGET, (project_id, now - KEPT))
    return _named(connection.execute(DELETE, (now, project_id, template_id)).fetchone())


def restore(connection: Connection, project_id: UUID, template_id: UUID, now: datetime) -> str:
    """Bring a deleted one back; returns its name. Raises NoTemplateError."""
    asked = (project_id, template_id, now - KEPT)
    return _named(connection.execute(RESTORE, asked).fetchone())


def name_of(given: Any) -> str:
    """A template's name. Raises ContentError."""
    if not isinstance(given, str):
        raise ContentError("name", "The name must be text.")
    name = clean.line(given, MAX_NAME + 1)
    if not name:
        raise ContentError("name", "The name can't be empty.")
    if len(name) > MAX_NAME:
        raise ContentError("name", f"The name can have {MAX_NAME} letters at most.")
    return name


def checked(given: Any) -> Content:
    """A content that can be compiled, from JSON or as it is. Raises ContentError."""
    said = given if isinstance(given, Content) else Content.from_json(given)
    compile_content(said, Look("Company"), marketing=False)
    return said


def _named(row: tuple[str] | None) -> str:
    if row is None:
        raise NoTemplateError("There is no such template.")
    return row[0]


__all__ = ["ChangedError", "Listed", "NoTemplateError", "Template"]
