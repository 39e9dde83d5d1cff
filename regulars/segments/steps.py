"""Checkpoints as the plan sees them: segments that no list shows, and when people first met them.

What happens in memory is here, and the one statement that asks history where memory does not tell.
Whoever keeps more of it (the funnel's own rows) follows by `changes.reached` and by `FOLLOWERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import EventCondition, Filter
from regulars.filters.events import event_key
from regulars.filters.first_met import (
    Origin,
    ever_met,
    ever_sql,
    first_met,
    nth_events,
    origin_of,
    origin_sql,
)
from regulars.filters.parse import parse
from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.people.changes import Changes
from regulars.people.person import Person

if TYPE_CHECKING:
    from regulars.segments.plan import Plan

Connection = psycopg.Connection[Any]

# When each of these people first met a condition, as far as that can be told.
FIRST_MET = """
SELECT p.id, {origin} FROM person p WHERE p.project_id = %s AND p.id = ANY(%s::uuid[])
"""
# Looked at anew at once: what asks for the checkpoint has not seen this instant.
REDATE = """
UPDATE person_activity a SET checkpoints = a.checkpoints || n.reached,
    next_move_at = least(a.next_move_at, %s)
FROM unnest(%s::uuid[], %s::jsonb[]) AS n (id, reached)
WHERE a.project_id = %s AND a.id = n.id
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A segment behind a checkpoint. `checkpoint` is None while it is not in force, or rests."""

    number: int
    checkpoint: int | None
    lane: int
    key: str  # what its instant stands under in `person_activity.checkpoints`
    origin: Origin | None  # what tells when somebody first met it
    events: frozenset[str] = frozenset()  # whose times tell it


class Follower(Protocol):
    """Who keeps rows of what people reached, as a step is filled by SQL."""

    def keeping(self, step: Step) -> str:
        """SQL that writes when people reached it, over `moved` (project_id, id, at, had).

        Whether they had is what was known before; `at` is NULL where they have not, though they
        seemed to. People's locks are held; counts come after. It returns rows, to be waited for.
        """

    def finding(self) -> str:
        """SQL that gives a row to whoever has none, over `found` (project_id, id).

        Something was found of them that their rows do not say yet. Nobody's lock is held.
        """

    def filled(
        self, connection: Connection, project_id: UUID, segment_id: UUID, now: datetime
    ) -> None:
        """Everybody has been looked at. Under the plan's lock, before it is renewed."""


FOLLOWERS: list[Follower] = []

