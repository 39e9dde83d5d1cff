"""Reads from history whoever does not remember yet what segments ask for, as late as can be.

While a memory is new most people's rows have not got it (`remembering`). Whose answer may hang on
it with any change is read as they come by. But a segment that asks for one event alone (`doers`)
is entered and left by nothing else: until the filling has come to them, people are in it or out of
it as they were, and only those are read who did the event just now, or became one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.people.changes import Changes
from regulars.people.numbers import DEEDS, deeds
from regulars.people.person import Person
from regulars.segments import memory
from regulars.segments.plan import Plan


def come_by(changes: Changes, plan: Plan, people: Sequence[Person]) -> None:
    """These are locked, and nobody has changed them yet."""
    awaited = {one.need for one in plan.doing}
    for number in sorted(plan.unfilled):
        unread = [person for person in people if number not in person.event_times]
        if number in awaited:
            changes.unread.setdefault(number, set()).update(person.id for person in unread)
        else:
            _read(changes, plan, number, unread)


def catch_up(changes: Changes, plan: Plan) -> None:
    """What is to be counted now is known, and nothing of it is stored: read whom it concerns."""
    for number, unread in sorted(changes.unread.items()):
        event = plan.needs[number].event
        did = {deed.person.survivor().id for deed in changes.deeds if deed.name == event}
        became = _became_one(changes, unread)
        alone = [
            person
            for id_ in sorted(unread & did)
            if (person := changes.people[id_]).gone_into is None and id_ not in became
        ]
        together = [person for people in became.values() for person in people]
        for person in together:
            person.event_times.pop(number, None)
        _read(changes, plan, number, [*alone, *together])
        for person in [*alone, *(changes.people[id_] for id_ in became)]:
            _note_fitting(changes, plan, number, person)
        for id_, people in became.items():
            times = [at for person in people for at in person.event_times[number]]
            keep = plan.needs[number].keep
            changes.people[id_].event_times[number] = sorted(times, reverse=True)[:keep]


def as_they_were(plan: Plan, person: Person, numbers: list[int], before: list[int]) -> list[int]:
    """The segments that somebody is in: `numbers`, and of what they do not remember those they
    were in `before`.
    """
    unknown = {one.number for one in plan.doing if one.need not in person.event_times}
    kept = unknown.intersection(before)
    return sorted(kept.union(numbers)) if kept else numbers


def recall(changes: Changes, plan: Plan, numbers: Iterable[str], people: list[Person]) -> None:
    """Read what these people's rows shall remember, in place of what they do."""
    if people:
        needs = [plan.needs[number] for number in numbers]
        zone = ZoneInfo(plan.version[1])
        memory.recall(changes.connection, changes.project_id, needs, people, zone)


def _became_one(changes: Changes, unread: set[UUID]) -> dict[UUID, list[Person]]:
    """Those who are several people's now, with all of these, where somebody's is not known."""
    people: dict[UUID, list[Person]] = {}
    for _, gone, *_ in changes.merges:
        home = gone.survivor()
        people.setdefault(home.id, [home]).append(gone)
    return {id_: group for id_, group in people.items() if any(one.id in unread for one in group)}


def _read(changes: Changes, plan: Plan, number: str, people: Iterable[Person]) -> None:
    """Let these remember. Most never did it, which their bits tell."""
    event = plan.needs[number].event
    bits = deeds.known(changes.connection, changes.project_id, [event])
    bit, is_told = 1 << bits.get(event, 0), event in bits or len(bits) < DEEDS
    doers = []
    for person in people:
        if is_told and not person.did & bit:
            person.event_times[number] = []
        else:
            doers.append(person)
    recall(changes, plan, [number], doers)


def _note_fitting(changes: Changes, plan: Plan, number: str, person: Person) -> None:
    """Who fits by what was there before does not enter as a filling finds it."""
    times = person.event_times[number]
    fitted = {one.number for one in plan.doing if one.need == number and len(times) >= one.count}
    if fitted:
        changes.before[person.id] = changes.before.get(person.id, frozenset()) | fitted
