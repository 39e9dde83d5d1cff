"""Addresses that nothing is sent to: mail bounced, somebody complained, or an agent said so.

A whole domain is suppressed as `@example.com`. Rows are found by a keyed hash, as unsubscriptions
are: erasing a person takes the address out of them, and leaves what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.kit.text import fold
from regulars.mail import addresses, clean
from regulars.mail.links import address_hash

Connection = psycopg.Connection[Any]
Why = Literal["bounced", "complained", "suppressed"]

REASONS: tuple[Why, ...] = ("bounced", "complained", "suppressed")
MOST_DETAIL = 300
AT_ONCE = 5_000

# Mail that failed for now on so many days, with less than this between them, is not tried again.
SOFT_DAYS = 5
SOFT_WITHIN = timedelta(days=30)
A_DAY = timedelta(hours=20)

AMONG = "SELECT id, reason FROM suppression WHERE project_id = %s AND id = ANY(%s)"
# A complaint outweighs a bounce; what an agent said, and what was there first, stays.
ADD = """
INSERT INTO suppression (project_id, id, address, domain, reason, detail, since, agent_id)
VALUES (%(project)s, %(id)s, %(address)s, %(domain)s, %(reason)s, %(detail)s, %(now)s, %(agent)s)
ON CONFLICT (project_id, id) DO UPDATE
SET address = coalesce(suppression.address, excluded.address),
    domain = coalesce(suppression.domain, excluded.domain),
    reason = CASE WHEN excluded.reason = 'complained' AND suppression.reason = 'bounced'
             THEN 'complained' ELSE suppression.reason END
