"""The generated function answers as the reference does, and knows until when its answers stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given

from regulars.filters.ast import FieldCondition, Filter, conditions, is_timed
from regulars.filters.catalog import STANDARD_FIELDS, ValueType
from regulars.filters.compile import compile_filters, compile_matcher
from regulars.filters.evaluate import evaluate, evaluate_event, value_of
from regulars.filters.events import event_needs
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.times import TICK
from tests.pure.filters.awkward import DAYS
from tests.pure.filters.worlds import World, thorough, worlds


def reference(world: World, person: Facts, now: datetime) -> tuple[bool, ...]:
    return tuple(evaluate(one, person, When(now, world.when.zone)) for one in world.filters)


@given(worlds() | worlds(asked=8, levels=1) | worlds(moving=True))
@thorough
def test_the_generated_function_answers_as_the_reference(world: World) -> None:
    program = compile_filters(world.filters, world.when.zone)
    for person in world.people:
        bits, _ = program.evaluate(person, world.when.now)
        assert program.truths(bits) == reference(world, person, world.when.now), program.source


@given(worlds(moving=True))
@thorough
def test_answers_stand_until_the_next_instant_and_are_right_again_then(world: World) -> None:
    program = compile_filters(world.filters, world.when.zone)
    now = world.when.now
    for person in world.people:
        _, again = program.evaluate(person, now)
        answers = reference(world, person, now)
        assert again is None or again > now
        for instant in boundaries(world, person):
            if again is None or instant < again:
                assert reference(world, person, instant) == answers, (instant, program.source)
        if again is not None:
            bits, _ = program.evaluate(person, again)
            assert program.truths(bits) == reference(world, person, again)


@given(worlds(moving=True))
@thorough
def test_waiting_from_instant_to_instant_misses_no_change(world: World) -> None:
    """What the clock loop does: evaluate, sleep until the next instant, evaluate again."""
    program = compile_filters(world.filters, world.when.zone)
    end = world.when.now + timedelta(days=60)
    for person in world.people:
        now: datetime | None = world.when.now
        while now is not None and now < end:
            bits, again = program.evaluate(person, now)
            assert program.truths(bits) == reference(world, person, now)
            assert again is None or again > now
            now = again
        bits, _ = program.evaluate(person, end)
        assert program.truths(bits) == reference(world, person, end)


@given(worlds(moving=True))
@thorough
def test_of_foreseen_fields_distant_instants_alone_are_left_out(world: World) -> None:
    """Until the next instant, or the distant end of a window that somebody else knows of."""
    soon = timedelta(days=3)
    program = compile_filters(world.filters, world.when.zone, foreseen={"last_seen": soon})
    now = world.when.now
    for person in world.people:
        bits, again = program.evaluate(person, now)
        answers = reference(world, person, now)
        assert program.truths(bits) == answers
        known = [end for end in ends_of_last_seen(world, person) if end >= now + soon]
        until = min([*known, *([again] if again else [])], default=None)
        for instant in boundaries(world, person):
            if until is None or instant < until:
                assert reference(world, person, instant) == answers, (instant, program.source)


def ends_of_last_seen(world: World, person: Facts) -> Iterator[datetime]:
    """When windows of the world's filters on when the person was last seen are over."""
    if person.last_seen is None or not 1000 < person.last_seen.year < 9000:
        return
    for filter_ in world.filters:
        for one in conditions(filter_):
            if isinstance(one, FieldCondition) and one.field == "last_seen" and is_timed(one):
                yield person.last_seen + timedelta(days=int(one.value))  # type: ignore[arg-type]


def boundaries(world: World, person: Facts) -> Iterator[datetime]:
    """Every later instant at which any window over any of the person's instants begins or ends."""
    known = [
        getattr(person, key)
        for key, field in STANDARD_FIELDS.items()
        if field.type is ValueType.DATE
    ]
    known += [
        value_of(one.about, ValueType.DATE, person, world.when.zone)
        for filter_ in world.filters
        for one in conditions(filter_)
        if isinstance(one, FieldCondition) and one.type is ValueType.DATE
    ]
    known += [time for times in person.event_times.values() for time in times]
    known += person.checkpoints.values()
    for at in known:
        if at is None or not 1000 < at.year < 9000:
            continue
        for days in DAYS:
            for instant in (at, at + TICK, at - TICK):
                moved = instant.astimezone(UTC) + timedelta(days=days)
                if moved > world.when.now:
                    yield moved


@given(worlds())
@thorough
def test_the_matcher_finds_the_memories_that_an_event_belongs_to(world: World) -> None:
    needs = event_needs(world.filters)
    match = compile_matcher(needs.values(), world.when.zone)
    for event in (one for done in world.events for one in done):
        wanted = {
            key
            for key, need in needs.items()
            if need.event == event.name and evaluate_event(need, event.properties, world.when)
        }
        assert set(match(event.name, event.properties)) == wanted


@given(worlds() | worlds(moving=True))
@thorough
def test_many_filters_together_answer_as_each_alone(world: World) -> None:
    def alone(filter_: Filter, person: Facts) -> tuple[bool, datetime | None]:
        bits, again = compile_filters([filter_], world.when.zone).evaluate(person, world.when.now)
        return bool(bits), again

    program = compile_filters(world.filters, world.when.zone)
    for person in world.people:
        bits, again = program.evaluate(person, world.when.now)
        each = [alone(one, person) for one in world.filters]
        assert program.truths(bits) == tuple(truth for truth, _ in each)
        assert again == min((next_ for _, next_ in each if next_ is not None), default=None)
