"""Trials of an email's messages: begun by the first who is in one, decided when time is up."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.advance import Split
from regulars.kit.ids import key_hash

if TYPE_CHECKING:
    from regulars.campaigns.journeys import Decided

Connection = psycopg.Connection[Any]

OF = """
SELECT step, round, decides_at, winner FROM campaign_split
WHERE project_id = %s AND campaign_id = %s AND round = ANY(%s)
"""
BEGIN = """
INSERT INTO campaign_split (project_id, id, campaign_id, step, round, decides_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""
DECIDE = """
UPDATE campaign_split SET winner = %s
WHERE project_id = %s AND id = %s AND winner IS NULL
"""
DECIDED = "SELECT winner FROM campaign_split WHERE project_id = %s AND id = %s"
# How each message did, of those whom it got to.
DID = """
SELECT e.variant, sum(c.sent), sum(c.opened), sum(c.clicked)
FROM campaign_email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.email_id
WHERE e.project_id = %s AND e.campaign_id = %s AND e.step = %s AND e.round = %s
GROUP BY e.variant
"""


def decided(
    connection: Connection, campaign: Campaign, rounds: Collection[int], now: datetime
) -> dict[int, dict[str, Split]]:
    """The trials of these rounds, by round and step; those whose time is up are decided."""
    trials = {
        step.id: step
        for step in d.all_steps(campaign.definition.steps)
        if isinstance(step, d.Email) and step.winner is not None
    }
    found: dict[int, dict[str, Split]] = {}
    if not trials:
        return found
    asked = (campaign.project_id, campaign.id, sorted(rounds))
    for step, round_, decides_at, winner in connection.execute(OF, asked).fetchall():
        if step not in trials:
            continue
        is_due = winner is None and decides_at <= now
        best = _decide(connection, campaign, trials[step], round_) if is_due else winner
        found.setdefault(round_, {})[step] = Split(decides_at, best)
    return found


def begin(connection: Connection, campaign: Campaign, moved: Decided, now: datetime) -> None:
    """Begin the trials that these people are the first to come to."""
    new: dict[tuple[str, int], d.Winner] = {}
    for entry, decision in moved:
        for step in _tried(campaign, decision):
            if step.winner is not None:
                new[step.id, entry.round] = step.winner
    for (step_id, round_), winner in sorted(new.items(), key=lambda one: one[0]):
        decides_at = now + timedelta(hours=winner.hours)
        key = _key(campaign.id, step_id, round_)
        connection.execute(
            BEGIN, (campaign.project_id, key, campaign.id, step_id, round_, decides_at)
        )


def _tried(campaign: Campaign, decision: Any) -> Iterable[d.Email]:
    for act in decision.acts:
        if isinstance(act.step, d.Email) and act.step.winner is not None:
            yield act.step
    if decision.why == "split":
        step = campaign.definition.route().steps.get(decision.state.step or "")
        if isinstance(step, d.Email):
            yield step


def _decide(connection: Connection, campaign: Campaign, step: d.Email, round_: int) -> str:
    """The message that did best, the first of equals; kept, whoever else decides meanwhile."""
    asked = (campaign.project_id, campaign.id, step.id, round_)
    shares: dict[str, float] = {}
    for variant, sent, opened, clicked in connection.execute(DID, asked).fetchall():
        by = opened if step.winner is not None and step.winner.by == "opened" else clicked
        shares[variant] = float(by) / float(sent) if sent else 0.0
    best = max(step.variants, key=lambda one: shares.get(one.id, 0.0)).id
    key = _key(campaign.id, step.id, round_)
    connection.execute(DECIDE, (best, campaign.project_id, key))
    row = connection.execute(DECIDED, (campaign.project_id, key)).fetchone()
    return str(row[0]) if row else best


def _key(campaign_id: UUID, step: str, round_: int) -> UUID:
    return key_hash("campaign split", str(campaign_id), step, str(round_))
