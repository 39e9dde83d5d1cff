"""Agents are told of new messages by Web Push, wherever they are: a loop of the worker.

Only of what is new and nobody has seen: whoever comes back after an hour is told by the counts and
by email. A message is claimed before it is pushed, so of several workers one does it; a worker that
dies in between has told nobody, and the email still comes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from regulars.inbox import conversations, preferences, push_subscriptions
from regulars.inbox.conversations import Conversation
from regulars.inbox.push_delivery import Outcome, Pushed, deliver
from regulars.inbox.push_subscriptions import Subscription
from regulars.kit import clock, database
from regulars.people.naming import called

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

EVERY = 1.0  # seconds between looks
GRACE = timedelta(seconds=2)  # in which an agent who has it open has seen it
NEWS_FOR = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(days=1)
AT_ONCE = 4  # deliveries
MOST_NEWS = 50  # of a project at a time
MOST_BODY = 200  # characters of what was said

FOLLOWED = "SELECT DISTINCT project_id FROM push_subscription ORDER BY project_id"
# What people wrote just now and nobody has seen.
NEWS = f"""
SELECT {conversations.COLUMNS} FROM conversation c
WHERE c.project_id = %(project)s AND c.state = 'open' AND c.merged_into IS NULL
  AND c.last_at BETWEEN %(since)s AND %(until)s AND c.person_seq > c.agents_seen
  AND NOT EXISTS (
    SELECT FROM push_told t
    WHERE t.project_id = c.project_id AND t.id = c.id AND t.seq >= c.person_seq
  )
ORDER BY c.last_at DESC, c.id DESC LIMIT %(limit)s
"""
CLAIM = """
INSERT INTO push_told (project_id, id, seq, at) VALUES (%(project)s, %(id)s, %(seq)s, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET seq = excluded.seq, at = excluded.at
WHERE push_told.seq < excluded.seq
"""
FORGET = "DELETE FROM push_told WHERE at < %s"
SUBSCRIBED = "SELECT DISTINCT agent_id FROM push_subscription WHERE project_id = %s"
MENTIONED = """
SELECT agent_id FROM mention WHERE project_id = %s AND conversation_id = %s AND seen_at IS NULL
"""
WHO = """
SELECT p.name, p.email, p.user_id, j.name FROM person p JOIN project j ON j.id = p.project_id
WHERE p.project_id = %s AND p.id = %s
"""


def push_news(stop: threading.Event) -> None:
    """Until stopped: push what is new to the agents whom it concerns."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as hands:
        while not stop.is_set():
            try:
                with database.connect() as connection:
                    while not stop.wait(EVERY):
                        push_all(connection, clock.now(), hands)
            except database.Away as away:
                log.info("Push messages wait for the database (%s).", type(away).__name__)
                stop.wait(EVERY)


def push_all(connection: Connection, now: datetime, hands: ThreadPoolExecutor) -> int:
    """Push all that is new; how many browsers took it."""
    connection.execute(FORGET, (now - FORGOTTEN_AFTER,))
    followed = connection.execute(FOLLOWED).fetchall()
    return sum(push_project(connection, project_id, now, hands) for (project_id,) in followed)


def push_project(
    connection: Connection, project_id: UUID, now: datetime, hands: ThreadPoolExecutor
) -> int:
    """The same of one project."""
    asked = {
        "project": project_id, "since": now - NEWS_FOR, "until": now - GRACE, "limit": MOST_NEWS,
    }  # fmt: skip
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        news = cursor.execute(NEWS, asked, prepare=True).fetchall()
    return sum(_push(connection, one, now, hands) for one in news)


def push_to(
    connection: Connection,
    project_id: UUID,
    browsers: Iterable[Subscription],
    said: dict[str, str],
    now: datetime,
    hands: ThreadPoolExecutor,
) -> int:
    """Push one message (`title`, `body`, `url`, `tag`) to browsers; how many took it.

    Those that are subscribed no more are let go of. To be called without a transaction open: it
    waits for the network.
    """
    plain = msgspec.json.encode(said)
    aimed = [(one, Pushed(one.endpoint, one.keys, plain, said["tag"])) for one in browsers]
    outcomes = hands.map(lambda pair: deliver(pair[1], now), aimed)
    found = [(one, outcome) for (one, _), outcome in zip(aimed, outcomes, strict=True)]
    gone = [one.id for one, outcome in found if outcome is Outcome.GONE]
    if gone:
        push_subscriptions.forget(connection, project_id, gone)
    return sum(outcome is Outcome.SENT for _, outcome in found)


def _push(
    connection: Connection, one: Conversation, now: datetime, hands: ThreadPoolExecutor
) -> int:
    agents = _concerned(connection, one)
    claim = {"project": one.project_id, "id": one.id, "seq": one.person_seq, "now": now}
    if not connection.execute(CLAIM, claim).rowcount or not agents:
        return 0
    row = connection.execute(WHO, (one.project_id, one.person_id)).fetchone()
    if row is None:
        return 0
    name, email, user_id, project = row
    said = {
        "title": f"{called(name, email, user_id, one.person_id)} · {project}",
        "body": one.preview[:MOST_BODY],
        "url": f"/p/{one.project_id}/inbox/{one.id}/",
        "tag": str(one.id),
    }
    browsers = push_subscriptions.of_agents(connection, one.project_id, agents)
    return push_to(connection, one.project_id, browsers, said, now, hands)


def _concerned(connection: Connection, one: Conversation) -> list[UUID]:
    """The subscribed agents who want to hear of it and are not away."""
    chosen = preferences.of_team(connection, one.project_id)
    ids = (one.project_id, one.id)
    mentioned = {agent for (agent,) in connection.execute(MENTIONED, ids)}
    return [
        agent
        for (agent,) in connection.execute(SUBSCRIBED, (one.project_id,)).fetchall()
        if chosen[agent].browser
        and not chosen[agent].away
        and chosen[agent].concerned(
            assigned=one.assignee_id == agent,
            mentioned=agent in mentioned,
            unassigned=one.assignee_id is None,
        )
    ]
