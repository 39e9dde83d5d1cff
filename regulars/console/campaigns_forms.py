"""What the forms of the campaign editor say, put into the campaign's JSON.

Only what concerns the form is changed; whether the whole is a campaign is for the slice to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from uuid import UUID

from django.http import QueryDict

from regulars.campaigns.engine.definition import WEEKDAYS
from regulars.console.campaigns_texts import content_of, text_of
from regulars.workspaces.errors import InvalidError

Json = dict[str, Any]

SEEN = {"field": "last_seen", "op": "within_last", "value": 7}

# What a step says when it is added.
NEW: Mapping[str, Json] = {
    "email": {"variants": [{"id": "a", "share": 100}]},
    "wait": {"days": 3},
    "wait_until": {"at": "09:00", "weekdays": ["monday"], "time_zone": "person"},
    "wait_event": {"event": "Order Completed", "hours": 72, "on_deadline": "continue"},
    "branch": {"filter": SEEN, "yes": [], "no": []},
    "tag": {"add": ["from-campaign"], "remove": []},
    "conversation": {"text": "Hello! Can we help you with anything?"},
    "ticket": {"subject": "Get in touch", "text": "", "priority": "normal"},
    "webhook": {"url": "https://example.com/hook"},
}


def changed(data: Json, part: str, post: QueryDict) -> Json:
    """The JSON with the part as the form says. Raises InvalidError for a step that is gone."""
    new = deepcopy(data)
    match part:
        case "who":
            _who(new, post)
        case "when":
            _when(new, post)
        case "goal":
            _goal(new, post)
        case _:
            step = find(new, part)
            step.update(_step(step, post))
    return new


def added(data: Json, kind: str, after: str, side: str, segment: UUID | None) -> tuple[Json, str]:
    """The JSON with a new step behind another, first of a branch's side, or at the end."""
    new = deepcopy(data)
    id_ = _free(new, kind)
    if kind == "segment":
        said: Json = {"segment": str(segment) if segment else ""}
    elif kind == "repeat":
        earlier = next(iter(steps_of(new)), None)
        if earlier is None:
            raise InvalidError("steps", "There is no step yet to go back to.")
        said = {"step": earlier["id"], "times": 1}
    elif kind in NEW:
        said = deepcopy(dict(NEW[kind]))
    else:
        raise InvalidError("type", "There is no such step.")
    step = {"id": id_, "type": kind, **said}
    if side in ("yes", "no") and after:
        find(new, after)[side].insert(0, step)
    elif after:
        among, n = _place(new, after)
        among.insert(n + 1, step)
    else:
        new.setdefault("steps", []).append(step)
    return new, id_


def moved(data: Json, id_: str, by: int) -> Json:
    """The JSON with a step earlier or later among those beside it."""
    new = deepcopy(data)
    among, n = _place(new, id_)
    to = min(max(n + by, 0), len(among) - 1)
    among.insert(to, among.pop(n))
    return new


def removed(data: Json, id_: str) -> Json:
    """The JSON without a step, and without those inside it."""
    new = deepcopy(data)
    among, n = _place(new, id_)
    among.pop(n)
    return new


def with_message(data: Json, id_: str, variant: str, content: Json) -> Json:
    """The JSON with a message of an email step written anew, in place of what it was."""
    new = deepcopy(data)
    for one in find(new, id_).get("variants", []):
        if one["id"] == variant:
            for key in ("template", "subject"):
                one.pop(key, None)
            one["content"] = content
    return new


def find(data: Json, id_: str) -> Json:
    """The step. Raises InvalidError."""
    among, n = _place(data, id_)
    found: Json = among[n]
    return found


def steps_of(data: Json) -> Iterator[Json]:
    """All steps in reading order."""
    for among in _lists(data.get("steps", [])):
        yield from among


