"""The reference: whether a filter holds for a person, said as plainly as possible.

It reads raw values and folds them itself. Lists and moves use SQL and the generated function,
which are held to this one's answers; `why` uses this one.

Public: `evaluate(filter, facts, when)`, `evaluate_event(need, properties, when)`,
`value_of(field, type, facts, zone)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

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
from regulars.filters.catalog import Field, ValueType
from regulars.filters.events import EventNeed, event_key
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.times import first_instant, read_iso
from regulars.filters.values import address_number, exact_number, is_known
from regulars.kit.text import fold


def evaluate(filter_: Filter, facts: Facts, when: When) -> bool:  # noqa: PLR0911  # one a case
    """Whether the filter holds for the person at `when.now`."""
    match filter_:
        case All(parts):
            return all(evaluate(part, facts, when) for part in parts)
        case AnyOf(parts):
            return any(evaluate(part, facts, when) for part in parts)
        case Not(part):
            return not evaluate(part, facts, when)
        case FieldCondition():
            value = value_of(filter_.about, filter_.type, facts, when.zone)
            return _holds(filter_, value, when)
        case EventCondition():
            return _event_holds(filter_, facts, when)
        case SegmentCondition(segment, op):
            return (segment in facts.segments) != bool(SEGMENT_OPERATORS[op].negates)
        case CheckpointCondition():
            return _checkpoint_holds(filter_, facts, when)
        case CampaignCondition(campaign):
            happened = filter_.answer in facts.campaigns.get(campaign, ())
            return happened != bool(filter_.operator.negates)


def evaluate_event(need: EventNeed, properties: Mapping[str, Any], when: When) -> bool:
    """Whether an event of the needed name, with these properties, is one to remember."""
    return all(
        _holds(one, _fitting(properties.get(one.about.name), one.type, when.zone), when)
        for one in need.where
    )


def value_of(field: Field, type_: ValueType, facts: Facts, zone: tzinfo) -> Any:
    """The person's value of a field as a value of `type_`, or None where it is unknown as such.

    Texts and tags come folded, dates as instants, addresses as numbers.
    """
    if field.bag is not None:
        return _fitting(getattr(facts, field.bag).get(field.name), type_, zone)
    value = getattr(facts, field.key)
    if type_ is ValueType.LIST:
        return tuple(value or ()) or None
    if type_ is ValueType.ANY:
        return (value if is_known(value) else None) if field.key != "tags" else value or None
    if type_ is ValueType.DATE:
        return value
    return _fitting(value, type_, zone)


def _holds(condition: FieldCondition, value: Any, when: When) -> bool:
    operator = condition.operator
    wanted = operator.prepare(condition.value, when)
    positive = value is not None and operator.holds(value, wanted)
    return positive != bool(operator.negates)


def _fitting(value: Any, type_: ValueType, zone: tzinfo) -> Any:  # noqa: PLR0911  # one a case
    """A raw value as one of the type, or None: nothing is coerced."""
    if not is_known(value):
        return None
    match type_:
        case ValueType.ANY | ValueType.KIND:
            return value
        case ValueType.TEXT:
            return fold(value) if isinstance(value, str) else None
        case ValueType.NUMBER:
            return exact_number(value)
        case ValueType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case ValueType.IP:
            return address_number(fold(value)) if isinstance(value, str) else None
        case ValueType.DATE:
            return _instant(value, zone) if isinstance(value, str) else None
        case _:
            return None


def _instant(text: str, zone: tzinfo) -> datetime | None:
    moment: date | datetime | None = read_iso(fold(text))
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    return first_instant(moment, zone) if moment.tzinfo is None else moment


def _event_holds(condition: EventCondition, facts: Facts, when: When) -> bool:
    times = facts.event_times.get(event_key(condition), ())
    days = condition.within_days
    if days is not None:
        times = [time for time in times if time >= when.now - timedelta(days=days)]
    fewest, too_many = condition.operator.bounds(condition.count)
    return len(times) >= fewest and (too_many is None or len(times) < too_many)


def _checkpoint_holds(condition: CheckpointCondition, facts: Facts, when: When) -> bool:
    times = [facts.checkpoints.get(number) for number in condition.chain]
    known = [at for at in times if at is not None]
    reached = len(known) == len(times) and known == sorted(known)
    if condition.days is not None:
        return reached and known[-1] >= when.now - timedelta(days=condition.days)
    return reached != bool(CHECKPOINT_OPERATORS[condition.op].negates)
