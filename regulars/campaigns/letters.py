"""The messages of a campaign's email steps, as emails that take recipients.

A step's message is one email for everybody who gets it in the same round and turn: another one
where somebody may get it again, since an email goes to a person once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.campaigns import emails
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.kit.ids import key_hash
from regulars.mail.letters import Mailbox

Connection = psycopg.Connection[Any]

FIND = "SELECT email_id FROM campaign_email WHERE project_id = %s AND id = %s"
# Two who need the same new email take turns: one of them makes it.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 9))"
ADD = """
INSERT INTO campaign_email (project_id, id, campaign_id, step, variant, round, turn, email_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
PROJECT = "SELECT from_name, from_email, company, name FROM project WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it was when the campaign was published: what `mail.content` wrote."""

    content: Mapping[str, Any]
    template_id: UUID | None = None

    @property
    def subject(self) -> str:
        return str(self.content.get("subject", ""))

    def to_json(self) -> dict[str, Any]:
        """The content as it is kept."""
        return dict(self.content)


def letter_of(campaign: Campaign, step: str, variant: str) -> Letter:
    """The message of a step. Raises KeyError where it was not published."""
    kept = campaign.letters[f"{step}:{variant}"]
    template = kept.get("template")
    return Letter(kept["content"], UUID(template) if template else None)


def step_key(campaign_id: UUID, step: str) -> UUID:
    """What emails know a step by."""
    return key_hash("campaign step", str(campaign_id), step)


class Emails:
    """The emails that a transaction needs, each looked for once."""

    def __init__(self, connection: Connection, campaign: Campaign, now: datetime) -> None:
        self._connection = connection
        self._campaign = campaign
        self._now = now
        self._known: dict[tuple[str, str, int, int], UUID] = {}

    def of(self, step: d.Email, variant: str, round_: int, turn: int) -> UUID:
        """The email that this message is sent as. Raises InvalidError where it can't be sent."""
        place = (step.id, variant, round_, turn)
        if place not in self._known:
            self._known[place] = self._look_up(step, *place[1:])
        return self._known[place]

    def _look_up(self, step: d.Email, variant: str, round_: int, turn: int) -> UUID:
        letter = letter_of(self._campaign, step.id, variant)
        said = msgspec.json.encode([letter.content, _envelope(step)], order="sorted").decode()
        place = (step.id, variant, str(round_), str(turn))
        key = key_hash("campaign email", str(self._campaign.id), *place, said)
        return self._find(key) or self._make(key, step, variant, round_, turn, letter)

    def _find(self, key: UUID) -> UUID | None:
        found = self._connection.execute(FIND, (self._campaign.project_id, key)).fetchone()
        return found[0] if found else None

    def _make(
        self, key: UUID, step: d.Email, variant: str, round_: int, turn: int, letter: Letter
    ) -> UUID:
        campaign, connection = self._campaign, self._connection
        connection.execute(TURN, (str(key),))
        made_meanwhile = self._find(key)
        if made_meanwhile is not None:
            return made_meanwhile
        email_id = emails.create(
            connection,
            campaign.project_id,
            content=letter,
            kind=step.kind,
            sender=sender_of(connection, campaign.project_id, step),
            reply_to=step.reply_to,
            bcc=[step.bcc] if step.bcc else [],
            campaign_id=campaign.id,
            step_id=step_key(campaign.id, step.id),
            template_id=letter.template_id,
            created_by=campaign.changed_by,
            now=self._now,
        )
        connection.execute(
            ADD,
            (campaign.project_id, key, campaign.id, step.id, variant, round_, turn, email_id),
        )
        return email_id


def sender_of(connection: Connection, project_id: UUID, step: d.Email) -> Mailbox:
    """Who an email is from: the step's own sender, or the project's."""
    row = connection.execute(PROJECT, (project_id,)).fetchone()
    name, address, company, project = row or ("", "", "", "")
    return Mailbox(step.from_email or address, step.from_name or name or company or project)


def _envelope(step: d.Email) -> list[str]:
    return [step.kind, step.from_name, step.from_email, step.reply_to, step.bcc]
