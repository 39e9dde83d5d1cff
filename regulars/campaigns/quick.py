"""Emails that agents and programs write to whom they choose: what they need, and sending at once.

`emails` and `ledger` hold the steps; here is what is the same at the console's door and at REST's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from regulars.campaigns import emails, ledger
from regulars.campaigns.ledger import Added
from regulars.kit import arrays, environment
from regulars.mail.content.compiling import compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.letters import Mailbox
from regulars.people import letterhead
from regulars.people.selection import Picked, Selection, picked
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

PROJECT = "SELECT name, company, postal_address, from_name, from_email FROM project WHERE id = %s"
THERE = "SELECT id FROM person WHERE project_id = %s AND id = ANY(%s::uuid[])"
BECAME = """
SELECT id, person_id FROM identity
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND kind = 'former'
"""
GATHERED = "UPDATE email SET state = 'gathered', expected = %s WHERE project_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose emails they are, as far as it matters for sending."""

    name: str
    company: str
    postal_address: str
    from_name: str
    from_email: str

    @property
    def missing(self) -> tuple[str, ...]:
        """What marketing can't be sent without, in words."""
        named = {"company name": self.company, "postal address": self.postal_address}
        return tuple(what for what, said in named.items() if not said.strip())

    @property
    def sender(self) -> Mailbox:
        """Who emails are from, unless something else is said."""
        address = self.from_email or _own_address()
        return Mailbox(address, self.from_name or self.company or self.name)


def owner(connection: Connection, project_id: UUID) -> Owner:
    """The project. Raises UnknownError."""
    row = connection.execute(PROJECT, (project_id,)).fetchone()
    if row is None:
        raise UnknownError("There is no such project.")
    return Owner(*row)


def check_may_leave(connection: Connection, project_id: UUID, kind: str) -> None:
    """Marketing says who sends it and where they are. Raises InvalidError, which names the field.

    CAN-SPAM and its like ask for a postal address.
    """
    if kind != "marketing":
        return
    said = owner(connection, project_id)
    for field, value in (("company", said.company), ("postal_address", said.postal_address)):
        if not value.strip():
            named = "company name" if field == "company" else "postal address"
            raise InvalidError(
                field, f"Marketing email needs your {named}: say it in the project’s settings."
            )


def content_of(subject: str, body: str) -> Content:
    """A content of a subject and a body: HTML where it holds tags, else text. InvalidError."""
    try:
        if "</" in body or "<br" in body.lower() or "<img" in body.lower():
            said = {"format": "html", "subject": subject, "source": body}
            return Content.from_json(said)
        return Content.of_text(subject, body)
    except ContentError as wrong:
        raise InvalidError(_field(wrong.field), wrong.message) from None


def check_content(connection: Connection, project_id: UUID, content: Content, kind: str) -> None:
    """Whether it can be filled in. Raises InvalidError."""
    try:
        look = letterhead.look_of(connection, project_id)
        compile_content(content, look, marketing=kind == "marketing")
    except ContentError as wrong:
        raise InvalidError(_field(wrong.field), wrong.message) from None


def people_picked(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> Picked:
    """These people; who was merged is who they became. Raises UnknownError, InvalidError."""
    wanted = set(ids)
    if not wanted:
        raise InvalidError("to", "Name at least one person.")
    rows = connection.execute(THERE, (project_id, arrays.of_ids(wanted)))
    there = {row[0] for row in rows}
    missing = wanted - there
    if missing:
        became: Mapping[UUID, UUID] = dict(
            connection.execute(BECAME, (project_id, arrays.of_ids(missing)))
        )
        if missing - set(became):
            raise UnknownError("There is no such person.")
        there |= set(became.values())
    return picked(there)


def send(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    selected: Selection,
    now: datetime,
    *,
    zone: tzinfo,
) -> Added:
    """Freeze the audience of a draft and send it, all in the caller's transaction."""
    email = emails.get(connection, project_id, email_id)
    check_may_leave(connection, project_id, email.kind)
    emails.set_audience(connection, project_id, email_id, selected, now, zone=zone)
    added = ledger.add_recipients(connection, project_id, email_id, selected, now)
    everybody = added.recipients + sum(added.left_out.values())
    connection.execute(GATHERED, (everybody, project_id, email_id))
    emails.accept(connection, project_id, email_id, now)
    return added


def _field(path: str) -> str:
    """The field of ours that a content's path lies in."""
    return path if path in ("subject", "preheader") else "body"


def _own_address() -> str:
    host = urlsplit(environment.read().base_url).hostname or "localhost"
    return f"no-reply@{host}"
