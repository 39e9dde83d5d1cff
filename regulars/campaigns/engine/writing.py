"""Campaigns into JSON, as `reading.read` takes them back: what is not said is left out.

Public: `to_json(definition)`.
"""

from __future__ import annotations

from typing import Any

from regulars.campaigns.engine import definition as d
from regulars.filters.ast import EventCondition, FieldCondition
from regulars.filters.to_json import to_json as filter_to_json

Json = dict[str, Any]


def to_json(definition: d.Definition) -> Json:
    """The definition as it is kept, and as REST answers it."""
    entry = definition.entry
    written: Json = {
        "audience": _audience(definition.audience),
        "trigger": trigger_to_json(definition.trigger),
        "entry": {"rule": entry.rule} | ({"days": entry.days} if entry.days else {}),
        "steps": [step_to_json(step) for step in definition.steps],
        "exit": {"audience_left": definition.leave_with_audience},
        "respect": {"quiet_hours": definition.quiet_hours, "frequency_cap": definition.capped},
    }
    if definition.goal is not None:
        goal = definition.goal
        written["goal"] = {"filter": filter_to_json(goal.filter), "days": goal.days}
        if goal.sentence:
            written["goal"]["sentence"] = goal.sentence
    if definition.moved:
        written["moved"] = dict(definition.moved)
    return written


def _audience(audience: d.Audience) -> Json:
    written: Json = {"kinds": list(audience.kinds)}
    if audience.segment is not None:
        written["segment"] = str(audience.segment)
    if audience.filter is not None:
        written["filter"] = filter_to_json(audience.filter)
    exclude: Json = {}
    if audience.exclude_segments:
        exclude["segments"] = [str(one) for one in audience.exclude_segments]
    if audience.exclude is not None:
        exclude["filter"] = filter_to_json(audience.exclude)
    if exclude:
        written["exclude"] = exclude
    written["holdout"] = audience.holdout
    return written


def trigger_to_json(trigger: d.Trigger) -> Json:  # noqa: C901, PLR0911 - one a case
    match trigger:
        case d.Now():
            return {"type": "now"}
        case d.At(reading, zone):
            at = reading.isoformat(timespec="minutes")
            return {"type": "at", "at": at, "time_zone": zone}
        case d.Entered(segment, present):
            written: Json = {"type": "segment_entered", "segment": str(segment)}
            return written if present is None else {**written, "include_present": present}
        case d.Left(segment):
            return {"type": "segment_left", "segment": str(segment)}
        case d.Registered():
            return {"type": "registered"}
        case d.Reached(checkpoint):
            return {"type": "checkpoint", "checkpoint": checkpoint}
        case d.Happened(event, where):
            return {"type": "event", "event": event, **_where(event, where)}
        case d.Every():
            written = {"type": "every", "period": trigger.period, "at": f"{trigger.clock:%H:%M}"}
            if trigger.period == "week":
                written["weekday"] = d.WEEKDAYS[trigger.weekday]
            if trigger.period == "month":
                written["day"] = trigger.day
            return {**written, "time_zone": trigger.zone}


def step_to_json(step: d.Step) -> Json:
    """One step, and those inside it."""
    type_, own = _step(step)
    return {"id": step.id, "type": type_, **own}


def _step(step: d.Step) -> tuple[str, Json]:  # noqa: C901, PLR0911 - one a case
    match step:
        case d.Email():
            return "email", _email(step)
        case d.Wait(_, days, hours, minutes):
            said = {"days": days, "hours": hours, "minutes": minutes}
            return "wait", {key: value for key, value in said.items() if value}
        case d.WaitUntil(_, clock, weekdays, zone):
            named = [d.WEEKDAYS[day] for day in weekdays]
            return "wait_until", {"at": f"{clock:%H:%M}", "weekdays": named, "time_zone": zone}
        case d.WaitEvent(_, event, hours, where, on_deadline):
            said_ = {"event": event, **_where(event, where), "hours": hours}
            return "wait_event", {**said_, "on_deadline": on_deadline}
        case d.Branch(_, filter_, yes, no):
            sides = {
                "yes": [step_to_json(one) for one in yes],
                "no": [step_to_json(one) for one in no],
            }
            return "branch", {"filter": filter_to_json(filter_), **sides}
        case d.Tag(_, add, remove):
            return "tag", {"add": list(add), "remove": list(remove)}
        case d.Pick(_, segment):
            return "segment", {"segment": str(segment)}
        case d.Converse(_, text):
            return "conversation", {"text": text}
        case d.Ticket(_, subject, text, priority):
            return "ticket", {"subject": subject, "text": text, "priority": priority}
        case d.Webhook(_, url):
            return "webhook", {"url": url}
        case d.Repeat(_, back_to, times):
            return "repeat", {"step": back_to, "times": times}


def _email(step: d.Email) -> Json:
    written: Json = {"variants": [_variant(one) for one in step.variants], "kind": step.kind}
    if step.winner is not None:
        winner = step.winner
        written["winner"] = {"by": winner.by, "share": winner.share, "hours": winner.hours}
    for key in ("from_name", "from_email", "reply_to", "bcc"):
        if getattr(step, key):
            written[key] = getattr(step, key)
    return written


def _variant(variant: d.Variant) -> Json:
    written: Json = {"id": variant.id, "share": variant.share}
    if variant.template is not None:
        written["template"] = str(variant.template)
    if variant.subject is not None:
        written["subject"] = variant.subject
    if variant.content is not None:
        written["content"] = variant.content
    return written


def _where(event: str, where: tuple[FieldCondition, ...]) -> Json:
    if not where:
        return {}
    return {"where": filter_to_json(EventCondition(event, "at_least", 1, None, where))["where"]}
