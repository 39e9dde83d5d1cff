"""A person's sessions, one by one: for whoever wants them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

# The next sessions behind one of them, newest first.
PAGE = """
SELECT id, anonymous_id, started_at, entry_url, referrer, utm, browser, os, device, host(ip),
       country_code, city
FROM session
WHERE project_id = %(project)s AND person_id = %(person)s
  AND (%(at)s::timestamptz IS NULL OR (started_at, id) < (%(at)s, %(id)s))
ORDER BY started_at DESC, id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A run of events by one person in one browser, as it was when it opened."""

    id: UUID
    anonymous_id: str | None
    started_at: datetime
    entry_url: str | None
    referrer: str | None
    utm: dict[str, Any] | None
    browser: str | None
    os: str | None
    device: str | None
    ip: str | None
    country_code: str | None
    city: str | None


def sessions_page(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    person_id: UUID,
    *,
    limit: int,
    after: Session | None = None,
) -> list[Session]:
    """Up to `limit` of the person's sessions behind `after`, newest first."""
    rows = connection.execute(
        PAGE,
        {
            "project": project_id,
            "person": person_id,
            "at": after.started_at if after else None,
            "id": after.id if after else None,
            "limit": limit,
        },
    )
    return [Session(*row) for row in rows]
