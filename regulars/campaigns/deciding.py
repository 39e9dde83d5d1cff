"""What the engine writes down: who is about to be handed over, and what became of it.

Two transactions a mail, each for many at once. The deciding one (`decide`) commits before a server
is told anything: whoever it names is this run's to hand over, once. Then `write`, with all that
follows of it: the person's `last_emailed`, their record, counts, the outbox. Both may be run again
after a commit whose answer was lost. What a run that died had decided and not written is unknown
(`give_up`): it is said, and nothing repeats it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg

from regulars.campaigns import emails, outcomes
from regulars.campaigns.emails import Email
from regulars.events import record as events
from regulars.kit import arrays
from regulars.kit.ids import key_hash
from regulars.mail import outgoing
from regulars.mail.letters import Mail
from regulars.mail.services import told
from regulars.people import emailed
from regulars.people.changes import Changes, CollidedError

Connection = psycopg.Connection[Any]
Became = Literal["sent", "kept", "failed", "unknown", "cancelled", "waiting"]

WORKER_GONE = "The worker was stopped while the mail server was taking it."
FEW = 20  # recipients of an email each of whom is copied; beyond, the first alone

BY_KEYS = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
# Who is due, behind the place up to which they were taken up before.
DUE = """
SELECT id, person_id, address, domain, tries, next_try_at FROM email_recipient
WHERE project_id = %(project)s AND email_id = %(email)s AND state = 'waiting'
  AND next_try_at <= %(now)s AND (next_try_at, id) > (%(after)s, %(behind)s)
ORDER BY next_try_at, id LIMIT %(limit)s
"""
# Those of them that are ours to hand over: said again, they still are.
DECIDE = """
UPDATE email_recipient
SET state = 'sending', next_try_at = NULL, taken_by = %(run)s, taken_at = %(now)s,
    tries = tries + (state = 'waiting')::int
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
  AND (state = 'waiting' OR state = 'sending' AND taken_by = %(run)s)
  AND EXISTS (SELECT 1 FROM email e
              WHERE e.project_id = %(project)s AND e.id = %(email)s AND e.state = 'sending')
  AND NOT EXISTS (SELECT 1 FROM sending_settings s
                  WHERE s.project_id = %(project)s AND s.id = %(project)s
                    AND s.held_at IS NOT NULL)
RETURNING id
"""
WHO = """
SELECT id, person_id FROM email_recipient WHERE project_id = %s AND id = ANY(%s::uuid[])
"""
WRITE = """
UPDATE email_recipient r
SET state = n.state, reason = n.reason, tries = r.tries - n.untried,
    next_try_at = n.next_try_at, ended_at = CASE WHEN n.state <> 'waiting' THEN %(now)s END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[], %(next)s::timestamptz[],
            %(untried)s::int[]) AS n (id, state, reason, next_try_at, untried)
WHERE r.project_id = %(project)s AND r.id = n.id
  AND (r.state IN ('sending', 'unknown') AND r.taken_by = %(run)s
       OR r.state = 'waiting' AND n.state IN ('kept', 'cancelled', 'failed'))
RETURNING r.id, r.person_id, n.state, r.address
"""
COUNT = """
UPDATE email_count
SET waiting = waiting - %(ended)s, sent = sent + %(sent)s, kept = kept + %(kept)s,
    failed = failed + %(failed)s, unknown = unknown + %(unknown)s,
    cancelled = cancelled + %(cancelled)s
WHERE project_id = %(project)s AND id = %(email)s
"""
GIVE_UP = """
WITH lost AS (
    UPDATE email_recipient SET state = 'unknown', reason = %(why)s, ended_at = %(now)s
    WHERE project_id = %(project)s AND email_id = %(email)s AND state = 'sending'
      AND taken_by <> %(run)s
    RETURNING 1
)
UPDATE email_count SET waiting = waiting - n.people, unknown = unknown + n.people
FROM (SELECT count(*) AS people FROM lost) n
WHERE project_id = %(project)s AND id = %(email)s AND n.people > 0
"""
# What a run had called unknown for being dead, and which lives, is known after all.
KNOWN_AGAIN = """
SELECT count(*) FROM email_recipient
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND state = 'unknown'
"""
END = """
UPDATE email SET state = 'sent', ended_at = %(now)s, changed_at = %(now)s, trouble = ''
WHERE project_id = %(project)s AND id = %(email)s AND state = 'sending' AND campaign_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM email_recipient
                  WHERE project_id = %(project)s AND email_id = %(email)s
                    AND state IN ('waiting', 'sending'))
