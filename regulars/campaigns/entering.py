"""Who enters a campaign: a row each, under a key by which nobody enters twice for the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import asking, outcomes
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.counting import Counts
from regulars.campaigns.engine.advance import Facts, starts_at
from regulars.campaigns.engine.chance import held_out
from regulars.campaigns.standing import Standing
from regulars.kit import arrays
from regulars.kit.ids import key_bytes

Connection = psycopg.Connection[Any]

# What people went through in this campaign before: how often, and when last. Asked of one after the
# other, and by the person alone: else the planner reads all who ever entered.
BEFORE = """
SELECT n.id, e.entries, e.last
FROM unnest(%(people)s::uuid[]) AS n (id) CROSS JOIN LATERAL (
    SELECT count(*) AS entries, max(entered_at) AS last FROM campaign_entry
    WHERE project_id = %(project)s AND person_id = n.id
      AND campaign_id IS NOT DISTINCT FROM %(campaign)s
) e
WHERE e.entries > 0
"""
ENTER = """
INSERT INTO campaign_entry (project_id, id, campaign_id, person_id, occurrence, round, state,
                            held_out, step, why, next_at, since, entered_at, goal_until)
SELECT %(project)s, n.id, %(campaign)s, n.person_id, n.occurrence, n.round, 'active',
       n.next_at IS NULL, CASE WHEN n.next_at IS NOT NULL THEN %(step)s::text END,
       CASE WHEN n.next_at IS NULL THEN 'held_out'
            WHEN n.next_at > %(now)s THEN 'clock' ELSE 'starts' END,
       n.next_at, %(now)s, %(now)s, %(goal_until)s
FROM unnest(%(ids)s::uuid[], %(people)s::uuid[], %(occurrences)s::text[], %(rounds)s::int[],
            %(next)s::timestamptz[]) AS n (id, person_id, occurrence, round, next_at)
ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
RETURNING person_id, held_out
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom the trigger lets in. `occasion` makes the key, where they may enter again."""

    person_id: UUID
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What those have in common who enter at once: the run's day and number."""

    occurrence: str = ""
    number: int | None = None  # None: counted for each person


def enter(
    connection: Connection,
    campaign: Campaign,
    arrivals: Sequence[Arrival],
    now: datetime,
    zone: tzinfo,
    round_: Round | None = None,
    *,
    asked: bool = False,
    standing: Standing,
) -> int:
    """Let in who belongs, once for each occasion; how many. `asked`: they are of the audience.

    Whoever has reached the goal already stays out. `standing` hears of who entered.
    """
    definition, project_id = campaign.definition, campaign.project_id
    zones = asking.hold(connection, project_id, (one.person_id for one in arrivals))
    there = [one for one in arrivals if one.person_id in zones]
    if not there:
        return 0
    wanted = {"audience": definition.audience.as_filter()} if not asked else {}
    if definition.goal is not None:
        wanted["goal"] = definition.goal.filter
    holds = asking.holding(connection, project_id, wanted, set(zones), now=now, zone=zone)
    let_in = [
        one
        for one in there
        if (asked or one.person_id in holds["audience"])
        and one.person_id not in holds.get("goal", ())
    ]
    rows = _rows(connection, campaign, let_in, now, round_ or Round())
    written = _write(connection, campaign, rows, zones, now, zone)
    standing.changed(campaign.id, (row[1] for row in rows))
    standing.news.add(campaign.id, "entered", (person for person, out in written if not out))
    return len(written)


def entry_id(campaign_id: UUID, person_id: UUID, occasion: str) -> bytes:
    """The key of an entry."""
    return key_bytes("campaign entry", str(campaign_id), str(person_id), occasion)


Row = tuple[bytes, UUID, str, int]  # key, person, occurrence, round


def _rows(
    connection: Connection,
    campaign: Campaign,
    arrivals: Sequence[Arrival],
    now: datetime,
    round_: Round,
) -> list[Row]:
    """The entries that the rule of entry allows."""
    entry = campaign.definition.entry
    people = arrays.of_ids({one.person_id for one in arrivals})
    asked = {"project": campaign.project_id, "campaign": campaign.id, "people": people}
    before: dict[UUID, tuple[int, datetime]] = {
        person: (count, last)
        for person, count, last in connection.execute(BEFORE, asked, prepare=False)
    }
    rows: list[Row] = []
    for one in arrivals:
        count, last = before.get(one.person_id, (0, None))
        if entry.rule == "once" and count:
            continue
        if entry.rule == "every_days" and last and last > now - timedelta(days=entry.days):
            continue
        occasion = "" if entry.rule == "once" else (round_.occurrence or one.occasion)
        number = count if round_.number is None else round_.number
        key = entry_id(campaign.id, one.person_id, occasion)
        rows.append((key, one.person_id, round_.occurrence or occasion, number))
        before[one.person_id] = count + 1, now
    return rows


def _write(
    connection: Connection,
    campaign: Campaign,
    rows: Sequence[Row],
    zones: Mapping[UUID, str | None],
    now: datetime,
    zone: tzinfo,
) -> list[tuple[UUID, bool]]:
    if not rows:
        return []
    definition, text = campaign.definition, str(campaign.id)
    holdout = definition.audience.holdout
    nexts: list[datetime | None] = []
    for _, person, occurrence, _ in rows:
        if holdout and held_out(text, str(person), holdout):
            nexts.append(None)
            continue
        own = asking.zone_or(zones[person], zone)
        nexts.append(starts_at(definition.trigger, occurrence, Facts(_NOTHING, own, zone), now))
    goal = definition.goal
    written = connection.execute(
        ENTER,
        {
            "project": campaign.project_id,
            "campaign": campaign.id,
            "step": definition.route().first,
            "now": now,
            "goal_until": now + timedelta(days=goal.days) if goal is not None else None,
            "ids": arrays.of_keys(row[0] for row in rows),
            "people": arrays.of_ids(row[1] for row in rows),
            "occurrences": arrays.of_texts(row[2] for row in rows),
            "rounds": arrays.of_plain([row[3] for row in rows]),
            "next": arrays.of_texts(at.isoformat() if at else None for at in nexts),
        },
        prepare=True,
    ).fetchall()
    _count(connection, campaign, written, now)
    return written


def _count(
    connection: Connection, campaign: Campaign, written: Sequence[tuple[UUID, bool]], now: datetime
) -> None:
    counts = Counts()
    for _, is_held_out in written:
        counts.add("held_out" if is_held_out else "entered")
    counts.write(connection, campaign.project_id, campaign.id, now)
    for is_held_out, outcome in ((False, "entered"), (True, "held_out")):
        people = [person for person, out in written if out == is_held_out]
        if people:
            outcomes.keep(connection, campaign.project_id, campaign.id, outcome, people, now)


_NOTHING: frozenset[str] = frozenset()