def filter_of(text: str) -> Any:
    """A filter as the builder wrote it. Raises InvalidError."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise InvalidError("filter", "Expected a filter.") from None


def event_of(post: QueryDict, before: Json) -> Json:
    """An event and the conditions on its properties as the event builder wrote them. Where it
    did not, since it was not there yet, those there were.
    """
    rule = filter_of(post.get("event_rule", ""))
    if not isinstance(rule, dict):
        some = post.get("first_event") or NEW["wait_event"]["event"]
        rule = before if before.get("event") else {"event": some}
    return {key: rule[key] for key in ("event", "where") if rule.get(key)}


def _who(new: Json, post: QueryDict) -> None:
    audience: Json = {"kinds": post.getlist("kinds"), "holdout": _whole(post, "holdout")}
    whom = post.get("whom", "everybody")
    if whom == "segment":
        audience["segment"] = post.get("segment", "")
    rule = filter_of(post.get("filter", ""))
    if whom == "filter" and rule is not None:
        audience["filter"] = rule
    exclude: Json = {}
    without = [one for one in post.getlist("without") if one]
    if without:
        exclude["segments"] = without
    if exclude:
        audience["exclude"] = exclude
    new["audience"] = audience


def _when(new: Json, post: QueryDict) -> None:  # noqa: C901 - one a trigger
    type_ = post.get("type", "now")
    before = new.get("trigger", {})
    trigger: Json = {"type": type_}
    match type_:
        case "at":
            trigger |= {"at": post.get("at") or "2030-01-01T08:00", "time_zone": _zone(post)}
        case "segment_entered":
            trigger["segment"] = post.get("segment", "")
            present = post.get("include_present", "")
            if present:
                trigger["include_present"] = present == "yes"
        case "segment_left":
            trigger["segment"] = post.get("segment", "")
        case "checkpoint":
            trigger["checkpoint"] = _whole(post, "checkpoint", 1)
        case "event":
            trigger |= event_of(post, before)
        case "every":
            trigger |= {
                "period": post.get("period", "week"),
                "at": post.get("clock") or "08:00",
                "time_zone": _zone(post),
            }
            if trigger["period"] == "week":
                trigger["weekday"] = post.get("weekday", "monday")
            if trigger["period"] == "month":
                trigger["day"] = _whole(post, "day", 1)
    new["trigger"] = trigger
    rule = post.get("entry", "every_time" if type_ == "every" else "once")
    new["entry"] = {"rule": rule}
    if rule == "every_days":
        new["entry"]["days"] = _whole(post, "entry_days", 30)


def _goal(new: Json, post: QueryDict) -> None:
    new["exit"] = {"audience_left": bool(post.get("audience_left"))}
    new["respect"] = {
        "quiet_hours": bool(post.get("quiet_hours")),
        "frequency_cap": bool(post.get("frequency_cap")),
    }
    rule = filter_of(post.get("filter", ""))
    new.pop("goal", None)
    if post.get("has_goal") and rule is not None:
        new["goal"] = {"filter": rule, "days": _whole(post, "days", 30)}
        if post.get("sentence"):
            new["goal"]["sentence"] = post["sentence"]
    elif post.get("has_goal"):
        new["goal"] = {"filter": SEEN, "days": 30}


def _step(step: Json, post: QueryDict) -> Json:  # noqa: C901, PLR0911 - one a kind
    match step["type"]:
        case "email":
            return _email(step, post)
        case "wait":
            unit = post.get("unit", "days")
            kept: Json = {one: 0 for one in ("days", "hours", "minutes") if one in step}
            return {**kept, unit: _whole(post, "number", 1)}
        case "wait_until":
            days = [one for one in post.getlist("weekdays") if one in WEEKDAYS]
            return {"at": post.get("at", "09:00"), "weekdays": days, "time_zone": _zone(post)}
        case "wait_event":
            rule = event_of(post, step)
            step.pop("where", None)
            said = {**rule, "hours": _whole(post, "hours", 24)}
            return {**said, "on_deadline": post.get("on_deadline", "continue")}
        case "branch":
            rule = filter_of(post.get("filter", ""))
            return {"filter": rule} if rule is not None else {}
        case "tag":
            return {"add": _names(post, "add"), "remove": _names(post, "remove")}
        case "segment":
            return {"segment": post.get("segment", "")}
        case "conversation":
            return {"text": post.get("text", "")}
        case "ticket":
            return {key: post.get(key, "") for key in ("subject", "text", "priority")}
        case "webhook":
            return {"url": post.get("url", "")}
        case _:
            return {"step": post.get("step", ""), "times": _whole(post, "times", 1)}


def _email(step: Json, post: QueryDict) -> Json:
    variants = [_variant(one, post) for one in step["variants"]]
    change = post.get("change", "")
    if change == "add" and len(variants) < len("abcde"):
        variants.append({"id": next(c for c in "abcde" if c not in {v["id"] for v in variants})})
    elif change.startswith("drop:") and len(variants) > 1:
        variants = [one for one in variants if one["id"] != change.removeprefix("drop:")]
    if change:
        _share_alike(variants)
    said: Json = {
        "variants": variants,
        "kind": post.get("kind", "marketing"),
        **{key: post.get(key, "") for key in ("from_name", "from_email", "reply_to", "bcc")},
    }
    wins = post.get("wins", "")
    step.pop("winner", None)
    if wins and len(variants) > 1:
        share, hours = _whole(post, "trial_share", 20), _whole(post, "trial_hours", 4)
        said["winner"] = {"by": wins, "share": share, "hours": hours}
    return said


def _variant(one: Json, post: QueryDict) -> Json:
    id_ = one["id"]

    def said(key: str) -> str:
        return str(post.get(f"{key}_{id_}", ""))

    kept: Json = {"id": id_, "share": _whole(post, f"share_{id_}", one.get("share", 100))}
    if said("template"):
        kept["template"] = said("template")
        if said("subject"):
            kept["subject"] = said("subject")
        return kept
    if text_of(one.get("content")) is None:
        own = {key: said(key) for key in ("subject", "preheader")}
        return {**kept, "content": {**one["content"], **own}}
    if said("subject") or said("body"):
        kept["content"] = content_of(said("subject"), said("preheader"), said("body"))
    return kept


def _share_alike(variants: list[Json]) -> None:
    each, rest = divmod(100, len(variants))
    for n, one in enumerate(variants):
        one["share"] = each + (1 if n < rest else 0)


def _lists(steps: list[Json]) -> Iterator[list[Json]]:
    yield steps
    for step in steps:
        if step.get("type") == "branch":
            yield from _lists(step.setdefault("yes", []))
            yield from _lists(step.setdefault("no", []))


def _place(data: Json, id_: str) -> tuple[list[Json], int]:
    for among in _lists(data.get("steps", [])):
        for n, step in enumerate(among):
            if step["id"] == id_:
                return among, n
    raise InvalidError("step", "That step is not there any more.")


def _free(data: Json, kind: str) -> str:
    taken = {step["id"] for step in steps_of(data)}
    name = kind.replace("_", "-")
    return next(id_ for n in range(1, 1_000) if (id_ := f"{name}-{n}") not in taken)


def _whole(post: QueryDict, key: str, default: int = 0) -> int:
    text = post.get(key, "").strip()
    if not text:
        return default
    try:
        return int(text[:9])
    except ValueError:
        raise InvalidError(key, "Expected a whole number.") from None


def _zone(post: QueryDict) -> str:
    return "person" if post.get("time_zone") == "person" else "project"


def _names(post: QueryDict, key: str) -> list[str]:
    return [one.strip() for one in post.get(key, "").split(",") if one.strip()]
