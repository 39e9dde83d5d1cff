"""What a campaign is: who, when, which steps, and when it ends. Frozen, and equal where they are.

Public: `Definition` and its parts, `Route` (the steps by id, and which comes after which), and
`filters_of`: every filter that the engine wants answered about a person, by its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from regulars.filters.ast import All, FieldCondition, Filter, Not, SegmentCondition
from regulars.filters.catalog import ValueType

Whose = Literal["project", "person"]  # in whose time zone a clock is read
Period = Literal["day", "week", "month"]
Priority = Literal["low", "normal", "high", "urgent"]
OnDeadline = Literal["continue", "leave"]

KINDS = ("user", "lead")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may be in it: of these kinds, in the segment or matching the filter, and not excluded.

    `holdout` is the share, in percent, that gets nothing and is only watched.
    """

    kinds: tuple[str, ...] = KINDS
    segment: UUID | None = None
    filter: Filter | None = None
    exclude_segments: tuple[UUID, ...] = ()
    exclude: Filter | None = None
    holdout: int = 0

    def as_filter(self) -> Filter:
        """The same as one filter."""
        parts: list[Filter] = [FieldCondition("kind", ValueType.KIND, "is_any_of", self.kinds)]
        if self.segment is not None:
            parts.append(SegmentCondition(self.segment, "is_in"))
        if self.filter is not None:
            parts.append(self.filter)
        parts += [SegmentCondition(one, "is_not_in") for one in self.exclude_segments]
        if self.exclude is not None:
            parts.append(Not(self.exclude))
        return All(tuple(parts))


@dataclass(frozen=True, slots=True)
class Now:
    """Once, to whoever is in the audience when it is started."""


@dataclass(frozen=True, slots=True)
class At:
    """Once, when the clock of the zone reads `reading` (naive)."""

    reading: datetime
    zone: Whose = "project"


@dataclass(frozen=True, slots=True)
class Entered:
    """Whenever somebody enters the segment. `include_present` must be answered before a start:
    whether those who are in it already come too.
    """

    segment: UUID
    include_present: bool | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Whenever somebody leaves the segment."""

    segment: UUID


@dataclass(frozen=True, slots=True)
class Registered:
    """Whenever somebody becomes a user."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Whenever somebody reaches the checkpoint."""

    checkpoint: int


