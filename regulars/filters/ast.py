"""A filter, parsed: frozen dataclasses that equal each other where the filters do.

Public: `Filter` and its members, `conditions`, `fields_of`, `is_timed`, `size`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from regulars.filters.behaviour import (
    CAMPAIGN_OPERATORS,
    CHECKPOINT_OPERATORS,
    EVENT_OPERATORS,
    CampaignOperator,
    EventOperator,
    campaign_answer,
)
from regulars.filters.catalog import Field, ValueType, find_field, find_property
from regulars.filters.operators import OPERATORS, Operator

# What a condition's value may be, as the JSON had it; texts are not folded yet.
Value = None | str | bool | int | float | tuple[str, ...] | tuple[int | float, int | float]


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A field, an operator and its value; `type` is the type of value that it asks about."""

    field: str
    type: ValueType
    op: str
    value: Value = None

    @property
    def operator(self) -> Operator:
        return OPERATORS[self.type, self.op]

    @property
    def about(self) -> Field:
        found = find_field(self.field) or find_property(self.field)
        if found is None:
            raise LookupError(self.field)
        return found


@dataclass(frozen=True, slots=True)
class EventCondition:
    """How often an event with such properties happened, within so many days if given."""

    event: str
    op: str
    count: int
    within_days: int | None = None
    where: tuple[FieldCondition, ...] = ()

    @property
    def operator(self) -> EventOperator:
        return EVENT_OPERATORS[self.op]

    @property
    def is_ever(self) -> bool:
        """Whether any time will do, and any properties."""
        return self.within_days is None and not self.where


@dataclass(frozen=True, slots=True)
class SegmentCondition:
    segment: UUID
    op: str


@dataclass(frozen=True, slots=True)
class CheckpointCondition:
    """`after` are the checkpoints reached before, in their order, none earlier than the last."""

    checkpoint: int
    op: str
    days: int | None = None
    after: tuple[int, ...] = ()

    @property
    def chain(self) -> tuple[int, ...]:
        """All that it asks for, in order."""
        return (*self.after, self.checkpoint)


@dataclass(frozen=True, slots=True)
class CampaignCondition:
    """What became of a campaign, or of one of its steps, or of one of the messages of that."""

    campaign: UUID
    op: str
    step: str | None = None
    variant: str | None = None

    @property
    def operator(self) -> CampaignOperator:
        return CAMPAIGN_OPERATORS[self.op]

    @property
    def answer(self) -> str:
        """What `Facts.campaigns` holds of the campaign where it is so."""
        return campaign_answer(self.operator.outcome, self.step, self.variant)


@dataclass(frozen=True, slots=True)
class All:
    """Holds where every part does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: Filter


Condition = (
    FieldCondition | EventCondition | SegmentCondition | CheckpointCondition | CampaignCondition
)
Filter = Condition | All | AnyOf | Not


def conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of a filter, in reading order."""
    match filter_:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions(part)
        case Not(part):
            yield from conditions(part)
        case _:
            yield filter_


def fields_of(filter_: Filter) -> frozenset[str]:
    """What a change must touch to change the filter's answer.

    Fields by their names; `event:<name>`, `segment:<id>`, `checkpoint`, `campaign:<id>` for the
    rest. With these an index from fields to filters is made.
    """
    return frozenset(_subject(condition) for condition in conditions(filter_))


def is_timed(filter_: Filter) -> bool:
    """Whether time alone can change the filter's answer."""
    return any(_is_moving(condition) for condition in conditions(filter_))


def size(filter_: Filter) -> int:
    """The number of conditions, those inside `where` included."""
    return sum(
        1 + (len(one.where) if isinstance(one, EventCondition) else 0)
        for one in conditions(filter_)
    )


def _subject(condition: Condition) -> str:
    match condition:
        case FieldCondition(field=field):
            return field
        case EventCondition(event=event):
            return f"event:{event}"
        case SegmentCondition(segment=segment):
            return f"segment:{segment}"
        case CampaignCondition(campaign=campaign):
            return f"campaign:{campaign}"
        case CheckpointCondition():
            return "checkpoint"


def _is_moving(condition: Condition) -> bool:
    match condition:
        case FieldCondition():
            return condition.operator.moving is not None
        case EventCondition(within_days=days):
            return days is not None
        case CheckpointCondition(op=op):
            return CHECKPOINT_OPERATORS[op].windowed
        case _:
            return False
