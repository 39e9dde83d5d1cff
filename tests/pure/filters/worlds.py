"""Random people, events and filters that meet each other often, at every boundary there is.

Texts come from a small pool of the awkward (case, composed and decomposed letters, wildcards,
dates, addresses); instants lie on, just before and just after what the filters ask about.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from regulars.filters.ast import Filter, conditions
from regulars.filters.behaviour import CAMPAIGN_OPERATORS, CampaignOperator, campaign_answer
from regulars.filters.catalog import STANDARD_FIELDS, ValueType
from regulars.filters.evaluate import evaluate_event
from regulars.filters.events import event_needs
from regulars.filters.facts import Facts
from regulars.filters.folding import folded_tags
from regulars.filters.operands import KINDS, When
from regulars.filters.parse import parse
from regulars.filters.times import start_of_day
from tests.pure.filters.aim import Event, aimed
from tests.pure.filters.awkward import (
    ADDRESSES,
    BLANKS,
    DATES,
    DAYS,
    NETWORKS,
    NO_ADDRESSES,
    NO_DATES,
    NOWS,
    NUMBERS,
    ODD_DATES,
    WORDS,
    ZONES,
)

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))

thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

KEYS = ["plan", "a.b", "\u00dcn\u00ef", 'size\'s "%s"', "size"]
EVENTS = ["Order Completed", "order completed", "Signed %s"]
SEGMENTS = [UUID(int=n) for n in (1, 2)]
CAMPAIGNS = [UUID(int=n) for n in (3, 4)]
CAMPAIGN_STEPS, VARIANTS = ["mail", "Wait_2"], ["a", "b"]

texts = st.sampled_from(WORDS) | st.sampled_from(WORDS).flatmap(
    lambda word: st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
    ).map(lambda more: word + more)
)
asked_texts = texts.filter(lambda text: text.strip())
raw_texts = st.one_of(
    texts,
    st.sampled_from(BLANKS),
    st.sampled_from(DATES + ODD_DATES + NO_DATES),
    st.sampled_from(ADDRESSES + NO_ADDRESSES),
)
raw_values = st.one_of(
    raw_texts,
    raw_texts,
    st.sampled_from(NUMBERS),
    st.integers(-20, 120),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.none(),
    st.lists(texts, max_size=2),
    st.dictionaries(st.sampled_from(KEYS), texts, max_size=1),
)
answers = st.sampled_from(sorted(CAMPAIGN_OPERATORS)).flatmap(
    lambda op: st.builds(
        lambda step, variant: _answer(CAMPAIGN_OPERATORS[op], step, variant),
        st.sampled_from([*CAMPAIGN_STEPS, None]),
        st.sampled_from([*VARIANTS, None]),
    )
)
bags = st.dictionaries(st.sampled_from(KEYS), raw_values, max_size=2)


def _answer(operator: CampaignOperator, step: str | None, variant: str | None) -> str:
    step = None if operator.of_step == "never" else step or "mail"
    return campaign_answer(
        operator.outcome, step, variant if step and operator.of_variant else None
    )


def closed(campaigns: Mapping[UUID, Collection[str]]) -> dict[UUID, set[str]]:
    """With what goes with it: whoever opened a message opened the step's email, and had it."""
    found = {}
    for campaign, some in campaigns.items():
        every = set(some)
        for outcome, step, variant in (split(one) for one in some):
            operator = CAMPAIGN_OPERATORS[outcome]
            if step is None:
                continue
            if operator.kept_in == "emails":
                which = variant or "z"
                every |= {
                    f"{outcome}:{step}", f"{outcome}:{step}:{which}", f"passed:{step}:{which}",
                }  # fmt: skip
            elif outcome == "under_way":
                every.add(outcome)
        found[campaign] = every
    return found


def split(answer: str) -> tuple[str, str | None, str | None]:
    """An answer's outcome, step and message."""
    outcome, step, variant, *_ = [*answer.split(":"), None, None]
    return str(outcome), step, variant


@dataclass
class World:
    """One project at one instant: its people, what they did, and filters to ask."""

    when: When
    people: list[Facts]
    events: list[list[Event]]
    filters: list[Filter]
    written: list[dict[str, Any]] = field(default_factory=list)


