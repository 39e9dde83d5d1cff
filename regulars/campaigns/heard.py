"""The ledger of emails, as `mail.feedback` asks it: whom an email was for, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import outcomes
from regulars.kit import clock
from regulars.mail.feedback import Feedback, Recipient

Connection = psycopg.Connection[Any]

# Whom a row of the ledger is about; those who were left out got nothing that could be answered.
FIND = """
SELECT address, CASE WHEN state = 'sent' THEN ended_at END FROM email_recipient
WHERE project_id = %s AND id = %s AND state <> 'left_out'
"""


class EmailRecipients:
    """The recipients of emails to many."""

    def find(
        self, connection: Connection, project_id: UUID, recipient_id: UUID
    ) -> Recipient | None:
        """The recipient with this id."""
        row = connection.execute(FIND, (project_id, recipient_id)).fetchone()
        return Recipient(*row) if row else None

    def record(self, connection: Connection, feedback: Feedback) -> bool:
        """Write down what came of it; whether it was news."""
        return outcomes.record(
            connection,
            feedback.project_id,
            feedback.recipient_id,
            feedback.outcome,
            feedback.at,
            detail=feedback.detail,
            machine=feedback.machine,
            now=clock.now(),
        )
