"""Those of whom nobody can say whether they got an email: what an agent chooses for them.

A server's answer never came, or a worker died while it was waited for. Nothing repeats such a mail
by itself. An agent may send it again, knowing that some may get it twice, or leave it as it is.
Which it was stands in the ledger. Whoever showed that they got it (it was delivered, opened,
answered) is never sent it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import emails
from regulars.workspaces.errors import ConflictError

Connection = psycopg.Connection[Any]

MOST_COUNTED = 10_000
AT_ONCE = 5_000  # rows a statement

_CAME = (
    "coalesce(r.delivered_at, r.opened_at, r.clicked_at, r.replied_at, r.bounced_at,"
    " r.complained_at, r.unsubscribed_at) IS NOT NULL"
)
# Nobody has chosen since it became unknown.
_OPEN = f"(r.chosen IS NULL OR r.chosen_at < r.ended_at) AND NOT ({_CAME})"

COUNT = f"""
SELECT count(*) FILTER (WHERE {_OPEN}) AS open, count(*) FILTER (WHERE {_CAME}) AS came,
       count(*) FILTER (WHERE NOT ({_OPEN}) AND NOT ({_CAME})) AS left
FROM (SELECT * FROM email_recipient
      WHERE project_id = %s AND email_id = %s AND state = 'unknown' LIMIT %s) AS r
"""
_SOME = f"""
SELECT r.id FROM email_recipient r
WHERE r.project_id = %(project)s AND r.email_id = %(email)s AND r.state = 'unknown' AND {_OPEN}
ORDER BY r.id LIMIT %(most)s FOR UPDATE
"""
AGAIN = f"""
WITH again AS (
    UPDATE email_recipient
    SET state = 'waiting', next_try_at = %(now)s, ended_at = NULL, taken_by = NULL, tries = 0,
        chosen = 'again', chosen_by = %(by)s, chosen_at = %(now)s
    WHERE project_id = %(project)s AND id IN ({_SOME})
    RETURNING 1
)
UPDATE email_count SET unknown = unknown - n.people, waiting = waiting + n.people
FROM (SELECT count(*) AS people FROM again) AS n
WHERE project_id = %(project)s AND id = %(email)s
RETURNING n.people
"""
LEAVE = f"""
UPDATE email_recipient SET chosen = 'left', chosen_by = %(by)s, chosen_at = %(now)s
WHERE project_id = %(project)s AND id IN ({_SOME})
"""
GO_ON = """
UPDATE email SET state = 'sending', ended_at = NULL, trouble = '', changed_at = %(now)s
WHERE project_id = %(project)s AND id = %(email)s AND state = 'sent'
"""


@dataclass(frozen=True, slots=True)
class Unknown:
    """How many are unknown: nobody has chosen yet, it came after all, or it was left so."""

    open: int = 0
    came: int = 0
    left: int = 0


def count(connection: Connection, project_id: UUID, email_id: UUID) -> Unknown:
    """How they stand, counted up to a bound."""
    row = connection.execute(COUNT, (project_id, email_id, MOST_COUNTED)).fetchone()
    return Unknown(*row) if row else Unknown()


def send_again(
    connection: Connection, project_id: UUID, email_id: UUID, by: UUID | None, now: datetime
) -> int:
    """Send it again to those nobody has chosen for; how many they are. Some may get it twice.

    In the caller's transaction. Raises ConflictError where the email was stopped.
    """
    email = emails.lock(connection, project_id, email_id)
    if email.state not in ("sending", "paused", "sent"):
        raise ConflictError("state", "This email is not sent any more.")
    named = {"project": project_id, "email": email_id, "by": by, "now": now, "most": AT_ONCE}
    people = 0
    while True:
        row = connection.execute(AGAIN, named).fetchone()
        if row is None or not row[0]:
            break
        people += row[0]
    if people:
        connection.execute(GO_ON, named)
        emails.tell(connection, project_id, emails.TOPIC)
        emails.tell(connection, project_id, emails.MOVED_TOPIC)
    return people


def leave(
    connection: Connection, project_id: UUID, email_id: UUID, by: UUID | None, now: datetime
) -> int:
    """Leave them as they are; how many they are. In the caller's transaction."""
    emails.lock(connection, project_id, email_id)
    named = {"project": project_id, "email": email_id, "by": by, "now": now, "most": AT_ONCE}
    people = 0
    while some := connection.execute(LEAVE, named).rowcount:
        people += some
    if people:
        emails.tell(connection, project_id, emails.MOVED_TOPIC)
    return people