@st.composite
def instants(draw: st.DrawFn, now: datetime, zone: ZoneInfo) -> datetime:
    """An instant at, just before or just after a boundary."""
    days = draw(st.sampled_from([0, 0, *DAYS, 400, -1]))
    at = now - timedelta(days=days)
    if draw(st.booleans()):
        at = start_of_day(at.astimezone(zone).date(), zone)
    if draw(st.integers(0, 9)) == 0:
        at = now - timedelta(seconds=draw(st.integers(-200_000, 4_000_000)))
    return at + draw(st.sampled_from([timedelta(0), -datetime.resolution, datetime.resolution]))


def iso_texts(now: datetime, zone: ZoneInfo) -> st.SearchStrategy[str]:
    """ISO writings of such instants, with and without an offset, and fixed ones."""
    near = instants(now, zone).flatmap(
        lambda at: st.sampled_from(
            [
                at.isoformat(),
                at.astimezone(zone).isoformat()[:32],
                at.astimezone(zone).replace(tzinfo=None).isoformat(),
                at.astimezone(zone).date().isoformat(),
                at.astimezone(UTC).isoformat().replace("+00:00", "z"),
            ]
        )
    )
    return near | st.sampled_from(DATES)


@st.composite
def facts(draw: st.DrawFn, now: datetime, zone: ZoneInfo) -> Facts:
    """A person of whom anything may be known."""
    person = Facts(kind=draw(st.sampled_from(KINDS)))
    known = draw(st.sets(st.sampled_from(sorted(STANDARD_FIELDS)), max_size=4))
    for key in sorted(known):
        match STANDARD_FIELDS[key].type:
            case ValueType.TEXT:
                setattr(person, key, draw(raw_texts | st.sampled_from(WORDS[:5])))
            case ValueType.DATE:
                setattr(person, key, draw(instants(now, zone)))
            case ValueType.NUMBER:
                setattr(person, key, draw(st.integers(0, 12)))
            case ValueType.IP:
                setattr(person, key, draw(st.sampled_from(ADDRESSES)))
            case ValueType.LIST:
                setattr(person, key, folded_tags(draw(st.lists(texts, max_size=3))))
            case _:
                pass
    person.attributes = draw(bags)
    person.company = draw(bags)
    for key in draw(st.sets(st.sampled_from(KEYS), max_size=2)):
        person.attributes[key] = draw(iso_texts(now, zone))
    person.segments = draw(st.sets(st.sampled_from(SEGMENTS)))
    person.checkpoints = draw(st.dictionaries(st.integers(1, 3), instants(now, zone), max_size=3))
    person.campaigns = closed(
        draw(st.dictionaries(st.sampled_from(CAMPAIGNS), st.sets(answers, max_size=4), max_size=2))
    )
    person.refold()
    return person


@st.composite
def events(draw: st.DrawFn, now: datetime, zone: ZoneInfo) -> Event:
    return Event(
        draw(st.sampled_from(EVENTS)),
        draw(instants(now, zone)),
        draw(st.sampled_from(["track", "track", "track", "page"])),
        draw(bags),
    )


def _valued(field_: str, op: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return value.map(lambda drawn: {"field": field_, "op": op, "value": drawn})


TEXT_OPS = ["is", "is_not", "contains", "not_contains", "starts_with", "ends_with"]
COMPARISONS = ["eq", "ne", "gt", "gte", "lt", "lte"]
numbers = st.sampled_from(NUMBERS) | st.integers(-20, 120)


@st.composite
def text_conditions(draw: st.DrawFn, key: str) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"field": key, "op": draw(st.sampled_from(TEXT_OPS)), "value": draw(asked_texts)}
    wanted = st.lists(asked_texts, min_size=1, max_size=10)
    return {
        "field": key,
        "op": draw(st.sampled_from(["is_any_of", "is_none_of"])),
        "value": draw(wanted),
    }


@st.composite
def number_conditions(draw: st.DrawFn, key: str) -> dict[str, Any]:
    if draw(st.integers(0, 3)):
        return {"field": key, "op": draw(st.sampled_from(COMPARISONS)), "value": draw(numbers)}
    return {"field": key, "op": "between", "value": [draw(numbers), draw(numbers)]}


