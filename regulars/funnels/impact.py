"""What each channel had to do with it: of those at a checkpoint whom it reached, who went on.

For one pair of neighbouring checkpoints. Somebody is at the first from when they reached it until
they reach the next. **Touched** by a channel is who had a contact by it meanwhile: they went on if
they reached the next within so many days of their first one. **Untouched** is who had no contact
at all in the days after they came: they went on if they reached the next in these. **Held out** is
whom a campaign would have written to, but for its holdout: their days begin when they entered it.
Only those are counted whose days are over. Who reached both at once was never at the first.

A contact is a message of an agent's in a chat or a ticket, a note that the person may read, an
email of its own or of a campaign that was sent, a conversation or a ticket that a campaign began
(which is one of both channels). These rows are other slices': they are read here as
they are, so that all there ever was counts, and nothing is written twice (decision 0081).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.sql import by_name
from regulars.funnels.lift import Lift, Share, enough, lift
from regulars.funnels.parts import Only
from regulars.funnels.report import Chain, Period

Connection = psycopg.Connection[Any]

DAYS = 7  # after a contact, unless somebody says otherwise
CHOICES = (1, 3, 7, 14, 30)
LOOKS_BACK = timedelta(days=365)

TOUCHES = """
    SELECT c.person_id, CASE WHEN c.number IS NULL THEN 'chat' ELSE 'ticket' END AS channel,
           NULL::uuid AS source, m.at
    FROM message m
    JOIN conversation c ON c.project_id = m.project_id AND c.id = m.conversation_id
    WHERE m.project_id = %(project)s AND m.by = 'agent' AND m.at >= %(since)s
    UNION ALL
    SELECT n.person_id, 'note', NULL, n.created_at FROM note n
    WHERE n.project_id = %(project)s AND n.shared AND n.deleted_at IS NULL
      AND n.created_at >= %(since)s
    UNION ALL
    SELECT r.person_id, CASE WHEN e.campaign_id IS NULL THEN 'email' ELSE 'campaign' END,
           e.campaign_id, coalesce(r.ended_at, r.taken_at, r.created_at)
    FROM email_recipient r JOIN email e ON e.project_id = r.project_id AND e.id = r.email_id
    WHERE r.project_id = %(project)s AND r.state = 'sent' AND r.created_at >= %(since)s
    UNION ALL
    SELECT d.person_id, 'campaign', d.campaign_id, d.at FROM campaign_done d
    WHERE d.project_id = %(project)s AND d.kind IN ('conversation', 'ticket') AND d.at >= %(since)s
"""
# Everybody who came to the first checkpoint of the pair, and when they went on.
IMPACT = """
WITH ordered AS ({ordered}), stage AS MATERIALIZED (
    SELECT id, t{place} AS began, t{following} AS went FROM ordered
    WHERE t{place} >= %(since)s AND (t{following} IS NULL OR t{following} > t{place})
), touch AS MATERIALIZED ({touches}), touched AS (
    SELECT s.id, t.channel, t.source, s.went, min(t.at) AS at
    FROM stage s JOIN touch t ON t.person_id = s.id
    WHERE t.at >= s.began AND (s.went IS NULL OR t.at < s.went)
    GROUP BY s.id, t.channel, t.source, s.went
), held AS (
    SELECT s.id, e.campaign_id, s.went, min(e.entered_at) AS at
    FROM stage s JOIN campaign_entry e ON e.project_id = %(project)s AND e.person_id = s.id
    WHERE e.held_out AND e.entered_at >= s.began AND (s.went IS NULL OR e.entered_at < s.went)
    GROUP BY s.id, e.campaign_id, s.went
)
SELECT channel, source, count(*), count(*) FILTER (WHERE went <= at + %(days)s)
FROM touched WHERE at + %(days)s <= %(now)s GROUP BY channel, source
UNION ALL
SELECT 'holdout', campaign_id, count(*), count(*) FILTER (WHERE went <= at + %(days)s)
FROM held WHERE at + %(days)s <= %(now)s GROUP BY campaign_id
UNION ALL
SELECT 'none', NULL, count(*), count(*) FILTER (WHERE went <= began + %(days)s)
FROM stage s
WHERE began + %(days)s <= %(now)s AND NOT EXISTS (
    SELECT 1 FROM touch t
    WHERE t.person_id = s.id AND t.at >= s.began
      AND t.at < least(coalesce(s.went, 'infinity'), s.began + %(days)s)
)
"""
CAMPAIGNS = "SELECT id, name FROM campaign WHERE project_id = %s AND id = ANY(%s)"

_ORDER = {"campaign": 0, "email": 1, "chat": 2, "ticket": 3, "note": 4}
_CHOSEN = {
    "campaign": "No holdout: whoever got it may differ from whoever did not. Hold out a share "
    "of the campaign to know.",
    "email": "The team chose whom to write to: a comparison, not proof of cause.",
    "chat": "People choose whether to chat: a comparison, not proof of cause.",
    "ticket": "Who has a ticket has a reason for it: a comparison, not proof of cause.",
    "note": "The team chose whom to write a note for: a comparison, not proof of cause.",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, or one campaign, against those it is compared with."""

    key: str
    source: UUID | None
    name: str
    touched: Share
    against: Share
    is_held_out: bool  # compared with the holdout; else with the untouched
    lift: Lift | None
    verdict: str
    is_sure: bool  # the difference is more than chance would make


