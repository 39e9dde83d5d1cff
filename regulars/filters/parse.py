"""Filters out of JSON. Whatever is not understood is an error, never a filter that matches all.

Public: `parse(data)` for decoded JSON, `parse_text(text)` for its text; both raise `FilterError`,
whose `field` is the path of the offending part. `kinds` says which kinds of condition may stand
in the filter, for doors and places that have no segments, checkpoints or campaigns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, NoReturn

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
from regulars.filters.behaviour import (
    CAMPAIGN_OPERATORS,
    CHECKPOINT_OPERATORS,
    EVENT_OPERATORS,
    MAX_CHECKPOINT,
    MAX_COUNT,
    MAX_DAYS,
    SEGMENT_OPERATORS,
)
from regulars.filters.catalog import MAX_KEY, STANDARD_FIELDS, Field, find_field, find_property
from regulars.filters.errors import FilterError
from regulars.filters.operands import Operand
from regulars.filters.operators import Operator, find_operators, operators_of
from regulars.filters.read_values import Reader, identifier, shown, whole

MAX_LEVELS = 5
MAX_CONDITIONS = 100
CONDITION_KINDS = frozenset({"field", "event", "segment", "checkpoint", "campaign"})

_STEP_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")  # as campaigns call their steps and messages
_GROUPS = ("all", "any", "not")
_KEYS = {
    "all": {"all"},
    "any": {"any"},
    "not": {"not"},
    "field": {"field", "op", "value"},
    "event": {"event", "op", "count", "within_days", "where"},
    "segment": {"segment", "op"},
    "checkpoint": {"checkpoint", "op", "days", "after"},
    "campaign": {"campaign", "op", "step", "variant"},
}


def parse_text(
    text: str | bytes, *, kinds: Collection[str] = CONDITION_KINDS, at: str = "filter"
) -> Filter:
    """The filter that JSON text writes, as an address or a command line carries it."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise FilterError("Expected a filter as JSON", at) from None
    return parse(data, kinds=kinds, at=at)


def parse(data: Any, *, kinds: Collection[str] = CONDITION_KINDS, at: str = "filter") -> Filter:
    """The filter in decoded JSON."""
    return _Parser(kinds).filter(data, at, level=1)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


