"""Takes in what mail brings about mail: bounces, complaints, and answers to what went to many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit import database
from regulars.mail import bounces, feedback
from regulars.mail.feedback import Connection, Feedback, Outcome
from regulars.mail.inbound import Inbound

_OUTCOMES: dict[bounces.Kind, Outcome] = {
    "bounce": "bounced",
    "complaint": "complained",
    "unsubscribe": "unsubscribed",
}

# Whose return paths these are.
RETURN_PATHS = """
SELECT DISTINCT project_id, return_path FROM mail_domain
WHERE return_path <> '' AND return_path = ANY(%s)
"""


def takers(connection: Connection, recipients: Sequence[str]) -> list[UUID]:
    """The projects whose mail comes back to one of these addresses."""
    named = sorted({bounces.without_mark(one) for one in recipients})
    rows = connection.execute(RETURN_PATHS, (named,)).fetchall() if named else []
    return sorted({row[0] for row in rows})


def take(raw: bytes, recipients: Sequence[str], projects: Sequence[UUID], now: datetime) -> bool:
    """Whether the mail is a report about a mail of one of these projects; then it was recorded.

    Recorded anew it changes nothing, so it may come in as often as it likes.
    """
    report = bounces.read(raw, recipients)
    if report is None:
        return False
    outcome = _OUTCOMES.get(report.kind)
    for project_id in projects:
        for mail_id in report.mails[:5]:
            with database.transaction() as connection:
                known = feedback.find(connection, project_id, mail_id) is not None
                if known and outcome is not None:
                    said = Feedback(
                        project_id,
                        mail_id,
                        outcome,
                        now,
                        detail={"reason": report.reason},
                        lasting=report.lasting,
                        source="report",
                    )
                    feedback.take(connection, said)
            if known:
                return True
    return False


def note_answer(mail: Inbound, projects: Sequence[UUID], now: datetime) -> None:
    """If a person's mail answers one that we sent, that is what came of it."""
    if mail.auto is not None:
        return
    answered = bounces.marks_in([mail.in_reply_to, *reversed(mail.references)])[:3]
    for project_id in projects:
        for mail_id in answered:
            with database.transaction() as connection:
                if feedback.take(connection, Feedback(project_id, mail_id, "replied", now)):
                    return
