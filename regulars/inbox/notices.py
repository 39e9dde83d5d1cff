"""Who must hear of what was said, and was not there: people by email, agents by email.

A loop of the worker. Every mail has an id that says what it is about, so several workers, or one
that is killed and starts again, send each once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.inbox import by_email, conversations, preferences
from regulars.inbox.by_email import sender_of
from regulars.inbox.conversations import Conversation
from regulars.inbox.preferences import AgentPreferences
from regulars.kit import clock, database, environment
from regulars.kit.ids import key_hash
from regulars.mail import compose, outgoing
from regulars.mail.addresses import BadAddressError
from regulars.mail.letters import Letter, Mailbox
from regulars.people import actions as people_actions
from regulars.people.changes import Changes, CollidedError
from regulars.people.naming import called
from regulars.people.queries import is_online
from regulars.workspaces.errors import InvalidError, UnknownError

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

EVERY = 10.0  # seconds between looks
AWAY_FOR = timedelta(minutes=1)  # after which whoever is not here is written to
NOTICE_KIND = "agent_notice"
TOLD_WITHIN = timedelta(days=3)  # after which nobody is told any more of something old
AT_ONCE = 200

# Answers that a person has not seen, for long enough, and may be sent on.
UNSEEN = """
SELECT c.project_id, c.id FROM conversation c
JOIN person p ON p.project_id = c.project_id AND p.id = c.person_id AND p.email IS NOT NULL
LEFT JOIN messenger_settings s ON s.project_id = c.project_id AND s.id = c.project_id
WHERE c.told_person < c.agent_seq AND c.person_seen < c.agent_seq
  AND c.last_at BETWEEN %(oldest)s AND %(latest)s
  AND (s.id IS NULL OR s.email_after_minutes IS NOT NULL)
ORDER BY c.last_at LIMIT %(limit)s
"""
AFTER = "SELECT email_after_minutes FROM messenger_settings WHERE project_id = %s AND id = %s"
# What people wrote and no agent has looked at.
UNREAD = f"""
SELECT {conversations.COLUMNS} FROM conversation c
WHERE c.person_seq > c.agents_seen AND c.state = 'open' AND c.merged_into IS NULL
  AND c.waiting_since BETWEEN %(oldest)s AND %(latest)s
ORDER BY c.waiting_since LIMIT %(limit)s
"""
AGENTS = """
SELECT a.id, a.email, a.name FROM role r JOIN agent a ON a.id = r.agent_id
WHERE r.project_id = %s AND a.is_active AND a.email <> ''
"""
MENTIONED = """
SELECT agent_id FROM mention WHERE project_id = %s AND conversation_id = %s AND seen_at IS NULL
"""
PERSON = "SELECT name, email, user_id FROM person WHERE project_id = %s AND id = %s"
IS_QUEUED = "SELECT 1 FROM outgoing_mail WHERE project_id = %s AND id = %s"


def tell_by_email(stop: threading.Event) -> None:
    """Until stopped: write to those who were not there."""
    while not stop.is_set():
        try:
            with database.connect() as connection:
                while not stop.wait(EVERY):
                    now = clock.now()
                    tell_people(connection, now)
                    tell_agents(connection, now)
        except database.Away as away:
            log.info("Notices wait for the database (%s).", type(away).__name__)
            stop.wait(1)
        except Exception:
            log.exception("Notices failed; they start anew.")
            stop.wait(EVERY)


def tell_people(connection: Connection, now: datetime) -> int:
    """Send on answers that were not seen; how many conversations' were."""
    asked = {"oldest": now - TOLD_WITHIN, "latest": now - AWAY_FOR, "limit": AT_ONCE}
    found = connection.execute(UNSEEN, asked).fetchall()
    return sum(_tell_person(project_id, id_, now) for project_id, id_ in found)