class _Parser:
    """One filter's parse: counts its conditions and its text."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self._conditions = 0
        self._read = Reader()

    def filter(self, data: Any, at: str, level: int) -> Filter:
        if level > MAX_LEVELS:
            raise FilterError(f"A filter may be {MAX_LEVELS} levels deep", at)
        if not isinstance(data, dict):
            raise FilterError(f"Expected a filter, got {shown(data)}", at)
        word = self._word(data, at)
        if word not in _GROUPS:
            return self._condition(word, data, at)
        inner = f"{at}.{word}"
        if word == "not":
            return Not(self.filter(data["not"], inner, level + 1))
        parts = data[word]
        if not isinstance(parts, list):
            raise FilterError(f"Expected a list of filters, got {shown(parts)}", inner)
        if not parts:
            raise FilterError("Expected at least one filter in the group", inner)
        read = tuple(self.filter(part, f"{inner}[{n}]", level + 1) for n, part in enumerate(parts))
        return All(read) if word == "all" else AnyOf(read)

    def _word(self, data: dict[Any, Any], at: str) -> str:
        """The key that says what the object is; every other key must belong to it."""
        words = [word for word in _KEYS if word in data]
        if len(words) != 1:
            raise FilterError(f"Expected one of {', '.join(_KEYS)}", at)
        word = words[0]
        if word not in _GROUPS and word not in self._kinds:
            raise FilterError(f"A condition on {word} cannot be used here", at)
        for key in data:
            if key not in _KEYS[word]:
                raise FilterError(f"Unknown key {shown(key)} beside {word}", at)
        return word

    def _condition(self, word: str, data: dict[str, Any], at: str) -> Condition:
        self._count(at)
        match word:
            case "field":
                return self._field_condition(data, at, find_field(_name(data["field"], at)))
            case "event":
                return self._event(data, at)
            case "segment":
                op = _op(data, SEGMENT_OPERATORS, at)
                return SegmentCondition(
                    identifier(data["segment"], f"{at}.segment", "a segment"), op
                )
            case "checkpoint":
                return _checkpoint(data, at)
            case _:
                return _campaign(data, at)

    def _field_condition(
        self, data: dict[str, Any], at: str, field: Field | None
    ) -> FieldCondition:
        if field is None:
            raise _no_field(data["field"], at)
        if field.bag is not None:
            self._read.text(field.name, f"{at}.field", "a key")
            if len(field.name) > MAX_KEY:
                raise FilterError(f"A key may have {MAX_KEY} characters", f"{at}.field")
        found = _operators(data, field, at)
        value_at = f"{at}.value"
        if found[0].operand is Operand.NOTHING:
            if "value" in data:
                raise FilterError(f"{found[0].key} takes no value", value_at)
            return FieldCondition(field.key, found[0].type, found[0].key)
        if "value" not in data:
            expected = " or ".join(one.operand.value for one in found)
            raise FilterError(f"{found[0].key} on {field.key} needs {expected}", value_at)
        operator = _fitting(found, data["value"])
        value = self._read.value(operator.operand, data["value"], value_at)
        return FieldCondition(field.key, operator.type, operator.key, value)

    def _event(self, data: dict[str, Any], at: str) -> EventCondition:
        op = _op(data, EVENT_OPERATORS, at)
        event = self._read.text(data["event"], f"{at}.event", "the name of an event")
        if "count" not in data:
            raise FilterError(f"{op} needs a count", f"{at}.count")
        count = whole(data["count"], 0, MAX_COUNT, f"{at}.count", "a whole number")
        days = None
        if "within_days" in data:
            days = _days(data["within_days"], f"{at}.within_days")
        where: tuple[FieldCondition, ...] = ()
        if "where" in data:
            where = self._where(data["where"], f"{at}.where")
        return EventCondition(event, op, count, days, where)

    def _where(self, data: Any, at: str) -> tuple[FieldCondition, ...]:
        if not isinstance(data, list) or not data:
            raise FilterError(f"Expected a list of conditions, got {shown(data)}", at)
        return tuple(self._property(one, f"{at}[{n}]") for n, one in enumerate(data))

    def _property(self, data: Any, at: str) -> FieldCondition:
        self._count(at)
        if not isinstance(data, dict) or "field" not in data or not data.keys() <= _KEYS["field"]:
            raise FilterError("Expected a condition with field, op and value", at)
        name = _name(data["field"], at)
        field = find_property(name)
        if field is None:
            raise FilterError(
                f"Expected properties.<key> inside where, got {shown(name)}", f"{at}.field"
            )
        condition = self._field_condition(data, at, field)
        if condition.operator.moving is not None:
            raise FilterError(
                f"{condition.op} moves with the clock and cannot stand inside where", f"{at}.op"
            )
        return condition

    def _count(self, at: str) -> None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise FilterError(f"A filter may have {MAX_CONDITIONS} conditions", at)


def _checkpoint(data: dict[str, Any], at: str) -> CheckpointCondition:
    op = _op(data, CHECKPOINT_OPERATORS, at)
    number = _number(data["checkpoint"], f"{at}.checkpoint")
    after = _after(data["after"], number, f"{at}.after") if "after" in data else ()
    if not CHECKPOINT_OPERATORS[op].windowed:
        if "days" in data:
            raise FilterError(f"{op} takes no days", f"{at}.days")
        return CheckpointCondition(number, op, after=after)
    if "days" not in data:
        raise FilterError(f"{op} needs days", f"{at}.days")
    return CheckpointCondition(number, op, _days(data["days"], f"{at}.days"), after)


def _number(raw: Any, at: str) -> int:
    return whole(raw, 1, MAX_CHECKPOINT, at, "the number of a checkpoint")


def _after(raw: Any, number: int, at: str) -> tuple[int, ...]:
    """The checkpoints before: each another one."""
    if not isinstance(raw, list) or not raw or len(raw) >= MAX_CHECKPOINT:
        most = MAX_CHECKPOINT - 1
        raise FilterError(f"Expected a list of 1 to {most} checkpoints, got {shown(raw)}", at)
    after = tuple(_number(one, f"{at}[{n}]") for n, one in enumerate(raw))
    if len({*after, number}) <= len(after):
        raise FilterError("A checkpoint can stand in an order once", at)
    return after


def _campaign(data: dict[str, Any], at: str) -> CampaignCondition:
    op = _op(data, CAMPAIGN_OPERATORS, at)
    operator = CAMPAIGN_OPERATORS[op]
    campaign = identifier(data["campaign"], f"{at}.campaign", "a campaign")
    if operator.of_step == "never" and "step" in data:
        raise FilterError(f"{op} is of the whole campaign and takes no step", f"{at}.step")
    if operator.of_step == "must" and "step" not in data:
        raise FilterError(f"{op} needs a step", f"{at}.step")
    if "variant" in data and ("step" not in data or not operator.of_variant):
        wrong = f"{op} takes no message" if "step" in data else "A message needs its step"
        raise FilterError(wrong, f"{at}.variant")
    step, variant = (_id(data, key, at) for key in ("step", "variant"))
    return CampaignCondition(campaign, op, step, variant)


def _id(data: dict[str, Any], key: str, at: str) -> str | None:
    if key not in data:
        return None
    raw = data[key]
    if not isinstance(raw, str) or not _STEP_ID.fullmatch(raw):
        called = "a step" if key == "step" else "a message"
        raise FilterError(f"Expected the id of {called}, got {shown(raw)}", f"{at}.{key}")
    return raw


def _days(raw: Any, at: str) -> int:
    return whole(raw, 1, MAX_DAYS, at, "a whole number of days")


def _name(raw: Any, at: str) -> str:
    if not isinstance(raw, str):
        raise FilterError(f"Expected the name of a field, got {shown(raw)}", f"{at}.field")
    return raw


def _op(data: dict[str, Any], operators: Collection[str], at: str) -> str:
    op = data.get("op")
    if not isinstance(op, str) or op not in operators:
        raise FilterError(f"Expected one of {', '.join(operators)}, got {shown(op)}", f"{at}.op")
    return op


def _operators(data: dict[str, Any], field: Field, at: str) -> list[Operator]:
    op = data.get("op")
    found = find_operators(field.types, op) if isinstance(op, str) else []
    # A custom address is text as well, and asked for as such.
    if field.type is None and len(found) > 1:
        found = [one for one in found if one.operand is not Operand.ADDRESS]
    if not found:
        known = dict.fromkeys(one.key for one in operators_of(field.types))
        type_ = "" if field.type is None else f" ({field.type.value})"
        raise FilterError(
            f"{shown(op)} is no operator for {field.key}{type_}. "
            f"Expected one of {', '.join(known)}",
            f"{at}.op",
        )
    return found


def _fitting(operators: list[Operator], value: Any) -> Operator:
    """Of operators with one key, the one whose type of value this is; else the first."""
    sample = value[0] if isinstance(value, list | tuple) and value else value
    wanted: dict[Operand, type] = {Operand.BOOLEAN: bool, Operand.MOMENTS: str}
    for operator in operators:
        kind = wanted.get(operator.operand)
        if kind is not None and isinstance(sample, kind):
            return operator
    return operators[0]


def _no_field(raw: str, at: str) -> FilterError:
    near = get_close_matches(raw[:MAX_KEY], STANDARD_FIELDS, n=1, cutoff=0.75)
    hint = f" Did you mean {near[0]}?" if near else ""
    return FilterError(
        f"{shown(raw)} is not a field. Expected a standard attribute, attributes.<key> or "
        f"company.<key>.{hint}",
        f"{at}.field",
    )
