"""What came of an email for one recipient: recorded once, wherever it is heard of and how often.

Mail's doors (links, bounces, the preference page) know a recipient's id and nobody; here it is
looked up who that is. The first time counts: it moves the email's number, goes into the person's
record, into what filters ask (`campaign_outcome`) and into the outbox. What a machine did, a mail
server that loads pictures or a scanner that follows links, is counted apart and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import psycopg

from regulars.campaigns import emails
from regulars.campaigns.emails import Email
from regulars.campaigns.standing import Standing
from regulars.events import record as events
from regulars.kit import arrays
from regulars.kit.connection import copying
from regulars.kit.ids import ids_at, key_bytes, key_hash
from regulars.people import store
from regulars.people.changes import CollidedError

Connection = psycopg.Connection[Any]
Outcome = Literal[
    "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
BY_MACHINES = ("opened", "clicked")  # what machines do too

MOST_URL = 2_000  # letters of a link
SOURCE = "regulars"  # of events that we record ourselves

# How the person's record calls it. That a server took an email is no event.
EVENTS: Mapping[str, str] = {
    "sent": "Email sent",
    "opened": "Email opened",
    "clicked": "Email link clicked",
    "bounced": "Email bounced",
    "complained": "Marked an email as spam",
    "unsubscribed": "Unsubscribed",
    "replied": "Replied to an email",
}

FIRST = """
UPDATE email_recipient r SET {column} = %(at)s
FROM email e
WHERE r.project_id = %(project)s AND r.id = %(recipient)s AND r.{column} IS NULL
  AND r.state <> 'left_out' AND e.project_id = r.project_id AND e.id = r.email_id
