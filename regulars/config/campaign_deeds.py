"""What steps of campaigns do in slices beside them: neither knows the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.doing import Check, Deed
from regulars.campaigns.engine.definition import Converse, Ticket, Webhook
from regulars.inbox import answering, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.tickets import NewTicket
from regulars.people import queries as people
from regulars.webhooks import deliveries, webhooks

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


def call_webhook(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    step: Webhook,
    once: UUID,
    now: datetime,
) -> None:
    """Tell the project's webhook at that address of the person; it is tried until it is taken."""
    person = people.person(connection, project_id, person_id)
    found = _webhook_at(connection, project_id, step.url)
    if person is None or found is None:
        return
    data = {
        "step": step.id,
        "person": {"id": str(person.id), "user_id": person.user_id, "email": person.email},
    }
    deliveries.add_one(connection, found, once, "campaign.step", person.id, data, now)


def webhook_is_there(connection: Connection, project_id: UUID, step: Webhook) -> str:
    """What keeps the address from being called, if anything does."""
    if _webhook_at(connection, project_id, step.url) is None:
        return "Only the project's own webhooks are called: add one with this address first."
    return ""


def _webhook_at(connection: Connection, project_id: UUID, url: str) -> webhooks.Webhook | None:
    found = webhooks.of_project(connection, project_id)
    return next((one for one in found if one.is_on and one.url == url), None)


CAMPAIGN_DEEDS: dict[str, Deed] = {
    "conversation": begin_conversation,
    "ticket": open_ticket,
    "webhook": call_webhook,
}
CAMPAIGN_CHECKS: dict[str, Check] = {"webhook": webhook_is_there}
