"""Moves people on through their campaigns as their instants come.

A batch is one transaction: what the engine decides for each entry is done and the entry moved
together, so that whoever is killed here leaves every entry either moved, with everything done, or
as it was. Several workers share the entries by their locks; an entry that one has is passed over by
the others. Locks go in one order: the campaign's (shared, so that a pause waits for us and we for
no one after it), people's, entries'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg

from regulars.campaigns import asking, campaigns, doing, ledger, splits
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.counting import Counts
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.advance import Act, Decision, Facts, State, advance
from regulars.campaigns.engine.rehearsing import kind_of
from regulars.campaigns.goals import reach
from regulars.campaigns.hearing import heard_to
from regulars.campaigns.letters import Emails
from regulars.campaigns.news import News
from regulars.events import outbox
from regulars.kit import arrays
from regulars.kit.ids import key_bytes, key_hash
from regulars.people.changes import Changes
from regulars.segments.standing import campaigns_asked

Connection = psycopg.Connection[Any]
Manner = Literal["plain", "changing", "single"]

AT_ONCE = 1_000  # entries a transaction
CHANGED_AT_ONCE = 50  # whoever tracks these people waits for it

DUE = """
SELECT id, person_id FROM campaign_entry
WHERE project_id = %s AND campaign_id = %s AND state = 'active' AND next_at <= %s
ORDER BY next_at LIMIT %s
"""
# By their keys first, then whether they are still due: asked for together, the planner takes the
# index of who is due and reads all of them. Never prepared, as all that finds entries by person or
# key: a plan that was made while the table was small reads all of it when many have entered.
CLAIM = """
SELECT e.id, e.person_id, e.round, e.step, e.turn, e.loops, e.until, e.came, e.goal_until, e.passed
FROM (
    SELECT * FROM campaign_entry WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
    ORDER BY id FOR UPDATE SKIP LOCKED
) e
WHERE e.state = 'active' AND e.next_at <= %(now)s
  AND (e.came OR e.until IS NULL OR e.step <> ALL(%(awaiting)s::text[])
       OR e.until < %(heard)s::timestamptz)
"""
MOVE = """
UPDATE campaign_entry e
SET step = n.step, turn = n.turn, loops = n.loops, until = n.until, came = n.came, why = n.why,
    next_at = n.next_at, passed = n.passed::text[],
    since = CASE WHEN e.step IS DISTINCT FROM n.step OR e.turn <> n.turn THEN %(now)s ELSE e.since
            END,
    state = CASE WHEN n.ended IS NULL THEN 'active' ELSE 'ended' END, ended = n.ended,
    ended_at = CASE WHEN n.ended IS NOT NULL THEN %(now)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(steps)s::text[], %(turns)s::int[], %(loops)s::jsonb[],
            %(untils)s::timestamptz[], %(came)s::bool[], %(whys)s::text[],
            %(nexts)s::timestamptz[], %(ended)s::text[], %(passed)s::text[])
     AS n (id, step, turn, loops, until, came, why, next_at, ended, passed)
WHERE e.project_id = %(project)s AND e.id = n.id
"""
# A key that is there already would mean that a step is done twice: the statement fails then.
DONE = """
INSERT INTO campaign_done (project_id, id, campaign_id, entry_id, person_id, step, turn, kind,
                           variant, trial, email_id, at)
SELECT %(project)s, n.id, %(campaign)s, n.entry_id, n.person_id, n.step, n.turn, n.kind, n.variant,
       n.trial, n.email_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(entries)s::uuid[], %(people)s::uuid[], %(steps)s::text[],
            %(turns)s::int[], %(kinds)s::text[], %(variants)s::text[], %(trials)s::bool[],
            %(emails)s::uuid[])
     AS n (id, entry_id, person_id, step, turn, kind, variant, trial, email_id)
