"""What time does to conversations: who was put off comes back, and files nobody sent go.

Loops of the worker. Each conversation is woken in a transaction of its own, by whichever worker is
first; one that is killed leaves the rest to the next turn.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.inbox import attachments, conversations, handling, saying
from regulars.inbox.live import Pointer, tell
from regulars.kit import clock, database

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

EVERY = 1.0  # seconds between looks at who is due
FILES_EVERY = timedelta(minutes=10)
AT_ONCE = 100

DUE = """
SELECT project_id, id FROM conversation
WHERE state = 'snoozed' AND snoozed_until <= %s ORDER BY snoozed_until LIMIT %s
"""


def keep_conversations(stop: threading.Event) -> None:
    """Until stopped: wake what is due, and let go of files that were never sent."""
    files_at = datetime.min.replace(tzinfo=clock.now().tzinfo)
    while not stop.is_set():
        try:
            with database.connect() as connection:
                while not stop.wait(EVERY):
                    now = clock.now()
                    wake(connection, now)
                    if now - files_at >= FILES_EVERY:
                        attachments.forget_unsent(connection, now)
                        files_at = now
        except database.Away as away:
            log.info("Conversations wait for the database (%s).", type(away).__name__)
            stop.wait(EVERY)
        except Exception:
            log.exception("The upkeep of conversations failed; it starts anew.")
            stop.wait(FILES_EVERY.total_seconds() / 60)


def wake(connection: Connection, now: datetime) -> int:
    """Open what was put off until now; how many."""
    due = connection.execute(DUE, (now, AT_ONCE)).fetchall()
    return sum(_wake(connection, project_id, id_, now) for project_id, id_ in due)


def _wake(connection: Connection, project_id: UUID, conversation_id: UUID, now: datetime) -> bool:
    with connection.transaction():
        one = conversations.lock(connection, project_id, conversation_id)
        if one.state != "snoozed" or one.snoozed_until is None or one.snoozed_until > now:
            return False  # another worker was first, or it was put off again
        connection.execute(handling.REOPEN, (project_id, one.id))
        entries = saying.note_done(connection, one, "reopened", now, agent_id=None)
        tell(connection, project_id, Pointer("changed", one.id, one.person_id, by="agents"))
        outbox.append(connection, project_id, entries, now)
    return True
