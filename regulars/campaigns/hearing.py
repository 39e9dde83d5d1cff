"""Reads the outbox for a project's campaigns: who enters, who did what they were waited for, who
reached a goal or left an audience.

What is read is carried out in the transaction that moves the project's cursor: each entry of the
outbox has its effect exactly once, whoever is killed and however many workers there are. One of
them at a time reads for a project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import asking, campaigns, entering
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.counting import Counts
from regulars.campaigns.engine import definition as d
from regulars.campaigns.entering import Arrival
from regulars.campaigns.goals import reach
from regulars.campaigns.news import News
from regulars.campaigns.standing import Standing
from regulars.events import outbox
from regulars.filters.ast import EventCondition, FieldCondition
from regulars.filters.to_sql import event_to_sql
from regulars.kit import arrays
from regulars.segments import glance
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

AT_ONCE = 200  # entries of the outbox a transaction

MAKE = """
INSERT INTO campaign_cursor (project_id, id, seq) VALUES (%s, %s, 0)
ON CONFLICT (project_id, id) DO NOTHING
"""
CLAIM = "SELECT seq FROM campaign_cursor WHERE project_id = %s FOR UPDATE SKIP LOCKED"
MOVE = "UPDATE campaign_cursor SET seq = %s WHERE project_id = %s"
# How far the project's campaigns have heard, where any goes on: the others begin at the end.
PLACE = f"SELECT seq FROM campaign_cursor WHERE project_id = %s AND EXISTS ({campaigns.ANY_LIVE})"
MATCHING = "SELECT e.id FROM event e WHERE e.project_id = %s AND e.id = ANY(%s::uuid[]) AND {text}"
HAPPENED = """
SELECT person_id, happened_at FROM event WHERE project_id = %s AND id = ANY(%s::uuid[])
"""
# Up to which instant everything was heard: where an entry waits to be, until before that one's.
HEARD_TO = """
SELECT min(at) FROM (
    SELECT o.at
    FROM campaign_cursor c JOIN outbox o ON o.project_id = c.project_id AND o.id > c.seq
    WHERE c.project_id = %s ORDER BY o.id LIMIT 200
) next
"""
# Entries of people who were touched that something may end or wake. Looked for by each person,
# then locked by their keys in order: asked for all at once, the planner reads the whole
# campaign for a few people.
WATCHED = """
WITH found AS MATERIALIZED (
    SELECT e.id
    FROM unnest(%(people)s::uuid[]) AS p (id) CROSS JOIN LATERAL (
        SELECT id, campaign_id FROM campaign_entry
        WHERE project_id = %(project)s AND person_id = p.id OFFSET 0
    ) e
    WHERE e.campaign_id = ANY(%(campaigns)s::uuid[])
)
SELECT e.id, e.campaign_id, e.person_id, e.step, e.held_out, e.since, e.until,
       e.state = 'active' AND NOT e.held_out, e.goal_at IS NULL AND e.goal_until >= %(now)s
FROM (
    SELECT * FROM campaign_entry
    WHERE project_id = %(project)s AND id = ANY(ARRAY(SELECT id FROM found))
    ORDER BY id FOR UPDATE
) e
WHERE e.state = 'active'
   OR (e.state = 'ended' AND e.goal_at IS NULL AND e.goal_until >= %(now)s)
ORDER BY e.id
"""
END = """
UPDATE campaign_entry
SET state = 'ended', ended = %(how)s, why = %(how)s, ended_at = %(now)s, next_at = NULL
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
"""
WAKE = """
UPDATE campaign_entry SET came = true, next_at = %s WHERE project_id = %s AND id = ANY(%s::uuid[])
"""


@dataclass(slots=True)
class Heard:
    """What a part of the outbox says, sorted: who moved between segments, who did which event."""

    moves: list[tuple[int, UUID, UUID, str]] = field(default_factory=list)
    events: list[tuple[int, UUID, UUID, str]] = field(default_factory=list)
    reached: list[tuple[int, UUID, int]] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Watch:
    """An entry of somebody who was touched."""

    id: UUID
    campaign_id: UUID
    person_id: UUID
    step: str | None
    held_out: bool
    since: datetime
    until: datetime | None
    under_way: bool
    wants_goal: bool


def hear(connection: Connection, project_id: UUID, now: datetime) -> int:
    """The next part of a project's outbox, in a transaction of its own; how many entries."""
    with connection.transaction():
        connection.execute(MAKE, (project_id, project_id))
        row = connection.execute(CLAIM, (project_id,)).fetchone()
        if row is None:
            return 0
        entries = outbox.after(connection, project_id, row[0], AT_ONCE)
        if not entries:
            return 0
        connection.execute(MOVE, (entries[-1][0], project_id))
        _Hearing(connection, project_id, now).take(_sorted(entries))
        return len(entries)