@st.composite
def date_conditions(
    draw: st.DrawFn, key: str, now: datetime, zone: ZoneInfo, *, moving: bool = True
) -> dict[str, Any]:
    moment = iso_texts(now, zone)
    op = draw(
        st.sampled_from(
            ["before", "after", "on", "between"]
            + ["within_last", "not_within_last", "at_least_ago"] * 2 * moving
        )
    )
    if op == "between":
        value: Any = [draw(moment), draw(moment)]
    elif op in ("before", "after", "on"):
        value = draw(moment)
    else:
        value = draw(st.sampled_from(DAYS))
    return {"field": key, "op": op, "value": value}


@st.composite
def custom_conditions(
    draw: st.DrawFn, key: str, now: datetime, zone: ZoneInfo, *, moving: bool = True
) -> dict[str, Any]:
    found: dict[str, Any] = draw(
        st.one_of(
            text_conditions(key),
            number_conditions(key),
            date_conditions(key, now, zone, moving=moving),
            _valued(key, "is", st.booleans()),
            _valued(key, "in_network", st.sampled_from(NETWORKS)),
            _valued(key, "not_in_network", st.sampled_from(NETWORKS)),
            st.sampled_from(["is_known", "is_unknown"]).map(lambda op: {"field": key, "op": op}),
        )
    )
    return found


