"""Campaigns that go to everybody of an audience at a time: when it has come, and who that is.

A run goes through the people in the order of their ids, a batch a transaction that also moves the
run's cursor. Whoever comes to be after the run began is not part of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns, entering
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine import times
from regulars.campaigns.entering import Arrival, Round
from regulars.campaigns.standing import Standing
from regulars.filters.ast import All, Filter, SegmentCondition
from regulars.filters.to_sql import to_sql
from regulars.kit.ids import first_id, key_hash

Connection = psycopg.Connection[Any]

AT_ONCE = 1_000  # people a transaction

PRESENT = "present"  # the occurrence of those who are in a segment when its campaign starts

DUE = """
SELECT id FROM campaign
WHERE project_id = %s AND state = 'running' AND next_run_at <= %s AND deleted_at IS NULL
ORDER BY next_run_at, id
"""
OPEN = """
SELECT r.campaign_id, r.id
FROM campaign_run r JOIN campaign c ON c.project_id = r.project_id AND c.id = r.campaign_id
WHERE r.project_id = %s AND r.done_at IS NULL AND c.state = 'running' AND c.deleted_at IS NULL
ORDER BY r.at, r.id LIMIT 20
"""
ADD = """
INSERT INTO campaign_run (project_id, id, campaign_id, occurrence, round, at, total)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""
GO_ON = """
UPDATE campaign SET next_day = %s, next_run_at = %s, runs = runs + 1
WHERE project_id = %s AND id = %s
"""
CLAIM = """
SELECT occurrence, round, at, cursor FROM campaign_run
WHERE project_id = %s AND id = %s AND done_at IS NULL FOR UPDATE SKIP LOCKED
"""
ADVANCE = """
UPDATE campaign_run SET cursor = %s, entered = entered + %s, done_at = %s
WHERE project_id = %s AND id = %s
"""
ENTERED = "SELECT entered FROM campaign_run WHERE project_id = %s AND id = %s"
PEOPLE = """
SELECT p.id FROM {source}
WHERE p.project_id = %s AND {after} AND p.id < %s AND {text}
ORDER BY p.id LIMIT %s
"""
# While a crowd enters: what the planner knows of entries is from when there were few, and would
# have every batch read all of them until autovacuum comes round.
LEARN = "ANALYZE (SKIP_LOCKED) campaign_entry"
COUNT = "SELECT count(*) FROM {source} WHERE p.project_id = %s AND {text}"
_BOTH = "person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"
# Its index holds the members in the order of their ids, however many or few they are.
_MEMBERS = (
    "segment_member m JOIN person p ON p.project_id = m.project_id AND p.id = m.person_id"
    " JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"
)


def begin_due(connection: Connection, project_id: UUID, now: datetime) -> int:
    """Make a run of each campaign whose time has come; how many."""
    made = 0
    for (campaign_id,) in connection.execute(DUE, (project_id, now)).fetchall():
        with connection.transaction():
            made += _begin(connection, project_id, campaign_id, now)
    return made


def gather(connection: Connection, project_id: UUID, now: datetime) -> int:
    """A batch of each run that is open; how many people were asked."""
    open_ = connection.execute(OPEN, (project_id,)).fetchall()
    asked = sum(gather_batch(connection, project_id, *place, now=now) for place in open_)
    if asked >= AT_ONCE and any(_is_new(connection, project_id, run_id) for _, run_id in open_):
        connection.execute(LEARN)
    return asked


