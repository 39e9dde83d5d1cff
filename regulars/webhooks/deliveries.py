"""Deliveries: made of the outbox by each webhook's own cursor, tried until they are taken.

Making them and moving the cursor is one transaction: whoever dies between loses and repeats
nothing. The id of a delivery is a hash of its place, so that receivers can tell a repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from regulars.events import outbox
from regulars.kit import arrays
from regulars.kit.ids import key_hash, new_id
from regulars.webhooks import telling, topics
from regulars.webhooks.webhooks import Webhook
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]
State = Literal["waiting", "delivered", "failed"]

KEEP_TRYING = timedelta(days=3)
KEPT = timedelta(days=14)  # after their end
ENTRIES = 200  # of the outbox, made deliveries of at a time
MOST_WAITING = 10_000  # of one webhook: then its cursor waits for them
A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as its row says."""

    project_id: UUID
    id: UUID
    webhook_id: UUID
    seq: int
    number: int
    topic: str
    body: str
    state: State
    tries: int
    next_try_at: datetime | None
    tried_at: datetime | None
    status: int | None
    answer: str
    problem: str
    took_ms: int | None
    created_at: datetime
    ended_at: datetime | None


COLUMNS = ", ".join(f'd."{one.name}"' for one in fields(Delivery))

WAITING = """
SELECT count(*) FROM (
    SELECT 1 FROM webhook_delivery
    WHERE project_id = %s AND webhook_id = %s AND state = 'waiting' LIMIT %s
) waiting
"""
MAKE = """
INSERT INTO webhook_delivery (project_id, id, webhook_id, seq, number, topic, person_id, body,
                              next_try_at, created_at)
SELECT %(project)s, id, %(webhook)s, seq, number, topic, person, body, %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(seqs)s::bigint[], %(numbers)s::integer[], %(topics)s::text[],
            %(people)s::uuid[], %(bodies)s::text[])
     AS made (id, seq, number, topic, person, body)
ON CONFLICT (project_id, id) DO NOTHING
"""
MOVE = "UPDATE webhook SET place = %s WHERE project_id = %s AND id = %s AND place < %s"
LOCK = """
SELECT place FROM webhook WHERE project_id = %s AND id = %s AND is_on FOR UPDATE SKIP LOCKED
"""
PAGE = f"""
SELECT {COLUMNS} FROM webhook_delivery d
WHERE d.project_id = %(project)s AND d.webhook_id = %(webhook)s
  AND (%(id)s::uuid IS NULL OR (d.created_at, d.id) < (%(at)s, %(id)s))
ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s
"""
ONE = f"""
SELECT {COLUMNS} FROM webhook_delivery d
WHERE d.project_id = %s AND d.webhook_id = %s AND d.id = %s
"""
AGAIN = """
UPDATE webhook_delivery SET state = 'waiting', next_try_at = %(now)s, ended_at = NULL, tries = 0,
    created_at = CASE WHEN created_at < %(now)s - %(patience)s THEN %(now)s ELSE created_at END
WHERE project_id = %(project)s AND webhook_id = %(webhook)s AND id = %(id)s
"""
WAKE = "UPDATE webhook SET paused_until = NULL WHERE project_id = %s AND id = %s"
SLOWEST = "SELECT min(place) FROM webhook WHERE project_id = %s AND is_on"
FORGET_OLD = """
DELETE FROM webhook_delivery WHERE (project_id, id) IN (
    SELECT project_id, id FROM webhook_delivery WHERE ended_at < %s ORDER BY ended_at LIMIT 1000
)
"""


def make(connection: Connection, webhook: Webhook, now: datetime) -> bool:
    """Make deliveries of what stands behind the webhook's cursor; whether there may be more.

    In a transaction. Somebody else may be at it: then there is nothing to do.
    """
    row = connection.execute(LOCK, (webhook.project_id, webhook.id)).fetchone()
    if row is None:
        return False
    waiting = connection.execute(WAITING, (webhook.project_id, webhook.id, MOST_WAITING)).fetchone()
    if waiting and waiting[0] >= MOST_WAITING:
        return False
    entries = outbox.after(connection, webhook.project_id, row[0], ENTRIES)
    if not entries:
        return False
    late = [one for one in entries if now - one[3] <= KEEP_TRYING]  # else nobody waits for it
    wanted = frozenset(webhook.topics)
    news = telling.read(connection, webhook.project_id, late, wanted)
    if news:
        _insert(connection, webhook, news, now)
    last = entries[-1][0]
    connection.execute(MOVE, (last, webhook.project_id, webhook.id, last))
    return len(entries) == ENTRIES


