"""What is said to whoever writes in a draft that somebody else has changed meanwhile."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from regulars.console.access import AgentRequest
from regulars.workspaces import queries

_A_MINUTE = 60


def moved_on(request: AgentRequest, by: UUID | None, at: datetime, now: datetime) -> str:
    """Who changed it, and how long ago."""
    if by == request.user.id:
        who = "You changed this in another window"
    else:
        names = {role.agent_id: role.agent.called for role in queries.team_of(request.project.id)}
        who = f"{names.get(by, 'Somebody else') if by else 'Somebody else'} changed this"
    minutes = int((now - at).total_seconds()) // _A_MINUTE
    if minutes < 1:
        return f"{who} a moment ago."
    return f"{who} {minutes} min ago." if minutes < _A_MINUTE else f"{who} meanwhile."