def gather_batch(
    connection: Connection, project_id: UUID, campaign_id: UUID, run_id: UUID, *, now: datetime
) -> int:
    """The next people of a run, in a transaction of its own; 0 where another worker has it."""
    with connection.transaction():
        campaign = campaigns.share(connection, project_id, campaign_id)
        if campaign is None or campaign.state != "running":
            return 0
        claimed = connection.execute(CLAIM, (project_id, run_id)).fetchone()
        if claimed is None:
            return 0
        occurrence, round_, at, cursor = claimed
        zone = campaigns.zone_of(connection, project_id)
        ids = _next(connection, campaign, at, cursor, now, zone)
        number = Round(occurrence if campaign.definition.periodic else "", round_)
        standing = Standing(connection, project_id, now)
        standing.begin()
        if ids and standing.asks([campaign_id]):
            standing.hold(ids, ("campaign", campaign.name))
        arrivals = [Arrival(id_) for id_ in ids]
        entered = entering.enter(
            connection, campaign, arrivals, now, zone, number, asked=True, standing=standing
        )
        is_last = len(ids) < AT_ONCE
        connection.execute(
            ADVANCE,
            (ids[-1] if ids else cursor, entered, now if is_last else None, project_id, run_id),
        )
        campaigns.tell(connection, project_id)
        standing.finish()
        return max(1, len(ids))


def audience_count(
    connection: Connection, project_id: UUID, definition: d.Definition, now: datetime
) -> int:
    """How many people are in the audience now: those whom a start would reach at most."""
    zone = campaigns.zone_of(connection, project_id)
    text, params = to_sql(whom(definition), now=now, zone=zone)
    row = connection.execute(
        COUNT.format(source=_BOTH, text=text), (project_id, *params)
    ).fetchone()
    return int(row[0]) if row else 0


def _is_new(connection: Connection, project_id: UUID, run_id: UUID) -> bool:
    """Whether a run has just let in its first people, or twenty times as many."""
    row = connection.execute(ENTERED, (project_id, run_id)).fetchone()
    return row is not None and row[0] // AT_ONCE in (1, 20)


def whom(definition: d.Definition) -> Filter:
    """Whom a run is for: the audience, and the segment whose people are taken in at the start."""
    audience = definition.audience.as_filter()
    if isinstance(definition.trigger, d.Entered):
        return All((audience, SegmentCondition(definition.trigger.segment, "is_in")))
    return audience


def _begin(connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime) -> int:
    campaign = campaigns.lock(connection, project_id, campaign_id)
    at = campaign.next_run_at
    if campaign.state != "running" or at is None or at > now or campaign.next_day is None:
        return 0
    definition = campaign.definition
    occurrence, day, next_at = campaign.next_day.isoformat(), None, None
    if isinstance(definition.trigger, d.Every):
        zone = campaigns.zone_of(connection, project_id)
        # Of several that were missed, while nothing ran, the last is made up for.
        day, next_at = times.next_run(definition.trigger, now, zone)
    elif isinstance(definition.trigger, d.Entered):
        occurrence = PRESENT
    total = audience_count(connection, project_id, definition, now)
    key = key_hash("campaign run", str(campaign_id), occurrence)
    connection.execute(ADD, (project_id, key, campaign_id, occurrence, campaign.runs, now, total))
    connection.execute(GO_ON, (day, next_at, project_id, campaign_id))
    return 1


def _next(
    connection: Connection,
    campaign: Campaign,
    at: datetime,
    cursor: UUID | None,
    now: datetime,
    zone: tzinfo,
) -> list[UUID]:
    definition = campaign.definition
    text, params = to_sql(whom(definition), now=now, zone=zone)
    segment = definition.audience.segment
    if isinstance(definition.trigger, d.Entered):
        segment = definition.trigger.segment
    source, after, further = _BOTH, "p.id > %s", []
    if segment is not None:
        source = _MEMBERS
        after = "m.project_id = %s AND m.segment_id = %s AND m.person_id > %s"
        further = [campaign.project_id, segment]
    place = cursor or UUID(int=0)
    statement = PEOPLE.format(source=source, after=after, text=text)
    end = first_id(at + timedelta(milliseconds=1))  # who came to be after it has a higher id
    asked = (campaign.project_id, *further, place, end, *params, AT_ONCE)
    order = statement.replace("ORDER BY p.id", "ORDER BY m.person_id") if further else statement
    return [row[0] for row in connection.execute(order, asked)]
