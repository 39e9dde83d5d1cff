"""What would go wrong, found before a campaign starts: each mistake by its field, in plain words.

What only the project can tell (how many people, which tags a template lacks) comes as a `World`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from uuid import UUID

from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine import times
from regulars.filters.ast import Filter, SegmentCondition, conditions


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake: where (`steps.<id>`, `audience`, `trigger` …) and what; warnings do not stop."""

    where: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What is so in the project. `letters` has what is wrong with each message, by step and
    variant; None for one that could be read.
    """

    zone: tzinfo
    audience: int | None = None  # people in it today; None: not counted
    segments: Container[UUID] = ()
    picked: Container[UUID] = ()  # those picked by hand
    checkpoints: Container[int] = ()
    has_sender: bool = True
    letters: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    warnings: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    possible: Container[str] = ()  # kinds of action that are wired


def problems(definition: d.Definition, world: World, now: datetime) -> list[Problem]:
    """Everything that is wrong, in reading order."""
    found = [*_audience(definition, world), *_trigger(definition, world, now)]
    if not definition.steps:
        found.append(Problem("steps", "There is no step yet: add an email."))
    for step in d.all_steps(definition.steps):
        found += _step(step, world)
    found += _rounds(definition)
    if definition.goal is not None:
        found += _named(definition.goal.filter, world, "goal")
    return found


def _audience(definition: d.Definition, world: World) -> list[Problem]:
    audience = definition.audience
    found = [
        Problem("audience", "A segment of the audience does not exist any more.")
        for one in (audience.segment, *audience.exclude_segments)
        if one is not None and one not in world.segments
    ]
    for filter_ in (audience.filter, audience.exclude):
        if filter_ is not None:
            found += _named(filter_, world, "audience")
    if world.audience == 0 and not found:
        later = not definition.once
        says = "Nobody is in the audience" + (" today." if later else ".")
        found.append(Problem("audience", says, warning=later))
    return found


def _trigger(definition: d.Definition, world: World, now: datetime) -> list[Problem]:
    trigger = definition.trigger
    match trigger:
        case d.At() if _all_past(trigger, world.zone, now):
            return [Problem("trigger", "That time is past already: choose a later one.")]
        case d.Entered(segment, present):
            if segment not in world.segments:
                return [Problem("trigger", "That segment does not exist any more.")]
            if present is None:
                ask = "Say whether those who are in the segment already come in too."
                return [Problem("trigger", ask)]
        case d.Left(segment) if segment not in world.segments:
            return [Problem("trigger", "That segment does not exist any more.")]
        case d.Reached(checkpoint) if checkpoint not in world.checkpoints:
            return [Problem("trigger", f"There is no checkpoint {checkpoint}.")]
        case _:
            pass
    return []


def _all_past(trigger: d.At, zone: tzinfo, now: datetime) -> bool:
    if trigger.zone == "project":
        return times.reading_of(trigger, zone) < now
    # Nowhere does a clock read it later than twelve hours behind UTC.
    latest = trigger.reading.replace(tzinfo=now.tzinfo) + times.EARLIEST
    return latest < now


def _step(step: d.Step, world: World) -> list[Problem]:  # noqa: PLR0911 - one a case
    at = f"steps.{step.id}"
    match step:
        case d.Email():
            return _email(step, world, at)
        case d.Branch(_, filter_):
            return _named(filter_, world, at)
        case d.Pick(_, segment) if segment not in world.picked:
            return [Problem(at, "People can be put only into a segment that is picked by hand.")]
        case d.Converse() if "conversation" not in world.possible:
            return [Problem(at, "Conversations can't be begun here.")]
        case d.Ticket() if "ticket" not in world.possible:
            return [Problem(at, "Tickets can't be created here.")]
        case d.Webhook() if "webhook" not in world.possible:
            return [Problem(at, "Webhooks can't be called here.")]
        case _:
            return []


def _email(step: d.Email, world: World, at: str) -> list[Problem]:
    found = []
    if not world.has_sender and not step.from_email:
        missing = "Nobody is named as the sender: set the project's sender, or one for this email."
        found.append(Problem(at, missing))
    for variant in step.variants:
        which = f" {variant.id.upper()}" if len(step.variants) > 1 else ""
        if variant.template is None and variant.content is None:
            found.append(Problem(at, f"Message{which} is empty: choose a template."))
            continue
        key = (step.id, variant.id)
        found += [Problem(at, f"Message{which}: {one}") for one in world.letters.get(key, ())]
        found += [
            Problem(at, f"Message{which}: {one}", warning=True)
            for one in world.warnings.get(key, ())
        ]
    return found


def _named(filter_: Filter, world: World, at: str) -> list[Problem]:
    asked = (one for one in conditions(filter_) if isinstance(one, SegmentCondition))
    if all(one.segment in world.segments for one in asked):
        return []
    return [Problem(at, "A segment that is asked for does not exist any more.")]


def _rounds(definition: d.Definition) -> list[Problem]:
    """Steps that are gone through again and again at once: between going back there is no wait.

    Every way from the step gone back to must meet a wait, or else it goes round.
    """
    route = definition.route()
    return [
        Problem(
            f"steps.{step.id}",
            "This goes round without a wait: put one between the steps that are repeated.",
        )
        for step in d.all_steps(definition.steps)
        if isinstance(step, d.Repeat) and _gets_there(route, step.step, step.id)
    ]


def _gets_there(route: d.Route, start: str, end: str) -> bool:
    """Whether a way leads from one step to the other without a wait."""
    open_, seen = [start], set[str]()
    while open_:
        id_ = open_.pop()
        if id_ == end:
            return True
        if id_ in seen or isinstance(route.steps[id_], d.WAITS):
            continue
        seen.add(id_)
        step = route.steps[id_]
        ways = [route.after[id_]]
        if isinstance(step, d.Branch):
            ways = [route.begin_of(side, id_) for side in (step.yes, step.no)]
        open_ += [way for way in ways if way is not None]
    return False
