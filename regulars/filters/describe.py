"""Filters in words: "Browser is Firefox and last seen in the past 28 days".

Public: `describe(filter, names) -> str`, `describe_pieces(filter, names) -> list[Piece]` for pages
that set fields and values apart, `Piece`, `Role`, `Names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from string import Formatter
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
from regulars.filters.behaviour import CAMPAIGN_OPERATORS, CHECKPOINT_OPERATORS, SEGMENT_OPERATORS
from regulars.filters.operands import Operand
from regulars.filters.operators import OPERATORS
from regulars.filters.times import read_iso
from regulars.kit.text import fold


class Role(StrEnum):
    """What a piece of a sentence is."""

    WORD = "word"
    FIELD = "field"
    KEY = "key"  # a field of the customer's own: it keeps its case
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a sentence; `segment` where they are the name of one."""

    text: str
    role: Role = Role.WORD
    segment: UUID | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What agents call the things that filters know by id; an id that is missing stays an id."""

    segments: Mapping[UUID, str] = field(default_factory=dict)
    campaigns: Mapping[UUID, str] = field(default_factory=dict)
    checkpoints: Mapping[int, str] = field(default_factory=dict)
    steps: Mapping[tuple[UUID, str], str] = field(default_factory=dict)  # of campaigns


_NO_NAMES = Names()


def describe(filter_: Filter, names: Names = _NO_NAMES) -> str:
    """The sentence, without a full stop."""
    return "".join(piece.text for piece in describe_pieces(filter_, names))


def describe_pieces(filter_: Filter, names: Names = _NO_NAMES) -> list[Piece]:
    """The sentence in pieces; their texts joined are the sentence."""
    head, *rest = _filter(filter_, names)
    if head.role is Role.KEY:
        return [head, *rest]
    return [replace(head, text=head.text[:1].upper() + head.text[1:]), *rest]


def _filter(filter_: Filter, names: Names) -> list[Piece]:  # noqa: PLR0911  # one a case
    match filter_:
        case All(parts):
            return _joined(" and ", parts, names)
        case AnyOf(parts):
            return _joined(" or ", parts, names)
        case Not(part):
            opposite = _opposite(part)
            if opposite is not None:
                return _filter(opposite, names)
            return [Piece("not ("), *_filter(part, names), Piece(")")]
        case FieldCondition():
            return _field(filter_)
        case EventCondition():
            return _event(filter_)
        case SegmentCondition(segment, op):
            named = Piece(names.segments.get(segment, str(segment)), Role.VALUE, segment)
            return _filled(SEGMENT_OPERATORS[op].sentence, name=[named])
        case CampaignCondition():
            return _campaign(filter_, names)
        case CheckpointCondition():
            return _checkpoint(filter_, names)


def _checkpoint(condition: CheckpointCondition, names: Names) -> list[Piece]:
    """With an order: reached checkpoint C, after A and then B."""
    called = [names.checkpoints.get(number, str(number)) for number in condition.chain]
    days = _value(_days(condition.days))
    sentence = CHECKPOINT_OPERATORS[condition.op].sentence
    pieces = _filled(sentence, name=_value(called[-1]), days=days)
    for n, name in enumerate(called[:-1]):
        pieces += [Piece(" and then " if n else ", after "), *_value(name)]
    return pieces


def _joined(word: str, parts: Iterable[Filter], names: Names) -> list[Piece]:
    pieces: list[Piece] = []
    for part in parts:
        if pieces:
            pieces.append(Piece(word))
        inner = _filter(part, names)
        apart = isinstance(part, All | AnyOf) and len(part.parts) > 1
        pieces += [Piece("("), *inner, Piece(")")] if apart else inner
    return pieces


def _opposite(filter_: Filter) -> Filter | None:  # noqa: PLR0911  # one a case
    """The filter that says the contrary without a "not", where there is one."""
    match filter_:
        case Not(part):
            return part
        case FieldCondition(type=type_, op=op):
            for operator in OPERATORS.values():
                if operator.type is type_ and op in (operator.key, operator.negates):
                    other = operator.negates if op == operator.key else operator.key
                    if other is not None:
                        return replace(filter_, op=other)
            return None
        case SegmentCondition(op=op):
            return replace(filter_, op=_other(SEGMENT_OPERATORS, op))
        case CampaignCondition(op=op):
            return replace(filter_, op=_other(CAMPAIGN_OPERATORS, op))
        case CheckpointCondition(op=op) if not CHECKPOINT_OPERATORS[op].windowed:
            return replace(filter_, op=_other(CHECKPOINT_OPERATORS, op))
        case _:
            return None


def _other(operators: Mapping[str, Any], op: str) -> str:
    negates = operators[op].negates
    if negates is not None:
        return str(negates)
    return next(str(one.key) for one in operators.values() if one.negates == op)


def _field(condition: FieldCondition) -> list[Piece]:
    about = condition.about
    return _filled(
        condition.operator.sentence,
        field=[Piece(about.label, Role.FIELD if about.type else Role.KEY)],
        value=_value(_shown(condition)),
        **{"is": [] if about.type else [Piece("is ")]},
    )


def _event(condition: EventCondition) -> list[Piece]:
    event = [Piece(condition.event, Role.VALUE)]
    if condition.where:
        event += [Piece(" ("), *_joined(" and ", condition.where, _NO_NAMES), Piece(")")]
    if condition.count == 0 and condition.op != "at_least":
        pieces = [Piece("did not do "), *event]
    else:
        times = {1: "once", 2: "twice"}.get(condition.count, f"{condition.count} times")
        pieces = _filled(condition.operator.sentence, event=event, times=_value(times))
    if condition.within_days is not None:
        pieces += [Piece(" in the past "), *_value(_days(condition.within_days))]
    return pieces


def _campaign(condition: CampaignCondition, names: Names) -> list[Piece]:
    name = _value(names.campaigns.get(condition.campaign, str(condition.campaign)))
    if condition.step is None:
        return _filled(condition.operator.sentence, name=name)
    step = _value(names.steps.get((condition.campaign, condition.step), condition.step))
    if condition.variant is not None:
        step += [Piece(" (message "), *_value(condition.variant.upper()), Piece(")")]
    return _filled(condition.operator.sentence_of_step, name=name, step=step)


def _filled(sentence: str, **parts: list[Piece]) -> list[Piece]:
    """A sentence with its places filled; neighbouring words become one piece."""
    pieces: list[Piece] = []
    for words, name, _, _ in Formatter().parse(sentence):
        pieces += [Piece(words)] if words else []
        pieces += parts[name] if name else []
    return pieces


def _value(text: str) -> list[Piece]:
    return [Piece(text, Role.VALUE)]


def _shown(condition: FieldCondition) -> str:  # noqa: PLR0911  # one a case
    value: Any = condition.value
    match condition.operator.operand:
        case Operand.NOTHING:
            return ""
        case Operand.BOOLEAN:
            return "true" if value else "false"
        case Operand.TEXTS | Operand.KINDS:
            *most, last = value
            return f"{', '.join(most)} or {last}" if most else str(last)
        case Operand.NUMBERS:
            return f"{value[0]} and {value[1]}"
        case Operand.MOMENT:
            return _moment(value)
        case Operand.MOMENTS:
            return f"{_moment(value[0])} and {_moment(value[1])}"
        case Operand.DAYS:
            return _days(value)
        case _:
            return str(value)


def _moment(text: str) -> str:
    """`1 May 2024`, or with a time `1 May 2024, 10:30`, and its offset where it names one."""
    moment = read_iso(fold(text))
    if moment is None:
        return text
    day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    if not isinstance(moment, datetime):
        return day
    clock = moment.time().isoformat("auto" if moment.second or moment.microsecond else "minutes")
    offset = moment.utcoffset()
    if offset is None:
        return f"{day}, {clock}"
    zone = "UTC" if not offset else f"UTC{moment.strftime('%z')}"
    return f"{day}, {clock} {zone}"


def _days(days: int | None) -> str:
    return "1 day" if days == 1 else f"{days} days"


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
