"""The ledger: who gets an email, written down before anything leaves.

A person and an address each stand in an email's ledger once, whatever is added how often. Whoever
can't get it stands there too, with the reason, so that nobody goes missing without a word.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from regulars.campaigns import emails
from regulars.campaigns.emails import Email
from regulars.kit import arrays, bus, clock, database
from regulars.kit.ids import ids_at
from regulars.mail import addresses, subscriptions
from regulars.people import selection as selections
from regulars.people.selection import Asked, Selection
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]

AT_ONCE = 1_000  # people a statement
STEP = 5_000  # people a transaction, where many are gathered
PAUSE = 1.0  # seconds between looks while nothing is gathered and nothing is heard

# Why somebody does not get an email, and how that is said.
REASONS = {
    "no_address": "no email address",
    "bad_address": "an address that can’t be written to",
    "duplicate": "the same address as somebody else",
    "unsubscribed": "unsubscribed",
    "bounced": "their address bounced before",
    "complained": "complained about an email before",
    "suppressed": "on the suppression list",
}

# Held until this commits, so that nobody is erased under a row that is about to name them.
PEOPLE = """
SELECT id, email, email_folded FROM person
WHERE project_id = %s AND id = ANY(%s::uuid[]) ORDER BY id FOR KEY SHARE
"""
WRITE = """
INSERT INTO email_recipient (project_id, id, email_id, person_id, first_person, address,
                             address_folded, domain, state, reason, next_try_at, created_at,
                             ended_at)
SELECT %(project)s, n.id, %(email)s, n.person_id, n.person_id, n.address, n.folded,
       coalesce(substring(n.folded FROM '@([^@]*)$'), ''), %(state)s, n.reason,
       CASE WHEN %(state)s = 'waiting' THEN %(now)s::timestamptz END, %(now)s,
       CASE WHEN %(state)s <> 'waiting' THEN %(now)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(people)s::uuid[], %(addresses)s::text[], %(folded)s::text[],
            %(reasons)s::text[]) AS n (id, person_id, address, folded, reason)
ORDER BY n.id
ON CONFLICT DO NOTHING
RETURNING person_id
"""
THERE = """
SELECT first_person FROM email_recipient
WHERE project_id = %s AND email_id = %s AND first_person = ANY(%s::uuid[])
"""
COUNT = """
UPDATE email_count
SET recipients = recipients + %(added)s, waiting = waiting + %(added)s,
    left_out = left_out + %(out)s
