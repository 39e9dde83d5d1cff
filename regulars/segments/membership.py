"""Who is in which segment, exact with every change of a person.

A consequence of `people.changes`: evaluates the project's segments for the people changed, moves
the difference into `segment_member`, counts and the outbox. Runs without Django.

While a segment is being filled, people are found who were in it all along: they move quietly, and
nobody is told that they entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.events import record
from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.kit.ids import key_bytes
from regulars.people.changes import Changes, Columns, Move, NoConsequence
from regulars.people.person import Person
from regulars.segments import findings, memory, recalling, standing, steps, transitions
from regulars.segments.plan import Plan, Plans
from regulars.segments.ranges import BEFORE_ALL

Connection = psycopg.Connection[Any]

ENTER = """
INSERT INTO segment_member (project_id, id, segment_id, person_id, since)
SELECT %(project)s, n.id, n.segment_id, n.person_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(segments)s::uuid[], %(people)s::uuid[])
     AS n (id, segment_id, person_id)
"""
LEAVE = "DELETE FROM segment_member WHERE project_id = %s AND id = ANY(%s::uuid[])"
LEAVE_ALL = "DELETE FROM segment_member WHERE project_id = %s AND person_id = %s"
# Counts are locked in the order of their ids, whatever the plan: all writers of a project meet
# here. With them goes the day's row, which nobody writes who does not hold the count. It is the end
# of a statement that has `differing`.
COUNTING = """
locked AS (
    SELECT id FROM segment_count
    WHERE project_id = %(project)s AND id = ANY(ARRAY(SELECT id FROM differing))
    ORDER BY id FOR UPDATE
), counted AS (
    UPDATE segment_count c SET people = people + differing.delta
    FROM locked, differing
    WHERE c.project_id = %(project)s AND c.id = locked.id AND differing.id = locked.id
    RETURNING c.id, c.people
)
INSERT INTO segment_day AS d (project_id, id, segment_id, day, people, entered, "left")
SELECT %(project)s, differing.day_id, differing.id, %(day)s, counted.people, differing.entered,
       differing."left"
FROM differing JOIN counted ON counted.id = differing.id
ON CONFLICT (project_id, id) DO UPDATE SET
    people = excluded.people, entered = d.entered + excluded.entered,
    "left" = d."left" + excluded."left"
"""
COUNT = f"""
WITH differing AS (
    SELECT * FROM unnest(
        %(segments)s::uuid[], %(days)s::uuid[], %(deltas)s::bigint[],
        %(entered)s::bigint[], %(left)s::bigint[]
    ) AS m (id, day_id, delta, entered, "left")
), {COUNTING.strip()}
"""
# After an undone merge, whose two people are evaluated once more when their events have moved.
REWRITE = """
UPDATE person_activity
SET segments = %s::smallint[], event_times = %s::jsonb, next_move_at = %s,
    checkpoints = %s::jsonb
