"""Deleting a project: nobody gets in any more at once, then everything of it goes, by and by.

Which tables hold something of a project, and in which order rows may go, is read from PostgreSQL's
own catalogue: a table that is added later can't be forgotten. Rows go a few thousand at a time, so
that nobody else waits; a worker that dies goes on where it was, since what is gone is gone. Files
go by the hooks that slices above have wired into `FILES`. The project's row comes last, locked, so
that what was still being written meanwhile goes with it or is refused.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import transaction
from psycopg import sql
from psycopg.rows import class_row

from regulars.kit import clock, database
from regulars.kit.storage import storage
from regulars.kit.text import fold
from regulars.workspaces.audit import Actor
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.models import Agent, ProjectKey, Role, RoleName
from regulars.workspaces.projects import announce, locked_project

Connection = psycopg.Connection[Any]

PAUSE = 1.0  # seconds between looks
AT_ONCE = 2_000  # rows a transaction
TRIES = 5  # of the last step, which meets whoever still writes

# What makes things leave the house goes before all that may.
FIRST = ("outgoing_mail", "webhook_delivery", "campaign_entry", "email_recipient")

ADD = """
INSERT INTO project_removal (id, name, asked_by, asked_email, asked_ip, asked_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
OPEN = "SELECT id FROM project_removal WHERE done_at IS NULL ORDER BY asked_at"
FIND = """
SELECT id, name, asked_at, tables, tables_done, rows_gone, done_at FROM project_removal
WHERE id = %s AND asked_by = %s
"""
PROGRESS = """
UPDATE project_removal SET tables = %s, tables_done = %s, rows_gone = rows_gone + %s WHERE id = %s
"""
DONE = "UPDATE project_removal SET done_at = %s, tables_done = tables WHERE id = %s"
HOLD = "SELECT FROM project WHERE id = %s FOR UPDATE"
LAST = "DELETE FROM project WHERE id = %s"
# Every table with a project in it; parts of a table go with the whole.
TABLES = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname
"""
# Which table refers to which: the first must go before the second.
REFERENCES = """
SELECT DISTINCT t.relname::text, f.relname::text
FROM pg_constraint o
JOIN pg_class t ON t.oid = o.conrelid JOIN pg_class f ON f.oid = o.confrelid
WHERE o.contype = 'f' AND t.oid <> f.oid AND NOT t.relispartition
"""
# An index may carry columns along that are not of the key, and may be NULL.
KEYS = """
SELECT array_agg(a.attname::text ORDER BY k.place)
FROM pg_index x CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
WHERE x.indrelid = %s::regclass AND x.indisprimary AND k.place <= x.indnkeyatts
"""

# What lets go of files that rows alone know of, before the rows go; filled by the wiring.
Forget = Callable[[Connection, UUID], None]
FILES: list[Forget] = []

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removal:
    """A project that is being deleted, or was."""

    id: UUID
    name: str
    asked_at: datetime
    tables: int
    tables_done: int
    rows_gone: int
    done_at: datetime | None


@transaction.atomic
def ask(project_id: UUID, typed: str, *, by: Actor, now: datetime) -> None:
    """Delete the project: from now on nobody is let in, agents and keys alike.

    Raises InvalidError where what was typed is not its name, and where it is the only project that
    the agent owns: they could make no other.
    """
    project = locked_project(project_id)
    if fold(typed) != fold(project.name):
        raise InvalidError("typed", f"Type the project's name, {project.name}.")
    agent = Agent.objects.filter(id=by.agent_id).first() if by.agent_id else None
    others = Role.objects.filter(agent=agent, role=RoleName.OWNER).exclude(project_id=project_id)
    if agent is not None and not others.exists():
        raise InvalidError("typed", "This is the only project you own. Make another one first.")
    ProjectKey.objects.filter(project_id=project_id, revoked_at=None).update(revoked_at=now)
    Role.objects.filter(project_id=project_id).delete()
    announce(project_id)
    with database.of_django() as core:
        email = agent.email if agent else ""
        core.execute(ADD, (project_id, project.name, by.agent_id, email, by.ip, now))


def find(connection: Connection, project_id: UUID, agent_id: UUID) -> Removal:
    """How far it is, for whoever asked for it. Raises UnknownError."""
    with connection.cursor(row_factory=class_row(Removal)) as cursor:
        found = cursor.execute(FIND, (project_id, agent_id)).fetchone()
    if found is None:
        raise UnknownError("There is no such project.")
    return found


def remove_projects(stop: threading.Event) -> None:
    """Until stopped: delete what was asked for."""
    with database.connect() as connection:
        while not stop.is_set():
            for (project_id,) in connection.execute(OPEN).fetchall():
                remove(connection, project_id, stop)
            stop.wait(PAUSE)


def remove(connection: Connection, project_id: UUID, stop: threading.Event | None = None) -> bool:
    """Delete everything of the project; whether it is done. Begun anew, it goes on."""
    for forget in FILES:
        forget(connection, project_id)
    tables = in_order(connection)
    for number, table in enumerate(tables):
        statement = _deleting(connection, table)
        while gone := connection.execute(statement, (project_id, project_id, AT_ONCE)).rowcount:
            connection.execute(PROGRESS, (len(tables), number, gone, project_id))
            if stop is not None and stop.is_set():
                return False
    _forget_files(project_id)
    for _ in range(TRIES):
        try:
            return _finish(connection, project_id, tables)
        except (*database.Collision, psycopg.errors.ForeignKeyViolation):
            continue  # somebody was still writing: the next time nobody can begin to
    log.warning("Project %s is still being written to: it is deleted later", project_id)
    return False


def in_order(connection: Connection) -> list[str]:
    """The tables that hold something of a project, those that refer to others before these."""
    tables = [row[0] for row in connection.execute(TABLES)]
    before: dict[str, set[str]] = {table: set() for table in tables}  # who must be gone before
    for referring, referred in connection.execute(REFERENCES):
        if referring in before and referred in before:
            before[referred].add(referring)
    ordered: list[str] = []
    while before:
        free = [table for table, rest in before.items() if not rest]
        if not free:
            raise ValueError(f"Tables refer to each other in a circle: {sorted(before)}")
        free.sort(key=lambda table: (table not in FIRST, table))
        table = free[0]
        del before[table]
        ordered.append(table)
        for rest in before.values():
            rest.discard(table)
    return ordered


def _deleting(connection: Connection, table: str) -> sql.Composed:
    """A statement that lets some of a project's rows go, by their primary key."""
    row = connection.execute(KEYS, (table,)).fetchone()
    keys = sql.SQL(", ").join(sql.Identifier(one) for one in (row[0] if row else ["id"]))
    return sql.SQL(
        "DELETE FROM {table} WHERE project_id = %s AND ({keys}) IN"
        " (SELECT {keys} FROM {table} WHERE project_id = %s LIMIT %s)"
    ).format(table=sql.Identifier(table), keys=keys)


def _finish(connection: Connection, project_id: UUID, tables: list[str]) -> bool:
    """The project itself, and what came meanwhile: nobody can refer to it while it is locked."""
    with connection.transaction():
        connection.execute(HOLD, (project_id,))
        for table in tables:
            rest = sql.SQL("DELETE FROM {} WHERE project_id = %s").format(sql.Identifier(table))
            connection.execute(rest, (project_id,))
        connection.execute(LAST, (project_id,))
        connection.execute(DONE, (clock.now(), project_id))
    _forget_files(project_id)
    return True


def _forget_files(project_id: UUID) -> None:
    """Files of conversations and pictures of mail: all whose key begins with the project's id."""
    kept = storage()
    for key in kept.keys_of(str(project_id)):
        kept.forget(key)