def place(connection: Connection, project_id: UUID, _now: datetime) -> int | None:
    """How far in the outbox the slowest webhook is; None where none is on."""
    row = connection.execute(SLOWEST, (project_id,)).fetchone()
    return row[0] if row else None


def add_test(connection: Connection, webhook: Webhook, now: datetime) -> UUID:
    """A delivery that tells nothing, for whoever sets a receiver up."""
    id_ = new_id(now)
    data = {"message": "It works: this is a test."}
    body = _body(id_, webhook.project_id, topics.TEST, 0, now, data)
    _write(connection, webhook, [(id_, 0, 0, topics.TEST, None, body)], now)
    connection.execute(WAKE, (webhook.project_id, webhook.id))
    return id_


def add_one(
    connection: Connection,
    webhook: Webhook,
    id_: UUID,
    topic: str,
    person_id: UUID,
    data: dict[str, Any],
    now: datetime,
) -> None:
    """A delivery that something beside the outbox asks for, once for its id."""
    body = _body(id_, webhook.project_id, topic, 0, now, data)
    _write(connection, webhook, [(id_, 0, 0, topic, person_id, body)], now)
    connection.execute(WAKE, (webhook.project_id, webhook.id))


def send_again(connection: Connection, webhook: Webhook, delivery_id: UUID, now: datetime) -> None:
    """Try it once more, whatever became of it. Raises UnknownError, InvalidError."""
    get(connection, webhook, delivery_id)
    if not webhook.is_on:
        raise InvalidError("id", "The webhook is off: switch it on first.")
    named = {
        "project": webhook.project_id,
        "webhook": webhook.id,
        "id": delivery_id,
        "now": now,
        "patience": KEEP_TRYING / 2,
    }
    connection.execute(AGAIN, named)
    connection.execute(WAKE, (webhook.project_id, webhook.id))


def get(connection: Connection, webhook: Webhook, delivery_id: UUID) -> Delivery:
    """The delivery. Raises UnknownError."""
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        asked = (webhook.project_id, webhook.id, delivery_id)
        one = cursor.execute(ONE, asked).fetchone()
    if one is None:
        raise UnknownError("There is no such delivery.")
    return one


def page(
    connection: Connection,
    webhook: Webhook,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = A_PAGE,
) -> list[Delivery]:
    """The newest deliveries behind a place."""
    at, id_ = before or (None, None)
    named = {
        "project": webhook.project_id,
        "webhook": webhook.id,
        "at": at,
        "id": id_,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(PAGE, named).fetchall()


def forget_old(connection: Connection, now: datetime) -> int:
    """Let go of deliveries that ended long ago; how many."""
    return connection.execute(FORGET_OLD, (now - KEPT,)).rowcount


def _insert(
    connection: Connection, webhook: Webhook, news: Sequence[telling.News], now: datetime
) -> None:
    rows = []
    for one in news:
        id_ = key_hash("webhook", str(webhook.id), str(one.seq), str(one.number))
        body = _body(id_, webhook.project_id, one.topic, one.seq, one.at, one.data)
        rows.append((id_, one.seq, one.number, one.topic, one.person_id, body))
    _write(connection, webhook, rows, now)


def _write(
    connection: Connection,
    webhook: Webhook,
    rows: Sequence[tuple[UUID, int, int, str, UUID | None, str]],
    now: datetime,
) -> None:
    ids, seqs, numbers, names, people, bodies = zip(*rows, strict=True)
    connection.execute(
        MAKE,
        {
            "project": webhook.project_id,
            "webhook": webhook.id,
            "ids": list(ids),
            "seqs": list(seqs),
            "numbers": list(numbers),
            "topics": arrays.of_texts(names),
            "people": list(people),
            "bodies": list(bodies),
            "now": now,
        },
    )


def _body(
    id_: UUID, project_id: UUID, topic: str, seq: int, at: datetime, data: dict[str, Any]
) -> str:
    """What is sent, byte for byte: kept as text, since it is what is signed."""
    told = {
        "id": str(id_),
        "topic": topic,
        "project": str(project_id),
        "seq": seq,
        "at": telling.iso(at),
        "data": data,
    }
    return msgspec.json.encode(told, enc_hook=str).decode()