WHERE project_id = %s AND id = %s
"""

# A page view moves the instant at which somebody slips away. The stored one may lag behind, never
# run ahead: the clock loop looks at the person then, finds nothing, and stores the true one.
LAG = timedelta(days=2)

Keyed = tuple[bytes, UUID, UUID]  # the membership's key, segment, person
_first = itemgetter(0)


class Membership(NoConsequence):
    """Keeps membership. One a process; what it gathers belongs to the running changes."""

    # What was found of somebody goes from `step_found` as they are loaded; where a filling was just
    # looking at them, soon after.
    erases: Columns = (
        ("segment_member", "person_id"),
        ("segment_transition", "person_id"),
        ("step_found", "person_id"),
    )

    def __init__(self) -> None:
        self._plans = Plans()

    def begin(self, connection: Connection, project_id: UUID) -> None:
        self._plans.share(connection, project_id)

    def loaded(self, changes: Changes, people: Sequence[Person]) -> None:
        """Bring those up to date who come by before a new segment's filling has reached them."""
        plan = self._plans.kept(changes.project_id)
        if plan.found:
            _take_up(changes, plan, people)
        if plan.campaigns:
            standing.read(changes.connection, changes.project_id, plan.campaigns, people)
        if plan.unfilled:
            recalling.come_by(changes, plan, people)
        if plan.fitting is not None:
            for person in people:
                changes.before[person.id] = plan.fitting(person, changes.now)

    def touched(self, changes: Changes, people: Sequence[Person]) -> None:
        """Look again how they stand with campaigns; whoever stands otherwise is evaluated."""
        plan = self._plans.kept(changes.project_id)
        if plan.campaigns:
            asked = (changes.connection, changes.project_id, plan.campaigns, people)
            for person in standing.read(*asked):
                person.seen_changed = True

    def gathered(self, changes: Changes) -> None:
        """Have those remember of whom something is to be counted."""
        if changes.unread:
            recalling.catch_up(changes, self._plans.kept(changes.project_id))

    def done(self, changes: Changes) -> None:
        plan = self._plans.kept(changes.project_id)
        memory.remember(changes, plan)
        steps.notice_late(changes, plan)

    def changed(self, changes: Changes, people: Sequence[Person]) -> None:
        """Evaluate, and note who enters and leaves; a person's row carries its segments."""
        plan = self._plans.kept(changes.project_id)
        if plan.finding:
            changes.evaluated.update(person.id for person in people)
        for person in people:
            if person.event_times:
                memory.forget(person, plan)
            _evaluate(changes, plan, person)

    def written(self, changes: Changes) -> None:
        """Write the moves, now that the people they refer to are there."""
        plan = self._plans.kept(changes.project_id)
        if plan.campaigns and (changes.merges or changes.returning):
            _look_again(changes, plan)
        if changes.undated:
            steps.date(changes, plan)
        if plan.finding:
            _note_evaluated(changes, plan)
        moves = [*changes.moves, *changes.quiet_moves]
        if not moves:
            return
        entered, left = _keyed(moves)
        if left:
            ids = arrays.of_keys(key for key, _, _ in left)
            later(changes.connection, LEAVE, (changes.project_id, ids))
        if entered:
            later(
                changes.connection,
                ENTER,
                {
                    "project": changes.project_id,
                    "now": changes.now,
                    "ids": arrays.of_keys(key for key, _, _ in entered),
                    "segments": arrays.of_ids(segment for _, segment, _ in entered),
                    "people": arrays.of_ids(person for _, _, person in entered),
                },
            )
        transitions.write(changes, plan.ids.get(plan.everybody or 0))

    def counted(self, changes: Changes) -> None:
        """Move the counts, in the order of the segments' ids, and tell the outbox."""
        counts: dict[UUID, list[int]] = {}  # by segment: the difference, entered, left
        for segment, _, way in changes.moves:
            count = counts.setdefault(segment, [0, 0, 0])
            count[0] += 1 if way == "in" else -1
            count[1 if way == "in" else 2] += 1
        for segment, _, way in (*changes.quiet_moves, *changes.step_moves):
            counts.setdefault(segment, [0, 0, 0])[0] += 1 if way == "in" else -1
        if not counts:
            return
        day = changes.now.date()
        deltas, entered, left = zip(*counts.values(), strict=True)
        later(
            changes.connection,
            COUNT,
            {
                "project": changes.project_id,
                "day": day,
                "segments": arrays.of_ids(counts),
                "days": arrays.of_keys(day_key(segment, day.isoformat()) for segment in counts),
                "deltas": arrays.of_plain(deltas),
                "entered": arrays.of_plain(entered),
                "left": arrays.of_plain(left),
            },
        )
        # Quiet moves change numbers, which whoever looks at them wants to know.
        if changes.moves or changes.quiet_moves:
            changes.outbox.append(("segments", {"moves": changes.moves}))

    def follows_emailing(self, changes: Changes) -> bool:
        return self._plans.kept(changes.project_id).asks_for_emails

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """Who went leaves their segments; the survivor was evaluated as both."""
        self._leave_all(changes, gone)
        record.move(changes.connection, changes.project_id, gone.id, into.id, transitions.TABLES)

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """Both are what they were before: their events have moved, and their memories follow."""
        record.move_back(changes.connection, changes.project_id, back, from_, transitions.TABLES)
        plan = self._plans.kept(changes.project_id)
        if not plan.needs:
            return
        people = [changes.people[back], changes.people[from_]]
        recalling.recall(changes, plan, sorted(plan.needs), people)
        for person in people:
            _rewrite(changes, plan, person)
        _cancel(changes)

    def erased(self, changes: Changes, person: Person) -> None:
        """The erased leave their segments."""
        self._leave_all(changes, person)
        transitions.erase(changes, person.id)

    def _leave_all(self, changes: Changes, person: Person) -> None:
        plan = self._plans.kept(changes.project_id)
        changes.connection.execute(LEAVE_ALL, (changes.project_id, person.id))
        for number in person.segments:
            if number in plan.ids:
                moves = changes.step_moves if number in plan.steps else changes.moves
                moves.append((plan.ids[number], person.id, "out"))


def member_key(segment_id: UUID, person_id: UUID) -> UUID:
    """The key of a membership: nobody is in a segment twice."""
    return UUID(bytes=_member_key(str(segment_id), str(person_id)))


def _member_key(segment_id: str, person_id: str) -> bytes:
    return key_bytes("member", segment_id, person_id)


@lru_cache(maxsize=10_000)
def day_key(segment_id: UUID, day: str) -> bytes:
    """The key of a segment's day, an ISO date."""
    return key_bytes("day", str(segment_id), day)


def _keyed(moves: Iterable[Move]) -> tuple[list[Keyed], list[Keyed]]:
    """Who enters and who leaves, each under its key and in the order of these."""
    texts: dict[UUID, str] = {}
    entered: list[Keyed] = []
    left: list[Keyed] = []
    for segment, person, way in moves:
        for id_ in (segment, person):
            if id_ not in texts:
                texts[id_] = str(id_)
        key = _member_key(texts[segment], texts[person])
        (entered if way == "in" else left).append((key, segment, person))
    return sorted(entered, key=_first), sorted(left, key=_first)


