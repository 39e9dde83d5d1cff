"""One person's way through a campaign: what happens now, and what next, when and why.

Pure: the same state, facts and instant give the same decision. Whoever runs it keeps the state in
a row, and writes it together with what the decision says is to be done: so that nothing is done
twice and nothing left out, wherever it is interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, cast

from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine import times
from regulars.campaigns.engine.chance import chance, drawn
from regulars.campaigns.engine.times import QuietHours

End = Literal["finished", "goal", "audience_left", "deadline"]

MOST_AT_ONCE = 200  # steps; where a definition goes round without a wait, it goes slowly

# Why somebody is where they are, in a word; `describing` has the sentences.
Why = Literal[
    "starts", "waits", "until", "event", "quiet", "capped", "split", "changed", "busy", "clock",
    "finished", "goal", "audience_left", "deadline",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """Where somebody is: at `step`, which is not done yet (None: behind the last).

    `until` is when the wait they are in is over. `came` says that the event they wait for has
    happened. `turn` counts how often they went back, `loops` from which steps.
    """

    seed: str  # the entry's id: chance is drawn by it
    step: str | None
    turn: int = 0
    until: datetime | None = None
    came: bool = False
    loops: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Split:
    """A trial of messages: when it is decided, and for which variant, once it is."""

    decides_at: datetime
    winner: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many emails of campaigns in so many days."""

    emails: int
    days: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be known of the person: which of `filters_of` hold, their zone, what they got.

    `recent` are the times of the emails that campaigns sent them within the cap's days.
    """

    holds: frozenset[str]
    zone: tzinfo
    project_zone: tzinfo
    quiet: QuietHours | None = None
    cap: Cap | None = None
    recent: tuple[datetime, ...] = ()
    splits: Mapping[str, Split] = field(default_factory=dict)

    def zone_for(self, whose: d.Whose) -> tzinfo:
        return self.zone if whose == "person" else self.project_zone


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: the step, in which turn, and which of its messages."""

    step: d.Step
    turn: int
    variant: str | None = None
    trial: bool = False  # sent to find out which message does best


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, in this order; the state to keep; when to look again, or how it ended.

    `passed` are the steps that were left behind, waits and branches included.
    """

    state: State
    why: Why
    acts: tuple[Act, ...] = ()
    next_at: datetime | None = None
    ended: End | None = None
    passed: tuple[str, ...] = ()


def advance(
    definition: d.Definition, route: d.Route, state: State, facts: Facts, now: datetime
) -> Decision:
    """Go on from where the person is. At an instant before `next_at` nothing is done."""
    if "goal" in facts.holds:
        return Decision(state, "goal", ended="goal")
    if definition.leave_with_audience and "audience" not in facts.holds:
        return Decision(state, "audience_left", ended="audience_left")
    return _Walk(definition, route, state, facts, now).go()


class _Walk:
    """The steps that can be taken at one instant."""

    def __init__(
        self,
        definition: d.Definition,
        route: d.Route,
        state: State,
        facts: Facts,
        now: datetime,
    ) -> None:
        self._definition = definition
        self._route = route
        self._state = _placed(definition, route, state)
        self._facts = facts
        self._now = now
        self._acts: list[Act] = []
        self._passed: list[str] = []
        self._recent = list(facts.recent)

    def go(self) -> Decision:
        for _ in range(MOST_AT_ONCE):
            step = self._route.steps.get(self._state.step or "")
            if step is None:
                return self._end("finished")
            decided = self._take(step)
            if decided is not None:
                return decided
        return self._later("busy", self._now)

    def _take(self, step: d.Step) -> Decision | None:
        """Take one step; None to go on, a decision to stop here."""
        match step:
            case d.Email():
                return self._email(step)
            case d.Wait() | d.WaitUntil() | d.WaitEvent():
                return self._wait(step)
            case d.Branch():
                side = step.yes if f"branch:{step.id}" in self._facts.holds else step.no
                self._move(self._route.begin_of(side, step.id))
                return None
            case d.Repeat():
                return self._repeat(step)
            case _:
                self._acts.append(Act(step, self._state.turn))
                self._move(self._route.after[step.id])
                # Filters were answered before: what comes next is asked of the changed person.
                changing = isinstance(step, d.CHANGING) and self._state.step is not None
                return self._later("changed", self._now) if changing else None

    def _wait(self, step: d.Wait | d.WaitUntil | d.WaitEvent) -> Decision | None:
        why: Why
        match step:
            case d.Wait():
                why, until = "waits", times.end_of_wait(step, self._now, self._facts.zone)
            case d.WaitUntil():
                zone = self._facts.zone_for(step.zone)
                why, until = "until", times.next_reading(step, self._now, zone)
            case d.WaitEvent():
                why, until = "event", self._now + timedelta(hours=step.hours)
        until = self._state.until or until
        if self._state.came and isinstance(step, d.WaitEvent):
            self._move(self._route.after[step.id])
            return None
        if self._now < until:
            self._state = replace(self._state, until=until)
            return self._later(why, until)
        if isinstance(step, d.WaitEvent) and step.on_deadline == "leave":
            self._passed.append(step.id)
            return self._end("deadline")
        self._move(self._route.after[step.id])
        return None

    def _email(self, step: d.Email) -> Decision | None:
        held = self._held()
        if held is not None:
            return held
        variant, trial, decides_at = self._variant(step)
        if variant is None:
            return self._later("split", decides_at)
        self._acts.append(Act(step, self._state.turn, variant, trial=trial))
        self._recent.append(self._now)
        self._move(self._route.after[step.id])
        return None

    def _held(self) -> Decision | None:
        """What keeps an email back for now."""
        facts = self._facts
        if self._definition.quiet_hours and facts.quiet is not None:
            over = facts.quiet.ends_after(self._now, facts.zone)
            if over is not None:
                return self._later("quiet", over)
        if self._definition.capped and facts.cap is not None:
            window = timedelta(days=facts.cap.days)
            late = sorted(one for one in self._recent if one > self._now - window)
            if len(late) >= facts.cap.emails:
                return self._later("capped", late[-facts.cap.emails] + window)
        return None

    def _variant(self, step: d.Email) -> tuple[str | None, bool, datetime]:
        """Which message, whether as part of the trial, and else when that is decided."""
        seed, ids = self._state.seed, [one.id for one in step.variants]
        if step.winner is None:
            n = drawn([one.share for one in step.variants], seed, step.id, "variant")
            return ids[n], False, self._now
        split = self._facts.splits.get(step.id)
        if split is not None and split.winner in ids:
            return split.winner, False, self._now
        if chance(seed, step.id, "trial") * 100 < step.winner.share:
            n = drawn([1] * len(ids), seed, step.id, "variant")
            return ids[n], True, self._now
        if split is None:
            return None, False, self._now + timedelta(hours=step.winner.hours)
        # Decided by whoever runs the engine, which may take a moment.
        return None, False, max(split.decides_at, self._now + timedelta(seconds=1))

    def _repeat(self, step: d.Repeat) -> Decision | None:
        taken = self._state.loops.get(step.id, 0)
        if taken >= step.times or step.step not in self._route.steps:
            self._move(self._route.after[step.id])
            return None
        loops = {**self._state.loops, step.id: taken + 1}
        self._move(step.step)
        self._state = replace(self._state, loops=loops, turn=self._state.turn + 1)
        return None

    def _move(self, to: str | None) -> None:
        if self._state.step is not None:
            self._passed.append(self._state.step)
        was = self._state
        self._state = State(was.seed, to, was.turn, loops=was.loops)

    def _later(self, why: Why, at: datetime) -> Decision:
        return Decision(self._state, why, tuple(self._acts), next_at=at, passed=tuple(self._passed))

    def _end(self, how: End) -> Decision:
        why = cast("Why", how)
        return Decision(self._state, why, tuple(self._acts), ended=how, passed=tuple(self._passed))


def _placed(definition: d.Definition, route: d.Route, state: State) -> State:
    """The state in the campaign as it is now: a step that was taken out is behind them."""
    step, seen = state.step, set[str]()
    while step is not None and step not in route.steps and step not in seen:
        seen.add(step)
        step = definition.moved.get(step)
    if step == state.step:
        return state
    return replace(state, step=step if step in route.steps else None, until=None, came=False)


def starts_at(trigger: d.Trigger, occurrence: str, facts: Facts, now: datetime) -> datetime:
    """When somebody who enters now begins: by their own clock, where the trigger says so."""
    zone = facts.zone
    if isinstance(trigger, d.At) and trigger.zone == "person":
        return max(now, times.reading_of(trigger, zone))
    if isinstance(trigger, d.Every) and trigger.zone == "person":
        day = datetime.fromisoformat(occurrence).replace(tzinfo=UTC).date()
        return max(now, times.at_reading(day, trigger.clock, zone))
    return now
