"""Emails to one or many: written, given their audience, accepted, paused, stopped.

An email is a draft until its audience is gathered into the ledger (`ledger.py`), which freezes it;
once it is accepted the engine (`sending.py`) sends what waits there. An email of a campaign's step
takes recipients for as long as the campaign runs, so it is accepted from the beginning and never
ends by itself.

Every function takes a connection and works in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from regulars.kit import bus
from regulars.kit.ids import new_id
from regulars.mail import addresses, clean, images
from regulars.mail.compose import MOST_NAME, MOST_SUBJECT
from regulars.mail.drafts import ANYHOW, Save, Stand, takes_place
from regulars.mail.letters import Mailbox
from regulars.people import selection as selections
from regulars.people.selection import Selection
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]
Kind = Literal["marketing", "transactional"]
State = Literal["draft", "gathering", "gathered", "sending", "paused", "sent", "stopped"]

MOST_COPIES = 10  # addresses that get a blind copy
UNDO_FOR = timedelta(seconds=10)  # an email sent from the console can be taken back this long

# What the bus says of a project: there is work for the engine; an email has got on.
TOPIC = "email_work"
MOVED_TOPIC = "emails"

# What the audit log calls these; the doors that have an actor write it.
AUDITED = {
    "email.sent": "Sent an email",
    "email.taken_back": "Took an email back",
    "email.paused": "Paused an email",
    "email.resumed": "Resumed an email",
    "email.stopped": "Stopped an email",
}

ADD = """
INSERT INTO email (project_id, id, campaign_id, step_id, template_id, state, subject, content, kind,
                   topic_id, sender, reply_to, bcc, tracked, created_by, created_at, changed_at,
                   worked_at, accepted_at, leaves_at)
VALUES (%(project)s, %(id)s, %(campaign)s, %(step)s, %(template)s, %(state)s, %(subject)s,
        %(content)s, %(kind)s, %(topic)s, %(sender)s, %(reply_to)s, %(bcc)s, %(tracked)s, %(by)s,
        %(now)s, %(now)s, %(now)s, %(accepted)s, %(accepted)s)
"""
ADD_COUNT = "INSERT INTO email_count (project_id, id) VALUES (%s, %s)"

_COLUMNS = (
    "project_id, id, campaign_id, step_id, template_id, state, subject, content, kind, topic_id,"
    " sender, reply_to, bcc, tracked, audience, audience_at, zone, cursor, expected, left_out,"
    " trouble, created_by, created_at, changed_at, accepted_at, leaves_at, ended_at, version,"
    " changed_by, changed_in, changed_step"
)
FIND = f"SELECT {_COLUMNS} FROM email WHERE project_id = %s AND id = %s"
LOCK = f"{FIND} FOR UPDATE"
CHANGE = """
UPDATE email
SET template_id = %(template)s, subject = %(subject)s, content = %(content)s, kind = %(kind)s,
    topic_id = %(topic)s, sender = %(sender)s, reply_to = %(reply_to)s, bcc = %(bcc)s,
    tracked = %(tracked)s, changed_at = %(now)s, version = version + 1, changed_by = %(by)s,
    changed_in = %(tab)s, changed_step = %(step)s
WHERE project_id = %(project)s AND id = %(id)s
"""
SET_AUDIENCE = """
UPDATE email
SET audience = %(audience)s, audience_at = %(now)s, zone = %(zone)s, changed_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s
"""
# Where pictures are named that no mail has shown yet (`mail.picture_upkeep`).
NAMES_PICTURES = (
    "SELECT content::text FROM email WHERE project_id = %s AND accepted_at IS NULL",
    "SELECT concat(draft, published, letters) FROM campaign WHERE project_id = %s",
)
ACCEPT = """
UPDATE email SET state = 'sending', accepted_at = %s, leaves_at = %s, changed_at = %s, trouble = ''
WHERE project_id = %s AND id = %s
"""
SET_STATE = """
UPDATE email SET state = %(state)s, trouble = %(trouble)s, changed_at = %(now)s,
    ended_at = CASE WHEN %(ends)s THEN %(now)s::timestamptz END
