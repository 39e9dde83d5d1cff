"""Values on, just inside and just outside what a condition asks for."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import strategies as st

from regulars.filters.ast import (
    CampaignCondition,
    CheckpointCondition,
    Condition,
    EventCondition,
    FieldCondition,
)
from regulars.filters.catalog import ValueType
from regulars.filters.facts import Facts
from regulars.filters.folding import folded_tags
from regulars.filters.operands import When
from regulars.kit.text import fold

TICK = datetime.resolution


@dataclass
class Event:
    """Something a person did."""

    name: str
    at: datetime
    kind: str
    properties: dict[str, Any]


@st.composite
def aimed(
    draw: st.DrawFn, condition: Condition, person: Facts, done: list[Event], when: When
) -> None:
    """Change the person, or add to what they did, to lie near the condition's boundary."""
    match condition:
        case FieldCondition():
            _aim_field(draw, condition, person, when)
        case EventCondition():
            times = draw(st.integers(0, condition.count + 1))
            done += [_aimed_event(draw, condition, when) for _ in range(times)]
        case CheckpointCondition(days=days):
            back = timedelta(days=days or 0)
            reached = {number: when.now - back + draw(_ticks) for number in condition.chain}
            person.checkpoints = {**person.checkpoints, **reached}
        case CampaignCondition(campaign):
            person.campaigns = {**person.campaigns, campaign: {condition.answer}}
        case _:
            pass


_ticks = st.sampled_from([-TICK, timedelta(0), TICK])


def _aim_field(draw: st.DrawFn, condition: FieldCondition, person: Facts, when: When) -> None:
    field = condition.about
    if field.bag is not None:
        value = _custom_value(draw, condition, when)
        if value is not None:
            getattr(person, field.bag)[field.name] = value
        return
    match condition.type:
        case ValueType.TEXT:
            setattr(person, field.key, _text(draw, condition))
        case ValueType.NUMBER:
            wanted = _one_of(draw, condition)
            if abs(wanted) < 2**30:
                person.sessions = int(wanted) + draw(st.integers(-1, 1))
        case ValueType.DATE:
            setattr(person, field.key, _instant(draw, condition, when))
        case ValueType.IP:
            person.ip = _address(draw, condition)
        case ValueType.LIST:
            person.tags = folded_tags([*person.tags, _text(draw, condition)])
        case ValueType.KIND:
            person.kind = _one_of(draw, condition)


def _custom_value(draw: st.DrawFn, condition: FieldCondition, when: When) -> Any:
    match condition.type:
        case ValueType.TEXT:
            return _text(draw, condition)
        case ValueType.NUMBER:
            wanted = _one_of(draw, condition)
            near = [wanted, wanted, wanted + 1, wanted - 1, float(wanted), wanted * 1.0000001]
            return draw(st.sampled_from([*near, str(wanted)]))
        case ValueType.DATE:
            return draw(st.sampled_from(_writings(_instant(draw, condition, when), when)))
        case ValueType.BOOLEAN:
            return draw(st.sampled_from([True, False, condition.value, 1, 0, "true"]))
        case ValueType.IP:
            address = _address(draw, condition)
            return draw(st.sampled_from([address, address.upper(), f" {address} "]))
        case _:
            return None


def _aimed_event(draw: st.DrawFn, condition: EventCondition, when: When) -> Event:
    properties = {}
    for one in condition.where:
        value = _custom_value(draw, one, when)
        if value is not None:
            properties[one.about.name] = value
    back = timedelta(days=condition.within_days or 0)
    kind = draw(st.sampled_from(["track", "track", "track", "page"]))
    return Event(condition.event, when.now - back + draw(_ticks), kind, properties)


def _one_of(draw: st.DrawFn, condition: FieldCondition) -> Any:
    value = condition.value
    return draw(st.sampled_from(value)) if isinstance(value, tuple) else value


def _text(draw: st.DrawFn, condition: FieldCondition) -> str:
    wanted = _one_of(draw, condition)
    if not isinstance(wanted, str):  # is_known, is_unknown
        return draw(st.sampled_from(["here", "", " "]))
    variants = [
        wanted,
        wanted.upper(),
        wanted.lower(),
        wanted.swapcase(),
        f" {wanted}\u00a0",
        fold(wanted),
        unicodedata.normalize("NFD", wanted),
        unicodedata.normalize("NFC", wanted),
        f"{wanted}x",
        f"x{wanted}",
        f"x{wanted.upper()}x",
        f"{wanted}\u0301",
        wanted[:-1],
    ]
    return draw(st.sampled_from(variants))


def _instant(draw: st.DrawFn, condition: FieldCondition, when: When) -> datetime:
    """The first or last instant that a date condition takes, give or take a microsecond."""
    if condition.operator.span is None:  # is_known, is_unknown
        return when.now
    span = condition.operator.prepare(condition.value, when)
    bounds = [bound for bound in (span.start, span.end) if bound is not None]
    bound: datetime = draw(st.sampled_from(bounds))
    return bound.astimezone(UTC) + draw(_ticks)


def _writings(at: datetime, when: When) -> list[str]:
    local = at.astimezone(when.zone)
    naive = local.replace(tzinfo=None)
    return [
        at.isoformat(),
        at.isoformat().replace("+00:00", "Z"),
        at.isoformat(" ", "microseconds").replace("+00:00", "z"),
        f"{naive.isoformat(timespec='microseconds')}999{local.strftime('%z')[:5]}",
        naive.isoformat(),
        naive.isoformat(" "),
        naive.date().isoformat(),
        (naive + timedelta(hours=1)).isoformat(),
        (naive - timedelta(hours=1)).isoformat(),
    ]


def _address(draw: st.DrawFn, condition: FieldCondition) -> str:
    if not isinstance(condition.value, str):
        return "1.2.3.4"
    network = ip_network(condition.value.strip(), strict=False)
    number = int(draw(st.sampled_from([network[0], network[-1]])))
    number += draw(st.sampled_from([0, 0, -1, 1]))
    highest = 2 ** (32 if network.version == 4 else 128) - 1
    number = min(max(number, 0), highest)
    return str(ip_address(number.to_bytes(4 if network.version == 4 else 16, "big")))