def _take_up(changes: Changes, plan: Plan, people: Sequence[Person]) -> None:
    """Let people's rows say what was found of them beside."""
    by_id = {person.id: person for person in people}
    for number in plan.found:
        asked = (changes.connection, changes.project_id, plan.steps[number], by_id)
        found, passed = findings.take_up(*asked)
        for id_, at, is_in in found:
            findings.give(by_id[id_], number, at, is_in=is_in)
        if passed is not None:
            changes.passed.setdefault(number, passed)


def _note_evaluated(changes: Changes, plan: Plan) -> None:
    """Let fillings pass over those who were evaluated, or are gone, before they come to them."""
    gone = {person.id for person in changes.people.values() if person.gone_into is not None}
    settled = changes.evaluated | gone | changes.erasing
    for number, until in sorted(plan.finding.items()):
        passed = changes.passed.get(number, BEFORE_ALL)
        people = sorted(id_ for id_ in settled if passed < id_ <= until)
        if people:
            asked = (changes.connection, changes.project_id, plan.steps[number])
            findings.note_evaluated(*asked, people)


def _evaluate(changes: Changes, plan: Plan, person: Person) -> None:
    before = person.segments
    picks = before if person.picked is None else person.picked
    picked = [number for number in picks if number in plan.picked]
    if person.picked is not None:
        person.segments = picked  # conditions on segments picked by hand look here
    numbers, again = _answered(changes, plan, person, before)
    if plan.steps and _reach(changes, plan, person, numbers) and plan.asks_for_steps:
        numbers, again = _answered(changes, plan, person, before)
    person.segments = sorted([*numbers, *picked]) if picked else numbers
    if person.segments != before:
        _move(changes, plan, person, before)
    keep_instant(person, again)


def _answered(
    changes: Changes, plan: Plan, person: Person, before: list[int]
) -> tuple[list[int], datetime | None]:
    numbers, again = plan.evaluate(person, changes.now)
    if plan.doing:
        numbers = recalling.as_they_were(plan, person, numbers, before)
    return numbers, again


def _look_again(changes: Changes, plan: Plan) -> None:
    """After merges and undone ones: what campaigns know of people has moved by now."""
    people = {into.survivor().id for _, _, into, *_ in changes.merges}
    people |= {person.id for pair in changes.returning for person in pair}
    there = [changes.people[id_] for id_ in sorted(people)]
    for person in standing.read(changes.connection, changes.project_id, plan.campaigns, there):
        _rewrite(changes, plan, person)
    _cancel(changes)


def _rewrite(changes: Changes, plan: Plan, person: Person) -> None:
    """Evaluate somebody whose row is written already, and write it once more."""
    _evaluate(changes, plan, person)
    times = msgspec.json.encode(person.event_times).decode()
    reached = msgspec.json.encode(person.checkpoints).decode()
    said = (person.segments, times, person.next_move_at, reached, changes.project_id, person.id)
    changes.connection.execute(REWRITE, said)


def _reach(changes: Changes, plan: Plan, person: Person, numbers: list[int]) -> bool:
    """Note what the person has reached, for those who are told; whether that is anything new."""
    before = person.checkpoints
    if not steps.note(changes, plan, person, numbers):
        return False
    fitted = changes.before.get(person.id, frozenset())
    changes.reached += [
        (person, number)
        for number, step in plan.steps.items()
        if step.key in person.checkpoints
        and step.key not in before
        and not (number in plan.filling and number in fitted)
        and step.checkpoint is not None
    ]
    return True


def _move(changes: Changes, plan: Plan, person: Person, before: list[int]) -> None:
    now_in, was_in = set(person.segments), set(before)
    fitted = changes.before.get(person.id, frozenset())
    for way, numbers in (("in", now_in - was_in), ("out", was_in - now_in)):
        for number in sorted(numbers & plan.ids.keys()):
            is_news = number not in plan.filling or (number in fitted) != (way == "in")
            moves = changes.moves if is_news else changes.quiet_moves
            if number in plan.steps:
                moves = changes.step_moves
            moves.append((plan.ids[number], person.id, way))
    person.seen_changed = True


def _cancel(changes: Changes) -> None:
    """Drop the pairs of moves that undo each other."""
    both = {*changes.moves, *changes.quiet_moves, *changes.step_moves}
    undone = {
        move for move in both if (move[0], move[1], "out" if move[2] == "in" else "in") in both
    }
    changes.moves = [move for move in changes.moves if move not in undone]
    changes.quiet_moves = [move for move in changes.quiet_moves if move not in undone]
    changes.step_moves = [move for move in changes.step_moves if move not in undone]


def keep_instant(person: Person, again: datetime | None) -> None:
    """Remember when to look at the person again, writing as rarely as is right."""
    stored = person.next_move_at
    if again is None:
        if stored is not None:
            person.next_move_at = None
            person.seen_changed = True
    elif stored is None or again < stored or again - stored > LAG:
        person.next_move_at = again
        person.seen_changed = True