def place(connection: Connection, project_id: UUID, now: datetime) -> int | None:
    """How far in the outbox the project's campaigns are; None where none goes on."""
    row = connection.execute(PLACE, (project_id, project_id, now)).fetchone()
    return row[0] if row else None


def heard_to(connection: Connection, project_id: UUID) -> datetime | None:
    """Before which instant everything that happened was heard; None where all of it was."""
    row = connection.execute(HEARD_TO, (project_id,), prepare=True).fetchone()
    return row[0] if row else None


class _Hearing:
    """What follows from a part of a project's outbox."""

    def __init__(self, connection: Connection, project_id: UUID, now: datetime) -> None:
        self._connection = connection
        self._project_id = project_id
        self._now = now
        self._zone: tzinfo = campaigns.zone_of(connection, project_id)
        self._campaigns = campaigns.live(connection, project_id, now)

    def take(self, heard: Heard) -> None:
        standing = Standing(self._connection, self._project_id, self._now)
        standing.begin()
        if heard.touched and standing.asks(one.id for one in self._campaigns):
            standing.hold(heard.touched, ("campaign", None))
        self._carry_out(heard, standing)
        standing.finish()

    def _carry_out(self, heard: Heard, standing: Standing) -> None:
        news = False
        for campaign in self._campaigns:
            if campaign.state != "running":
                continue
            arrivals = list(self._arrivals(campaign, heard))
            if arrivals:
                entered = entering.enter(
                    self._connection, campaign, arrivals, self._now, self._zone, standing=standing
                )
                news = news or bool(entered)
        watched = self._watched(heard)
        for campaign in self._campaigns:
            own = [one for one in watched if one.campaign_id == campaign.id]
            if own:
                self._follow(campaign, own, heard, standing.news)
                standing.changed(campaign.id, (one.person_id for one in own))
                news = True
        if news:
            campaigns.tell(self._connection, self._project_id)

    def _arrivals(self, campaign: Campaign, heard: Heard) -> Iterable[Arrival]:
        """Whom the campaign's trigger lets in, of what happened after its start."""
        first = campaign.from_seq
        match campaign.definition.trigger:
            case d.Entered(segment, _):
                return _moved(heard, first, segment, "in")
            case d.Left(segment):
                return _moved(heard, first, segment, "out")
            case d.Registered():
                return self._registered(heard, first)
            case d.Happened(event, where):
                return self._happened(heard, first, event, where)
            case d.Reached(checkpoint):
                return [
                    Arrival(person, f"{seq}") for seq, person, number in heard.reached
                    if seq > first and number == checkpoint
                ]  # fmt: skip
            case _:
                return ()

    def _registered(self, heard: Heard, first: int) -> Iterable[Arrival]:
        try:
            everybody = glance.builtin_id(self._connection, self._project_id, "all")
        except UnknownError:
            return ()
        return _moved(heard, first, everybody, "in")

    def _happened(
        self, heard: Heard, first: int, event: str, where: tuple[FieldCondition, ...]
    ) -> Iterable[Arrival]:
        named = [one for one in heard.events if one[0] > first and one[3] == event]
        matching = self._matching([one[1] for one in named], event, where)
        return [Arrival(one[2], str(one[1])) for one in named if one[1] in matching]

    def _matching(
        self, ids: Sequence[UUID], event: str, where: tuple[FieldCondition, ...]
    ) -> set[UUID]:
        """The events whose properties are as asked for."""
        if not where or not ids:
            return set(ids)
        text, params = event_to_sql(
            EventCondition(event, "at_least", 1, None, where), zone=self._zone, of_people=True
        )
        asked = (self._project_id, arrays.of_ids(ids), *params)
        rows = self._connection.execute(MATCHING.format(text=text), asked)
        return {row[0] for row in rows}

    def _watched(self, heard: Heard) -> list[Watch]:
        if not heard.touched or not self._campaigns:
            return []
        rows = self._connection.execute(
            WATCHED,
            {
                "project": self._project_id,
                "people": arrays.of_ids(sorted(heard.touched)),
                "campaigns": arrays.of_ids(one.id for one in self._campaigns),
                "now": self._now,
            },
            prepare=False,
        )
        return [Watch(*row) for row in rows]

    def _follow(
        self, campaign: Campaign, watched: Sequence[Watch], heard: Heard, news: News
    ) -> None:
        definition, now = campaign.definition, self._now
        wanted = {"audience": definition.audience.as_filter()}
        if definition.goal is not None:
            wanted["goal"] = definition.goal.filter
        if not definition.leave_with_audience:
            del wanted["audience"]
        people = {one.person_id for one in watched}
        holds = asking.holding(
            self._connection, self._project_id, wanted, people, now=now, zone=self._zone
        )
        counts = Counts()
        reached = [
            one for one in watched if one.wants_goal and one.person_id in holds.get("goal", ())
        ]
        reach(
            self._connection,
            campaign,
            [(one.id, one.person_id, one.held_out) for one in reached],
            now,
            counts,
            news,
        )
        ended = {one.id for one in reached}
        self._end(campaign, [one for one in reached if one.under_way], "goal", counts, news)
        if definition.leave_with_audience:
            left = [
                one for one in watched
                if one.under_way and one.id not in ended and one.person_id not in holds["audience"]
            ]  # fmt: skip
            self._end(campaign, left, "audience_left", counts, news)
            ended |= {one.id for one in left}
        self._wake(campaign, [one for one in watched if one.id not in ended], heard)
        counts.write(self._connection, self._project_id, campaign.id, now)

    def _end(
        self, campaign: Campaign, entries: Sequence[Watch], how: str, counts: Counts, news: News
    ) -> None:
        if not entries:
            return
        self._connection.execute(
            END,
            {
                "project": self._project_id,
                "ids": arrays.of_ids(one.id for one in entries),
                "how": how,
                "now": self._now,
            },
        )
        counts.add(f"ended_{how}", people=len(entries))
        news.add(campaign.id, "completed", (one.person_id for one in entries), how)

    def _wake(self, campaign: Campaign, watched: Sequence[Watch], heard: Heard) -> None:
        """End the waits of those who did what they were waited for, since they came there."""
        waits = {
            step.id: step
            for step in d.all_steps(campaign.definition.steps)
            if isinstance(step, d.WaitEvent)
        }
        woken: set[UUID] = set()
        for step_id, step in waits.items():
            here = [one for one in watched if one.step == step_id and one.under_way]
            if not here:
                continue
            did = self._did(heard, step, {one.person_id for one in here})
            woken |= {one.id for one in here if _in_time(did.get(one.person_id, ()), one)}
        if woken:
            asked = (self._now, self._project_id, arrays.of_ids(sorted(woken)))
            self._connection.execute(WAKE, asked)

    def _did(
        self, heard: Heard, step: d.WaitEvent, here: Collection[UUID]
    ) -> Mapping[UUID, list[datetime]]:
        """When those of these people who did the event did so."""
        named = [
            id_ for _, id_, person, name in heard.events if name == step.event and person in here
        ]
        if not named:
            return {}
        matching = arrays.of_ids(self._matching(named, step.event, step.where))
        found: dict[UUID, list[datetime]] = {}
        for person, at in self._connection.execute(HAPPENED, (self._project_id, matching)):
            found.setdefault(person, []).append(at)
        return found


