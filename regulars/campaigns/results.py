"""What came of a campaign: people, emails and the goal, by step, by message and by day.

Numbers are those that were moved with the people; nothing here grows with how many they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.intervals import Interval, newcombe, wilson
from regulars.campaigns.engine.rehearsing import kind_of

Connection = psycopg.Connection[Any]

MAILED = ("sent", "delivered", "opened", "clicked", "replied", "bounced", "unsubscribed")
SPARK_DAYS = 14
MOST_COUNTED = 200_000

COUNTS = """
SELECT step, variant, what, sum(people)::bigint FROM campaign_count
WHERE project_id = %s AND campaign_id = %s GROUP BY step, variant, what
"""
MAILS = f"""
SELECT e.step, e.variant, {", ".join(f"sum(c.{one})::bigint" for one in MAILED)}
FROM campaign_email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.email_id
WHERE e.project_id = %s AND e.campaign_id = %s GROUP BY e.step, e.variant
"""
WAITING = f"""
SELECT step, count(*) FROM (
    SELECT step FROM campaign_entry
    WHERE project_id = %s AND campaign_id = %s AND state = 'active' AND step IS NOT NULL
    LIMIT {MOST_COUNTED}
) waiting GROUP BY step
"""
BY_DAY = """
SELECT day, what, sum(people)::bigint FROM campaign_count
WHERE project_id = %s AND campaign_id = %s AND day >= %s
  AND (step = '' AND what IN ('entered', 'goal') OR what = 'done' AND variant <> '')
GROUP BY day, what
"""
# For the list: all campaigns at once.
GLANCES = """
SELECT campaign_id, sum(people) FILTER (WHERE what = 'entered')::bigint,
       sum(people) FILTER (WHERE what = 'goal')::bigint
FROM campaign_count WHERE project_id = %s AND step = '' GROUP BY campaign_id
"""
GLANCES_MAILS = """
SELECT e.campaign_id, sum(c.sent)::bigint, sum(c.opened)::bigint, sum(c.clicked)::bigint
FROM campaign_email e JOIN email_count c ON c.project_id = e.project_id AND c.id = e.email_id
WHERE e.project_id = %s GROUP BY e.campaign_id
"""
GLANCES_DAYS = """
SELECT campaign_id, day, sum(people)::bigint FROM campaign_count
WHERE project_id = %s AND day > %s AND what = 'entered' GROUP BY campaign_id, day
"""
RUNS = """
SELECT occurrence, at, total, entered, done_at IS NOT NULL FROM campaign_run
WHERE project_id = %s AND campaign_id = %s ORDER BY at DESC LIMIT 12
"""


@dataclass(frozen=True, slots=True)
class Mailed:
    """What became of emails."""

    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    bounced: int = 0
    unsubscribed: int = 0

    def plus(self, other: Mailed) -> Mailed:
        return Mailed(*(getattr(self, one) + getattr(other, one) for one in MAILED))


@dataclass(frozen=True, slots=True)
class OfVariant:
    """One message of a step."""

    variant: d.Variant
    done: int
    mailed: Mailed
    goal: int = 0


@dataclass(frozen=True, slots=True)
class OfStep:
    """One step: how many did it or went through it, how many are there now."""

    step: d.Step
    kind: str
    depth: int
    done: int
    waiting: int
    mailed: Mailed
    variants: tuple[OfVariant, ...] = ()
    goal: int = 0  # had its message, and reached the goal then


@dataclass(frozen=True, slots=True)
class OfDay:
    day: date
    entered: int = 0
    emails: int = 0
    goal: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A time at which people were gathered."""

    occurrence: str
    at: datetime
    total: int
    entered: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the results page says."""

    entered: int = 0
    held_out: int = 0
    goal: int = 0
    held_out_goal: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)
    mailed: Mailed = Mailed()
    steps: tuple[OfStep, ...] = ()
    days: tuple[OfDay, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def under_way(self) -> int:
        return max(0, self.entered - sum(self.ended.values()))

    @property
    def share(self) -> Interval | None:
        """The share of those who got it that reached the goal."""
        return wilson(self.goal, self.entered)

    @property
    def held_out_share(self) -> Interval | None:
        return wilson(self.held_out_goal, self.held_out)

    @property
    def difference(self) -> Interval | None:
        """How much larger that share is than among those who got nothing."""
        return newcombe(self.goal, self.entered, self.held_out_goal, self.held_out)


@dataclass(frozen=True, slots=True)
class Glance:
    """A campaign in the list."""

    entered: int = 0
    goal: int = 0
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    spark: tuple[int, ...] = ()


def results(connection: Connection, campaign: Campaign, now: datetime, days: int = 30) -> Results:
    """The campaign's numbers as they are now."""
    place = (campaign.project_id, campaign.id)
    counted: dict[tuple[str, str, str], int] = {
        (step, variant, what): people
        for step, variant, what, people in connection.execute(COUNTS, place)
    }
    mails = {
        (step, variant): Mailed(*numbers)
        for step, variant, *numbers in connection.execute(MAILS, place)
    }
    waiting: dict[str, int] = dict(connection.execute(WAITING, place).fetchall())
    whole = {what: n for (step, _, what), n in counted.items() if not step}
    definition = campaign.definition if campaign.published else campaign.written
    total = Mailed()
    for one in mails.values():
        total = total.plus(one)
    return Results(
        entered=whole.get("entered", 0),
        held_out=whole.get("held_out", 0),
        goal=whole.get("goal", 0),
        held_out_goal=whole.get("held_out_goal", 0),
        ended={
            what.removeprefix("ended_"): n for what, n in whole.items() if what.startswith("ended_")
        },
        mailed=total,
        steps=tuple(_steps(definition.steps, counted, mails, waiting, 0)),
        days=_days(connection, campaign, now, days),
        runs=tuple(Run(*row) for row in connection.execute(RUNS, place).fetchall()),
    )


