"""Whether whoever holds a long connection may still hold it: streams and sockets ask again.

A request is let in once; what stays open for hours has to look for itself whether its agent has
signed out, or left the project, meanwhile.
"""

from __future__ import annotations

from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest

from regulars.workspaces import queries
from regulars.workspaces.models import Agent

LOOK = 5.0  # seconds between looks

_SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def agent_of(project_id: UUID, session: str) -> Agent | None:
    """The agent who is signed in by this session and works in the project; else nobody.

    Raises OperationalError while the database is away. For threads of one's own: it leaves none of
    their connections open.
    """
    request = HttpRequest()
    request.session = _SessionStore(session)
    try:
        agent = get_user(request)
        if not isinstance(agent, Agent) or queries.role_in(project_id, agent.pk) is None:
            return None
        return agent
    finally:
        connections.close_all()
