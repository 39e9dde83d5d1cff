"""Campaigns in words: when they start, what a step does, why somebody is where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from regulars.campaigns.engine import definition as d
from regulars.filters.ast import All, FieldCondition
from regulars.filters.describe import Names, describe

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

STATES = {
    "draft": ("", "pencil", "Draft"),
    "running": ("ok", "", "Sending"),
    "paused": ("warn", "pause", "Paused"),
    "stopped": ("", "ban", "Stopped"),
    "done": ("", "check", "Done"),
}
# Kind of step: its icon, and what the menu calls it.
STEPS = {
    "email": ("mail", "Email"),
    "wait": ("hourglass", "Wait for a time"),
    "wait_until": ("calendar", "Wait until a weekday and hour"),
    "wait_event": ("mouse-pointer-click", "Wait for an event"),
    "branch": ("split", "Branch by a filter"),
    "tag": ("tag", "Tag"),
    "segment": ("chart-pie", "Add to a segment"),
    "conversation": ("message-circle", "Begin a conversation"),
    "ticket": ("ticket", "Create a ticket"),
    "webhook": ("zap", "Call a webhook"),
    "repeat": ("repeat", "Go back and repeat"),
}
TRIGGERS = {
    "now": ("send", "Once, right away", "To whoever is in the audience at the start"),
    "at": ("calendar", "Once, at a date and time", "In your time zone or in theirs"),
    "segment_entered": ("log-in", "When someone enters a segment", "Those slipping away, say"),
    "segment_left": ("log-out", "When someone leaves a segment", ""),
    "registered": ("user-plus", "When someone registers", ""),
    "checkpoint": ("flag", "When someone reaches a checkpoint", ""),
    "event": ("mouse-pointer-click", "When an event happens", "Such as Order Completed"),
    "every": ("repeat", "Again and again", "Every day, week or month, to whoever is in it then"),
}
WHYS = {
    "starts": "about to start",
    "clock": "waits for the time on their own clock",
    "waits": "waits",
    "until": "waits for the weekday and hour",
    "event": "waits for the event",
    "quiet": "held back by the quiet hours",
    "capped": "held back: they had as many emails as are allowed",
    "split": "waits until it is known which message does best",
    "changed": "goes on with what is known of them now",
    "busy": "goes on in a moment",
    "finished": "went through all steps",
    "goal": "reached the goal",
    "audience_left": "is not in the audience any more",
    "deadline": "did not do in time what was waited for",
    "held_out": "is in the group that gets nothing",
}


@dataclass(frozen=True, slots=True)
class Called:
    """What the things that campaigns know by id are called."""

    segments: Mapping[UUID, str] = field(default_factory=dict)
    campaigns: Mapping[UUID, str] = field(default_factory=dict)
    checkpoints: Mapping[int, str] = field(default_factory=dict)
    templates: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def for_filters(self) -> Names:
        return Names(self.segments, self.campaigns, self.checkpoints)

    def segment(self, id_: UUID | None) -> str:
        return self.segments.get(id_, "a segment that is gone") if id_ else ""


def trigger_words(trigger: d.Trigger, called: Called) -> str:  # noqa: PLR0911 - one a case
    """When it starts, as a line."""
    match trigger:
        case d.Now():
            return "Once, right away"
        case d.At(reading, whose):
            return f"{reading.day} {reading:%B %Y, %H:%M}{_whose(whose)}"
        case d.Entered(segment):
            return f"When someone enters {called.segment(segment)}"
        case d.Left(segment):
            return f"When someone leaves {called.segment(segment)}"
        case d.Registered():
            return "When someone registers"
        case d.Reached(checkpoint):
            name = called.checkpoints.get(checkpoint, f"checkpoint {checkpoint}")
            return f"When someone reaches {name}"
        case d.Happened(event, where):
            return f"When {event} happens{where_words(where)}"
        case d.Every():
            return f"Every {_round(trigger)} {trigger.clock:%H:%M}{_whose(trigger.zone)}"


def audience_words(audience: d.Audience, called: Called) -> str:
    """Who it is for, in a few words."""
    if audience.segment is not None:
        return called.segment(audience.segment)
    if audience.filter is not None:
        return _first_up(describe(audience.filter, called.for_filters))
    both = set(audience.kinds) == set(d.KINDS)
    return "Users and leads, all" if both else f"{audience.kinds[0].capitalize()}s, all"


def step_title(step: d.Step, called: Called) -> str:  # noqa: C901, PLR0911 - one a case
    """What a step does, as its line."""
    match step:
        case d.Email():
            return email_title(step.variants[0], called) or "An email without a message"
        case d.Wait():
            return f"Wait {wait_words(step)}"
        case d.WaitUntil(_, clock, weekdays, _):
            days = ", ".join(DAYS[day] for day in weekdays) or "any day"
            return f"Wait until {days} {clock:%H:%M}"
        case d.WaitEvent(_, event, hours, where):
            return f"Wait for {event}{where_words(where)}, {hours_words(hours)} at most"
        case d.Branch(_, filter_):
            return f"If {describe(filter_, called.for_filters)}"
        case d.Tag(_, add, remove):
            added = [f"add {one}" for one in add] + [f"take off {one}" for one in remove]
            return f"Tag: {', '.join(added)}"
        case d.Pick(_, segment):
            return f"Add to {called.segment(segment)}"
        case d.Converse():
            return "Begin a conversation"
        case d.Ticket(_, subject):
            return f"Create a ticket: {subject}"
        case d.Webhook(_, url):
            return f"Call {url}"
        case d.Repeat(_, _, times):
            return f"Go back {times} {'time' if times == 1 else 'times'}"


def step_note(step: d.Step) -> str:
    """The small line under it."""
    match step:
        case d.Email(variants=variants, winner=winner):
            if winner is not None:
                return f"{len(variants)} messages, the one with most {winner.by} wins"
            return f"{len(variants)} messages" if len(variants) > 1 else "Email"
        case d.WaitUntil(zone="person"):
            return "On their own clock"
        case d.WaitEvent(on_deadline="leave"):
            return "Whoever does not do it leaves"
        case d.Converse(_, text):
            return text[:80]
        case _:
            return ""


def email_title(variant: d.Variant, called: Called) -> str:
    """A message by its subject, or its template."""
    if variant.subject:
        return variant.subject
    if variant.template is not None:
        return called.templates.get(variant.template, "A template that is gone")
    return str((variant.content or {}).get("subject", ""))


def where_words(where: tuple[FieldCondition, ...]) -> str:
    """“ where total is greater than 50”; nothing for any event of that name."""
    return f" where {describe(All(where))}" if where else ""


def wait_words(step: d.Wait) -> str:
    """“3 days and 2 hours”."""
    said = [
        f"{n} {word if n == 1 else word + 's'}"
        for n, word in ((step.days, "day"), (step.hours, "hour"), (step.minutes, "minute"))
        if n
    ]
    return " and ".join(said)


def hours_words(hours: int) -> str:
    """“2 days” for 48."""
    days, rest = divmod(hours, 24)
    n, word = (days, "day") if days and not rest else (hours, "hour")
    return f"{n} {word if n == 1 else word + 's'}"


def _round(trigger: d.Every) -> str:
    match trigger.period:
        case "week":
            return DAYS[trigger.weekday]
        case "month":
            return f"month on the {trigger.day}.,"
        case _:
            return "day"


def _whose(whose: str) -> str:
    return ", their time" if whose == "person" else ""


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
