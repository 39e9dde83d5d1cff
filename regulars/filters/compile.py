"""All filters of a project as one generated Python function over a person's `Facts`.

The function answers every filter in one call, and the next instant at which time alone can change
an answer: until then all answers stay as they are unless the person changes. The instant is a
lower bound that looks through groups: a person whose browser is not Firefox needs no waking for
"browser is Firefox and last seen in the past 28 days".

Public: `compile_filters(filters, zone) -> Program`, `compile_matcher(needs, zone) -> Matcher`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from regulars.filters.ast import (
    All,
    AnyOf,
    CampaignCondition,
    CheckpointCondition,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
)
from regulars.filters.behaviour import CHECKPOINT_OPERATORS, SEGMENT_OPERATORS
from regulars.filters.codegen import Constants, PersonReader, PropertyReader, static_test
from regulars.filters.events import EventNeed, event_key
from regulars.filters.facts import Facts
from regulars.filters.moving import MovingTests, Written
from regulars.filters.operands import Moving

# The truths of the filters as bits, the first filter's lowest; and the next instant, if any.
Verdict = tuple[int, datetime | None]

# The keys of the memories (`events.EventNeed`) to which an event of this name belongs.
Matcher = Callable[[str, Mapping[str, Any]], tuple[str, ...]]

_DEEP = 6  # groups nested deeper get a local of their own: Python's parser has a limit


@dataclass(frozen=True, slots=True)
class Program:
    """The generated function, and what it was made from.

    `evaluate(facts, now)` gives the `Verdict`; `now` is aware.
    """

    filters: tuple[Filter, ...]
    evaluate: Callable[[Facts, datetime], Verdict]
    source: str

    def truths(self, bits: int) -> tuple[bool, ...]:
        """A verdict's bits as one truth for each filter."""
        return tuple(bool(bits >> n & 1) for n in range(len(self.filters)))


def compile_filters(
    filters: Sequence[Filter],
    zone: tzinfo,
    *,
    marks: Mapping[UUID, object] | None = None,
    memories: Mapping[str, str] | None = None,
    steps: Mapping[int, str] | None = None,
    foreseen: Mapping[str, timedelta] | None = None,
) -> Program:
    """Generate the function for these filters.

    Segment conditions left in look for the segment in `facts.segments`: for its mark where
    `marks` has one (such as the segment's number), else for its id. Event conditions look in
    `facts.event_times` under what `memories` calls their `event_key`, else under that key itself.
    Conditions on checkpoints look in `facts.checkpoints` under what `steps` calls the checkpoint.
    Of the fields in `foreseen` somebody else knows when they turn: what is further off than said
    there is left out of the instant.
    The function belongs to the zone: make it anew when the project's changes. Takes about a tenth
    of a millisecond for each condition.
    """
    constants = Constants()
    writer = _Writer(
        filters, constants, zone, marks or {}, memories or {}, steps or {}, foreseen or {}
    )
    source = writer.source()
    namespace = constants.namespace
    exec(compile(source, "<filters>", "exec"), namespace)  # noqa: S102  # our own text alone
    return Program(tuple(filters), namespace["evaluate"], source)


