"""What steps of campaigns do in the inbox: neither slice knows the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.doing import Deed
from regulars.campaigns.engine.definition import Converse, Ticket
from regulars.inbox import answering, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.tickets import NewTicket

Connection = psycopg.Connection[Any]


def begin_conversation(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    step: Converse,
    once: UUID,
    now: datetime,
) -> None:
    """Begin a conversation in the person's messenger, once for the key."""
    answer = Answer(step.text, str(once), channel="chat")
    answering.start(connection, project_id, person_id, None, answer, now)


def open_ticket(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    step: Ticket,
    once: UUID,
    now: datetime,
) -> None:
    """Open a ticket for the person, once for the key."""
    new = NewTicket(
        person_id=person_id,
        subject=step.subject,
        description=step.text or step.subject,
        client=str(once),
        priority=step.priority,
    )
    tickets.open_ticket(connection, project_id, new, now, by=None)


CAMPAIGN_DEEDS: dict[str, Deed] = {"conversation": begin_conversation, "ticket": open_ticket}