RETURNING since = %(now)s
"""
REMOVE = "DELETE FROM suppression WHERE project_id = %s AND id = ANY(%s)"
FORGET = "UPDATE suppression SET address = NULL, domain = NULL WHERE project_id = %s AND id = %s"
SOFTLY = """
INSERT INTO soft_bounce AS s (project_id, id, days, first_at, last_at)
VALUES (%(project)s, %(id)s, 1, %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET
    days = CASE WHEN s.last_at < %(over)s THEN 1 WHEN s.last_at < %(day)s THEN s.days + 1
           ELSE s.days END,
    first_at = CASE WHEN s.last_at < %(over)s THEN %(now)s ELSE s.first_at END,
    last_at = CASE WHEN s.last_at < %(day)s THEN %(now)s ELSE s.last_at END
RETURNING days
"""
ARRIVED = "DELETE FROM soft_bounce WHERE project_id = %s AND id = %s"
FORGET_SOFT = "DELETE FROM soft_bounce WHERE last_at < %s"
COUNTS = "SELECT reason, count(*) FROM suppression WHERE project_id = %s GROUP BY reason"

_COLUMNS = "id, address, reason, detail, since, agent_id"
FIND = f"SELECT {_COLUMNS} FROM suppression WHERE project_id = %s AND id = %s"
PAGE = f"""
SELECT {_COLUMNS} FROM suppression
WHERE project_id = %(project)s AND (since, id) < (%(since)s, %(id)s) {{where}}
ORDER BY since DESC, id DESC LIMIT %(limit)s
"""
BY_REASON = "AND reason = %(reason)s"
BY_ADDRESS = "AND address >= %(text)s AND address < %(text)s || U&'\\+10FFFF'"
BY_DOMAIN = "AND domain >= %(text)s AND domain < %(text)s || U&'\\+10FFFF'"
_LAST = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address, or @ and a domain, that nothing is sent to. None: its person was erased."""

    id: UUID
    address: str | None
    reason: Why
    detail: str
    since: datetime
    agent_id: UUID | None


def among(connection: Connection, project_id: UUID, given: Mapping[UUID, str]) -> dict[str, Why]:
    """Which of these folded addresses, by their hashes, are suppressed, or whose domains are."""
    whose: dict[UUID, list[str]] = {}
    domains: dict[str, UUID] = {}
    for hash_, address in given.items():
        domain = "@" + addresses.domain_of(address)
        if domain not in domains:
            domains[domain] = address_hash(project_id, domain)
        whose.setdefault(hash_, []).append(address)
        whose.setdefault(domains[domain], []).append(address)
    found: dict[str, Why] = {}
    if whose:
        for id_, reason in connection.execute(AMONG, (project_id, list(whose))):
            for address in whose[id_]:
                found.setdefault(address, reason)
    return found


def check(text: str) -> str:
    """An address or `@domain` to be suppressed, folded. Raises BadAddressError."""
    folded = fold(text)
    if folded.startswith("@"):
        return "@" + addresses.domain_of(addresses.check(f"x{folded}"))
    return fold(addresses.check(folded))


def add(
    connection: Connection,
    project_id: UUID,
    address: str,
    reason: Why,
    now: datetime,
    *,
    detail: str = "",
    agent_id: UUID | None = None,
) -> bool:
    """Send nothing there any more; whether that is new. `address` was checked or is a row's."""
    folded = fold(address)
    named = {
        "project": project_id,
        "id": address_hash(project_id, folded),
        "address": folded,
        "domain": addresses.domain_of(folded),
        "reason": reason,
        "detail": clean.line(detail, MOST_DETAIL),
        "now": now,
        "agent": agent_id,
    }
    row = connection.execute(ADD, named).fetchone()
    return bool(row and row[0])


def bounced_softly(
    connection: Connection, project_id: UUID, address: str, now: datetime, *, detail: str = ""
) -> bool:
    """It could not be delivered for now; whether that was once too often, and it is suppressed."""
    named = {
        "project": project_id,
        "id": address_hash(project_id, address),
        "now": now,
        "day": now - A_DAY,
        "over": now - SOFT_WITHIN,
    }
    row = connection.execute(SOFTLY, named).fetchone()
    if row is None or row[0] < SOFT_DAYS:
        return False
    return add(connection, project_id, address, "bounced", now, detail=detail)


def arrived(connection: Connection, project_id: UUID, address: str) -> None:
    """Mail is delivered there again: earlier failures count no more."""
    connection.execute(ARRIVED, (project_id, address_hash(project_id, address)))


def remove(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> int:
    """Write to these again; how many there were."""
    wanted = list(ids)
    for id_ in wanted:
        connection.execute(ARRIVED, (project_id, id_))
    return connection.execute(REMOVE, (project_id, wanted)).rowcount


def forget(connection: Connection, project_id: UUID, address: str) -> None:
    """The address is not known here any more; that nothing goes there still is."""
    connection.execute(FORGET, (project_id, address_hash(project_id, address)))


def forget_old(connection: Connection, now: datetime) -> None:
    """Failures of long ago count no more."""
    connection.execute(FORGET_SOFT, (now - SOFT_WITHIN,))


def counts(connection: Connection, project_id: UUID) -> dict[str, int]:
    """How many are suppressed, by reason."""
    found: dict[str, int] = dict.fromkeys(REASONS, 0)
    found.update(connection.execute(COUNTS, (project_id,)).fetchall())
    return found


def find(connection: Connection, project_id: UUID, id_: UUID) -> Suppression | None:
    """One of them."""
    with connection.cursor(row_factory=class_row(Suppression)) as cursor:
        return cursor.execute(FIND, (project_id, id_)).fetchone()


def page(
    connection: Connection,
    project_id: UUID,
    now: datetime,
    *,
    reason: Why | None = None,
    text: str = "",
    before: Suppression | None = None,
    limit: int = 50,
) -> list[Suppression]:
    """Those suppressed last, behind `before`; of a reason, or whose address begins with the text.

    A text that begins with @ looks for domains.
    """
    folded = fold(text)[:300]
    where = BY_REASON if reason else ""
    if folded:
        where += BY_DOMAIN if folded.startswith("@") else BY_ADDRESS
    since, id_ = (before.since, before.id) if before else (now + A_DAY, _LAST)
    named = {
        "project": project_id,
        "since": since,
        "id": id_,
        "reason": reason,
        "text": folded.removeprefix("@"),
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Suppression)) as cursor:
        return cursor.execute(PAGE.format(where=where), named).fetchall()