@dataclass(frozen=True, slots=True)
class Impact:
    """All channels of a pair of checkpoints."""

    channels: tuple[Channel, ...]
    untouched: Share
    days: int


def impact(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    place: int,
    days: int,
    now: datetime,
    only: Only | None = None,
) -> Impact:
    """What the channels did between the checkpoint at that place of the funnel and the next."""
    ordered, named = by_name(*chain.ordered(project_id, Period(), only=only))
    statement = IMPACT.format(ordered=ordered, place=place, following=place + 1, touches=TOUCHES)
    asked = {
        **named, "project": project_id, "since": now - LOOKS_BACK, "now": now,
        "days": timedelta(days=days),
    }  # fmt: skip
    rows = connection.execute(statement, asked, prepare=False).fetchall()
    shares = {(key, source): Share(people, went) for key, source, people, went in rows}
    untouched = shares.pop(("none", None), Share(0, 0))
    names = _names(connection, project_id, [source for _, source in shares if source])
    channels = [
        _channel(key, source, share, shares.get(("holdout", source)), untouched, names)
        for (key, source), share in shares.items()
        if key != "holdout"
    ]
    channels.sort(key=lambda one: (_ORDER[one.key], -one.touched.people, one.name))
    return Impact(tuple(channels), untouched, days)


def _channel(
    key: str,
    source: UUID | None,
    touched: Share,
    held_out: Share | None,
    untouched: Share,
    names: dict[UUID, str],
) -> Channel:
    against = held_out if key == "campaign" and held_out is not None else untouched
    is_held_out = against is held_out
    found = lift(touched, against)
    verdict, is_sure = _verdict(key, touched, against, found, is_held_out=is_held_out)
    name = names.get(source, "A campaign") if source else _NAMES[key]
    return Channel(key, source, name, touched, against, is_held_out, found, verdict, is_sure)


_NAMES = {
    "campaign": "A campaign", "email": "Quick email", "chat": "Live chat", "ticket": "Ticket",
    "note": "Shared note",
}  # fmt: skip


def _verdict(
    key: str, touched: Share, against: Share, found: Lift | None, *, is_held_out: bool
) -> tuple[str, bool]:
    """Whether the difference can be trusted, in a plain sentence."""
    if found is None or not enough(touched, against):
        return "Too few people to say anything.", False
    if not found.is_clear:
        return "Too early to say: chance alone makes differences like this.", False
    if is_held_out:
        return "Measured against people held out at random.", True
    return _CHOSEN[key], True


def _names(connection: Connection, project_id: UUID, ids: list[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    rows: Any = connection.execute(CAMPAIGNS, (project_id, ids)).fetchall()
    return dict(rows)