BEHIND = """
SELECT s.number, s.checkpoint, s.lane, p.over_users
FROM segment s JOIN segment_plan p ON p.project_id = s.project_id
WHERE s.project_id = %s AND s.id = %s AND s.lane IS NOT NULL
"""
# What a statement that moves people into a step and out of it says of them.
STEPPED = " (id, fits, is_in, project_id, at, had)"
# How many more are in it, when the followers have written what they keep.
DELTA = """delta (people) AS (
    SELECT count(*) FILTER (WHERE fits AND NOT is_in) - count(*) FILTER (WHERE is_in AND NOT fits)
    FROM moved WHERE {written}
)"""
# The other steps of the project, which may have dated people already.
OTHERS = """
SELECT number, filter FROM segment
WHERE project_id = %s AND id <> %s AND checkpoint IS NOT NULL AND deleted_at IS NULL
ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Passing:
    """A step's filling by SQL.

    `twin` is what people's rows call another step that was first met at the very same instant: a
    condition that asked for other days, say. Who has that need not be looked up in history. `seen`
    is the table of `reading.sightings_table` where it was read.
    """

    step: Step
    over_users: bool
    twin: str = ""
    seen: str | None = None

    def ever(self, zone: tzinfo) -> tuple[str, list[Any]]:
        """Whether somebody met the condition at some time, over rows `p` and `a`."""
        if self.step.origin is None:
            return "false", []
        since = "NULL::timestamptz"
        if self.over_users:
            since = "(CASE WHEN p.kind = 'user' THEN p.signed_up_at END)"
        return ever_sql(self.step.origin, since, zone)


def passing_of(
    connection: Connection, project_id: UUID, segment_id: UUID, rule: Filter
) -> Passing | None:
    """The filling of a step; None for other segments."""
    row = connection.execute(BEHIND, (project_id, segment_id), prepare=True).fetchone()
    if row is None:
        return None
    step = made(row[0], row[1], row[2], rule)
    # Where nothing is moved to when people signed up, a step may still have such times from before.
    twin = _twin(connection, project_id, segment_id, step.origin) if row[3] else ""
    return Passing(step, row[3], twin)


def stepping(step: Step) -> str:
    """What follows, in a statement that has `moved`: what the followers write, and `delta`."""
    kept = [follower.keeping(step) for follower in FOLLOWERS]
    written = " AND ".join(f"(SELECT count(*) FROM kept{n}) >= 0" for n in range(len(kept)))
    parts = [f"kept{n} AS ({one})" for n, one in enumerate(kept)]
    return ",\n".join([*parts, DELTA.format(written=written or "true")])


def following(step: Step) -> str:
    """What the followers write, as more parts of a statement that has `moved`."""
    return _parts(follower.keeping(step) for follower in FOLLOWERS)


def finding() -> str:
    """What the followers write, as more parts of a statement that has `found`."""
    return _parts(follower.finding() for follower in FOLLOWERS)


def _parts(statements: Iterable[str]) -> str:
    return "".join(f",\nkept{n} AS ({one})" for n, one in enumerate(statements))


def _twin(connection: Connection, project_id: UUID, segment_id: UUID, origin: Origin | None) -> str:
    for number, filter_ in connection.execute(OTHERS, (project_id, segment_id)).fetchall():
        if first_met_together(origin, origin_of(parse(filter_))):
            return str(number)
    return ""


def first_met_together(one: Origin | None, other: Origin | None) -> bool:
    """Whether whoever met both first met them at the very same instant, as far as that is known."""
    return one is not None and other is not None and origin_sql(one, UTC) == origin_sql(other, UTC)


def made(number: int, checkpoint: int | None, lane: int, rule: Filter) -> Step:
    """A step, with what its rule says of its past."""
    origin = origin_of(rule)
    events = nth_events(origin) if origin is not None else frozenset[str]()
    return Step(number, checkpoint, lane, str(number), origin, events)


def note(changes: Changes, plan: Plan, person: Person, inside: Sequence[int]) -> bool:
    """Keep when the person first met what they meet, or ever met; whether anything is new."""
    before = person.checkpoints
    if not person.changed and not person.progressed and _is_settled(plan, person, inside):
        return False
    after = {key: at for key, at in before.items() if int(key) in plan.steps}
    since = signed_up(person) if plan.over_users else None
    for number, step in plan.steps.items():
        known = number in inside or _counts(before.get(step.key), since)
        if not known and not _ever(plan, person, step, since):
            after.pop(step.key, None)
            continue
        at = _instant(plan, person, step)
        kept = after.get(step.key)
        if kept is None:
            after[step.key] = at or changes.now
            if at is None and step.origin is not None:
                changes.undated.add((person, number))
        elif at is not None and at < kept:
            after[step.key] = at
        elif step.origin is not None and (
            _was_held_back(person, kept, since) or (at is None and _has_merged(changes, person))
        ):
            changes.undated.add((person, number))
    for key, at in after.items():
        after[key] = clamped(at, person, changes.now, over_users=plan.over_users)
    if after == before:
        return False
    person.checkpoints = after
    person.progressed = person.seen_changed = True
    return True


def _counts(kept: datetime | None, since: datetime | None) -> bool:
    """Whether it was reached, and by the user: what a visitor reached before signing up is not."""
    return kept is not None and (since is None or kept >= since)


def _has_merged(changes: Changes, person: Person) -> bool:
    """Whether what two did is one's now: together they may have come to it before either."""
    return any(into.survivor() is person for _, _, into, *_ in changes.merges)


def _was_held_back(person: Person, kept: datetime, since: datetime | None) -> bool:
    """Whether an instant was that of a sign-up which turns out to have been earlier."""
    before = person.signed_up_before
    return since is not None and before is not None and since < before and kept <= before


def _is_settled(plan: Plan, person: Person, inside: Sequence[int]) -> bool:
    """Whether nothing is new, of somebody whose facts are what they were: almost everybody."""
    before, sighted = person.checkpoints, person.sighted
    reached = 0
    for number, step in plan.steps.items():
        at = before.get(step.key)
        if at is not None:
            reached += 1
            if sighted is not None and sighted < at:
                return False
        elif number in inside:
            return False
        elif step.origin is not None:
            since = signed_up(person) if plan.over_users else None
            if _ever(plan, person, step, since):
                return False
    return reached == len(before)  # nothing is left of what is no checkpoint any more