def compile_matcher(needs: Iterable[EventNeed], zone: tzinfo) -> Matcher:
    """Generate the function that says which memories a tracked event belongs to."""
    by_event: dict[str, list[EventNeed]] = {}
    for need in needs:
        by_event.setdefault(need.event, []).append(need)
    tests = {event: _properties_test(group, zone) for event, group in by_event.items()}

    def matcher(event: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
        test = tests.get(event)
        return () if test is None else test(properties)

    return matcher


def _properties_test(
    needs: list[EventNeed], zone: tzinfo
) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    constants = Constants()
    read = PropertyReader(constants, zone)
    answers = []
    for need in needs:
        tests = [static_test(one, read, constants, zone) for one in need.where]
        key = f"({constants(need.key)},)"
        answers.append(f"({key} if {' and '.join(tests)} else ())" if tests else key)
    lines = ["def matches(properties):", *read.lines, f"return {' + '.join(answers)}"]
    source = "\n    ".join(lines)
    exec(compile(source, "<events>", "exec"), constants.namespace)  # noqa: S102
    found: Callable[[Mapping[str, Any]], tuple[str, ...]] = constants.namespace["matches"]
    return found


class _Writer:
    """Writes the function, statement by statement; equal groups and moving tests once."""

    def __init__(
        self,
        filters: Sequence[Filter],
        constants: Constants,
        zone: tzinfo,
        marks: Mapping[UUID, object],
        memories: Mapping[str, str],
        steps: Mapping[int, str],
        foreseen: Mapping[str, timedelta],
    ) -> None:
        self._filters = filters
        self._marks = marks
        self._memories = memories
        self._steps = steps
        self._foreseen = foreseen
        self._constant = constants
        self._zone = zone
        self._read = PersonReader(constants, zone)
        self._moving = MovingTests(self._read, constants)
        self._groups: dict[Filter, Written] = {}
        self._uses: Counter[Filter] = Counter()
        for filter_ in filters:
            self._count(filter_)

    def source(self) -> str:
        results: list[str] = []
        for n, filter_ in enumerate(self._filters):
            written = self._write(filter_)
            results.append(f"if {written.truth}: bits |= {self._constant(1 << n)}")
            if written.next:
                results.append(f"if {written.next} < soonest: soonest = {written.next}")
        lines = [
            "def evaluate(f, now):",
            *self._read.lines,
            *self._moving.lines,
            "bits = 0",
            "soonest = NEVER",
            *results,
            "return bits, (None if soonest is NEVER else soonest.astimezone(UTC))",
        ]
        return "\n    ".join(lines) + "\n"

    def _count(self, filter_: Filter) -> None:
        match filter_:
            case All(parts) | AnyOf(parts):
                self._uses[filter_] += 1
                if self._uses[filter_] == 1:
                    for part in parts:
                        self._count(part)
            case Not(part):
                self._count(part)

    def _write(self, filter_: Filter, depth: int = 0) -> Written:  # noqa: PLR0911  # one a case
        match filter_:
            case Not(part):
                return self._write(part, depth).negated()
            case All(parts) | AnyOf(parts):
                return self._group(filter_, parts, depth)
            case FieldCondition():
                return self._field(filter_)
            case EventCondition():
                return self._event(filter_)
            case CheckpointCondition():
                return self._checkpoint(filter_)
            case SegmentCondition(segment, op):
                mark = self._constant(self._marks.get(segment, segment))
                test = f"{mark} in {self._read.attribute('segments')}"
                return _signed(test, SEGMENT_OPERATORS[op].negates)
            case CampaignCondition(campaign):
                outcomes = (
                    f"{self._read.attribute('campaigns')}.get({self._constant(campaign)}, ())"
                )
                test = f"{self._constant(filter_.answer)} in {outcomes}"
                return _signed(test, filter_.operator.negates)

    # Groups.

    def _group(self, group: All | AnyOf, parts: tuple[Filter, ...], depth: int) -> Written:
        found = self._groups.get(group)
        if found is not None:
            return found
        apart = self._uses[group] > 1 or depth >= _DEEP
        written = [self._write(part, 0 if apart else depth + 1) for part in parts]
        moving = [one for one in written if one.next]
        still = [one.truth for one in written if not one.next]
        if moving:
            result = self._moving.group(still, moving, every=isinstance(group, All))
        else:
            word = " and " if isinstance(group, All) else " or "
            result = Written(f"({word.join(still)})")
            if apart:
                result = Written(self._moving.local("group", result.truth))
        self._groups[group] = result
        return result

    # Conditions.

    def _field(self, condition: FieldCondition) -> Written:
        moving = condition.operator.moving
        if moving is None:
            return Written(static_test(condition, self._read, self._constant, self._zone))
        value = self._read(condition.about, condition.type)
        days = timedelta(days=int(condition.value))  # type: ignore[arg-type]
        soon = self._foreseen.get(condition.field)
        if moving is Moving.WITHIN:
            written = self._moving.within(f"{value} is not None", value, days, soon)
        else:
            written = self._moving.ago(value, days, soon)
        return written.negated() if condition.operator.negates else written

    def _event(self, condition: EventCondition) -> Written:
        fewest, too_many = condition.operator.bounds(condition.count)
        enough = self._happened(condition, fewest)
        if too_many is None:
            return enough
        excess = self._happened(condition, too_many).negated()
        if not fewest:
            return excess
        if condition.within_days is None:
            return Written(f"({enough.truth} and {excess.truth})")
        return self._moving.group([], [enough, excess], every=True)

    def _happened(self, condition: EventCondition, count: int) -> Written:
        """Whether the event happened at least `count` times in its window."""
        if not count:
            return Written("True")
        memory, key = self._read.attribute("event_times"), event_key(condition)
        times = self._read.local(
            "times", f"{memory}.get({self._constant(self._memories.get(key, key))}, ())"
        )
        there = f"len({times}) >= {count}"
        if condition.within_days is None:
            return Written(f"({there})")
        newest = f"{times}[{count - 1}]"
        return self._moving.within(there, newest, timedelta(days=condition.within_days))

    def _checkpoint(self, condition: CheckpointCondition) -> Written:
        checkpoints = self._read.attribute("checkpoints")
        keys = [self._steps.get(number, number) for number in condition.chain]
        times = [
            self._read.local("reached", f"{checkpoints}.get({self._constant(key)})") for key in keys
        ]
        there = " and ".join(f"{at} is not None" for at in times)
        if condition.after:
            there = f"{there} and {' <= '.join(times)}"
        if condition.days is not None:
            return self._moving.within(there, times[-1], timedelta(days=condition.days))
        negates = CHECKPOINT_OPERATORS[condition.op].negates
        return _signed(there, negates)


def _signed(test: str, negates: str | None) -> Written:
    return Written(f"(not ({test}))" if negates else f"({test})")
