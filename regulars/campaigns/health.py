"""How sending goes, over all of a project's emails: what waits, what arrived, what came back.

Numbers come from the counters that each email keeps, and from a bounded look at newest ledger
rows: nothing here grows with how many people there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]

LATELY = timedelta(days=7)
MOST_EMAILS = 500  # emails of late that are added up
NEWEST, OF_EACH = 8, 1_000  # emails, and rows of each, that the look at providers takes
MOST_PROVIDERS = 8
MOST_LEAVING = 8
MINUTE = timedelta(minutes=1)
MINUTES_SHOWN = 60
MOST_ROWS = 3_000  # of an email that the rate is told from

# The counters of the emails that were worked on of late, added up.
TOTALS = """
SELECT coalesce(sum(c.waiting), 0)::bigint AS waiting, coalesce(sum(c.sent), 0)::bigint AS sent,
       coalesce(sum(c.kept), 0)::bigint AS kept, coalesce(sum(c.failed), 0)::bigint AS failed,
       coalesce(sum(c.unknown), 0)::bigint AS unknown,
       coalesce(sum(c.delivered), 0)::bigint AS delivered,
       coalesce(sum(c.bounced), 0)::bigint AS bounced,
       coalesce(sum(c.complained), 0)::bigint AS complained,
       coalesce(sum(c.unsubscribed), 0)::bigint AS unsubscribed
FROM (SELECT id FROM email WHERE project_id = %(project)s AND worked_at > %(since)s
      AND state IN ('sending', 'paused', 'sent', 'stopped')
      ORDER BY worked_at DESC LIMIT %(most)s) AS e
JOIN email_count c ON c.project_id = %(project)s AND c.id = e.id
"""
# Who was sent one of the newest emails within the last minute, as far as so many rows of each tell.
RATE = """
SELECT count(*) AS people, min(r.ended_at) AS since
FROM (SELECT id FROM email WHERE project_id = %(project)s AND worked_at > %(since)s
      ORDER BY worked_at DESC LIMIT %(newest)s) AS e
CROSS JOIN LATERAL (
    SELECT ended_at FROM email_recipient
    WHERE project_id = %(project)s AND email_id = e.id AND state = 'sent'
    ORDER BY id DESC LIMIT %(of_each)s
) AS r
WHERE r.ended_at > %(since)s
GROUP BY e.id
"""
# The same by minutes of the last hour.
MINUTES = """
SELECT e.id, date_trunc('minute', r.ended_at) AS minute, count(*) AS people,
       min(r.ended_at) AS since
FROM (SELECT id FROM email WHERE project_id = %(project)s AND worked_at > %(since)s
      ORDER BY worked_at DESC LIMIT %(newest)s) AS e
CROSS JOIN LATERAL (
    SELECT ended_at FROM email_recipient
    WHERE project_id = %(project)s AND email_id = e.id AND state = 'sent'
    ORDER BY id DESC LIMIT %(of_each)s
) AS r
WHERE r.ended_at > %(since)s
GROUP BY e.id, 2
"""
# What is on its way, the latest first.
LEAVING = """
SELECT e.id, e.subject, e.state, e.campaign_id, e.trouble, c.recipients, c.waiting, c.sent
FROM email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.id
WHERE e.project_id = %s AND e.state IN ('sending', 'paused') AND c.recipients > 0
ORDER BY e.worked_at DESC LIMIT %s
"""
# By the domain of the address, among rows of the newest emails.
PROVIDERS = """
SELECT r.domain, count(*) AS all, count(*) FILTER (WHERE r.state = 'waiting') AS waiting,
       count(*) FILTER (WHERE r.state = 'sent') AS sent,
       count(*) FILTER (WHERE r.state = 'sent' AND r.tries > 1) AS deferred,
       count(*) FILTER (WHERE r.state = 'failed' OR r.bounced_at IS NOT NULL) AS bounced
FROM (SELECT id FROM email WHERE project_id = %(project)s AND worked_at > %(since)s
      AND state IN ('sending', 'paused', 'sent', 'stopped')
      ORDER BY worked_at DESC LIMIT %(newest)s) AS e