@st.composite
def field_conditions(draw: st.DrawFn, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    key = draw(st.sampled_from([*sorted(STANDARD_FIELDS), *(["custom"] * 12)]))
    if key == "custom":
        bag = draw(st.sampled_from(["attributes", "attributes", "company"]))
        return draw(custom_conditions(f"{bag}.{draw(st.sampled_from(KEYS))}", now, zone))
    if draw(st.integers(0, 6)) == 0:
        return {"field": key, "op": draw(st.sampled_from(["is_known", "is_unknown"]))}
    by_type = {
        ValueType.TEXT: text_conditions(key),
        ValueType.NUMBER: number_conditions(key),
        ValueType.DATE: date_conditions(key, now, zone),
        ValueType.IP: st.one_of(
            _valued(key, "is", st.sampled_from(ADDRESSES)),
            _valued(key, "is_not", st.sampled_from(ADDRESSES)),
            _valued(key, "in_network", st.sampled_from(NETWORKS)),
            _valued(key, "not_in_network", st.sampled_from(NETWORKS)),
        ),
        ValueType.LIST: st.one_of(
            _valued(key, "has", asked_texts), _valued(key, "has_not", asked_texts)
        ),
        ValueType.KIND: st.one_of(
            _valued(key, "is", st.sampled_from(KINDS)),
            _valued(key, "is_any_of", st.lists(st.sampled_from(KINDS), min_size=1)),
        ),
    }
    type_ = STANDARD_FIELDS[key].type
    assert type_ is not None
    return draw(by_type[type_])


@st.composite
def event_conditions(draw: st.DrawFn, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    found: dict[str, Any] = {
        "event": draw(st.sampled_from(EVENTS)),
        "op": draw(st.sampled_from(["at_least", "at_most", "exactly"])),
        "count": draw(st.integers(0, 3)),
    }
    if draw(st.booleans()):
        found["within_days"] = draw(st.sampled_from(DAYS))
    if draw(st.booleans()):
        key = st.sampled_from(KEYS).map(lambda name: f"properties.{name}")
        where = st.lists(
            key.flatmap(lambda name: custom_conditions(name, now, zone, moving=False)),
            min_size=1,
            max_size=2,
        )
        found["where"] = draw(where)
    return found


segment_conditions = st.builds(
    lambda segment, op: {"segment": str(segment), "op": op},
    st.sampled_from(SEGMENTS),
    st.sampled_from(["is_in", "is_not_in"]),
)


@st.composite
def campaign_conditions(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(sorted(CAMPAIGN_OPERATORS)))
    operator = CAMPAIGN_OPERATORS[op]
    found = {"campaign": str(draw(st.sampled_from(CAMPAIGNS))), "op": op}
    if operator.of_step == "must" or (operator.of_step == "may" and draw(st.booleans())):
        found["step"] = draw(st.sampled_from(CAMPAIGN_STEPS))
        if operator.of_variant and draw(st.booleans()):
            found["variant"] = draw(st.sampled_from(VARIANTS))
    return found


checkpoint_conditions = st.builds(
    lambda order, op, days: (
        {"checkpoint": order[0], "op": op}
        | ({"days": days} if op == "reached_within" else {})
        | ({"after": order[1:]} if order[1:] else {})
    ),
    st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
    st.sampled_from(["reached", "not_reached", "reached_within"]),
    st.sampled_from(DAYS),
)


def moving_filters(now: datetime, zone: ZoneInfo) -> st.SearchStrategy[dict[str, Any]]:
    """Filters that time alone changes, in groups with a few that it does not."""
    days = st.sampled_from(DAYS)
    fields = st.sampled_from(["last_seen", "signed_up_at", "attributes.plan"])
    window = st.sampled_from(["within_last", "not_within_last", "at_least_ago"])
    counted = st.sampled_from(["at_least", "at_most", "exactly"])
    condition = st.one_of(
        st.builds(lambda *one: dict(zip(VALUED, one, strict=True)), fields, window, days),
        st.builds(
            lambda op, count, within: {
                "event": EVENTS[0], "op": op, "count": count, "within_days": within,
            },
            counted, st.integers(0, 2), days,
        ),
        st.builds(lambda within: {"checkpoint": 1, "op": "reached_within", "days": within}, days),
        st.sampled_from(KINDS).map(lambda kind: {"field": "kind", "op": "is", "value": kind}),
    )  # fmt: skip
    return grouped(condition, 4)


VALUED = ("field", "op", "value")


def filters(now: datetime, zone: ZoneInfo, levels: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Filters as JSON, of so many levels at most."""
    # Drawn by weight: one_of would flatten the rarer kinds into branches of their own.
    condition = st.sampled_from("ffffffffeeescp").flatmap(
        {
            "f": field_conditions(now, zone),
            "e": event_conditions(now, zone),
            "s": segment_conditions,
            "c": campaign_conditions(),
            "p": checkpoint_conditions,
        }.__getitem__
    )

    return grouped(condition, levels)


def grouped(
    condition: st.SearchStrategy[dict[str, Any]], levels: int
) -> st.SearchStrategy[dict[str, Any]]:
    """Conditions in groups, of so many levels at most."""
    level = condition
    for _ in range(levels - 1):
        parts = st.lists(level, min_size=1, max_size=3)
        level = st.one_of(
            condition,
            parts.map(lambda found: {"all": found}),
            parts.map(lambda found: {"any": found}),
            level.map(lambda found: {"not": found}),
        )
    return level


@st.composite
def worlds(
    draw: st.DrawFn, people: int = 3, asked: int = 4, levels: int = 4, *, moving: bool = False
) -> World:
    """People with their events, and filters to ask about them; `moving` has those that move."""
    zone = draw(st.sampled_from(ZONES))
    when = When(draw(st.sampled_from(NOWS)), zone)
    some = moving_filters(when.now, zone) if moving else filters(when.now, zone, levels)
    written = draw(st.lists(some, min_size=1, max_size=asked))
    parsed = [parse(one) for one in written]
    found, history = [], []
    for _ in range(draw(st.integers(1, people))):
        person = draw(facts(when.now, zone))
        done = draw(st.lists(events(when.now, zone), max_size=3))
        for condition in (one for filter_ in parsed for one in conditions(filter_)):
            if draw(st.integers(0, 3)):
                draw(aimed(condition, person, done, when))
        person.campaigns = closed(person.campaigns)
        person.refold()
        remember(person, done, parsed, when)
        found.append(person)
        history.append(done)
    return World(when, found, history, parsed, written)


def remember(person: Facts, done: list[Event], asked: list[Filter], when: When) -> None:
    """Keep of the person's events what the filters need, as the product does."""
    person.event_times = {
        key: sorted(
            (
                event.at
                for event in done
                if event.kind == "track"
                and event.name == need.event
                and evaluate_event(need, event.properties, when)
            ),
            reverse=True,
        )[: need.keep]
        for key, need in event_needs(asked).items()
    }
