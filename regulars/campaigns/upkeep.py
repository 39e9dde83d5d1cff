"""Drafts that nobody sends: their ledgers go after some days, and what was written stays.

Whoever opens such a draft again has its audience gathered anew, as of when it was chosen.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import emails, ledger
from regulars.kit import clock, database

Connection = psycopg.Connection[Any]

PAUSE = 600.0  # seconds between looks
UNSENT_FOR = timedelta(days=7)
AT_ONCE = 20

UNSENT = """
SELECT project_id, id FROM email
WHERE state IN ('gathering', 'gathered') AND changed_at < %(since)s AND campaign_id IS NULL
  AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
ORDER BY changed_at LIMIT %(most)s
"""


def keep_drafts(stop: threading.Event) -> None:
    """Until stopped: empty the ledgers of drafts that were left lying. A loop of the worker."""
    while not stop.is_set():
        with database.connect() as connection:
            while empty_unsent(connection, clock.now()) and not stop.is_set():
                pass
        stop.wait(PAUSE)


def empty_unsent(connection: Connection, now: datetime, *, project_id: UUID | None = None) -> int:
    """Empty some of them, or of one project's; how many.

    Each in one transaction: one that is half emptied must not be sent to those who are left.
    """
    since = now - UNSENT_FOR
    emptied = 0
    named = {"since": since, "project": project_id, "most": AT_ONCE}
    for project, email_id in connection.execute(UNSENT, named).fetchall():
        with connection.transaction():
            email = emails.lock(connection, project, email_id)
            if email.changed_at < since and email.state in ("gathering", "gathered"):
                ledger.forget(connection, project, email_id, now)
                emptied += 1
    return emptied
