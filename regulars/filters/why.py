"""Why a person is in or out: every condition, with the person's own value and whether it held.

Public: `why(filter, facts, when, names) -> Why`, `Why`, `reasons(why)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from regulars.filters.ast import (
    All,
    AnyOf,
    CampaignCondition,
    CheckpointCondition,
    Condition,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
)
from regulars.filters.describe import Names, describe
from regulars.filters.evaluate import evaluate
from regulars.filters.events import event_key
from regulars.filters.facts import Facts
from regulars.filters.operands import When


@dataclass(frozen=True, slots=True)
class Why:
    """One part of a filter, asked of one person.

    `word` is `all`, `any` or `not` with its `parts`, or empty for a condition, whose `value` is
    the person's: raw text, number, instant or list; None where unknown. For events it is the
    number of matching times (as many as are remembered), for segments whether the person is in,
    for checkpoints when it was reached, for campaigns the list of outcomes.
    """

    held: bool
    sentence: str
    word: str = ""
    value: Any = None
    parts: tuple[Why, ...] = ()


def why(filter_: Filter, facts: Facts, when: When, names: Names | None = None) -> Why:
    """The filter's answer for the person at `when.now`, part by part."""
    known = names or Names()
    held = evaluate(filter_, facts, when)
    sentence = describe(filter_, known)
    match filter_:
        case All(parts) | AnyOf(parts):
            word = "all" if isinstance(filter_, All) else "any"
            inner = tuple(why(part, facts, when, known) for part in parts)
            return Why(held, sentence, word, parts=inner)
        case Not(part):
            return Why(held, sentence, "not", parts=(why(part, facts, when, known),))
        case _:
            return Why(held, sentence, value=_value(filter_, facts, when))


def reasons(whole: Why) -> Iterator[Why]:
    """The conditions alone, in reading order."""
    if not whole.word:
        yield whole
    for part in whole.parts:
        yield from reasons(part)


def _value(condition: Condition, facts: Facts, when: When) -> Any:  # noqa: PLR0911  # one a case
    match condition:
        case FieldCondition():
            field = condition.about
            if field.bag is not None:
                return getattr(facts, field.bag).get(field.name)
            return getattr(facts, field.key)
        case EventCondition(within_days=days):
            times = facts.event_times.get(event_key(condition), ())
            if days is None:
                return len(times)
            return sum(one >= when.now - timedelta(days=days) for one in times)
        case SegmentCondition(segment):
            return segment in facts.segments
        case CheckpointCondition(checkpoint):
            return facts.checkpoints.get(checkpoint)
        case CampaignCondition(campaign):
            return sorted(facts.campaigns.get(campaign, ()))
