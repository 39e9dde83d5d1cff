"""A test of what is written somewhere, as one person would get it: nothing is counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.campaigns import quick
from regulars.kit import environment
from regulars.kit.ids import new_id
from regulars.mail import addresses, dkim, newsletter, outgoing
from regulars.mail.content.compiling import compile_content
from regulars.mail.content.content import Content
from regulars.mail.letters import Mail, Mailbox
from regulars.people import letterhead
from regulars.people.merge_context import person_context
from regulars.people.person import Person

ZONE = "SELECT time_zone FROM project WHERE id = %s"


def send(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    content: Content,
    person: Person,
    to: str,
    now: datetime,
    *,
    marketing: bool,
) -> None:
    """Queue the message to one address; its ways out lead nowhere of anybody's.

    Raises ContentError, RenderError and BadAddressError.
    """
    sender = quick.owner(connection, project_id).sender
    sender = Mailbox(addresses.check(sender.address), sender.name)
    row = connection.execute(ZONE, (project_id,)).fetchone()
    base = environment.read().base_url
    facts = person_context(person, ZoneInfo(row[0] if row else "UTC"))
    look = letterhead.look_of(connection, project_id)
    compiled = compile_content(content, look, marketing=marketing)
    said = compiled.render(facts | {"unsubscribe_url": base, "preferences_url": base})
    copy = newsletter.Copy(new_id(now), Mailbox(to), said.subject, said.html, said.text)
    raw = newsletter.write(newsletter.Head(sender), copy, now)
    signer = dkim.signer_of(connection, project_id, sender.address)
    mail = Mail(
        id=new_id(now), kind="test", sender=sender.address, to_address=to, subject=said.subject,
        message_id="", raw=signer.sign(raw) if signer is not None else raw,
    )  # fmt: skip
    outgoing.queue(connection, project_id, mail, now)
