"""Who gets a draft: gathered as far as the page waits for, counted, the first of them.

The worker gathers the rest. A draft that lay for days has let its people go: they are gathered
anew.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import email_queries, emails, ledger, writing
from regulars.campaigns.emails import Email
from regulars.console import email_words
from regulars.console.access import AgentRequest
from regulars.kit import clock, database
from regulars.kit.ids import new_id
from regulars.mail.addresses import BadAddressError
from regulars.mail.content.errors import ContentError
from regulars.mail.letters import Mailbox
from regulars.people import store
from regulars.people.person import Person, new_person
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]

GATHERED_HERE = 3.0  # seconds of gathering before a page is answered


def gather(project_id: UUID, email_id: UUID, seconds: float = GATHERED_HERE) -> None:
    """Gather for a moment, so that few people are there at once."""
    with database.pool().connection() as connection:
        ledger.gather(connection, project_id, email_id, clock.now(), seconds=seconds)


def audience_of(core: Connection, email: Email) -> dict[str, Any]:
    """How many get it, the first of them, and who is left out."""
    found = email_queries.counts(core, email.project_id, email.id)
    first = email_queries.people_behind(core, email.project_id, email.id, "waiting", limit=4)
    return {
        "counts": found,
        "first": first,
        "left_out": email_words.left_out(email.left_out),
        "gathering": email.state == "gathering",
        "done": found.recipients + found.left_out,
    }


def read_by_the_first(core: Connection, request: AgentRequest, email: Email) -> str:
    """The subject as the first of its people reads it."""
    first = first_of(core, email.project_id, email.id)
    if first is not None:
        with suppress(ContentError, BadAddressError):
            address = Mailbox(first.email or email.from_.address)
            said = writing.sample(
                core, email.project_id, email.id, first, address, email.changed_at
            )
            return said[0]
    return email_words.subject(email.subject, request.project)


def previewed(core: Connection, request: AgentRequest) -> Person | None:
    """Whoever the preview shows it to."""
    try:
        wanted = UUID(request.POST.get("person", ""))
    except ValueError:
        return None
    return store.read(core, request.project.id, [wanted]).get(wanted)


def first_of(core: Connection, project_id: UUID, email_id: UUID) -> Person | None:
    found = email_queries.people_behind(core, project_id, email_id, "waiting", limit=1)
    ids = [one.person_id for one in found]
    people = store.read(core, project_id, ids)
    return next(iter(people.values()), None)


def nobody(project_id: UUID, now: datetime) -> Person:
    """Somebody of whom nothing is known."""
    return new_person(project_id, new_id(now), now)


def with_its_people(email: Email) -> Email:
    """The draft, its audience being gathered if it was not; as of when it was chosen."""
    if email.state != "draft" or email.audience is None or email.campaign_id is not None:
        return email
    at = clock.now()
    with database.pool().connection() as connection:
        try:
            with connection.transaction():
                ledger.begin(connection, email.project_id, email.id, at)
        except InvalidError:
            return email  # nobody of them is left: the page says how many it is for
        except ConflictError:
            pass  # two pages were opened at once
        ledger.gather(connection, email.project_id, email.id, at, seconds=GATHERED_HERE)
        return emails.get(connection, email.project_id, email.id)
