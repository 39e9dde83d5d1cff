"""The funnel itself: how many got how far, how long it took, and who they are.

Somebody has come as far as a checkpoint if they reached it and all before it, none earlier than the
one before. They count in the period in which they reached the first. The funnel is over users,
unless its first checkpoint asks for other kinds of people.

One look at the funnel's narrow rows answers it. Of more than `EXACT` people the times between
checkpoints are those of a sample: every sixteenth, the same ones each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import FieldCondition, conditions
from regulars.filters.parse import parse
from regulars.funnels import queries
from regulars.funnels.parts import COMPACT, Only, Part, Split, named, parts_of
from regulars.funnels.queries import Checkpoint

Connection = psycopg.Connection[Any]
Sql = tuple[str, list[Any]]

EXACT = 100_000  # people of whom every time is looked at
LANES = """
SELECT s.number, s.checkpoint, s.lane, s.has_found FROM segment s
WHERE s.project_id = %s AND s.checkpoint IS NOT NULL AND s.deleted_at IS NULL
"""
# Everybody who came as far as the first checkpoint, with the times of those behind it in order.
ORDERED = """
SELECT r.id, {times}{part}
FROM funnel_progress r{found}{joined}
WHERE r.project_id = %s AND {first} IS NOT NULL{within}{over}
"""
# What is found of a step, and is not on these rows yet.
FOUND = """
LEFT JOIN step_found f{lane} ON f{lane}.project_id = r.project_id AND f{lane}.person_id = r.id
    AND f{lane}.number = %s"""
# How many got how far and no further, in the period and in the one before. Of the times in order
# none is there behind one that is missing.
COUNTS = """
WITH ordered AS ({ordered})
SELECT {part}, num_nonnulls({times}), {inside}, count(*)::bigint FROM ordered GROUP BY 1, 2, 3
"""
# How long the ways took, in seconds: the middle of them, and what nine of ten stayed below.
SPEEDS = """
WITH ordered AS ({ordered})
SELECT {speeds} FROM ordered WHERE {chosen}
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From and until when people reached the first checkpoint; open where None."""

    since: datetime | None = None
    until: datetime | None = None

    def before(self) -> Period | None:
        """The period of the same length just before; None where it has no beginning."""
        if self.since is None or self.until is None:
            return None
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True, slots=True)
class Stage:
    """How many came as far as a checkpoint, and how."""

    checkpoint: Checkpoint
    reached: int
    before: int | None  # in the period before
    from_previous: float | None  # the share of those at the checkpoint before; None of the first
    of_all: float  # the share of those at the first
    median: timedelta | None
    p90: timedelta | None

    @property
    def dropped(self) -> int | None:
        """How many of those at the checkpoint before did not come as far."""
        if self.from_previous is None:
            return None
        return self._previous - self.reached

    _previous: int = 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many came as far as each checkpoint, in the period and in the one before; how long the
    ways took; and the parts.
    """

    now: list[int]
    earlier: list[int] | None
    speeds: list[tuple[timedelta | None, timedelta | None]]
    parts: tuple[Part, ...]
    is_sampled: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The funnel in a period."""

    stages: tuple[Stage, ...]
    parts: tuple[Part, ...]
    period: Period
    over_users: bool
    is_sampled: bool  # the times between are those of a sample


@dataclass(frozen=True, slots=True)
class Chain:
    """The funnel as its rows have it: the lanes of its checkpoints in order."""

    checkpoints: tuple[Checkpoint, ...]
    lanes: tuple[int, ...]
    over: bool  # of users alone, though the first checkpoint does not ask for them
    beside: Mapping[int, int]  # by lane: the step of which the rows do not say all yet

    def ordered(
        self,
        project_id: UUID,
        period: Period,
        split: Split | None = None,
        only: Only | None = None,
    ) -> Sql:
        """The people in order, `t1` to `tn` and where it is split `part`; or those of one part."""
        columns = [self._column(lane) for lane in self.lanes]
        times = [f"{columns[0]} AS t1"]
        in_order: list[str] = []
        for n in range(1, len(columns)):
            in_order.append(f"{columns[n - 1]} <= {columns[n]}")
            times.append(f"CASE WHEN {' AND '.join(in_order)} THEN {columns[n]} END AS t{n + 1}")
        joined, part, params = "", "", []
        if split is not None:
            joined, part, params = split.joined, f", {split.text} AS part", [*split.params]
        if self.over and split is None:
            joined = COMPACT
        within, bounds = _within(columns[0], period)
        if only is not None:
            joined = only.split.joined
            within += f" AND ({only.split.text}) IS NOT DISTINCT FROM %s"
            bounds += [*only.split.params, only.value]
        text = ORDERED.format(
            times=", ".join(times), part=part, joined=joined, first=columns[0], within=within,
            found="".join(FOUND.format(lane=lane) for lane in self.beside),
            over=" AND p.kind = 'user'" if self.over else "",
        )  # fmt: skip
        return text, [*params, *self.beside.values(), project_id, *bounds]

    def _column(self, lane: int) -> str:
        """When people reached what has the lane, by the funnel's rows and what is found beside."""
        return f"coalesce(r.lane{lane}, f{lane}.at)" if lane in self.beside else f"r.lane{lane}"