def tell_agents(connection: Connection, now: datetime) -> int:
    """Write to the agents whom it concerns that nobody has looked; how many mails."""
    asked = {
        "oldest": now - TOLD_WITHIN,
        "latest": now - timedelta(minutes=1),
        "limit": AT_ONCE,
    }
    with connection.cursor(row_factory=class_row(Conversation)) as cursor:
        unread = cursor.execute(UNREAD, asked).fetchall()
    return sum(_tell_agents_of(one, now) for one in unread)


def _tell_person(project_id: UUID, conversation_id: UUID, now: datetime) -> bool:
    def work(connection: Connection) -> bool:
        changes = Changes(connection, project_id, now)
        changes.begin()
        before = conversations.get(connection, project_id, conversation_id)
        person = changes.load([before.person_id]).get(before.person_id)
        if person is None:
            raise CollidedError
        one = conversations.lock(connection, project_id, conversation_id)
        row = connection.execute(AFTER, (project_id, project_id)).fetchone()
        minutes = row[0] if row else 5
        patience = timedelta(minutes=minutes or 0) if is_online(person, now) else AWAY_FOR
        if minutes is None or one.last_at + patience > now or not person.email:
            return False
        if not by_email.send_unseen(connection, one, person, now):
            return False
        person.last_emailed = now
        person.changed = True
        changes.cause = ("message", None)
        changes.flush()
        changes.outbox.append(("people", {"people": [str(person.id)]}))
        changes.finish()
        return True

    try:
        return people_actions.settled(database.transaction, work)
    except (InvalidError, UnknownError) as refused:
        log.info("An answer can't be sent on by email: %s", refused)
        return False


def _tell_agents_of(one: Conversation, now: datetime) -> int:
    count = 0
    with database.transaction() as connection:
        chosen = preferences.of_team(connection, one.project_id)
        mentioned = {
            agent_id for (agent_id,) in connection.execute(MENTIONED, (one.project_id, one.id))
        }
        for agent_id, email, name in connection.execute(AGENTS, (one.project_id,)).fetchall():
            if _is_due(one, agent_id, chosen, agent_id in mentioned, now):
                count += _write_to(connection, one, agent_id, Mailbox(email, name), now)
    return count


def _is_due(
    one: Conversation,
    agent_id: UUID,
    chosen: Mapping[UUID, AgentPreferences],
    is_mentioned: bool,  # noqa: FBT001 - one fact among the others
    now: datetime,
) -> bool:
    theirs = chosen[agent_id]
    if theirs.email_after_minutes is None or one.waiting_since is None:
        return False
    due = one.waiting_since + timedelta(minutes=theirs.email_after_minutes)
    return now >= due and theirs.concerned(
        assigned=one.assignee_id == agent_id,
        mentioned=is_mentioned,
        unassigned=one.assignee_id is None,
    )


def _write_to(
    connection: Connection, one: Conversation, agent_id: UUID, to: Mailbox, now: datetime
) -> bool:
    id_ = key_hash(NOTICE_KIND, str(agent_id), str(one.id), str(one.person_seq))
    if connection.execute(IS_QUEUED, (one.project_id, id_)).fetchone():
        return False
    ((name, email, user_id),) = connection.execute(PERSON, (one.project_id, one.person_id))
    person = called(name, email, user_id, one.person_id)
    address = f"{environment.read().base_url}/p/{one.project_id}/inbox/{one.id}/"
    letter = Letter(
        id=id_,
        kind=NOTICE_KIND,
        sender=sender_of(connection, one.project_id, None).mailbox,
        to=to,
        subject=f"{person} is waiting: {one.subject or 'a new message'}",
        text=f"{person} wrote, and nobody has looked yet:\n\n{one.preview}\n\nAnswer: {address}",
        automatic="auto-generated",
        footer="You chose to hear of this by email, in Settings → Notifications.",
    )
    try:
        mail = compose.write(one.project_id, letter, now)
    except BadAddressError:
        return False
    outgoing.queue(connection, one.project_id, mail, now)
    return True
