"""What holds for all campaigns of a project: quiet hours, and how many emails somebody may get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

import psycopg

from regulars.workspaces.errors import InvalidError
from regulars.workspaces.plain import whole_number

Connection = psycopg.Connection[Any]

MOST_EMAILS = 100
MOST_DAYS = 90

FIND = """
SELECT quiet_from, quiet_to, cap_emails, cap_days FROM campaign_settings
WHERE project_id = %s AND id = %s
"""
SAVE = """
INSERT INTO campaign_settings AS s
    (project_id, id, quiet_from, quiet_to, cap_emails, cap_days, changed_at)
VALUES (%(project)s, %(project)s, %(from)s, %(to)s, %(emails)s, %(days)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET
    quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
    cap_emails = excluded.cap_emails, cap_days = excluded.cap_days,
    changed_at = excluded.changed_at
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """None: there is no such limit. Times are of each person's own day."""

    quiet_from: time | None = None
    quiet_to: time | None = None
    cap_emails: int | None = None
    cap_days: int | None = None


def load(connection: Connection, project_id: UUID) -> Limits:
    """The project's limits."""
    row = connection.execute(FIND, (project_id, project_id)).fetchone()
    return Limits(*row) if row else Limits()


def save(connection: Connection, project_id: UUID, given: Mapping[str, Any], now: datetime) -> None:
    """Keep other limits: `quiet_from` and `quiet_to` as "21:00", `cap_emails` and `cap_days` as
    numbers, each None for none. Raises InvalidError.
    """
    start, end = _clock("quiet_from", given), _clock("quiet_to", given)
    if (start is None) != (end is None):
        raise InvalidError("quiet_to", "Quiet hours have a beginning and an end.")
    if start is not None and start == end:
        raise InvalidError("quiet_to", "Quiet hours that never end would let nothing out.")
    emails, days = given.get("cap_emails"), given.get("cap_days")
    if (emails is None) != (days is None):
        raise InvalidError("cap_days", "Say how many emails, and in how many days.")
    if emails is not None:
        whole_number("cap_emails", emails, least=1, most=MOST_EMAILS, called="Emails")
        whole_number("cap_days", days, least=1, most=MOST_DAYS, called="Days")
    named = {"project": project_id, "from": start, "to": end, "emails": emails, "days": days}
    connection.execute(SAVE, named | {"now": now})


def _clock(field: str, given: Mapping[str, Any]) -> time | None:
    text = given.get(field)
    if not text:
        return None
    try:
        return time.fromisoformat(str(text)).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise InvalidError(field, "Expected a time of day such as 21:00.") from None