def chain_of(connection: Connection, project_id: UUID) -> Chain:
    """The funnel's checkpoints with their lanes."""
    rows = connection.execute(LANES, (project_id,)).fetchall()
    lanes = {checkpoint: lane for _, checkpoint, lane, _ in rows}
    kept = tuple(one for one in queries.checkpoints(connection, project_id) if one.number in lanes)
    first = parse(kept[0].filter)
    asks = any(isinstance(one, FieldCondition) and one.field == "kind" for one in conditions(first))
    in_order = tuple(lanes[one.number] for one in kept)
    beside = {lane: number for number, _, lane, has_found in rows if has_found and lane in in_order}
    return Chain(kept, in_order, not asks, beside)


def report(
    connection: Connection, project_id: UUID, period: Period, split: Split | None = None
) -> Report:
    """The funnel of those who reached its first checkpoint in the period."""
    chain = chain_of(connection, project_id)
    return shown(chain, period, numbers(connection, project_id, chain, period, split))


def numbers(
    connection: Connection, project_id: UUID, chain: Chain, period: Period, split: Split | None
) -> Numbers:
    """What the report says, counted."""
    before = period.before()
    whole = Period(before.since, period.until) if before else period
    rows = _counts(connection, project_id, chain, whole, period, split)
    size = len(chain.checkpoints)
    now = [sum(row[1 + n] for row in rows) for n in range(size)]
    earlier = [sum(row[1 + size + n] for row in rows) for n in range(size)] if before else None
    is_sampled = now[0] > EXACT
    speeds = _speeds(connection, project_id, chain, period, is_sampled=is_sampled)
    parts = parts_of(rows, size, split) if split is not None else ()
    parts = tuple(named(connection, project_id, part, split) for part in parts)
    return Numbers(now, earlier, speeds, parts, is_sampled=is_sampled)


def shown(chain: Chain, period: Period, found: Numbers) -> Report:
    """The numbers as a report of these checkpoints."""
    stages = tuple(
        _stage(chain.checkpoints[n], n, found.now, found.earlier, found.speeds[n])
        for n in range(len(chain.checkpoints))
    )
    return Report(stages, found.parts, period, over_users=chain.over, is_sampled=found.is_sampled)


def _stage(
    one: Checkpoint,
    n: int,
    now: Sequence[int],
    earlier: Sequence[int] | None,
    speed: tuple[timedelta | None, timedelta | None],
) -> Stage:
    previous = now[n - 1] if n else 0
    return Stage(
        one,
        now[n],
        earlier[n] if earlier is not None else None,
        (now[n] / previous if previous else 0.0) if n else None,
        now[n] / now[0] if now[0] else 0.0,
        *speed,
        _previous=previous,
    )


def _counts(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    whole: Period,
    period: Period,
    split: Split | None,
) -> list[tuple[Any, ...]]:
    """The numbers of each part: of the period, then of the one before."""
    text, params = chain.ordered(project_id, whole, split)
    size = len(chain.lanes)
    inside, more = ("t1 >= %s", [period.since]) if period.since is not None else ("true", [])
    statement = COUNTS.format(
        ordered=text,
        part="part" if split else "NULL",
        times=", ".join(f"t{n}" for n in range(1, size + 1)),
        inside=inside,
    )
    found: dict[Any, list[int]] = {}
    rows = connection.execute(statement, [*params, *more], prepare=False).fetchall()
    for part, depth, is_inside, people in rows:
        counts = found.setdefault(part, [0] * 2 * size)
        first = 0 if is_inside else size
        for n in range(first, first + depth):
            counts[n] += people
    return [(part, *counts) for part, counts in found.items()]


def _speeds(
    connection: Connection, project_id: UUID, chain: Chain, period: Period, *, is_sampled: bool
) -> list[tuple[timedelta | None, timedelta | None]]:
    text, params = chain.ordered(project_id, period)
    asked = [
        f"percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY t{n} - t{n - 1})"
        for n in range(2, len(chain.lanes) + 1)
    ]
    # The last digits of an id are random.
    chosen = "get_byte(uuid_send(id), 15) & 15 = 7" if is_sampled else "true"
    statement = SPEEDS.format(ordered=text, speeds=", ".join(asked), chosen=chosen)
    row = connection.execute(statement, params, prepare=False).fetchone()
    found: list[tuple[timedelta | None, timedelta | None]] = [(None, None)]
    found += [(both[0], both[1]) if both else (None, None) for both in row or ()]
    return found


def _within(column: str, period: Period) -> Sql:
    text, params = "", []
    if period.since is not None:
        text += f" AND {column} >= %s"
        params.append(period.since)
    if period.until is not None:
        text += f" AND {column} < %s"
        params.append(period.until)
    return text, params
