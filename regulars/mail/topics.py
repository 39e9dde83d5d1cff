"""What a project's marketing is about: the topics that people can leave one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.kit.ids import new_id
from regulars.mail import clean

Connection = psycopg.Connection[Any]

MOST = 30  # of a project
MOST_NAME, MOST_DESCRIPTION = 80, 200

_COLUMNS = "id, name, description, place, archived_at"
ALL = f"""
SELECT {_COLUMNS} FROM mail_topic WHERE project_id = %s AND archived_at IS NULL
ORDER BY place, created_at, id
"""
FIND = f"SELECT {_COLUMNS} FROM mail_topic WHERE project_id = %s AND id = %s"
MAKE = """
INSERT INTO mail_topic (project_id, id, name, description, place, created_at)
SELECT %(project)s, %(id)s, %(name)s, %(description)s, coalesce(max(place) + 1, 0), %(now)s
FROM mail_topic WHERE project_id = %(project)s
"""
CHANGE = """
UPDATE mail_topic SET name = %s, description = %s
WHERE project_id = %s AND id = %s AND archived_at IS NULL
"""
ARCHIVE = "UPDATE mail_topic SET archived_at = %s WHERE project_id = %s AND id = %s"


class TopicError(ValueError):
    """What cannot be a topic; `field` says where it lies."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic."""

    id: UUID
    name: str
    description: str
    place: int
    archived_at: datetime | None


def all_of(connection: Connection, project_id: UUID) -> list[Topic]:
    """The project's topics, in their order."""
    with connection.cursor(row_factory=class_row(Topic)) as cursor:
        return cursor.execute(ALL, (project_id,)).fetchall()


def find(connection: Connection, project_id: UUID, topic_id: UUID) -> Topic | None:
    """One topic, archived or not."""
    with connection.cursor(row_factory=class_row(Topic)) as cursor:
        return cursor.execute(FIND, (project_id, topic_id)).fetchone()


def create(
    connection: Connection, project_id: UUID, name: str, description: str, now: datetime
) -> UUID:
    """A new topic, which everybody takes until they leave it. Raises TopicError."""
    there = all_of(connection, project_id)
    if len(there) >= MOST:
        raise TopicError("name", f"A project can have {MOST} topics.")
    id_ = new_id(now)
    named = {"project": project_id, "id": id_, "now": now, **_checked(there, name, description)}
    connection.execute(MAKE, named)
    return id_


def change(
    connection: Connection, project_id: UUID, topic_id: UUID, name: str, description: str
) -> bool:
    """Call it something else; whether there is such a topic. Raises TopicError."""
    others = [one for one in all_of(connection, project_id) if one.id != topic_id]
    checked = _checked(others, name, description)
    values = (checked["name"], checked["description"], project_id, topic_id)
    return bool(connection.execute(CHANGE, values).rowcount)


def archive(connection: Connection, project_id: UUID, topic_id: UUID, now: datetime) -> bool:
    """Nothing is sent about it any more; who left it stays known."""
    return bool(connection.execute(ARCHIVE, (now, project_id, topic_id)).rowcount)


def _checked(others: list[Topic], name: str, description: str) -> dict[str, str]:
    called = clean.line(name, MOST_NAME + 1)
    if not called:
        raise TopicError("name", "Give the topic a name.")
    if len(called) > MOST_NAME:
        raise TopicError("name", f"A name has at most {MOST_NAME} letters.")
    if any(one.name.casefold() == called.casefold() for one in others):
        raise TopicError("name", "There is a topic of that name.")
    return {"name": called, "description": clean.line(description, MOST_DESCRIPTION)}
