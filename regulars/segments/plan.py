"""A project's segments, compiled: one generated function that answers all of them for a person.

A transaction shares the lock of the project's plan row and reads its version, so that it never
evaluates by segments that have changed meanwhile. Compiled plans are kept by version.

While a segment is being filled, nobody can tell from the membership alone who has just entered and
who was in all along; so the plan can also say who is in before anything is done to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from random import getrandbits
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.events import outbox
from regulars.filters.ast import (
    CampaignCondition,
    CheckpointCondition,
    Filter,
    conditions,
    fields_of,
)
from regulars.filters.compile import Matcher, Verdict, compile_filters, compile_matcher
from regulars.filters.errors import FilterError
from regulars.filters.events import EventNeed, event_key, event_needs
from regulars.filters.inline import all_inlined
from regulars.filters.parse import parse
from regulars.kit.connection import later
from regulars.people.person import Person
from regulars.segments.doers import event_of
from regulars.segments.needs import kept
from regulars.segments.standing import asked_of
from regulars.segments.steps import Step, made
from regulars.segments.windows import FORESEEN

Connection = psycopg.Connection[Any]

# What a kept segment may ask about: what people's rows answer, and `standing` of campaigns.
KINDS = frozenset({"field", "event", "segment", "checkpoint", "campaign"})

# What is in `builtin` of a segment that stands behind a checkpoint.
CHECKPOINT = "checkpoint"

# The lock that a transaction shares, and whoever changes a segment takes alone. In front of it is
# an advisory one, where those who wait for it stand in a queue: rows are shared by whoever comes,
# so that under steady traffic nobody would ever have one alone.
QUEUE_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 1))"
QUEUE_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))"
SHARE = """
SELECT s.version, p.time_zone, s.over_users
FROM segment_plan s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s FOR SHARE OF s
"""
LOCK = """
SELECT p.time_zone
FROM segment_plan s JOIN project p ON p.id = s.project_id
WHERE s.project_id = %s FOR UPDATE OF s
"""
# Drawn anew rather than counted on: a plan compiled for a change that was undone is never taken for
# another one's.
RENEW = "UPDATE segment_plan SET version = %s WHERE project_id = %s"
SEGMENTS = """
SELECT s.number, s.id, s.builtin, s.filter, f.id IS NOT NULL, s.checkpoint, s.lane,
       s.has_found, CASE WHEN f.from_nobody THEN f.until END
FROM segment s LEFT JOIN segment_fill f ON f.project_id = s.project_id AND f.id = s.id
WHERE s.project_id = %s AND s.deleted_at IS NULL ORDER BY s.number
"""
FILTERS = "SELECT id, filter, builtin FROM segment WHERE project_id = %s AND deleted_at IS NULL"

Version = tuple[int, str, bool]  # the plan's own, the time zone, whether the funnel is over users
Evaluate = Callable[[Person, datetime], tuple[list[int], datetime | None]]


@dataclass(frozen=True, slots=True)
class Doing:
    """A segment of those who did one thing at least so often: its number and its need's."""

    number: int
    need: str
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All segments of a project at one version.

    Numbers are those that people's rows carry. `evaluate` gives the numbers of the dynamic
    segments that somebody is in, ascending, and the next instant to look again.
    """

    version: Version
    ids: dict[int, UUID]
    evaluate: Evaluate
    everybody: int | None = None  # the number of the list of all users
    picked: frozenset[int] = frozenset()  # picked by hand
    filling: frozenset[int] = frozenset()
    fitting: Callable[[Person, datetime], frozenset[int]] | None = None  # of those being filled
    needs: Mapping[str, EventNeed] = field(default_factory=dict)  # by number
    unfilled: frozenset[str] = frozenset()  # needs that people's rows may not remember yet
    doing: tuple[Doing, ...] = ()  # what asks for those of them that nothing else asks for
    remembers: Matcher | None = None
    events: frozenset[str] = frozenset()  # names of those that are remembered
    memories: Mapping[str, str] = field(default_factory=dict)  # event keys to numbers
    steps: Mapping[int, Step] = field(default_factory=dict)  # segments behind checkpoints
    # Of which something is found that people's own rows may not say; and of these, which are still
    # being looked for, up to which person.
    found: tuple[int, ...] = ()
    finding: Mapping[int, UUID] = field(default_factory=dict)
    over_users: bool = True
    asks_for_steps: bool = False  # a segment has a condition on a checkpoint
    asks_for_emails: bool = False  # a segment may change when somebody is emailed
    campaigns: tuple[CampaignCondition, ...] = ()  # what segments ask about campaigns


class Plans:
    """Compiled plans, kept while their version lasts."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Plan] = {}

    def share(self, connection: Connection, project_id: UUID) -> Plan:
        """The project's plan, which can't change before the transaction ends."""
        version = share_plan(connection, project_id)
        if version is None:
            return _EMPTY
        kept = self._kept.get(project_id)
        if kept is None or kept.version != version:
            kept = read_plan(connection, project_id, version)
            self._kept[project_id] = kept
        return kept

    def kept(self, project_id: UUID) -> Plan:
        """The plan that `share` found last."""
        return self._kept.get(project_id, _EMPTY)