WHERE project_id = %(project)s AND id = %(email)s
"""
READ_LEFT_OUT = "SELECT left_out FROM email WHERE project_id = %s AND id = %s FOR UPDATE"
KEEP_LEFT_OUT = "UPDATE email SET left_out = %s WHERE project_id = %s AND id = %s"
BEGIN = """
UPDATE email SET state = 'gathering', cursor = NULL, expected = %s, changed_at = %s, worked_at = %s
WHERE project_id = %s AND id = %s
"""
GET_ON = """
UPDATE email SET cursor = %s, state = %s, worked_at = %s WHERE project_id = %s AND id = %s
"""
FORGET = """
DELETE FROM email_recipient WHERE project_id = %(project)s AND id IN (
    SELECT id FROM email_recipient WHERE project_id = %(project)s AND email_id = %(email)s
    LIMIT %(limit)s
)
"""
BACK_TO_DRAFT = """
UPDATE email SET state = 'draft', cursor = NULL, expected = 0, left_out = '{}', changed_at = %s
WHERE project_id = %s AND id = %s
"""
ZERO = """
UPDATE email_count SET recipients = 0, waiting = 0, left_out = 0 WHERE project_id = %s AND id = %s
"""
TO_GATHER = """
SELECT project_id, id FROM email WHERE state = 'gathering' ORDER BY worked_at LIMIT 20
"""
CLAIM = """
SELECT id FROM email
WHERE project_id = %s AND id = %s AND state = 'gathering' FOR UPDATE SKIP LOCKED
"""


@dataclass(slots=True)
class Added:
    """Who was added: how many will get the email, and how many were left out, by reason."""

    recipients: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


def add_recipients(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    who: Selection | Iterable[UUID],
    now: datetime,
) -> Added:
    """Write these people into the email's ledger; those who are there already are not counted.

    In the caller's transaction, so for few: many are gathered by `gather`. Raises UnknownError.
    """
    email = emails.get(connection, project_id, email_id)
    if email.state in ("sent", "stopped"):
        raise ConflictError("state", "This email takes no more recipients.")
    ids = (
        _everybody(connection, Asked(project_id, who, now, ZoneInfo(email.zone)))
        if isinstance(who, Selection)
        else sorted(set(who))
    )
    added = Added()
    for some in _chunks(ids):
        _write(connection, email, some, now, added)
    _count(connection, email, added)
    if added.recipients:
        emails.tell(connection, project_id, emails.TOPIC)
    return added


def begin(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> int:
    """Freeze a draft's audience: from now on the worker writes them down. How many they are.

    Raises InvalidError where nobody is meant.
    """
    email = emails.lock(connection, project_id, email_id)
    if email.state != "draft":
        raise ConflictError("state", "Who gets this email is settled already.")
    if email.audience is None:
        raise InvalidError("to", "Say who the email is for.")
    expected = selections.count(connection, asked_of(email))
    if not expected:
        raise InvalidError("to", "Nobody is meant: choose who gets the email.")
    connection.execute(BEGIN, (expected, now, now, project_id, email_id))
    emails.tell(connection, project_id, emails.TOPIC)
    return expected


def gather(
    connection: Connection, project_id: UUID, email_id: UUID, now: datetime, *, seconds: float
) -> Email:
    """Write people down for so long, a step a transaction; the email as it is then.

    On a connection of its own, outside of a transaction. Whoever dies here left whole steps.
    """
    until = monotonic() + seconds
    while step(connection, project_id, email_id, now) and monotonic() < until:
        pass
    return emails.get(connection, project_id, email_id)


def step(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> bool:
    """The next people of an email's audience, in one transaction. False where none were left."""
    with connection.transaction():
        if connection.execute(CLAIM, (project_id, email_id)).fetchone() is None:
            return False
        email = emails.get(connection, project_id, email_id)
        ids = selections.ids_behind(connection, asked_of(email), email.cursor, STEP)
        added = Added()
        for some in _chunks(ids):
            _write(connection, email, some, now, added)
        _count(connection, email, added)
        goes_on = len(ids) == STEP
        state = "gathering" if goes_on else "gathered"
        cursor = ids[-1] if ids else email.cursor
        connection.execute(GET_ON, (cursor, state, now, project_id, email_id))
        emails.tell(connection, project_id, emails.MOVED_TOPIC)
        return goes_on