def _in_time(times: Iterable[datetime], one: Watch) -> bool:
    """Whether it happened while they waited for it, however late it is heard of."""
    return any(at >= one.since and (one.until is None or at <= one.until) for at in times)


def _moved(heard: Heard, first: int, segment: UUID, way: str) -> Iterable[Arrival]:
    return [
        Arrival(person, f"{seq}")
        for seq, segment_id, person, how in heard.moves
        if seq > first and segment_id == segment and how == way
    ]


def _sorted(entries: Sequence[tuple[int, str, Any, datetime]]) -> Heard:
    """The entries by what they say. What is not known here is nobody's."""
    heard = Heard()
    for seq, topic, body, _ in entries:
        match topic:
            case "segments":
                moves = [(UUID(one[0]), UUID(one[1]), one[2]) for one in body.get("moves", ())]
                heard.moves += [(seq, *one) for one in moves]
                heard.touched.update(person for _, person, _ in moves)
            case "events":
                for event_id, person_id, kind, name in body.get("events", ()):
                    person = UUID(person_id)
                    heard.touched.add(person)
                    if kind == "track" and name is not None:
                        heard.events.append((seq, UUID(event_id), person, name))
            case "people":
                heard.touched.update(UUID(one) for one in body.get("people", ()))
            case "checkpoints":
                reached = [(UUID(one), int(number)) for one, number in body.get("reached", ())]
                heard.reached += [(seq, *one) for one in reached]
                heard.touched.update(person for person, _ in reached)
            case "emails":
                heard.touched.update([UUID(body["person"])] if body.get("person") else [])
            case _:
                pass
    return heard