"""
ALL_OUT = """
SELECT 1 WHERE NOT EXISTS (
    SELECT 1 FROM campaign_entry
    WHERE project_id = %(project)s AND campaign_id = %(id)s AND state = 'active'
      AND next_at IS NOT NULL
) AND NOT EXISTS (
    SELECT 1 FROM campaign_run
    WHERE project_id = %(project)s AND campaign_id = %(id)s AND done_at IS NULL
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is locked."""

    id: UUID
    person_id: UUID
    round: int
    step: str | None
    turn: int
    loops: dict[str, int]
    until: datetime | None
    came: bool
    goal_until: datetime | None
    passed: list[str]

    @property
    def state(self) -> State:
        return State(str(self.id), self.step, self.turn, self.until, self.came, self.loops)


Decided = list[tuple[Entry, Decision]]


def move_campaign(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime
) -> int:
    """A batch of those whose instant has come; how many were looked at."""
    due = connection.execute(DUE, (project_id, campaign_id, now, AT_ONCE), prepare=True).fetchall()
    if not due:
        return 0
    move = _Move(connection, project_id, campaign_id, now)
    rest = move.batch(due, "plain")
    single = rest.single
    for n in range(0, len(rest.changing), CHANGED_AT_ONCE):
        single += move.batch(rest.changing[n : n + CHANGED_AT_ONCE], "changing").single
    for one in single:
        move.batch([one], "single")
    return len(due)


def end_if_over(connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime) -> bool:
    """End a campaign that is sent once when everybody is through; whether that is so."""
    with connection.transaction():
        one = campaigns.lock(connection, project_id, campaign_id)
        if one.state != "running" or not one.definition.once or one.next_run_at is not None:
            return False
        named = {"project": project_id, "id": campaign_id}
        if connection.execute(ALL_OUT, named).fetchone() is None:
            return False
        campaigns.end(connection, one, "done", now)
        return True


@dataclass(slots=True)
class Rest:
    """Entries that a plain batch left to others: what they do changes the person."""

    changing: list[tuple[UUID, UUID]]
    single: list[tuple[UUID, UUID]]


class _Move:
    """Moves some entries of one campaign at one instant."""

    def __init__(
        self, connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime
    ) -> None:
        self._connection = connection
        self._project_id = project_id
        self._campaign_id = campaign_id
        self._now = now
        self._asked = False  # whether segments ask about the campaign

    def batch(self, due: Sequence[tuple[UUID, UUID]], manner: Manner) -> Rest:
        """Move these, in one transaction. Entries of another manner are left, and returned."""
        rest = Rest([], [])
        with self._connection.transaction():
            campaign = campaigns.share(self._connection, self._project_id, self._campaign_id)
            if campaign is None or campaign.state != "running":
                return rest
            self._asked = self._campaign_id in campaigns_asked(self._connection, self._project_id)
            if self._asked and manner == "plain":
                return Rest(list(due), [])  # segments follow each step: so these are changed
            changes = None
            if manner != "plain":
                changes = Changes(self._connection, self._project_id, self._now)
                changes.cause = ("campaign", campaign.name)
                changes.begin()
                changes.load({person for _, person in due})
            decided = self._decide(campaign, due)
            here: Decided = []
            for entry, decision in decided:
                asks = _manner(decision)
                if asks in (manner, "plain"):
                    here.append((entry, decision))
                elif asks == "single":
                    rest.single.append((entry.id, entry.person_id))
                elif manner == "plain":
                    rest.changing.append((entry.id, entry.person_id))
            self._carry_out(campaign, here, changes)
        return rest

    def _decide(self, campaign: Campaign, due: Sequence[tuple[UUID, UUID]]) -> Decided:
        connection, now = self._connection, self._now
        zones = asking.hold(connection, self._project_id, (person for _, person in due))
        ids = arrays.of_ids(sorted(id_ for id_, person in due if person in zones))
        named = {"project": self._project_id, "ids": ids, "now": now, **self._patience(campaign)}
        rows = connection.execute(CLAIM, named, prepare=False).fetchall()
        entries = [Entry(*row) for row in rows]
        if not entries:
            return []
        definition = campaign.definition
        project_zone = campaigns.zone_of(connection, self._project_id)
        facts = _FactsOf(connection, campaign, entries, now, project_zone)
        route = definition.route()
        return [
            (
                entry,
                advance(
                    definition,
                    route,
                    entry.state,
                    facts.of(entry, asking.zone_or(zones.get(entry.person_id), project_zone)),
                    now,
                ),
            )
            for entry in entries
        ]

    def _patience(self, campaign: Campaign) -> dict[str, Any]:
        """Who waits for an event goes on without it only when all is heard of until their deadline:
        what happened in time counts, however late it is told.
        """
        steps = d.all_steps(campaign.definition.steps)
        awaiting = [step.id for step in steps if isinstance(step, d.WaitEvent)]
        heard = heard_to(self._connection, self._project_id) if awaiting else None
        return {
            "awaiting": arrays.of_texts(awaiting if heard is not None else ()),
            "heard": heard,
        }

    def _carry_out(self, campaign: Campaign, decided: Decided, changes: Changes | None) -> None:
        if not decided:
            return
        connection, now = self._connection, self._now
        counts = Counts()
        sent, people = self._emails(campaign, decided)
        self._write_done(decided, sent)
        self._move(decided)
        # After these, since whoever sends the emails waits for their counts until we are through.
        for email_id in sorted(people):
            ledger.add_recipients(connection, self._project_id, email_id, people[email_id], now)
        reached = [(entry.id, entry.person_id, False) for entry, one in decided
                   if one.ended == "goal"]  # fmt: skip
        news = News()
        reach(connection, campaign, reached, now, counts, news)
        _count(counts, decided)
        for entry, one in decided:
            if one.ended is not None:
                news.add(campaign.id, "completed", [entry.person_id], one.ended)
        splits.begin(connection, campaign, decided, now)
        counts.write(connection, self._project_id, campaign.id, now)
        campaigns.tell(connection, self._project_id)
        if changes is not None:
            self._change(decided, changes, news)
        else:
            outbox.append(connection, self._project_id, news.entries(), now)

    def _emails(
        self, campaign: Campaign, decided: Decided
    ) -> tuple[dict[tuple[UUID, str, int], UUID], dict[UUID, list[UUID]]]:
        """Which email each act is, and whom each email is for."""
        made = Emails(self._connection, campaign, self._now)
        sent: dict[tuple[UUID, str, int], UUID] = {}
        people: dict[UUID, list[UUID]] = {}
        for entry, act in _acts(decided):
            if isinstance(act.step, d.Email):
                email_id = made.of(act.step, act.variant or "", entry.round, act.turn)
                sent[entry.id, act.step.id, act.turn] = email_id
                people.setdefault(email_id, []).append(entry.person_id)
        return sent, people

    def _write_done(self, decided: Decided, sent: dict[tuple[UUID, str, int], UUID]) -> None:
        acts = list(_acts(decided))
        if not acts:
            return
        emails = [sent.get((entry.id, act.step.id, act.turn)) for entry, act in acts]
        self._connection.execute(
            DONE,
            {
                "project": self._project_id,
                "campaign": self._campaign_id,
                "now": self._now,
                "ids": arrays.of_keys(_done_key(entry, act) for entry, act in acts),
                "entries": arrays.of_ids(entry.id for entry, _ in acts),
                "people": arrays.of_ids(entry.person_id for entry, _ in acts),
                "steps": arrays.of_texts(act.step.id for _, act in acts),
                "turns": arrays.of_plain([act.turn for _, act in acts]),
                "kinds": arrays.of_texts(kind_of(act.step) for _, act in acts),
                "variants": arrays.of_texts(act.variant for _, act in acts),
                "trials": arrays.of_plain([act.trial for _, act in acts]),
                "emails": arrays.of_texts(str(one) if one else None for one in emails),
            },
            prepare=True,
        )

    def _move(self, decided: Decided) -> None:
        states = [(entry, one, one.state) for entry, one in decided]
        self._connection.execute(
            MOVE,
            {
                "project": self._project_id,
                "now": self._now,
                "ids": arrays.of_ids(entry.id for entry, _, _ in states),
                "steps": arrays.of_texts(state.step for _, _, state in states),
                "turns": arrays.of_plain([state.turn for _, _, state in states]),
                "loops": arrays.of_texts(
                    msgspec.json.encode(dict(state.loops)).decode() for _, _, state in states
                ),
                "untils": arrays.of_texts(_iso(state.until) for _, _, state in states),
                "came": arrays.of_plain([state.came for _, _, state in states]),
                "whys": arrays.of_texts(one.why for _, one, _ in states),
                "nexts": arrays.of_texts(_iso(one.next_at) for _, one, _ in states),
                "ended": arrays.of_texts(one.ended for _, one, _ in states),
                "passed": arrays.of_texts(_passed(entry, one) for entry, one, _ in states),
            },
            prepare=False,
        )

    def _change(self, decided: Decided, changes: Changes, news: News) -> None:
        """What changes the people, whom `changes` has locked. Writes the outbox, so comes last."""
        connection, project_id, now = self._connection, self._project_id, self._now
        changed: set[UUID] = set()
        if self._asked:
            changes.touch(entry.person_id for entry, _ in decided)
        for entry, act in _acts(decided):
            step = act.step
            if isinstance(step, d.Tag | d.Pick):
                change = doing.change_of(connection, project_id, step)
                if change is not None and entry.person_id in changes.people:
                    change(changes.people[entry.person_id])
                    changed.add(entry.person_id)
        if changed:
            changes.outbox.append(("people", {"people": sorted(str(one) for one in changed)}))
        changes.outbox += news.entries()
        changes.flush()
        changes.finish()
        for entry, act in _acts(decided):
            deed = doing.DEEDS.get(kind_of(act.step))
            if deed is not None:
                once = key_hash("campaign act", str(entry.id), act.step.id, str(act.turn))
                deed(connection, project_id, entry.person_id, act.step, once, now)


class _FactsOf:
    """What a batch's entries must know, asked for all of them at once."""

    def __init__(
        self,
        connection: Connection,
        campaign: Campaign,
        entries: Collection[Entry],
        now: datetime,
        zone: tzinfo,
    ) -> None:
        definition, project_id = campaign.definition, campaign.project_id
        people = {entry.person_id for entry in entries}
        wanted = d.filters_of(definition)
        if not definition.leave_with_audience:
            del wanted["audience"]
        self._now = now
        self._zone = zone
        self._holds = asking.holding(connection, project_id, wanted, people, now=now, zone=zone)
        self._quiet, cap = asking.limits(connection, project_id)
        self._cap = cap if definition.capped else None
        self._recent = asking.recent_emails(connection, project_id, self._cap, people, now)
        rounds = {entry.round for entry in entries}
        self._splits = splits.decided(connection, campaign, rounds, now)

    def of(self, entry: Entry, zone: tzinfo) -> Facts:
        holds = {key for key, people in self._holds.items() if entry.person_id in people}
        if entry.goal_until is not None and self._now > entry.goal_until:
            holds.discard("goal")  # too late to count
        return Facts(
            frozenset(holds),
            zone,
            self._zone,
            self._quiet,
            self._cap,
            self._recent.get(entry.person_id, ()),
            self._splits.get(entry.round, {}),
        )


def _acts(decided: Decided) -> Iterable[tuple[Entry, Act]]:
    for entry, decision in decided:
        for act in decision.acts:
            yield entry, act


def _manner(decision: Decision) -> Manner:
    kinds = {type(act.step) for act in decision.acts}
    if kinds & {d.Converse, d.Ticket, d.Webhook}:
        return "single"
    return "changing" if kinds & {d.Tag, d.Pick} else "plain"


def _done_key(entry: Entry, act: Act) -> bytes:
    return key_bytes("campaign done", str(entry.id), act.step.id, str(act.turn))


def _count(counts: Counts, decided: Decided) -> None:
    for _, act in _acts(decided):
        counts.add("done", step=act.step.id, variant=act.variant or "")
    for _, decision in decided:
        for step in decision.passed:
            counts.add("passed", step=step)
        if decision.ended is not None:
            counts.add(f"ended_{decision.ended}")


def _passed(entry: Entry, decision: Decision) -> str:
    """The steps behind them now, each once, as an array's text: ids hold nothing to be escaped."""
    every = dict.fromkeys((*entry.passed, *decision.passed))
    return "{" + ",".join(f'"{id_}"' for id_ in every) + "}"


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