def share_plan(connection: Connection, project_id: UUID) -> Version | None:
    """Let the project's segments stay as they are until the transaction ends.

    Returns the plan's version with what goes with it, or None where there is no project.
    """
    later(connection, QUEUE_SHARED, (str(project_id),))
    return connection.execute(SHARE, (project_id,), prepare=True).fetchone()


def lock_plan(connection: Connection, project_id: UUID) -> str | None:
    """Wait until nobody evaluates the project's segments, and let nobody until the transaction
    ends. Returns the project's time zone, or None where there is no such project.
    """
    connection.execute(QUEUE_ALONE, (str(project_id),))
    row = connection.execute(LOCK, (project_id,)).fetchone()
    return row[0] if row else None


def renew_plan(connection: Connection, project_id: UUID) -> None:
    """The segments have changed: everybody compiles them anew. Under `lock_plan`."""
    connection.execute(RENEW, (getrandbits(62), project_id))


def tell(connection: Connection, project_id: UUID, segment_id: UUID, now: datetime) -> None:
    """Let those who look know that a segment is not what it was. The transaction's last write."""
    news = ("segments", {"moves": [], "segments": [segment_id]})
    outbox.append(connection, project_id, [news], now)


def read_plan(connection: Connection, project_id: UUID, version: Version) -> Plan:
    """The plan as the database has it, compiled."""
    rows = connection.execute(SEGMENTS, (project_id,)).fetchall()
    needs = kept(connection, project_id)
    zone = ZoneInfo(version[1])
    numbers = {row[1]: row[0] for row in rows}
    filters = written_out({row[1]: row[3] for row in rows}, _behind_checkpoints(rows))
    memories = {key: need.name for key, need in needs.items()}
    by_number = {numbers[id_]: filter_ for id_, filter_ in filters.items()}
    filling = frozenset(row[0] for row in rows if row[4])
    steps = {row[0]: _step(row, filters[row[1]]) for row in rows if row[2] == CHECKPOINT}
    in_force = {step.checkpoint: step.key for step in steps.values() if step.checkpoint}
    plan = Plan(
        version,
        {number: id_ for id_, number in numbers.items()},
        _compiled(by_number, zone, numbers, memories, in_force),
        everybody=next((row[0] for row in rows if row[2] == "all"), None),
        picked=frozenset(row[0] for row in rows if row[3] is None),
        filling=filling,
        memories=memories,
        steps=steps,
        found=tuple(row[0] for row in rows if row[7]),
        finding={row[0]: row[8] for row in rows if row[7] and row[8] is not None},
        over_users=version[2],
        asks_for_steps=any(map(asks_for_checkpoints, filters.values())),
        asks_for_emails=any(map(asks_for_emails, filters.values())),
        campaigns=asked_of(filters.values()),
    )
    if filling:
        chosen = {number: by_number[number] for number in filling if number in by_number}
        fits = _compiled(chosen, zone, numbers, memories, in_force)
        plan = replace(plan, fitting=lambda person, now: frozenset(fits(person, now)[0]))
    if needs:
        wanted = {
            memories[key]: replace(need, key=memories[key])
            for key, need in event_needs(filters.values()).items()
            if key in memories
        }
        unfilled = {need.name for need in needs.values() if not need.filled} & wanted.keys()
        plan = replace(
            plan,
            needs=wanted,
            unfilled=frozenset(unfilled),
            doing=_doing(by_number, memories, unfilled),
            remembers=compile_matcher(wanted.values(), zone),
            events=frozenset(need.event for need in wanted.values()),
        )
    return plan