"""
TROUBLE = """
UPDATE email SET trouble = %(trouble)s, state = %(state)s
WHERE project_id = %(project)s AND id = %(email)s AND state = 'sending'
  AND (trouble <> %(trouble)s OR state <> %(state)s)
"""
COUNT_RECIPIENTS = "SELECT recipients FROM email_count WHERE project_id = %s AND id = %s"
FIRST = """
SELECT id FROM email_recipient
WHERE project_id = %s AND email_id = %s AND state <> 'left_out' ORDER BY id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A recipient whose turn it is."""

    id: UUID
    person_id: UUID
    address: str
    domain: str
    tries: int
    next_try_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one. `untried` takes back the try that was counted for it."""

    id: UUID
    became: Became
    reason: str = ""
    next_try_at: datetime | None = None
    untried: bool = False
    subject: str = ""
    copy: bytes = b""  # for those who get a blind copy, if it was sent
    told: tuple[str, str] | None = None  # a mail service, and what it calls the mail


def due(
    connection: Connection,
    email: Email,
    now: datetime,
    after: tuple[datetime, UUID],
    limit: int,
) -> list[Due]:
    """The next whose turn it is."""
    named = {"project": email.project_id, "email": email.id, "now": now, "limit": limit}
    place = {"after": after[0], "behind": after[1]}
    return [Due(*row) for row in connection.execute(DUE, named | place)]


def decide(
    connection: Connection, email: Email, run: UUID, ids: Sequence[UUID], now: datetime
) -> set[UUID]:
    """Those of them that this run may hand over; once it is committed they are its own."""
    named = {
        "project": email.project_id,
        "email": email.id,
        "run": run,
        "ids": arrays.of_ids(ids),
        "now": now,
    }
    return {row[0] for row in connection.execute(DECIDE, named, prepare=True)}


def give_up(connection: Connection, email: Email, run: UUID, now: datetime) -> None:
    """What other runs had in hand is unknown: this one has the email, so they are gone."""
    named = {"project": email.project_id, "email": email.id, "run": run, "now": now}
    connection.execute(GIVE_UP, named | {"why": WORKER_GONE})


def write(
    connection: Connection, email: Email, run: UUID, results: Sequence[Result], now: datetime
) -> None:
    """Write these results, in the caller's transaction. Raises CollidedError."""
    connection.execute(BY_KEYS)
    project_id = email.project_id
    array = arrays.of_ids(one.id for one in results)
    who: dict[UUID, UUID] = dict(connection.execute(WHO, (project_id, array), prepare=True))
    sent = [one for one in results if one.became == "sent" and one.id in who]
    changes = Changes(connection, project_id, now)
    changes.begin()
    written_to = {who[one.id] for one in sent}
    follows = emailed.has_followers(changes)
    people: Collection[UUID] = (
        changes.load(written_to) if follows else emailed.mark(changes, written_to)
    )
    found = connection.execute(KNOWN_AGAIN, (project_id, array), prepare=True).fetchone()
    known_again = int(found[0]) if found else 0
    rows = _write_rows(connection, project_id, run, results, now)
    gone = [row for row in rows if row[2] == "sent" and row[1] not in people]
    if gone:
        raise CollidedError  # merged meanwhile: look again
    done = [row for row in rows if row[2] == "sent"]
    _tell_emailed(changes, done)
    if done:
        reached = {row[1] for row in done}
        outcomes.keep(connection, project_id, email.campaign, "sent", reached, now)
        changes.touch(reached)
    changes.flush()
    if sent:
        _tell_sent(changes, email, rows, {one.id: one for one in sent})
        told.keep(connection, project_id, [(one.id, one.told) for one in sent if one.told], now)
    _count(connection, email, rows, known_again)
    changes.finish()
    emails.tell(connection, project_id, emails.MOVED_TOPIC)


def end(connection: Connection, email: Email, now: datetime) -> bool:
    """The email has been sent, if nobody waits for it any more; whether it has."""
    named = {"project": email.project_id, "email": email.id, "now": now}
    ended = connection.execute(END, named).rowcount > 0
    if ended:
        emails.tell(connection, email.project_id, emails.MOVED_TOPIC)
    return ended