RETURNING r.email_id, r.person_id, e.campaign_id, e.step_id, e.subject
"""
ABOUT = """
SELECT r.person_id, coalesce(e.campaign_id, e.id)
FROM email_recipient r JOIN email e ON e.project_id = r.project_id AND e.id = r.email_id
WHERE r.project_id = %s AND r.id = %s
"""
WHOSE = """
SELECT r.email_id, r.person_id FROM email_recipient r WHERE r.project_id = %s AND r.id = %s
"""
COUNT = "UPDATE email_count SET {column} = {column} + 1 WHERE project_id = %s AND id = %s"
KEEP = """
INSERT INTO campaign_outcome (project_id, id, person_id, campaign_id, outcome, at)
SELECT %(project)s, n.id, n.person_id, %(campaign)s, %(outcome)s, %(at)s
FROM unnest(%(ids)s::uuid[], %(people)s::uuid[]) AS n (id, person_id)
ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
"""
LINK = """
INSERT INTO email_link (project_id, id, email_id, url) VALUES (%s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""
CLICK = """
INSERT INTO email_click (project_id, id, link_id, person_id, at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""
COUNT_CLICK = """
UPDATE email_link SET clicks = clicks + 1, people = people + %s WHERE project_id = %s AND id = %s
"""

_partitions = events.Partitions()


def record(
    connection: Connection,
    project_id: UUID,
    recipient_id: UUID,
    outcome: Outcome,
    at: datetime,
    *,
    detail: Mapping[str, Any] | None = None,
    machine: bool = False,
    now: datetime | None = None,
) -> bool:
    """Record it, in a transaction; whether it was news. An id that is nobody's is none.

    `detail` goes into the person's record: of a click its `url`, of a bounce its `reason`. `now` is
    when we hear of it, where that is later: segments that ask about it are as they are then.
    """
    said = dict(detail or {})
    _partitions.ensure(connection, at)
    while True:
        try:
            standing = Standing(connection, project_id, max(at, now or at))
            return _record(
                connection, project_id, recipient_id, outcome, at, said, standing, machine=machine
            )
        except CollidedError:
            continue  # the person was merged between the look and the lock: look again


def _record(
    connection: Connection,
    project_id: UUID,
    recipient_id: UUID,
    outcome: Outcome,
    at: datetime,
    said: dict[str, Any],
    standing: Standing,
    *,
    machine: bool,
) -> bool:
    column = f"machine_{outcome}_at" if machine and outcome in BY_MACHINES else f"{outcome}_at"
    with connection.transaction():
        named = {"project": project_id, "recipient": recipient_id, "at": at}
        standing.begin()
        held = _hold(standing, connection, project_id, recipient_id)
        row = connection.execute(FIRST.format(column=column), named).fetchone()
        if outcome == "clicked" and not machine:
            _count_click(connection, project_id, recipient_id, said.get("url"), at)
        if row is None:
            return False
        email_id, person_id, campaign_id, step_id, subject = row
        if held not in (None, person_id):
            raise CollidedError  # merged meanwhile: look again
        counted = COUNT.format(column=column.removesuffix("_at"))
        connection.execute(counted, (project_id, email_id))
        emails.tell(connection, project_id, emails.MOVED_TOPIC)
        if column.startswith("machine_"):
            return True
        if outcome in EVENTS:
            about = {"subject": subject, "email_id": str(email_id)} | said
            write_events(connection, project_id, outcome, [(person_id, about)], at)
        keep(connection, project_id, campaign_id or email_id, outcome, [person_id], at)
        standing.changed(campaign_id or email_id, [person_id])
        told = _body(email_id, campaign_id, step_id, outcome, [(recipient_id, person_id)])
        standing.finish([("emails", told)])
    return True


def _hold(
    standing: Standing, connection: Connection, project_id: UUID, recipient_id: UUID
) -> UUID | None:
    """Lock the recipient's person where segments ask about the campaign; None where none does."""
    if not standing.asks_any:
        return None
    row = connection.execute(ABOUT, (project_id, recipient_id)).fetchone()
    if row is None or not standing.asks([row[1]]):
        return None
    person_id: UUID = row[0]
    standing.hold([person_id], ("message", None))
    return person_id


def write_events(
    connection: Connection,
    project_id: UUID,
    outcome: str,
    about: Sequence[tuple[UUID, Mapping[str, Any]]],
    at: datetime,
) -> None:
    """Into the records of these people, each with what is said of it."""
    name = EVENTS[outcome]
    rows = (
        (project_id, id_, person_id, None, "internal", at, SOURCE, name, None, None, None, said,
         None)
        for id_, (person_id, said) in zip(ids_at(at, len(about)), about, strict=True)
    )  # fmt: skip
    with copying(connection, _COPY_EVENTS, store.copy_text(rows)):
        pass


_COPY_EVENTS = (
    "COPY event (project_id, id, person_id, session_id, kind, happened_at, source, name,"
    " url, path, title, properties, message_id) FROM STDIN"
)


def keep(
    connection: Connection,
    project_id: UUID,
    campaign: UUID,
    outcome: str,
    people: Iterable[UUID],
    at: datetime,
) -> None:
    """What filters ask: these people have that outcome of the campaign."""
    keyed = sorted((key_bytes(outcome, str(campaign), str(one)), one) for one in people)
    connection.execute(
        KEEP,
        {
            "project": project_id,
            "campaign": campaign,
            "outcome": outcome,
            "at": at,
            "ids": arrays.of_keys(key for key, _ in keyed),
            "people": arrays.of_ids(one for _, one in keyed),
        },
        prepare=True,
    )


def _count_click(
    connection: Connection, project_id: UUID, recipient_id: UUID, url: Any, at: datetime
) -> None:
    if not isinstance(url, str) or not url or len(url) > MOST_URL:
        return
    whose = connection.execute(WHOSE, (project_id, recipient_id)).fetchone()
    if whose is None:
        return
    email_id, person_id = whose
    link_id = key_hash("link", str(email_id), url)
    connection.execute(LINK, (project_id, link_id, email_id, url))
    click_id = key_hash("click", str(recipient_id), str(link_id))
    fresh = connection.execute(CLICK, (project_id, click_id, link_id, person_id, at)).rowcount
    connection.execute(COUNT_CLICK, (fresh, project_id, link_id))


def body(email: Email, outcome: str, whose: Sequence[tuple[UUID, UUID]]) -> dict[str, Any]:
    """An outcome as the outbox tells it; `whose` are recipients with their people."""
    return _body(email.id, email.campaign_id, email.step_id, outcome, whose)


def _body(
    email_id: UUID,
    campaign_id: UUID | None,
    step_id: UUID | None,
    outcome: str,
    whose: Sequence[tuple[UUID, UUID]],
) -> dict[str, Any]:
    return {
        "email": str(email_id),
        "campaign": str(campaign_id) if campaign_id else None,
        "step": str(step_id) if step_id else None,
        "outcome": outcome,
        "recipients": [str(recipient) for recipient, _ in whose],
        "people": [str(person) for _, person in whose],
    }