@dataclass(frozen=True, slots=True)
class Happened:
    """Whenever somebody does the event with such properties."""

    event: str
    where: tuple[FieldCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again, to whoever is in the audience then.

    `weekday` counts from Monday 0, `day` is of the month: the last where the month is shorter.
    """

    period: Period
    clock: time
    weekday: int = 0
    day: int = 1
    zone: Whose = "project"


Trigger = Now | At | Entered | Left | Registered | Reached | Happened | Every


@dataclass(frozen=True, slots=True)
class Entry:
    """How often somebody may enter: once, every time, or again after `days` days."""

    rule: Literal["once", "every_time", "every_days"] = "once"
    days: int = 0


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the messages an email step may send: a template, or content of its own (JSON).

    `subject` stands in for the template's.
    """

    id: str
    share: int = 100
    template: UUID | None = None
    subject: str | None = None
    content: Any = None


@dataclass(frozen=True, slots=True)
class Winner:
    """So many percent try the variants; after `hours` the rest get the one that did best."""

    by: Literal["opened", "clicked"]
    share: int
    hours: int


@dataclass(frozen=True, slots=True)
class Email:
    id: str
    variants: tuple[Variant, ...]
    winner: Winner | None = None
    kind: Literal["marketing", "transactional"] = "marketing"
    from_name: str = ""
    from_email: str = ""
    reply_to: str = ""
    bcc: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Days and weeks are those of the person's calendar; hours and minutes just pass."""

    id: str
    days: int = 0
    hours: int = 0
    minutes: int = 0

    @property
    def passing(self) -> timedelta:
        return timedelta(hours=self.hours, minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Until the clock reads `clock`, on one of `weekdays` (none: any day)."""

    id: str
    clock: time
    weekdays: tuple[int, ...] = ()
    zone: Whose = "person"


@dataclass(frozen=True, slots=True)
class WaitEvent:
    """Until the person does the event, or for so many hours at most."""

    id: str
    event: str
    hours: int
    where: tuple[FieldCondition, ...] = ()
    on_deadline: OnDeadline = "continue"


@dataclass(frozen=True, slots=True)
class Branch:
    id: str
    filter: Filter
    yes: tuple[Step, ...] = ()
    no: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    id: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """Put into a segment that is picked by hand."""

    id: str
    segment: UUID


@dataclass(frozen=True, slots=True)
class Converse:
    """Begin a conversation in the messenger."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    subject: str
    text: str = ""
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True)
class Webhook:
    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Go back to an earlier step, so many times in all."""

    id: str
    step: str
    times: int


Step = (
    Email | Wait | WaitUntil | WaitEvent | Branch | Tag | Pick | Converse | Ticket | Webhook
    | Repeat
)  # fmt: skip
WAITS = (Wait, WaitUntil, WaitEvent)
# What changes the person, or what others know of them: whatever follows is decided anew.
CHANGING = (Tag, Pick, Converse, Ticket)
ACTIONS = (Email, Webhook, *CHANGING)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the campaign is for. Reached within `days` of entering, it counts and ends it."""

    filter: Filter
    days: int = 30
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A campaign as agents wrote it.

    `moved` says of steps that were taken out while people stood at them where these go on.
    """

    audience: Audience = field(default_factory=Audience)
    trigger: Trigger = field(default_factory=Now)
    entry: Entry = field(default_factory=Entry)
    steps: tuple[Step, ...] = ()
    goal: Goal | None = None
    leave_with_audience: bool = False
    quiet_hours: bool = True
    capped: bool = True
    moved: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))

    def route(self) -> Route:
        """The way through the steps."""
        return _route(self.steps)

    @property
    def periodic(self) -> bool:
        return isinstance(self.trigger, Every)

    @property
    def once(self) -> bool:
        """Whether everybody's entry is one moment's: it ends when all have gone through."""
        return isinstance(self.trigger, Now | At)


@dataclass(frozen=True, slots=True)
class Route:
    """The steps by id in reading order, the first, and which comes behind each."""

    steps: Mapping[str, Step]
    first: str | None
    after: Mapping[str, str | None]

    def begin_of(self, steps: tuple[Step, ...], branch: str) -> str | None:
        """Where one side of a branch begins: behind it, where the side is empty."""
        return steps[0].id if steps else self.after[branch]


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Steps and those inside their branches, in reading order."""
    for step in steps:
        yield step
        if isinstance(step, Branch):
            yield from all_steps(step.yes)
            yield from all_steps(step.no)


def filters_of(definition: Definition) -> dict[str, Filter]:
    """What may be asked about a person: `audience`, `goal`, and `branch:<step>`."""
    asked: dict[str, Filter] = {"audience": definition.audience.as_filter()}
    if definition.goal is not None:
        asked["goal"] = definition.goal.filter
    for step in all_steps(definition.steps):
        if isinstance(step, Branch):
            asked[f"branch:{step.id}"] = step.filter
    return asked


def _route(steps: tuple[Step, ...]) -> Route:
    found: dict[str, Step] = {}
    after: dict[str, str | None] = {}

    def lay(part: tuple[Step, ...], behind: str | None) -> None:
        for n, step in enumerate(part):
            found[step.id] = step
            after[step.id] = part[n + 1].id if n + 1 < len(part) else behind
            if isinstance(step, Branch):
                lay(step.yes, after[step.id])
                lay(step.no, after[step.id])

    lay(steps, None)
    return Route(found, steps[0].id if steps else None, after)
