"""A dry run: the way somebody would take if they entered now and nothing about them changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.advance import Facts, State, Why, advance, starts_at

MOST = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that would happen: at which instant, at which step, what, and why then."""

    at: datetime
    step: str | None
    what: str  # the step's type, `hold` where it is kept back, `end`
    why: Why
    variant: str | None = None


def rehearse(
    definition: d.Definition, facts: Facts, now: datetime, seed: str, occurrence: str = ""
) -> list[Line]:
    """The lines in order. Somebody whom the goal or the audience keeps out gets the one that says
    so.
    """
    route = definition.route()
    at = starts_at(definition.trigger, occurrence or now.date().isoformat(), facts, now)
    state = State(seed, route.first)
    lines: list[Line] = []
    recent = list(facts.recent)
    while len(lines) < MOST:
        told = replace(facts, recent=tuple(recent))
        decision = advance(definition, route, state, told, at)
        for act in decision.acts:
            lines.append(Line(at, act.step.id, kind_of(act.step), "starts", act.variant))
            recent += [at] if isinstance(act.step, d.Email) else []
        if decision.ended is not None:
            lines.append(Line(at, decision.state.step, "end", decision.why))
            break
        state, next_at = decision.state, decision.next_at or at
        if next_at > at:
            what = "wait" if decision.why in ("waits", "until", "event") else "hold"
            lines.append(Line(at, state.step, what, decision.why))
        if decision.why == "split":
            lines.append(Line(next_at, state.step, "email", "split"))
            break  # which message wins nobody knows yet
        at = next_at
    return lines


def kind_of(step: d.Step) -> str:
    """The step's type, as JSON calls it."""
    names: dict[type, str] = {
        d.Email: "email", d.Wait: "wait", d.WaitUntil: "wait_until", d.WaitEvent: "wait_event",
        d.Branch: "branch", d.Tag: "tag", d.Pick: "segment", d.Converse: "conversation",
        d.Ticket: "ticket", d.Webhook: "webhook", d.Repeat: "repeat",
    }  # fmt: skip
    return names[type(step)]