def say_trouble(
    connection: Connection, email: Email, trouble: str, *, pauses: bool = False
) -> None:
    """Why it does not get on; empty where it does again."""
    named = {"project": email.project_id, "email": email.id, "trouble": trouble}
    state = "paused" if pauses else "sending"
    if connection.execute(TROUBLE, named | {"state": state}).rowcount:
        emails.tell(connection, email.project_id, emails.MOVED_TOPIC)


def copied(connection: Connection, email: Email) -> frozenset[UUID] | None:
    """Whose mails go to those who get a blind copy: everybody's (None) of few, else the first's."""
    if not email.bcc:
        return frozenset()
    row = connection.execute(COUNT_RECIPIENTS, (email.project_id, email.id)).fetchone()
    if row and row[0] <= FEW:
        return None
    first = connection.execute(FIRST, (email.project_id, email.id)).fetchone()
    return frozenset(first or ())


Row = tuple[UUID, UUID, str, str]  # recipient, person, what became of it, address


def _write_rows(
    connection: Connection, project_id: UUID, run: UUID, results: Sequence[Result], now: datetime
) -> list[Row]:
    named = {
        "project": project_id,
        "run": run,
        "now": now,
        "ids": arrays.of_ids(one.id for one in results),
        "states": arrays.of_texts(one.became for one in results),
        "reasons": arrays.of_texts(one.reason for one in results),
        "next": arrays.of_plain([one.next_try_at for one in results]),
        "untried": arrays.of_plain([int(one.untried) for one in results]),
    }
    return connection.execute(WRITE, named, prepare=True).fetchall()


def _tell_emailed(changes: Changes, rows: Sequence[Row]) -> None:
    """People's `last_emailed`, where they were loaded; and that they are not what they were."""
    for person in {changes.people[row[1]] for row in rows if row[1] in changes.people}:
        if person.last_emailed is None or person.last_emailed < changes.now:
            person.last_emailed = changes.now
            person.changed = True
    if rows:
        changes.cause = ("message", None)
        ids = sorted({str(row[1]) for row in rows})
        changes.outbox.append(("people", {"people": ids, "fact": "last_emailed"}))


def _tell_sent(
    changes: Changes, email: Email, rows: Sequence[Row], sent: dict[UUID, Result]
) -> None:
    """Into people's records, what filters ask, the outbox; and copies on their way."""
    done = [row for row in rows if row[2] == "sent"]
    if not done:
        return
    connection, project_id, now = changes.connection, changes.project_id, changes.now
    about = {"email_id": str(email.id)}
    said = [
        (person_id, {"subject": sent[id_].subject or email.subject} | about)
        for id_, person_id, *_ in done
    ]
    outcomes.write_events(connection, project_id, "sent", said, now)
    changes.outbox.append(
        ("emails", outcomes.body(email, "sent", [(row[0], row[1]) for row in done]))
    )
    for id_, person_id, _, _ in done:
        one = sent[id_]
        for address in email.bcc if one.copy else ():
            copy = _blind(email, one, person_id, address)
            outgoing.queue(connection, project_id, copy, now)


def _blind(email: Email, one: Result, person_id: UUID, address: str) -> Mail:
    """A copy for somebody whom the recipient does not see."""
    return Mail(
        id=key_hash("blind copy", str(one.id), address),
        kind="copy",
        sender=email.from_.address,
        to_address=address,
        subject=one.subject,
        message_id="",
        raw=one.copy,
        person_id=person_id,
    )


def _count(connection: Connection, email: Email, rows: Sequence[Row], known_again: int) -> None:
    counts = dict.fromkeys(("sent", "kept", "failed", "unknown", "cancelled"), 0)
    for row in rows:
        if row[2] in counts:
            counts[row[2]] += 1
    ended = sum(counts.values()) - known_again
    counts["unknown"] -= known_again
    if ended or any(counts.values()):
        named = {"project": email.project_id, "email": email.id, "ended": ended}
        connection.execute(COUNT, named | counts, prepare=True)


def ensure_partition(connection: Connection, now: datetime) -> None:
    """People's records have room for now. Outside of a transaction."""
    _partitions.ensure(connection, now)


_partitions = events.Partitions()