CROSS JOIN LATERAL (
    SELECT domain, state, tries, bounced_at FROM email_recipient
    WHERE project_id = %(project)s AND email_id = e.id AND state <> 'left_out' LIMIT %(of_each)s
) AS r
GROUP BY r.domain ORDER BY count(*) DESC, r.domain LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The emails of late, added up."""

    waiting: int
    sent: int
    kept: int
    failed: int
    unknown: int
    delivered: int
    bounced: int
    complained: int
    unsubscribed: int

    def share(self, count: int) -> float | None:
        """A number as a part of what was sent; None where nothing was."""
        return count / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class Leaving:
    """An email that is being sent, or paused on its way."""

    id: UUID
    subject: str
    state: str
    campaign_id: UUID | None
    trouble: str
    recipients: int
    waiting: int
    sent: int

    @property
    def done(self) -> int:
        """How many of its recipients are settled."""
        return self.recipients - self.waiting


@dataclass(frozen=True, slots=True)
class Provider:
    """How mail to one domain fares, among the newest."""

    domain: str
    all: int
    waiting: int
    sent: int
    deferred: int
    bounced: int


def totals(connection: Connection, project_id: UUID, now: datetime) -> Totals:
    """The last seven days' emails."""
    named = {"project": project_id, "since": now - LATELY, "most": MOST_EMAILS}
    with connection.cursor(row_factory=class_row(Totals)) as cursor:
        found = cursor.execute(TOTALS, named).fetchone()
    return found or Totals(0, 0, 0, 0, 0, 0, 0, 0, 0)


def rate(connection: Connection, project_id: UUID, now: datetime) -> int:
    """How many emails a minute leave, by the ledger of the last minute.

    Of an email that sent more in that minute than is looked at, the rows that are looked at tell
    how long they took.
    """
    named = {"project": project_id, "since": now - MINUTE, "newest": NEWEST, "of_each": MOST_ROWS}
    found = connection.execute(RATE, named).fetchall()
    return round(sum(_a_minute(people, since, now) for people, since in found))


def by_minute(connection: Connection, project_id: UUID, now: datetime) -> list[int | None]:
    """How many left in each minute of the last hour, the oldest first; None where rows do not tell.

    Of an email of which more rows are there than are looked at, the minutes before the oldest of
    them are not known.
    """
    first = now.replace(second=0, microsecond=0) - (MINUTES_SHOWN - 1) * MINUTE
    named = {"project": project_id, "since": first, "newest": NEWEST, "of_each": MOST_ROWS}
    rows = connection.execute(MINUTES, named).fetchall()
    looked_at = Counter[UUID]()
    oldest: dict[UUID, datetime] = {}
    left = [0] * MINUTES_SHOWN
    for email_id, minute, people, since in rows:
        looked_at[email_id] += people
        oldest[email_id] = min(since, oldest.get(email_id, since))
        place = int((minute - first) / MINUTE)
        left[min(place, MINUTES_SHOWN - 1)] += people  # another process's clock may be ahead
    cut = [oldest[one] for one, people in looked_at.items() if people >= MOST_ROWS]
    known = max(cut, default=first)
    return [
        people if first + place * MINUTE >= known else None for place, people in enumerate(left)
    ]


def _a_minute(people: int, since: datetime, now: datetime) -> float:
    if people < MOST_ROWS:
        return people
    took = max(now - since, timedelta(seconds=1))
    return people * (MINUTE / took)


def leaving(connection: Connection, project_id: UUID) -> list[Leaving]:
    """What is on its way."""
    with connection.cursor(row_factory=class_row(Leaving)) as cursor:
        return cursor.execute(LEAVING, (project_id, MOST_LEAVING)).fetchall()


def providers(connection: Connection, project_id: UUID, now: datetime) -> list[Provider]:
    """The domains that most of the newest mail went to."""
    named = {
        "project": project_id,
        "since": now - LATELY,
        "newest": NEWEST,
        "of_each": OF_EACH,
        "most": MOST_PROVIDERS,
    }
    with connection.cursor(row_factory=class_row(Provider)) as cursor:
        return cursor.execute(PROVIDERS, named).fetchall()
