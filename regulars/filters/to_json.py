"""Filters into JSON: what `parse` would read back as the same filter.

Public: `to_json(filter)`.
"""

from __future__ import annotations

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


def to_json(filter_: Filter) -> dict[str, Any]:  # noqa: PLR0911  # one a case
    match filter_:
        case All(parts):
            return {"all": [to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case FieldCondition():
            return _field(filter_)
        case EventCondition():
            return _event(filter_)
        case SegmentCondition(segment, op):
            return {"segment": str(segment), "op": op}
        case CampaignCondition(campaign, op, step, variant):
            said = {"campaign": str(campaign), "op": op, "step": step, "variant": variant}
            return {key: value for key, value in said.items() if value is not None}
        case CheckpointCondition():
            return _checkpoint(filter_)


def _field(condition: FieldCondition) -> dict[str, Any]:
    found: dict[str, Any] = {"field": condition.field, "op": condition.op}
    if condition.value is None:
        return found
    value = condition.value
    return found | {"value": list(value) if isinstance(value, tuple) else value}


def _checkpoint(condition: CheckpointCondition) -> dict[str, Any]:
    found: dict[str, Any] = {"checkpoint": condition.checkpoint, "op": condition.op}
    if condition.days is not None:
        found["days"] = condition.days
    if condition.after:
        found["after"] = list(condition.after)
    return found


def _event(condition: EventCondition) -> dict[str, Any]:
    found: dict[str, Any] = {
        "event": condition.event,
        "op": condition.op,
        "count": condition.count,
    }
    if condition.within_days is not None:
        found["within_days"] = condition.within_days
    if condition.where:
        found["where"] = [_field(one) for one in condition.where]
    return found
