"""What came back of a mail that left: it arrived, bounced, was complained of, opened or answered.

However it is heard (a report by mail, a mail service's call, a link), it is told here. What that
means for the address is done here; what it means for the email and its person is done by the ledger
that knows the recipient. Ledgers are slices above: `config.wiring` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg

from regulars.mail import outgoing, subscriptions, suppressions
from regulars.mail.links import address_hash

Connection = psycopg.Connection[Any]
Outcome = Literal[
    "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied"
]


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that happened to one recipient's mail.

    `lasting` is, of a bounce, whether the address will never take mail. `machine` says that a
    program opened or clicked, not the reader. `source` names who told us.
    """

    project_id: UUID
    recipient_id: UUID
    outcome: Outcome
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)
    lasting: bool = False
    machine: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail was for, as its ledger knows."""

    address: str
    sent_at: datetime | None


class Ledger(Protocol):
    """Who knows the recipients of a kind of mail."""

    def find(
        self, connection: Connection, project_id: UUID, recipient_id: UUID
    ) -> Recipient | None:
        """The recipient with this id, if it is one of this ledger's."""

    def record(self, connection: Connection, feedback: Feedback) -> bool:
        """Write it down; whether it was news."""


class OutgoingMail:
    """The ledger of single mails: answers in conversations, notices. It counts nothing."""

    def find(
        self, connection: Connection, project_id: UUID, recipient_id: UUID
    ) -> Recipient | None:
        mail = outgoing.find(connection, project_id, recipient_id)
        return Recipient(mail.to_address, mail.ended_at) if mail else None

    def record(self, _connection: Connection, _feedback: Feedback) -> bool:
        return False


LEDGERS: list[Ledger] = [OutgoingMail()]


def find(connection: Connection, project_id: UUID, recipient_id: UUID) -> Recipient | None:
    """Whom the mail was for; None where nobody knows (any more)."""
    found = _ledger_of(connection, project_id, recipient_id)
    return found[1] if found else None


def take(connection: Connection, feedback: Feedback) -> bool:
    """Do and record what it means, in the running transaction; whether the recipient is known.

    The address is the ledger's, never one that a report names: whoever forges a report about a
    mail they got can stop their own mail, and nobody else's.
    """
    found = _ledger_of(connection, feedback.project_id, feedback.recipient_id)
    if found is None:
        return False
    ledger, recipient = found
    about(
        connection,
        feedback.project_id,
        recipient.address,
        feedback.outcome,
        feedback.at,
        lasting=feedback.lasting,
        detail=str(feedback.detail.get("reason", "")),
        source=feedback.source,
    )
    ledger.record(connection, feedback)
    return True


def note(connection: Connection, feedback: Feedback) -> None:
    """Record it alone: what it means for the address was done."""
    found = _ledger_of(connection, feedback.project_id, feedback.recipient_id)
    if found is not None:
        found[0].record(connection, feedback)


def about(
    connection: Connection,
    project_id: UUID,
    address: str,
    outcome: Outcome,
    now: datetime,
    *,
    lasting: bool = False,
    detail: str = "",
    source: str = "",
) -> None:
    """What an outcome means for the address that mail went to."""
    if outcome == "bounced" and lasting:
        suppressions.add(connection, project_id, address, "bounced", now, detail=detail)
    elif outcome == "bounced":
        suppressions.bounced_softly(connection, project_id, address, now, detail=detail)
    elif outcome == "complained":
        suppressions.add(connection, project_id, address, "complained", now, detail=detail)
    elif outcome == "unsubscribed":
        hash_ = address_hash(project_id, address)
        subscriptions.leave(
            connection, project_id, hash_, now, source=source or "page", address=address
        )
    elif outcome == "delivered":
        suppressions.arrived(connection, project_id, address)


def _ledger_of(
    connection: Connection, project_id: UUID, recipient_id: UUID
) -> tuple[Ledger, Recipient] | None:
    for ledger in LEDGERS:
        found = ledger.find(connection, project_id, recipient_id)
        if found is not None:
            return ledger, found
    return None