def forget(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> None:
    """Make a gathered email a draft again, with an empty ledger. In the caller's transaction."""
    email = emails.lock(connection, project_id, email_id)
    if email.state not in ("gathering", "gathered"):
        raise ConflictError("state", "This email was sent already.")
    named = {"project": project_id, "email": email_id, "limit": 10 * STEP}
    while connection.execute(FORGET, named).rowcount:
        pass
    connection.execute(BACK_TO_DRAFT, (now, project_id, email_id))
    connection.execute(ZERO, (project_id, email_id))


def asked_of(email: Email) -> Asked:
    """The email's audience, as of when it was said."""
    if email.audience is None:
        raise InvalidError("to", "Say who the email is for.")
    selection = selections.from_json(email.audience)
    at = email.audience_at or email.created_at
    return Asked(email.project_id, selection, at, ZoneInfo(email.zone))


def gather_audiences(stop: threading.Event) -> None:
    """Until stopped: write down whom emails are for. A loop of the worker."""
    woken = threading.Event()
    with database.connect() as connection, bus.bus.hearing(emails.TOPIC, woken.set):
        while not stop.is_set():
            woken.clear()
            found = connection.execute(TO_GATHER).fetchall()
            for project_id, email_id in found:
                try:
                    step(connection, project_id, email_id, clock.now())
                except database.Collision:
                    continue  # met another writer: again
            if not found:
                woken.wait(PAUSE)


def _everybody(connection: Connection, asked: Asked) -> Iterator[UUID]:
    after = None
    while ids := selections.ids_behind(connection, asked, after, STEP):
        yield from ids
        after = ids[-1]


def _chunks(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _write(
    connection: Connection, email: Email, ids: Sequence[UUID], now: datetime, added: Added
) -> None:
    """These people, into the ledger; counted in `added`."""
    found = connection.execute(
        PEOPLE, (email.project_id, arrays.of_ids(ids)), prepare=True
    ).fetchall()
    reasons: dict[UUID, str] = {}
    reachable: dict[UUID, tuple[str, str]] = {}
    for person_id, address, folded in found:
        wrong = _wrong_with(address)
        if wrong:
            reasons[person_id] = wrong
        else:
            reachable[person_id] = (address.strip(), folded)
    barred = subscriptions.left_out(
        connection,
        email.project_id,
        [folded for _, folded in reachable.values()],
        marketing=email.kind == "marketing",
        topic_id=email.topic_id,
    )
    for person_id, (_, folded) in list(reachable.items()):
        if folded in barred:
            reasons[person_id] = barred[folded]
            del reachable[person_id]
    _insert(connection, email, reachable, reasons, now, added)


def _insert(
    connection: Connection,
    email: Email,
    reachable: Mapping[UUID, tuple[str, str]],
    reasons: dict[UUID, str],
    now: datetime,
    added: Added,
) -> None:
    rows = [(id_, address, folded, "") for id_, (address, folded) in reachable.items()]
    written = _rows(connection, email, "waiting", rows, now)
    added.recipients += len(written)
    missed = [id_ for id_ in reachable if id_ not in written]
    if missed:
        there = {
            row[0]
            for row in connection.execute(
                THERE, (email.project_id, email.id, arrays.of_ids(missed))
            )
        }
        reasons.update((id_, "duplicate") for id_ in missed if id_ not in there)
    out = [(id_, "", None, reason) for id_, reason in sorted(reasons.items())]
    fresh = _rows(connection, email, "left_out", out, now)
    counted = Counter(added.left_out)
    counted.update(reasons[id_] for id_ in fresh)
    added.left_out = dict(counted)


def _rows(
    connection: Connection,
    email: Email,
    state: str,
    rows: Sequence[tuple[UUID, str, str | None, str]],
    now: datetime,
) -> set[UUID]:
    if not rows:
        return set()
    named = {
        "project": email.project_id,
        "email": email.id,
        "state": state,
        "now": now,
        "ids": arrays.of_ids(ids_at(now, len(rows))),
        "people": arrays.of_ids(row[0] for row in rows),
        "addresses": arrays.of_texts(row[1] for row in rows),
        "folded": arrays.of_texts(row[2] for row in rows),
        "reasons": arrays.of_texts(row[3] for row in rows),
    }
    return {row[0] for row in connection.execute(WRITE, named, prepare=True)}


def _count(connection: Connection, email: Email, added: Added) -> None:
    named = {"project": email.project_id, "email": email.id, "added": added.recipients}
    if added.left_out:
        row = connection.execute(READ_LEFT_OUT, (email.project_id, email.id)).fetchone()
        kept = Counter(row[0] if row else {})
        kept.update(added.left_out)
        connection.execute(KEEP_LEFT_OUT, (Jsonb(dict(kept)), email.project_id, email.id))
    if added.recipients or added.left_out:
        connection.execute(COUNT, named | {"out": sum(added.left_out.values())})


def _wrong_with(address: str | None) -> str:
    if not address or not address.strip():
        return "no_address"
    try:
        addresses.check(address)
    except addresses.BadAddressError:
        return "bad_address"
    return ""