def segments_written_out(connection: Connection, project_id: UUID) -> dict[UUID, Filter]:
    """The filters of the project's segments, with the segments in them written out."""
    rows = connection.execute(FILTERS, (project_id,)).fetchall()
    behind = {id_ for id_, _, builtin in rows if builtin == CHECKPOINT}
    return written_out({id_: filter_ for id_, filter_, _ in rows}, behind)


def written_out(
    segments: Mapping[UUID, Any], behind_checkpoints: Iterable[UUID] = ()
) -> dict[UUID, Filter]:
    """The filters of segments, from their JSON, with the segments in them written out.

    None is a segment of hand-picked people. Raises FilterError for a circle or an unknown one, and
    for a checkpoint that asks for checkpoints, if only by a segment.
    """
    parsed = {
        id_: None if filter_ is None else parse(filter_, kinds=KINDS)
        for id_, filter_ in segments.items()
    }
    filters = all_inlined(parsed)
    if any(asks_for_checkpoints(filters[id_]) for id_ in behind_checkpoints):
        raise FilterError("A checkpoint can't be made from checkpoints", "filter")
    return filters


def asks_for_checkpoints(filter_: Filter) -> bool:
    """Whether the filter has a condition on a checkpoint."""
    return any(isinstance(one, CheckpointCondition) for one in conditions(filter_))


def asks_for_emails(filter_: Filter) -> bool:
    """Whether somebody's answer may be another as soon as they were emailed."""
    return any(one == "last_emailed" or one.startswith("campaign:") for one in fields_of(filter_))


def _behind_checkpoints(rows: Iterable[tuple[Any, ...]]) -> set[UUID]:
    return {row[1] for row in rows if row[2] == CHECKPOINT}


def _step(row: tuple[Any, ...], filter_: Filter) -> Step:
    return made(row[0], row[5], row[6], filter_)


def _doing(
    filters: Mapping[int, Filter], memories: Mapping[str, str], needs: Iterable[str]
) -> tuple[Doing, ...]:
    """The segments of one event whose needs, of these, no other kind of segment shares."""
    awaited = set(needs)
    doing = []
    for number, filter_ in filters.items():
        event = event_of(filter_)
        if event is not None:
            doing.append(Doing(number, memories.get(event_key(event), ""), event.count))
        else:
            awaited -= {memories.get(key) for key in event_needs([filter_])}
    return tuple(one for one in doing if one.need in awaited)


def _compiled(
    filters: Mapping[int, Filter],
    zone: ZoneInfo,
    marks: Mapping[UUID, int],
    memories: dict[str, str],
    steps: Mapping[int, str],
) -> Evaluate:
    numbers = sorted(filters)
    program = compile_filters(
        [filters[number] for number in numbers], zone,
        marks=marks, memories=memories, steps=steps, foreseen=FORESEEN,
    )  # fmt: skip
    # A Person has every fact that kept segments may ask about under the name Facts gives it.
    answer = cast("Callable[[Person, datetime], Verdict]", program.evaluate)

    @lru_cache(maxsize=10_000)  # few of all combinations occur; the lists are not changed
    def numbers_of(bits: int) -> list[int]:
        return [number for n, number in enumerate(numbers) if bits >> n & 1]

    def evaluate(person: Person, now: datetime) -> tuple[list[int], datetime | None]:
        bits, again = answer(person, now)
        return numbers_of(bits), again

    return evaluate


_EMPTY = Plan((0, "UTC", True), {}, lambda _person, _now: ([], None))
