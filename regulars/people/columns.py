"""Which columns an agent wants to see in a list of people, for each view of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.ids import key_hash

Connection = psycopg.Connection[Any]

CHOSEN = "SELECT columns FROM list_columns WHERE project_id = %s AND id = %s"
CHOOSE = """
INSERT INTO list_columns (project_id, id, agent_id, view, columns) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET columns = excluded.columns
"""


def chosen(connection: Connection, project_id: UUID, agent_id: UUID, view: str) -> list[str] | None:
    """The columns the agent chose; None where they never did."""
    row = connection.execute(CHOSEN, (project_id, _key(agent_id, view))).fetchone()
    return row[0] if row else None


def choose(
    connection: Connection, project_id: UUID, agent_id: UUID, view: str, columns: Sequence[str]
) -> None:
    """Remember the agent's choice."""
    key = _key(agent_id, view)
    connection.execute(CHOOSE, (project_id, key, agent_id, view, list(columns)))


def _key(agent_id: UUID, view: str) -> UUID:
    return key_hash("columns", str(agent_id), view)
