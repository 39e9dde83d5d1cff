"""Holding all of a project's emails at once: none leaves until they are let go on.

Each keeps the state that it has. Answers in conversations and notices are not held: somebody waits
for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import emails

Connection = psycopg.Connection[Any]

READ = "SELECT held_at, held_by FROM sending_settings WHERE project_id = %s AND id = %s"
HOLD = """
INSERT INTO sending_settings AS s (project_id, id, held_at, held_by)
VALUES (%(project)s, %(project)s, %(now)s, %(by)s)
ON CONFLICT (project_id, id) DO UPDATE SET held_at = excluded.held_at, held_by = excluded.held_by
WHERE s.held_at IS NULL
"""
LET_GO = """
UPDATE sending_settings SET held_at = NULL, held_by = NULL
WHERE project_id = %(project)s AND id = %(project)s AND held_at IS NOT NULL
"""


def held_since(connection: Connection, project_id: UUID) -> tuple[datetime, UUID | None] | None:
    """Since when, and by whom; None where they leave."""
    row = connection.execute(READ, (project_id, project_id)).fetchone()
    return (row[0], row[1]) if row and row[0] else None


def hold(connection: Connection, project_id: UUID, by: UUID | None, now: datetime) -> bool:
    """Let no more leave; whether they did. What is on its way is not called back."""
    named = {"project": project_id, "by": by, "now": now}
    held = connection.execute(HOLD, named).rowcount > 0
    emails.tell(connection, project_id, emails.MOVED_TOPIC)
    return held


def let_go(connection: Connection, project_id: UUID) -> bool:
    """Let them leave again; whether they were held."""
    went = connection.execute(LET_GO, {"project": project_id}).rowcount > 0
    emails.tell(connection, project_id, emails.TOPIC)
    emails.tell(connection, project_id, emails.MOVED_TOPIC)
    return went
