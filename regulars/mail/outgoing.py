"""The queue of outgoing mail: rows written in the transaction of whatever they tell of.

`sending` takes them up. What is asked for twice under one id leaves once. Mail knows nobody:
whoever knows people moves and erases their mail with them, by the functions at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.kit import bus
from regulars.mail import dkim, domains
from regulars.mail.letters import Mail

Connection = psycopg.Connection[Any]
State = Literal["waiting", "sent", "kept", "failed"]

# What the bus says of a project: there is mail to send; some of it was sent, or never will be.
TOPIC = "mail"
ENDED_TOPIC = "mail_ended"

ADD = """
INSERT INTO outgoing_mail (project_id, id, kind, person_id, conversation_id, sender, to_address,
                           subject, message_id, raw, next_try_at, created_at,
                           asked_at)
VALUES (%(project)s, %(id)s, %(kind)s, %(person)s, %(conversation)s, %(sender)s, %(to)s,
        %(subject)s, %(message_id)s, %(raw)s, %(now)s, %(now)s, %(now)s)
ON CONFLICT (project_id, id) DO NOTHING
"""
SEND_AGAIN = """
UPDATE outgoing_mail
SET state = 'waiting', tries = 0, next_try_at = %(now)s, asked_at = %(now)s, ended_at = NULL,
    last_error = ''
WHERE project_id = %(project)s AND id = %(id)s AND state IN ('kept', 'failed')
"""

_COLUMNS = (
    "id, kind, person_id, conversation_id, to_address, subject, message_id, state, tries,"
    " next_try_at, last_error, created_at, ended_at"
)
FIND = f"SELECT {_COLUMNS} FROM outgoing_mail WHERE project_id = %s AND id = %s"
RAW = "SELECT raw FROM outgoing_mail WHERE project_id = %s AND id = %s"
OF_CONVERSATION = f"""
SELECT {_COLUMNS} FROM outgoing_mail
WHERE project_id = %s AND conversation_id = %s ORDER BY created_at, id
"""
NEWEST = f"""
SELECT {_COLUMNS} FROM outgoing_mail
WHERE project_id = %(project)s AND (created_at, id) < (%(before)s, %(below)s)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
# How many are in a state, counted up to a bound.
COUNT = """
SELECT count(*) FROM (
    SELECT 1 FROM outgoing_mail WHERE project_id = %s AND state = %s LIMIT %s
) AS bounded
"""
MOST_COUNTED = 1_000
_LAST = UUID(int=(1 << 128) - 1)

MOVE = """
UPDATE outgoing_mail
SET person_id = %(into)s, came_from = coalesce(came_from, '{}') || %(gone)s::uuid
WHERE project_id = %(project)s AND person_id = %(gone)s
"""
MOVE_BACK = """
UPDATE outgoing_mail
SET person_id = %(gone)s,
    came_from = came_from[:array_position(came_from, %(gone)s::uuid) - 1]
WHERE project_id = %(project)s AND person_id = %(into)s AND %(gone)s::uuid = ANY(came_from)
"""
ERASE = "DELETE FROM outgoing_mail WHERE project_id = %s AND person_id = %s"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail as its row says: how far it is. `last_error` is in the words of who refused it."""

    id: UUID
    kind: str
    person_id: UUID | None
    conversation_id: UUID | None
    to_address: str
    subject: str
    message_id: str
    state: State
    tries: int
    next_try_at: datetime | None
    last_error: str
    created_at: datetime
    ended_at: datetime | None


def queue(connection: Connection, project_id: UUID, mail: Mail, now: datetime) -> UUID:
    """Send the mail once the caller's transaction has committed; its id.

    An id that was said before changes nothing: the first mail stands. It is signed as its sender's
    domain, and reports about it come back to that domain's return path, where there are such.
    """
    signer = dkim.signer_of(connection, project_id, mail.sender)
    back_to = domains.return_path_of(connection, project_id, mail.sender, mail.id)
    added = connection.execute(
        ADD,
        {
            "project": project_id,
            "id": mail.id,
            "kind": mail.kind,
            "person": mail.person_id,
            "conversation": mail.conversation_id,
            "sender": back_to or mail.sender,
            "to": mail.to_address,
            "subject": mail.subject,
            "message_id": mail.message_id,
            "raw": signer.sign(mail.raw) if signer else mail.raw,
            "now": now,
        },
    )
    if added.rowcount:
        connection.execute(bus.NOTIFY, (bus.message(project_id, TOPIC),))
    return mail.id


def send_again(connection: Connection, project_id: UUID, id_: UUID, now: datetime) -> bool:
    """Send a mail that failed or was kept; whether there was one."""
    asked = connection.execute(SEND_AGAIN, {"project": project_id, "id": id_, "now": now})
    if asked.rowcount:
        connection.execute(bus.NOTIFY, (bus.message(project_id, TOPIC),))
    return bool(asked.rowcount)


def find(connection: Connection, project_id: UUID, id_: UUID) -> Outgoing | None:
    """One mail."""
    with connection.cursor(row_factory=class_row(Outgoing)) as cursor:
        return cursor.execute(FIND, (project_id, id_)).fetchone()


def raw_of(connection: Connection, project_id: UUID, id_: UUID) -> bytes | None:
    """The whole message, exactly as it leaves."""
    row = connection.execute(RAW, (project_id, id_)).fetchone()
    return row[0] if row else None


def of_conversation(
    connection: Connection, project_id: UUID, conversation_id: UUID
) -> list[Outgoing]:
    """What was mailed of a conversation, the oldest first."""
    with connection.cursor(row_factory=class_row(Outgoing)) as cursor:
        return cursor.execute(OF_CONVERSATION, (project_id, conversation_id)).fetchall()


def count(connection: Connection, project_id: UUID, state: State) -> int:
    """How many mails are in this state; MOST_COUNTED stands for that many or more."""
    row = connection.execute(COUNT, (project_id, state, MOST_COUNTED)).fetchone()
    return row[0] if row else 0


def newest(
    connection: Connection,
    project_id: UUID,
    now: datetime,
    *,
    before: Outgoing | None = None,
    limit: int = 50,
) -> list[Outgoing]:
    """The project's mail, the newest first; behind `before` where that is given."""
    place = (before.created_at, before.id) if before else (now, _LAST)
    named = {"project": project_id, "before": place[0], "below": place[1], "limit": limit}
    with connection.cursor(row_factory=class_row(Outgoing)) as cursor:
        return cursor.execute(NEWEST, named).fetchall()


def move(connection: Connection, project_id: UUID, gone: UUID, into: UUID) -> None:
    """What was mailed about `gone` is about `into`, and remembers where it came from."""
    connection.execute(MOVE, {"project": project_id, "gone": gone, "into": into})


def move_back(connection: Connection, project_id: UUID, gone: UUID, into: UUID) -> None:
    """What came from `gone` is about `gone` again."""
    connection.execute(MOVE_BACK, {"project": project_id, "gone": gone, "into": into})


def erase(connection: Connection, project_id: UUID, person_id: UUID) -> None:
    """No mail about the person is left, sent or not. One that is being sent right now leaves."""
    connection.execute(ERASE, (project_id, person_id))
