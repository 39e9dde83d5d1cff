"""Who shall answer a new conversation, where the project deals them out in turn."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox

Connection = psycopg.Connection[Any]


def deal(
    connection: Connection, project_id: UUID, conversation_id: UUID, now: datetime
) -> list[outbox.Entry]:
    """Assign it to the agent whose turn it is."""
    return []