def glances(connection: Connection, project_id: UUID, now: datetime) -> dict[UUID, Glance]:
    """The numbers of all campaigns of the project, for their list."""
    people = {
        id_: (entered or 0, goal or 0)
        for id_, entered, goal in connection.execute(GLANCES, (project_id,))
    }
    mails = {id_: tuple(rest) for id_, *rest in connection.execute(GLANCES_MAILS, (project_id,))}
    today = now.date()
    first = today - timedelta(days=SPARK_DAYS)
    sparks: dict[UUID, list[int]] = {}
    for id_, day, n in connection.execute(GLANCES_DAYS, (project_id, first)):
        if day <= today:
            sparks.setdefault(id_, [0] * SPARK_DAYS)[(day - first).days - 1] += n
    found = {}
    for id_ in {*people, *mails}:
        entered, goal = people.get(id_, (0, 0))
        sent, opened, clicked = mails.get(id_, (0, 0, 0))
        found[id_] = Glance(entered, goal, sent, opened, clicked, tuple(sparks.get(id_, ())))
    return found


def _steps(
    steps: tuple[d.Step, ...],
    counted: Mapping[tuple[str, str, str], int],
    mails: Mapping[tuple[str, str], Mailed],
    waiting: Mapping[str, int],
    depth: int,
) -> Iterable[OfStep]:
    for step in steps:
        variants: tuple[OfVariant, ...] = ()
        mailed = Mailed()
        if isinstance(step, d.Email):
            variants = tuple(
                OfVariant(
                    one,
                    counted.get((step.id, one.id, "done"), 0),
                    mails.get((step.id, one.id), Mailed()),
                    counted.get((step.id, one.id, "goal"), 0),
                )
                for one in step.variants
            )
            for each in variants:
                mailed = mailed.plus(each.mailed)
        done = sum(n for (id_, _, what), n in counted.items() if (id_, what) == (step.id, "done"))
        passed = counted.get((step.id, "", "passed"), 0)
        here = waiting.get(step.id, 0)
        reached = sum(one.goal for one in variants)
        yield OfStep(step, kind_of(step), depth, done or passed, here, mailed, variants, reached)
        if isinstance(step, d.Branch):
            for side in (step.yes, step.no):
                yield from _steps(side, counted, mails, waiting, depth + 1)


def _days(
    connection: Connection, campaign: Campaign, now: datetime, days: int
) -> tuple[OfDay, ...]:
    """The last days from the first with something, a week at least."""
    today = now.date()
    since = today - timedelta(days=days - 1)
    found: dict[date, dict[str, int]] = {}
    for day, what, n in connection.execute(BY_DAY, (campaign.project_id, campaign.id, since)):
        found.setdefault(day, {})[what] = n
    if not found:
        return ()
    first = min(*found, today - timedelta(days=6))
    return tuple(
        OfDay(
            day,
            found.get(day, {}).get("entered", 0),
            found.get(day, {}).get("done", 0),
            found.get(day, {}).get("goal", 0),
        )
        for day in (first + timedelta(days=n) for n in range((today - first).days + 1))
    )
