"""Who shall answer a new conversation, where the project deals them out in turn."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import conversations, handling, settings, team

Connection = psycopg.Connection[Any]

# Whoever has the fewest open ones; of several, who was given one longest ago.
TURN = """
SELECT a.id FROM unnest(%(agents)s::uuid[]) AS a (id)
LEFT JOIN LATERAL (
    SELECT count(*) AS open, max(c.created_at) AS latest FROM conversation c
    WHERE c.project_id = %(project)s AND c.assignee_id = a.id AND c.state = 'open'
      AND c.merged_into IS NULL
) has ON true
ORDER BY has.open, has.latest NULLS FIRST, a.id LIMIT 1
"""
# Dealing is done one at a time: else two newcomers at once are given to the same agent.
IN_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('deal ' || %s::text, 0))"


def deal(
    connection: Connection, project_id: UUID, conversation_id: UUID, now: datetime
) -> list[outbox.Entry]:
    """Assign it to the agent whose turn it is, of those who are here; to nobody if none is."""
    if settings.load(connection, project_id).assignment != "round_robin":
        return []
    here = [one.id for one in team.team_of(connection, project_id, now).values() if one.here]
    if not here:
        return []
    connection.execute(IN_TURN, (project_id,))
    turn = connection.execute(TURN, {"project": project_id, "agents": here}).fetchone()
    one = conversations.lock(connection, project_id, conversation_id)
    if turn is None or one.assignee_id is not None:
        return []
    return handling.assigned(connection, one, turn[0], now, None)