WHERE project_id = %(project)s AND id = %(id)s
"""
CANCEL_WAITING = """
WITH cancelled AS (
    UPDATE email_recipient SET state = 'cancelled', next_try_at = NULL, ended_at = %(now)s,
        reason = %(reason)s
    WHERE project_id = %(project)s AND email_id = %(id)s AND state = 'waiting'
    RETURNING 1
)
UPDATE email_count SET waiting = waiting - n.people, cancelled = cancelled + n.people
FROM (SELECT count(*) AS people FROM cancelled) n
WHERE project_id = %(project)s AND id = %(id)s
"""


class Words(Protocol):
    """What is said: `mail.content.Content`, or whatever can be kept as it is."""

    @property
    def subject(self) -> str:
        """The subject, with its merge tags."""

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""


@dataclass(frozen=True, slots=True)
class Email:
    """An email as its row says. `trouble` is why it does not get on, in words."""

    project_id: UUID
    id: UUID
    campaign_id: UUID | None
    step_id: UUID | None
    template_id: UUID | None
    state: State
    subject: str
    content: dict[str, Any]
    kind: Kind
    topic_id: UUID | None
    sender: dict[str, str]
    reply_to: str
    bcc: list[str]
    tracked: bool
    audience: dict[str, Any] | None
    audience_at: datetime | None
    zone: str
    cursor: UUID | None
    expected: int
    left_out: dict[str, int]
    trouble: str
    created_by: UUID | None
    created_at: datetime
    changed_at: datetime
    accepted_at: datetime | None
    leaves_at: datetime | None
    ended_at: datetime | None
    version: int
    changed_by: UUID | None
    changed_in: str
    changed_step: int

    @property
    def from_(self) -> Mailbox:
        """Who it is from."""
        return Mailbox(self.sender.get("address", ""), self.sender.get("name", ""))

    @property
    def campaign(self) -> UUID:
        """What filters know it by: its campaign, or itself."""
        return self.campaign_id or self.id


def create(
    connection: Connection,
    project_id: UUID,
    *,
    content: Words,
    kind: Kind = "marketing",
    topic_id: UUID | None = None,
    sender: Mailbox | None = None,
    reply_to: str = "",
    bcc: Sequence[str] = (),
    tracked: bool = True,
    campaign_id: UUID | None = None,
    step_id: UUID | None = None,
    template_id: UUID | None = None,
    created_by: UUID | None = None,
    now: datetime,
) -> UUID:
    """A new email: a draft, or, of a campaign, one that takes recipients and sends them at once.

    What a draft lacks may be said later: `accept` looks at all of it. Raises InvalidError.
    """
    id_ = new_id(now)
    of_campaign = campaign_id is not None
    said = _checked(content, kind, sender, reply_to, bcc, whole=of_campaign)
    connection.execute(
        ADD,
        said
        | {
            "project": project_id,
            "id": id_,
            "campaign": campaign_id,
            "step": step_id,
            "template": template_id,
            "state": "sending" if of_campaign else "draft",
            "topic": topic_id,
            "tracked": tracked,
            "by": created_by,
            "accepted": now if of_campaign else None,
            "now": now,
        },
    )
    connection.execute(ADD_COUNT, (project_id, id_))
    if of_campaign:
        images.note_shown(connection, project_id, json.dumps(content.to_json()), now)
    return id_


def change(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    *,
    content: Words,
    kind: Kind,
    topic_id: UUID | None = None,
    sender: Mailbox | None = None,
    reply_to: str = "",
    bcc: Sequence[str] = (),
    tracked: bool = True,
    template_id: UUID | None = None,
    whole: bool = False,
    save: Save = ANYHOW,
    by: UUID | None = None,
    now: datetime,
) -> bool:
    """Say something else in a draft, unless the same window wrote newer words; whether it did.

    Unless it must be `whole`, what is half written is kept as it is. Raises InvalidError,
    UnknownError, ConflictError, and ChangedError for what somebody else wrote since (`save`).
    """
    email = lock(connection, project_id, email_id)
    if email.state not in ("draft", "gathering", "gathered"):
        raise ConflictError("state", "This email was sent already.")
    if not takes_place(Stand(email.version, email.changed_in, email.changed_step), save):
        return False
    said = _checked(content, kind, sender, reply_to, bcc, whole=whole)
    named = {"project": project_id, "id": email_id, "template": template_id, "topic": topic_id}
    written = {"tracked": tracked, "now": now, "by": by, "tab": save.tab, "step": save.step}
    connection.execute(CHANGE, said | named | written)
    return True


def set_audience(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    selected: Selection,
    now: datetime,
    *,
    zone: tzinfo,
) -> None:
    """Whom a draft is for: kept as the question, asked as of `now`."""
    email = lock(connection, project_id, email_id)
    if email.state != "draft":
        raise ConflictError("to", "Who gets this email is settled already.")
    connection.execute(
        SET_AUDIENCE,
        {
            "audience": Jsonb(selections.to_json(selected)),
            "zone": str(zone),
            "project": project_id,
            "id": email_id,
            "now": now,
        },
    )


def accept(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    now: datetime,
    *,
    delay: timedelta = timedelta(),
) -> None:
    """Send it to whoever waits in its ledger, after the delay, during which `take_back` works.

    Raises InvalidError for what it lacks, ConflictError where its audience is not gathered.
    """
    email = lock(connection, project_id, email_id)
    if email.state in ("sending", "sent"):
        raise ConflictError("state", "This email was sent already.")
    if email.state != "gathered":
        raise ConflictError("state", "Who gets this email is not settled yet.")
    _whole(email)
    connection.execute(ACCEPT, (now, now + delay, now, project_id, email_id))
    images.note_shown(connection, project_id, json.dumps(email.content), now)
    tell(connection, project_id, TOPIC)
    tell(connection, project_id, MOVED_TOPIC)


def pause(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> None:
    """Nothing more of it leaves until `resume`; what is on its way is not called back."""
    _move(connection, project_id, email_id, "paused", now, of=("sending",))


def resume(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> None:
    """Go on with it."""
    _move(connection, project_id, email_id, "sending", now, of=("paused",))
    tell(connection, project_id, TOPIC)


def stop(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> None:
    """Nobody who waits gets it any more, for good."""
    _move(connection, project_id, email_id, "stopped", now, of=("sending", "paused"), ends=True)
    cancel_waiting(connection, project_id, email_id, now, "stopped")


def take_back(connection: Connection, project_id: UUID, email_id: UUID, now: datetime) -> None:
    """Undo an acceptance before anything has left: its audience stands, and it can be sent again.

    Raises ConflictError where it is too late.
    """
    email = lock(connection, project_id, email_id)
    if email.state != "sending" or email.leaves_at is None or email.leaves_at <= now:
        raise ConflictError("state", "It has begun to leave: stop it instead.")
    _move(connection, project_id, email_id, "gathered", now, of=("sending",))


def cancel_waiting(
    connection: Connection, project_id: UUID, email_id: UUID, now: datetime, reason: str
) -> None:
    """Whoever waits for it gets it no more."""
    named = {"project": project_id, "id": email_id, "now": now, "reason": reason}
    connection.execute(CANCEL_WAITING, named)


def find(connection: Connection, project_id: UUID, email_id: UUID) -> Email | None:
    """The email as it is."""
    with connection.cursor(row_factory=class_row(Email)) as cursor:
        return cursor.execute(FIND, (project_id, email_id)).fetchone()


def get(connection: Connection, project_id: UUID, email_id: UUID) -> Email:
    """The same. Raises UnknownError."""
    email = find(connection, project_id, email_id)
    if email is None:
        raise UnknownError("There is no such email.")
    return email


def lock(connection: Connection, project_id: UUID, email_id: UUID) -> Email:
    """The same, for this transaction alone to change."""
    with connection.cursor(row_factory=class_row(Email)) as cursor:
        email = cursor.execute(LOCK, (project_id, email_id)).fetchone()
    if email is None:
        raise UnknownError("There is no such email.")
    return email


def tell(connection: Connection, project_id: UUID, topic: str) -> None:
    """Say on the bus that there is something to do, or to see, once this commits."""
    connection.execute(bus.NOTIFY, (bus.message(project_id, topic),))


def _move(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    state: State,
    now: datetime,
    *,
    of: Sequence[State],
    ends: bool = False,
) -> None:
    email = lock(connection, project_id, email_id)
    if email.state not in of:
        raise ConflictError("state", _STANDS[email.state])
    named = {"project": project_id, "id": email_id, "state": state, "ends": ends, "trouble": ""}
    connection.execute(SET_STATE, named | {"now": now})
    tell(connection, project_id, MOVED_TOPIC)


_STANDS: Mapping[State, str] = {
    "draft": "It is a draft.",
    "gathering": "It is not sent yet.",
    "gathered": "It is not sent yet.",
    "sending": "It is being sent.",
    "paused": "It is paused.",
    "sent": "It was sent already.",
    "stopped": "It was stopped.",
}


def _checked(
    content: Words,
    kind: str,
    sender: Mailbox | None,
    reply_to: str,
    bcc: Sequence[str],
    *,
    whole: bool,
) -> dict[str, Any]:
    """The parts that are checked, as parameters. Half an address may stand in half a draft."""
    if kind not in ("marketing", "transactional"):
        raise InvalidError("kind", "An email is marketing or transactional.")
    copies = list(dict.fromkeys(one.strip() for one in bcc if one.strip()))
    if len(copies) > MOST_COPIES:
        raise InvalidError("bcc", f"At most {MOST_COPIES} addresses can get a copy.")
    given = sender or Mailbox("")
    address = given.address.strip()
    if whole:
        address = _address(address, "from")
        reply_to = _address(reply_to, "reply_to") if reply_to.strip() else ""
        copies = [_address(one, "bcc") for one in copies]
    return {
        "subject": clean.line(content.subject, MOST_SUBJECT),
        "content": Jsonb(content.to_json()),
        "kind": kind,
        "sender": Jsonb({"address": address, "name": clean.line(given.name, MOST_NAME)}),
        "reply_to": clean.line(reply_to, addresses.MOST_ADDRESS),
        "bcc": [clean.line(one, addresses.MOST_ADDRESS) for one in copies],
    }


def _whole(email: Email) -> None:
    """Raises InvalidError for what an email can't leave without."""
    if not email.subject:
        raise InvalidError("subject", "An email needs a subject.")
    _address(email.from_.address, "from")
    if email.reply_to:
        _address(email.reply_to, "reply_to")
    for one in email.bcc:
        _address(one, "bcc")


def _address(text: str, field: str) -> str:
    if field == "from" and not text.strip():
        raise InvalidError("from", "Say which address emails come from, in the project's settings.")
    try:
        return addresses.check(text)
    except addresses.BadAddressError as wrong:
        raise InvalidError(field, str(wrong)) from None
