"""How soon people usually get their first reply: what the messenger promises."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

SINCE = timedelta(days=14)
MOST = 100  # replies that are looked at: the newest
FEWEST = 3  # of fewer nothing usual can be said

# Of conversations that people began; the newest hundred first replies by an index alone.
USUAL = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took))
FROM (
    SELECT first_reply_at - created_at AS took FROM conversation
    WHERE project_id = %s AND first_reply_at > %s AND first_reply_at IS NOT NULL
      AND started_by IS NULL
    ORDER BY first_reply_at DESC LIMIT %s
) newest
"""


def usual_first_reply(connection: Connection, project_id: UUID, now: datetime) -> float | None:
    """The median of the last first replies, in seconds; None where there were too few of late.

    Good for a minute: whoever asks often remembers it.
    """
    row = connection.execute(USUAL, (project_id, now - SINCE, MOST), prepare=True).fetchone()
    return float(row[1]) if row is not None and row[0] >= FEWEST else None
