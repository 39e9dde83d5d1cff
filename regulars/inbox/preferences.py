"""How each agent is told of new messages, and whether they are away: per project, their own choice.

An agent who never chose has no row: the defaults are the dataclass's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import bus
from regulars.workspaces import plain
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

TOPIC = "team"  # of the bus: an agent went away, or came back
MOST_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class AgentPreferences:
    """One agent's choices in one project."""

    away: bool = False  # takes no new conversations in turn, and is shown to nobody as here
    sound: bool = True
    browser: bool = False  # desktop notifications, which each browser asks leave for
    only_mine: bool = False  # of what is assigned to them or mentions them, and of nothing else
    email_after_minutes: int | None = 15  # None: never

    def concerned(self, *, assigned: bool, mentioned: bool, unassigned: bool) -> bool:
        """Whether the agent is told of a message: assigned to them, mentioning them, or nobody's.

        What is another agent's alone is told to that one.
        """
        return assigned or mentioned or (unassigned and not self.only_mine)


_NAMES = tuple(one.name for one in fields(AgentPreferences))
_COLUMNS = ", ".join(_NAMES)

LOAD = f"SELECT {_COLUMNS} FROM agent_preferences WHERE project_id = %s AND id = %s"
TEAM = f"SELECT agent_id, {_COLUMNS} FROM agent_preferences WHERE project_id = %s"
KEEP = f"""
INSERT INTO agent_preferences (project_id, id, agent_id, {_COLUMNS}, changed_at)
VALUES (%(project)s, %(agent)s, %(agent)s, {", ".join(f"%({name})s" for name in _NAMES)}, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET changed_at = %(now)s
"""


def load(connection: Connection, project_id: UUID, agent_id: UUID) -> AgentPreferences:
    """One agent's choices."""
    row = connection.execute(LOAD, (project_id, agent_id), prepare=True).fetchone()
    return AgentPreferences() if row is None else AgentPreferences(*row)


def of_team(connection: Connection, project_id: UUID) -> Mapping[UUID, AgentPreferences]:
    """The choices of all agents by id; whoever never chose has the defaults."""
    found: dict[UUID, AgentPreferences] = defaultdict(AgentPreferences)
    for agent_id, *values in connection.execute(TEAM, (project_id,), prepare=True):
        found[agent_id] = AgentPreferences(*values)
    return found


def change(
    connection: Connection,
    project_id: UUID,
    agent_id: UUID,
    given: Mapping[str, Any],
    now: datetime,
) -> AgentPreferences:
    """Change the choices that are given; a coming or going is told on commit.

    One that is unknown or unusable refuses them all: InvalidError names it.
    """
    checked = {name: _checked(name, value) for name, value in given.items()}
    if checked:
        whole = replace(AgentPreferences(), **checked)
        values = {name: getattr(whole, name) for name in _NAMES}
        set_too = "".join(f", {name} = %({name})s" for name in checked)
        who = {"project": project_id, "agent": agent_id, "now": now}
        connection.execute(KEEP + set_too, {**who, **values})
        if "away" in checked:
            connection.execute(bus.NOTIFY, (bus.message(project_id, TOPIC),))
    return load(connection, project_id, agent_id)


def _checked(name: str, value: Any) -> Any:
    check = _CHECKS.get(name)
    if check is None:
        raise InvalidError(name, "There is no such choice.")
    return check(name, value)


def _minutes(field: str, value: Any) -> int | None:
    if value is None:
        return None
    return plain.whole_number(field, value, least=1, most=MOST_MINUTES, called="The minutes")


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "away": plain.switch,
    "sound": plain.switch,
    "browser": plain.switch,
    "only_mine": plain.switch,
    "email_after_minutes": _minutes,
}
