"""Which browsers hear of new messages by Web Push: subscribed by their agents, a few each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox import web_push
from regulars.inbox.push_delivery import EndpointError, check_endpoint
from regulars.inbox.web_push import BrowserKeys, PushKeyError
from regulars.kit.ids import key_hash
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST = 10  # browsers an agent has in a project: the oldest makes room


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser of an agent's."""

    id: UUID
    agent_id: UUID
    endpoint: str
    p256dh: bytes
    auth: bytes

    @property
    def keys(self) -> BrowserKeys:
        """What messages to it are encrypted with."""
        return BrowserKeys(self.p256dh, self.auth)


ADD = """
INSERT INTO push_subscription (project_id, id, agent_id, endpoint, p256dh, auth, created_at)
VALUES (%(project)s, %(id)s, %(agent)s, %(endpoint)s, %(p256dh)s, %(auth)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET agent_id = %(agent)s, p256dh = %(p256dh)s,
    auth = %(auth)s, created_at = %(now)s
"""
MAKE_ROOM = """
DELETE FROM push_subscription WHERE project_id = %(project)s AND id IN (
    SELECT id FROM push_subscription WHERE project_id = %(project)s AND agent_id = %(agent)s
    ORDER BY created_at DESC, id OFFSET %(most)s
)
"""
# Whoever left the project hears nothing of it any more.
OF_AGENTS = """
SELECT s.id, s.agent_id, s.endpoint, s.p256dh, s.auth FROM push_subscription s
JOIN role r ON r.project_id = s.project_id AND r.agent_id = s.agent_id
JOIN agent a ON a.id = s.agent_id AND a.is_active
WHERE s.project_id = %s AND s.agent_id = ANY(%s)
ORDER BY s.created_at, s.id
"""
FORGET = "DELETE FROM push_subscription WHERE project_id = %s AND id = ANY(%s)"
FORGET_OF = "DELETE FROM push_subscription WHERE agent_id = %s AND id = ANY(%s)"


def subscribe(
    connection: Connection,
    project_id: UUID,
    agent_id: UUID,
    now: datetime,
    *,
    endpoint: str,
    p256dh: str,
    auth: str,
) -> UUID:
    """Remember an agent's browser, in place of whose it was; returns its id. InvalidError."""
    try:
        check_endpoint(endpoint)
        keys = web_push.read_keys(p256dh, auth)
    except (EndpointError, PushKeyError) as wrong:
        raise InvalidError("endpoint", str(wrong)) from wrong
    id_ = id_of(endpoint)
    values = {
        "project": project_id, "id": id_, "agent": agent_id, "endpoint": endpoint,
        "p256dh": keys.p256dh, "auth": keys.auth, "now": now, "most": MOST,
    }  # fmt: skip
    connection.execute(ADD, values)
    connection.execute(MAKE_ROOM, values)
    return id_


def of_agents(
    connection: Connection, project_id: UUID, agent_ids: Collection[UUID]
) -> list[Subscription]:
    """The browsers of these agents, of those who are still in the project."""
    with connection.cursor(row_factory=class_row(Subscription)) as cursor:
        return cursor.execute(OF_AGENTS, (project_id, list(agent_ids))).fetchall()


def forget(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> None:
    """Let go of browsers that are subscribed no more."""
    connection.execute(FORGET, (project_id, list(ids)))


def forget_browser(connection: Connection, agent_id: UUID, ids: Iterable[UUID]) -> None:
    """Let go of a browser in all the agent's projects: they signed out of it."""
    connection.execute(FORGET_OF, (agent_id, list(ids)))


def id_of(endpoint: str) -> UUID:
    """By what a browser is known: its push service gives each its own address."""
    return key_hash("push", endpoint)
