"""Writes recipients' copies of an email: filled in, with their own links, signed.

`Pen` reads for itself what it needs (the email once, the people of each batch in one statement), so
that it can work in a process of its own (`penman.py`) and is told nothing but ids.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from regulars.campaigns import emails
from regulars.campaigns.emails import Email
from regulars.kit import environment
from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.mail import addresses, bounces, dkim, domains, links, newsletter, subscriptions
from regulars.mail.content.compiling import Compiled, compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.dkim import Signer
from regulars.mail.letters import Mailbox
from regulars.mail.links import Links
from regulars.people import letterhead, store
from regulars.people.merge_context import person_context
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

MOST_REMEMBERED = 20  # emails whose compiled content is kept
OF_PROJECT = "SELECT time_zone, track_mail FROM project WHERE id = %s"
GONE = "gone"
WAYS_OUT = ("unsubscribe_url", "preferences_url")


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """A recipient whose copy is to be written."""

    recipient_id: UUID
    person_id: UUID
    address: str


class Written(msgspec.Struct, frozen=True, array_like=True):
    """A finished copy, or why there is none: they are gone, want none, or it can't be filled in."""

    recipient_id: UUID
    raw: bytes = b""
    refused: str = ""
    copy: bytes = b""  # the same for those who get a blind copy
    subject: str = ""
    back_to: str = ""  # what the server is told it is from, where reports come back elsewhere


@dataclass(frozen=True, slots=True)
class _Email:
    """An email made ready to be written."""

    email: Email
    compiled: Compiled
    zone: ZoneInfo
    signer: Signer | None
    tracked: bool
    return_path: str
    base_url: str
    head: newsletter.Head


class Pen:
    """Writes, over one connection. One thread at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ready: OrderedDict[tuple[UUID, UUID], tuple[float, _Email]] = OrderedDict()

    def write(
        self,
        project_id: UUID,
        email_id: UUID,
        wanted: Sequence[Wanted],
        at: datetime,
        *,
        copies: bool = False,
    ) -> list[Written]:
        """Their copies, in their order, dated `at`. Raises ContentError for what has no copy."""
        ready = self._email(project_id, email_id, at)
        people = store.read_told(self._connection, project_id, [one.person_id for one in wanted])
        barred = subscriptions.left_out(
            self._connection,
            project_id,
            [one.address for one in wanted],
            marketing=ready.email.kind == "marketing",
            topic_id=ready.email.topic_id,
        )
        written = []
        for one in wanted:
            person = people.get(one.person_id)
            why = GONE if person is None else barred.get(fold(one.address), "")
            if person is None or why:
                written.append(Written(one.recipient_id, refused=why))
                continue
            written.append(_copy(ready, one, person, at, copies=copies))
        return written

    def forget(self) -> None:
        """Read every email anew."""
        self._ready.clear()

    def _email(self, project_id: UUID, email_id: UUID, at: datetime) -> _Email:
        """The email, compiled; what was compiled is good for half a minute."""
        key = (project_id, email_id)
        known = self._ready.get(key)
        if known is not None and 0 <= at.timestamp() - known[0] < 30:  # noqa: PLR2004 - seconds
            self._ready.move_to_end(key)
            return known[1]
        made = load(self._connection, project_id, email_id)
        self._ready[key] = (at.timestamp(), made)
        if len(self._ready) > MOST_REMEMBERED:
            self._ready.popitem(last=False)
        return made


def load(connection: Connection, project_id: UUID, email_id: UUID) -> _Email:
    """The email, ready to be written. Raises ContentError, BadAddressError, UnknownError."""
    email = emails.get(connection, project_id, email_id)
    look = letterhead.look_of(connection, project_id)
    compiled = compile_content(
        Content.from_json(email.content), look, marketing=email.kind == "marketing"
    )
    row = connection.execute(OF_PROJECT, (project_id,)).fetchone()
    zone, tracks = row or ("UTC", True)
    sender = Mailbox(addresses.check(email.from_.address), email.from_.name)
    reply_to = Mailbox(addresses.check(email.reply_to)) if email.reply_to else None
    return _Email(
        email=email,
        compiled=compiled,
        zone=ZoneInfo(zone),
        signer=dkim.signer_of(connection, project_id, sender.address),
        tracked=email.tracked and tracks,
        return_path=domains.return_path(connection, project_id, sender.address),
        base_url=environment.read().base_url,
        head=newsletter.Head(sender, reply_to),
    )


def sample(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    person: Person,
    to: Mailbox,
    at: datetime,
) -> tuple[str, str, bytes]:
    """Subject, HTML and the whole message as the person would get it, with no live link of theirs.

    It is addressed to `to`. Raises ContentError, RenderError, BadAddressError.
    """
    ready = load(connection, project_id, email_id)
    dead = dict.fromkeys(WAYS_OUT, ready.base_url)
    said = ready.compiled.render(person_context(person, ready.zone) | dead)
    copy = newsletter.Copy(new_id(at), to, said.subject, said.html, said.text)
    return said.subject, said.html, _signed(ready, newsletter.write(ready.head, copy, at))


def _copy(ready: _Email, one: Wanted, person: Person, at: datetime, *, copies: bool) -> Written:
    email = ready.email
    own = Links(
        email.project_id, one.recipient_id, ready.base_url, one.address, topic_id=email.topic_id
    )
    facts = person_context(person, ready.zone)
    live = {name: getattr(own, name) for name in WAYS_OUT if name in ready.compiled.asked}
    try:
        said = ready.compiled.render(facts | live)
        dead = dict.fromkeys(WAYS_OUT, ready.base_url)
        for_copies = ready.compiled.render(facts | dead) if copies else None
    except RenderError as wrong:
        return Written(one.recipient_id, refused=f"It can’t be filled in: {wrong}")
    html = links.instrument(said.html, own) if ready.tracked else said.html
    leaving = own.list_unsubscribe_headers() if email.kind == "marketing" else []
    to = Mailbox(one.address, person.name or "")
    whole = newsletter.Copy(one.recipient_id, to, said.subject, html, said.text, tuple(leaving))
    copy = b""
    if for_copies is not None:
        blind = newsletter.Copy(
            one.recipient_id, to, for_copies.subject, for_copies.html, for_copies.text
        )
        copy = _signed(ready, newsletter.write(ready.head, blind, at))
    raw = _signed(ready, newsletter.write(ready.head, whole, at))
    back_to = (
        bounces.return_address(ready.return_path, one.recipient_id) if ready.return_path else ""
    )
    return Written(one.recipient_id, raw, copy=copy, subject=said.subject, back_to=back_to)


def _signed(ready: _Email, raw: bytes) -> bytes:
    return ready.signer.sign(raw) if ready.signer is not None else raw


__all__ = ["ContentError", "Pen", "Wanted", "Written", "load"]
