"""Who answers: the project's agents, who of them is here, and in whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.inbox import preferences
from regulars.kit.text import fold
from regulars.people.naming import hue, initials

Connection = psycopg.Connection[Any]

HERE_FOR = timedelta(minutes=3)  # after the console last heard of an agent

TEAM = """
SELECT r.agent_id, a.name, r.last_here FROM role r JOIN agent a ON a.id = r.agent_id
WHERE r.project_id = %s AND a.is_active
ORDER BY r.last_here DESC NULLS LAST, r.created_at
"""

# An agent of the project by their id or, folded, by their address.
MEMBER = """
SELECT r.agent_id FROM role r JOIN agent a ON a.id = r.agent_id
WHERE r.project_id = %s AND a.is_active AND (r.agent_id::text = %s OR a.email_folded = %s)
"""


@dataclass(frozen=True, slots=True)
class Colleague:
    """An agent as people are shown them: by their name, never by their address."""

    id: UUID
    name: str
    here: bool

    @property
    def first_name(self) -> str:
        """What to call them in a sentence."""
        return self.name.split()[0] if self.name.split() else "The team"

    @property
    def initials(self) -> str:
        """Of their name, for an avatar."""
        return initials(self.name)

    @property
    def hue(self) -> int:
        """The hue of their avatar, from 1 to 8."""
        return hue(self.id)


def team_of(connection: Connection, project_id: UUID, now: datetime) -> dict[UUID, Colleague]:
    """The project's agents, whoever was here last first."""
    chosen = preferences.of_team(connection, project_id)
    rows = connection.execute(TEAM, (project_id,), prepare=True).fetchall()
    return {
        id_: Colleague(
            id_,
            name,
            last_here is not None and now - last_here < HERE_FOR and not chosen[id_].away,
        )
        for id_, name, last_here in rows
    }


def member(connection: Connection, project_id: UUID, named: str) -> UUID | None:
    """The agent of the project who has this id or email address."""
    folded = fold(named)
    row = connection.execute(MEMBER, (project_id, folded, folded)).fetchone()
    return row[0] if row else None