def clamped(at: datetime, person: Person, now: datetime, *, over_users: bool) -> datetime:
    """Of users nothing counts from before they signed up; nobody reaches anything in the future."""
    since = signed_up(person) if over_users else None
    return min(now, at if since is None else max(at, since))


def signed_up(person: Person) -> datetime | None:
    """When a user signed up."""
    return person.signed_up_at if person.kind == "user" else None


def notice_late(changes: Changes, plan: Plan) -> None:
    """Mark those whose event comes in late, from before they reached what it counts for."""
    late = [step for step in plan.steps.values() if step.events]
    for step in late:
        for deed in changes.deeds:
            if deed.name not in step.events:
                continue
            person = deed.person.survivor()
            kept = person.checkpoints.get(step.key)
            if kept is not None and deed.at < kept:
                changes.undated.add((person, step.number))


def date(changes: Changes, plan: Plan) -> None:
    """Ask history when those reached it whose rows do not tell."""
    by_step: dict[int, list[Person]] = {}
    earlier: dict[UUID, dict[str, datetime]] = {}  # by person and step
    for person, number in changes.undated:
        home = person.survivor()
        if number in plan.steps and home.id not in changes.erasing:
            by_step.setdefault(number, []).append(home)
    for number, people in sorted(by_step.items()):
        step = plan.steps[number]
        dates = dates_of(
            changes.connection, changes.project_id, step, {one.id for one in people},
            ZoneInfo(plan.version[1]),
        )  # fmt: skip
        for person in people:
            at = _earlier(changes, plan, person, step, dates.get(person.id))
            if at is not None:
                person.checkpoints[step.key] = at
                person.progressed = True
                earlier.setdefault(person.id, {})[step.key] = at
    if earlier:
        ids, reached = arrays.of_ids(earlier), arrays.of_bags(earlier.values())
        later(changes.connection, REDATE, (changes.now, ids, reached, changes.project_id))


def dates_of(
    connection: Connection, project_id: UUID, step: Step, ids: set[UUID], zone: ZoneInfo
) -> dict[UUID, datetime]:
    """When these people first met the step's condition, as far as that can be told."""
    if step.origin is None or not ids:
        return {}
    text, params = origin_sql(step.origin, zone)
    asked = (*params, project_id, arrays.of_ids(sorted(ids)))
    rows = connection.execute(FIRST_MET.format(origin=text), asked, prepare=True).fetchall()
    return {id_: at for id_, at in rows if at is not None}


def _earlier(
    changes: Changes, plan: Plan, person: Person, step: Step, found: datetime | None
) -> datetime | None:
    """When they reached it by history, where that is earlier than what is known."""
    kept = person.checkpoints.get(step.key)
    if found is None or kept is None:
        return None
    at = clamped(found, person, changes.now, over_users=plan.over_users)
    return at if at < kept else None


def _instant(plan: Plan, person: Person, step: Step) -> datetime | None:
    if step.origin is None:
        return None

    def all_times(condition: EventCondition | None) -> Sequence[datetime] | None:
        if condition is None:
            return _sightings(person, is_first=step.key not in person.checkpoints)
        name = plan.memories.get(event_key(condition), "")
        need, times = plan.needs.get(name), person.event_times.get(name, ())
        return times if need is not None and len(times) < need.keep else None

    return first_met(step.origin, person, all_times)


def _sightings(person: Person, *, is_first: bool) -> Sequence[datetime]:
    """When they were seen, as far as that is all there is; none where only history tells.

    Of somebody who has reached it before, what comes in now can only make it earlier.
    """
    seen_before = person.compact_before[1] is not None and not person.fresh
    if is_first and seen_before:
        return ()
    return () if person.sighted is None else (person.sighted,)


def _ever(plan: Plan, person: Person, step: Step, since: datetime | None) -> bool:
    if step.origin is None:
        return False

    def newest(condition: EventCondition | None) -> Sequence[datetime]:
        if condition is None:
            return ()
        return person.event_times.get(plan.memories.get(event_key(condition), ""), ())

    return ever_met(step.origin, person, since, newest)
