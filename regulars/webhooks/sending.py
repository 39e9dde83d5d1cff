"""The worker's loop that tells webhooks: each in its own order, none in another's way.

A webhook is tended by one worker at a time, which holds it by a lease: one that is killed leaves
everything as it was, and another takes over once the lease runs out. What was told and not noted
down is then told again, under the same id.

What fails is tried again later and later, and the rest goes on meanwhile; after several failures
in a row the whole webhook rests. Whoever has taken nothing for days is switched off.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from psycopg.rows import class_row

from regulars.kit import bus, clock, database
from regulars.webhooks import deliveries, post, webhooks
from regulars.webhooks.deliveries import COLUMNS, KEEP_TRYING, Delivery
from regulars.webhooks.post import Outcome
from regulars.webhooks.webhooks import Webhook
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

log = logging.getLogger(__name__)

audit.describe(webhooks.AUDITED)

Connection = psycopg.Connection[Any]

AT_ONCE = 16  # webhooks that are tended at a time
OF_A_PROJECT = 4  # of those
EVERY = 1.0  # seconds between two looks, where nothing is heard of
A_TURN = timedelta(seconds=5)  # after which a webhook makes room for others
LEASE = timedelta(seconds=30)  # more than a try takes
MOST_LOOKS = 20  # parts of the outbox that are gone through in one transaction
CLEARS = timedelta(hours=1)  # between two looks for deliveries that are old

# Until a delivery is tried again; after the last of them always so long.
PAUSES = tuple(timedelta(seconds=one) for one in (5, 30, 120, 600, 1800, 3600, 7200))
IN_A_ROW = 5  # failures, after which the webhook rests
RESTS = (timedelta(seconds=30), timedelta(minutes=15))  # at first, and at most
DEAD_AFTER = timedelta(days=5)

# Webhooks with something to tell that nobody tells just now.
DUE = """
SELECT w.project_id, w.id FROM webhook w
WHERE w.is_on AND (w.paused_until IS NULL OR w.paused_until <= %(now)s)
  AND (w.busy_until IS NULL OR w.busy_until <= %(now)s)
  AND (w.place < (SELECT o.last FROM outbox_counter o WHERE o.project_id = w.project_id)
       OR EXISTS (
           SELECT 1 FROM webhook_delivery d
           WHERE d.project_id = w.project_id AND d.webhook_id = w.id AND d.state = 'waiting'
             AND d.next_try_at <= %(now)s))
ORDER BY w.delivered_at NULLS FIRST, w.id LIMIT 500
"""
CLAIM = """
UPDATE webhook SET busy_until = %(until)s
WHERE project_id = %(project)s AND id = %(id)s AND is_on
  AND (busy_until IS NULL OR busy_until <= %(now)s)
"""
KEEP = "UPDATE webhook SET busy_until = %s WHERE project_id = %s AND id = %s"
RELEASE = "UPDATE webhook SET busy_until = NULL WHERE project_id = %s AND id = %s"
GIVE_UP = """
UPDATE webhook_delivery SET state = 'failed', next_try_at = NULL, ended_at = %(now)s,
    problem = problem || CASE WHEN problem = '' THEN '' ELSE ' ' END || 'Given up after 3 days.'
WHERE project_id = %(project)s AND webhook_id = %(id)s AND state = 'waiting'
  AND created_at <= %(since)s
"""
NEXT = f"""
SELECT {COLUMNS} FROM webhook_delivery d
WHERE d.project_id = %(project)s AND d.webhook_id = %(id)s AND d.state = 'waiting'
  AND d.next_try_at <= %(now)s
ORDER BY d.seq, d.number, d.id LIMIT 1
"""
TRIED = """
UPDATE webhook_delivery SET state = %(state)s, tries = tries + 1, next_try_at = %(next)s,
    tried_at = %(now)s, status = %(status)s, answer = %(answer)s, problem = %(problem)s,
    took_ms = %(took)s, ended_at = %(ended)s
WHERE project_id = %(project)s AND id = %(id)s
"""
WORKED = """
UPDATE webhook SET failures = 0, failing_since = NULL, paused_until = NULL, delivered_at = %s
WHERE project_id = %s AND id = %s
"""
FAILED = """
UPDATE webhook SET failures = failures + 1, failing_since = coalesce(failing_since, %(now)s)
WHERE project_id = %(project)s AND id = %(id)s
RETURNING failures, failing_since
"""
REST = "UPDATE webhook SET paused_until = %s WHERE project_id = %s AND id = %s"
SWITCH_OFF = """
UPDATE webhook SET is_on = false, off_because = %s, changed_at = %s
WHERE project_id = %s AND id = %s
"""


def tell_webhooks(stop: threading.Event) -> None:
    """Until stopped: tell every project's webhooks what happens."""
    woken = threading.Event()
    with (
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as hands,
        bus.bus.hearing("outbox", woken.set),
    ):
        busy: dict[tuple[UUID, UUID], Future[None]] = {}
        forgot: datetime | None = None
        while not stop.is_set():
            now = clock.now()
            if forgot is None or now - forgot > CLEARS:
                forgot = now
                with database.transaction() as connection:
                    deliveries.forget_old(connection, now)
            _hand_out(hands, busy, stop, now)
            woken.wait(EVERY)
            woken.clear()


