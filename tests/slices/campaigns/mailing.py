"""A project that writes to its people."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.campaigns import emails, ledger
from regulars.campaigns.emails import Email
from regulars.campaigns.ledger import Added
from regulars.mail.letters import Mailbox
from regulars.people import selection
from regulars.people.person import Person
from tests.slices.people import crowd
from tests.slices.tracking.site import NOON, Site

COUNTS = "SELECT {columns} FROM email_count WHERE project_id = %s AND id = %s"
LEDGER = """
SELECT person_id, address, state, reason FROM email_recipient
WHERE project_id = %s AND email_id = %s ORDER BY person_id
"""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, plainly."""

    subject: str = "New beans"
    html: str = "<p>Hello {{ person.first_name }}</p>"
    text: str = "Hello {{ person.first_name }}"

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "html", "subject": self.subject, "source": self.html, "text": self.text
        }  # fmt: skip


class Mailing:
    """One project's emails. Each thing happens a second after the last."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.connection: psycopg.Connection[Any] = site.connection
        self.project_id = site.project.id
        self._seconds = itertools.count(1)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=next(self._seconds))

    def people(self, *addresses: str | None, **said: Any) -> list[Person]:
        """A user for each address."""
        return [crowd.add(self.site, email=one, **said) for one in addresses]

    def draft(self, *, words: Words | None = None, **said: Any) -> UUID:
        given: dict[str, Any] = {
            "sender": Mailbox("hello@tideway.example", "Tideway Coffee"),
            "now": self.now,
        }
        with self.connection.transaction():
            return emails.create(
                self.connection,
                self.project_id,
                content=words or Words(),
                **(given | said),
            )

    def add(self, email_id: UUID, people: list[Person]) -> Added:
        with self.connection.transaction():
            ids = [person.id for person in people]
            return ledger.add_recipients(self.connection, self.project_id, email_id, ids, self.now)

    def gathered(self, people: list[Person], **said: Any) -> UUID:
        """A draft for these people, whose ledger is written."""
        email_id = self.draft(**said)
        with self.connection.transaction():
            picked = selection.picked(person.id for person in people)
            zone = ZoneInfo("UTC")
            emails.set_audience(
                self.connection, self.project_id, email_id, picked, self.now, zone=zone
            )
            ledger.begin(self.connection, self.project_id, email_id, self.now)
        ledger.gather(self.connection, self.project_id, email_id, self.now, seconds=60)
        return email_id

    def accepted(self, people: list[Person], **said: Any) -> UUID:
        """An email to these people that is being sent."""
        email_id = self.gathered(people, **said)
        with self.connection.transaction():
            emails.accept(self.connection, self.project_id, email_id, self.now)
        return email_id

    def look(self, email_id: UUID) -> Email:
        return emails.get(self.connection, self.project_id, email_id)

    def counts(self, email_id: UUID, *columns: str) -> tuple[int, ...]:
        statement = COUNTS.format(columns=", ".join(columns))
        row = self.connection.execute(statement, (self.project_id, email_id)).fetchone()
        assert row is not None
        return tuple(row)

    def ledger(self, email_id: UUID) -> list[tuple[UUID, str, str, str]]:
        """Person, address, state and reason."""
        return self.connection.execute(LEDGER, (self.project_id, email_id)).fetchall()

    def states(self, email_id: UUID) -> dict[UUID, str]:
        return {person: state for person, _, state, _ in self.ledger(email_id)}

    def recipient(self, email_id: UUID, person: Person) -> UUID:
        row = self.connection.execute(
            "SELECT id FROM email_recipient"
            " WHERE project_id = %s AND email_id = %s AND first_person = %s",
            (self.project_id, email_id, person.id),
        ).fetchone()
        assert row is not None
        return UUID(str(row[0]))
