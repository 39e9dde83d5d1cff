"""What is asked about emails: the list, one's numbers, the people behind each number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.campaigns.emails import Email, State
from regulars.campaigns.writing import Pen, Wanted

Connection = psycopg.Connection[Any]

# What people stand behind: a state, or the column that says when.
STATES = ("left_out", "waiting", "sending", "sent", "kept", "failed", "unknown", "cancelled")
OUTCOMES = (
    "delivered", "opened", "machine_opened", "clicked", "machine_clicked", "bounced", "complained",
    "unsubscribed", "replied",
)  # fmt: skip

COUNTS = """
SELECT recipients, left_out, waiting, sent, kept, failed, unknown, cancelled, delivered, opened,
       machine_opened, clicked, machine_clicked, bounced, complained, unsubscribed, replied
FROM email_count WHERE project_id = %s AND id = %s
"""
LISTED = """
SELECT e.id, e.state, e.subject, e.kind, e.trouble, e.created_at, e.accepted_at, e.created_by,
       c.recipients, c.sent, c.opened, c.clicked, c.waiting, c.kept
FROM email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.id
WHERE e.project_id = %(project)s AND e.campaign_id IS NULL
  AND (e.created_at, e.id) < (%(before)s, %(below)s)
ORDER BY e.created_at DESC, e.id DESC LIMIT %(limit)s
"""
PEOPLE = """
SELECT r.id, r.person_id, p.name, p.email, p.user_id, p.kind, r.address, r.state, r.reason,
       r.chosen, {at} AS at
FROM email_recipient r JOIN person p ON p.project_id = r.project_id AND p.id = r.person_id
WHERE r.project_id = %(project)s AND r.email_id = %(email)s AND {which} AND r.id > %(after)s
ORDER BY r.id LIMIT %(limit)s
"""
LINKS = """
SELECT url, people, clicks FROM email_link
WHERE project_id = %s AND email_id = %s ORDER BY people DESC, url LIMIT %s
"""
RECIPIENT = """
SELECT id, person_id, address, coalesce(ended_at, created_at), state FROM email_recipient
WHERE project_id = %s AND email_id = %s AND id = %s
"""
# Emails that were kept here for want of a mail server, the newest first.
KEPT = """
SELECT e.id, e.subject, c.kept, coalesce(e.accepted_at, e.created_at) AS at
FROM email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.id
WHERE e.project_id = %s AND c.kept > 0
ORDER BY e.created_at DESC, e.id DESC LIMIT %s
"""
KEPT_ONE = """
SELECT e.id, e.subject, c.kept, coalesce(e.accepted_at, e.created_at) AS at
FROM email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.id
WHERE e.project_id = %s AND e.id = %s AND c.kept > 0
"""
_LAST = UUID(int=(1 << 128) - 1)
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are where. Who is being sent it right now counts as waiting."""

    recipients: int = 0
    left_out: int = 0
    waiting: int = 0
    sent: int = 0
    kept: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0
    delivered: int = 0
    opened: int = 0
    machine_opened: int = 0
    clicked: int = 0
    machine_clicked: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    replied: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """An email as lists show it."""

    id: UUID
    state: State
    subject: str
    kind: str
    trouble: str
    created_at: datetime
    accepted_at: datetime | None
    created_by: UUID | None
    recipients: int
    sent: int
    opened: int
    clicked: int
    waiting: int
    kept: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An email of which messages were kept here."""

    id: UUID
    subject: str
    kept: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """A person behind a number."""

    id: UUID
    person_id: UUID
    name: str | None
    email: str | None
    user_id: str | None
    kind: str
    address: str
    state: str
    reason: str
    chosen: str | None  # by hand, where the outcome was unknown: "again" or "left"
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link, and how often it was clicked."""

    url: str
    people: int
    clicks: int


def counts(connection: Connection, project_id: UUID, email_id: UUID) -> Counts:
    """An email's numbers."""
    row = connection.execute(COUNTS, (project_id, email_id)).fetchone()
    return Counts(*row) if row else Counts()


def newest(
    connection: Connection,
    project_id: UUID,
    now: datetime,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Emails of their own, the newest first."""
    at, below = before or (now, _LAST)
    named = {"project": project_id, "before": at, "below": below, "limit": limit}
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(LISTED, named).fetchall()


def people_behind(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    number: str,
    *,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Reached]:
    """Who stands behind a number of the email: one of STATES or OUTCOMES."""
    named: dict[str, Any] = {
        "project": project_id,
        "email": email_id,
        "after": after or _FIRST,
        "limit": limit,
    }
    if number in OUTCOMES:
        statement = PEOPLE.format(at=f"r.{number}_at", which=f"r.{number}_at IS NOT NULL")
    elif number in STATES:
        statement = PEOPLE.format(at="r.ended_at", which="r.state = %(state)s")
        named["state"] = number
    else:
        return []
    with connection.cursor(row_factory=class_row(Reached)) as cursor:
        return cursor.execute(statement, named).fetchall()


def links_of(
    connection: Connection, project_id: UUID, email_id: UUID, limit: int = 20
) -> list[Link]:
    """The links that most people clicked."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(LINKS, (project_id, email_id, limit)).fetchall()


def kept_here(connection: Connection, project_id: UUID, *, limit: int) -> list[Kept]:
    """The emails whose messages did not leave because there was no mail server."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(KEPT, (project_id, limit)).fetchall()


def kept_email(connection: Connection, project_id: UUID, email_id: UUID) -> Kept | None:
    """One of them."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(KEPT_ONE, (project_id, email_id)).fetchone()


def reached(
    connection: Connection, project_id: UUID, email_id: UUID, recipient_id: UUID
) -> Reached | None:
    """One recipient of an email."""
    statement = PEOPLE.format(at="r.ended_at", which="r.id = %(recipient)s")
    named = {"project": project_id, "email": email_id, "recipient": recipient_id}
    with connection.cursor(row_factory=class_row(Reached)) as cursor:
        return cursor.execute(statement, named | {"after": _FIRST, "limit": 1}).fetchone()


def message_of(
    connection: Connection, project_id: UUID, email_id: UUID, recipient_id: UUID
) -> bytes | None:
    """The message as it left, or would have: written anew, dated as it was. None for nobody's."""
    row = connection.execute(RECIPIENT, (project_id, email_id, recipient_id)).fetchone()
    if row is None or row[4] == "left_out":
        return None
    id_, person_id, address, at, _ = row
    (written,) = Pen(connection).write(project_id, email_id, [Wanted(id_, person_id, address)], at)
    return written.raw or None


__all__ = ["Counts", "Email", "Kept", "Link", "Listed", "Reached"]