def tend(
    project_id: UUID,
    webhook_id: UUID,
    time_is: Callable[[], datetime] = clock.now,
    stop: threading.Event | None = None,
) -> int:
    """Tell one webhook what there is to tell, for a turn; how many tries that were."""
    started = time_is()
    if not _claim(project_id, webhook_id, started):
        return 0
    tries = 0
    try:
        while time_is() - started < A_TURN and not (stop and stop.is_set()):
            now = time_is()
            with database.transaction() as connection:
                webhook = webhooks.get(connection, project_id, webhook_id)
                one = _next(connection, webhook, now)
            if one is None:
                break
            told = {
                "X-Regulars-Delivery": str(one.id),
                "X-Regulars-Topic": one.topic,
                "X-Regulars-Attempt": str(one.tries + 1),
            }
            outcome = post.tell(webhook.url, one.body, told, webhook.secrets(now), now)
            tries += 1
            if not _note(webhook, one, outcome, time_is()):
                break
    except UnknownError:
        return tries  # deleted meanwhile
    with database.transaction() as connection:
        connection.execute(RELEASE, (project_id, webhook_id))
    return tries


def _hand_out(
    hands: ThreadPoolExecutor,
    busy: dict[tuple[UUID, UUID], Future[None]],
    stop: threading.Event,
    now: datetime,
) -> None:
    """Give each webhook that has something to tell to a hand, but no project too many."""
    for key in [key for key, turn in busy.items() if turn.done()]:
        del busy[key]
    with database.transaction() as connection:
        due = connection.execute(DUE, {"now": now}).fetchall()
    taken = Counter(project_id for project_id, _ in busy)
    for project_id, webhook_id in due:
        key = (project_id, webhook_id)
        if len(busy) >= AT_ONCE or key in busy or taken[project_id] >= OF_A_PROJECT:
            continue
        taken[project_id] += 1
        busy[key] = hands.submit(_turn, project_id, webhook_id, stop)


def _turn(project_id: UUID, webhook_id: UUID, stop: threading.Event) -> None:
    try:
        tend(project_id, webhook_id, stop=stop)
    except database.Away as away:
        log.info("A webhook waits for the database (%s).", type(away).__name__)
    except Exception:
        log.exception("Telling webhook %s failed; it goes on after its lease", webhook_id)


def _claim(project_id: UUID, webhook_id: UUID, now: datetime) -> bool:
    named = {"project": project_id, "id": webhook_id, "now": now, "until": now + LEASE}
    with database.transaction() as connection:
        if not connection.execute(CLAIM, named).rowcount:
            return False
        connection.execute(GIVE_UP, {**named, "since": now - KEEP_TRYING})
    return True


def _next(connection: Connection, webhook: Webhook, now: datetime) -> Delivery | None:
    """The delivery whose turn it is; the lease is good for it."""
    if not webhook.is_on or (webhook.paused_until is not None and webhook.paused_until > now):
        return None
    for _ in range(MOST_LOOKS):
        more = deliveries.make(connection, webhook, now)
        if not more or _due(connection, webhook, now) is not None:
            break
    connection.execute(KEEP, (now + LEASE, webhook.project_id, webhook.id))
    return _due(connection, webhook, now)


def _due(connection: Connection, webhook: Webhook, now: datetime) -> Delivery | None:
    named = {"project": webhook.project_id, "id": webhook.id, "now": now}
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(NEXT, named).fetchone()


def _note(webhook: Webhook, one: Delivery, outcome: Outcome, now: datetime) -> bool:
    """Write down what became of a try; whether the webhook may be told more at once."""
    given_up = not outcome.was_taken and now - one.created_at >= KEEP_TRYING
    state = "delivered" if outcome.was_taken else "failed" if given_up else "waiting"
    pause = PAUSES[min(one.tries, len(PAUSES) - 1)]
    with database.transaction() as connection:
        connection.execute(
            TRIED,
            {
                "project": webhook.project_id,
                "id": one.id,
                "state": state,
                "next": now + pause if state == "waiting" else None,
                "now": now,
                "status": outcome.status,
                "answer": outcome.answer.replace("\0", ""),
                "problem": outcome.problem + (" Given up after 3 days." if given_up else ""),
                "took": outcome.took_ms,
                "ended": None if state == "waiting" else now,
            },
        )
        if outcome.was_taken:
            connection.execute(WORKED, (now, webhook.project_id, webhook.id))
            return True
        return _note_failure(connection, webhook, outcome, now)


def _note_failure(
    connection: Connection, webhook: Webhook, outcome: Outcome, now: datetime
) -> bool:
    ids = (webhook.project_id, webhook.id)
    named = {"project": ids[0], "id": ids[1], "now": now}
    row = connection.execute(FAILED, named).fetchone()
    if row is None:
        return False  # deleted meanwhile
    failures, since = row
    is_gone = outcome.status == HTTPStatus.GONE
    if is_gone or now - since >= DEAD_AFTER:
        because = (
            "It answered 410: nobody listens there any more."
            if is_gone
            else f"It took nothing for {DEAD_AFTER.days} days. {outcome.problem}"
        )
        connection.execute(SWITCH_OFF, (because, now, *ids))
        audit.record(
            webhook.project_id, "webhook.switched_off", webhook.url, by=audit.OPERATOR, now=now
        )
        connections.close_all()  # the log's own connection: no request's end closes it here
        return False
    if failures < IN_A_ROW:
        return True
    first, longest = RESTS
    rest = min(first * 2 ** min(failures - IN_A_ROW, 10), longest)
    connection.execute(REST, (now + rest, *ids))
    return False
