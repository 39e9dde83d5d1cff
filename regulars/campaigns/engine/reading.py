"""Campaigns out of JSON: whatever is not understood is an error that names its field.

Public: `read(data) -> Definition`, `DefinitionError`. The twin is `writing.to_json`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, time
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from regulars.campaigns.engine import definition as d
from regulars.filters.ast import EventCondition, FieldCondition, Filter
from regulars.filters.behaviour import MAX_CHECKPOINT
from regulars.filters.errors import FilterError
from regulars.filters.parse import parse

MAX_STEPS = 100
MAX_DEPTH = 4  # branches inside branches
MAX_VARIANTS = 5
MAX_TEXT = 10_000
MAX_LINE = 300
MAX_DAYS = 730
MAX_TIMES = 50
MAX_HOLDOUT = 50
MAX_EXCLUDED = 20
MAX_TAGS = 20
MAX_ID = 40
WHOLE = 100  # percent
PRIORITIES = ("low", "normal", "high", "urgent")

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class DefinitionError(ValueError):
    """A campaign that is none: what was expected, and where (`steps[2].variants[0].template`)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def read(data: Any) -> d.Definition:
    """The definition in decoded JSON; every part may be missing but what it says must be right."""
    whole = _Part(data, "")
    whole.only("audience", "trigger", "entry", "steps", "goal", "exit", "respect", "moved")
    leave = whole.part("exit")
    leave.only("audience_left")
    respect = whole.part("respect")
    respect.only("quiet_hours", "frequency_cap")
    return d.Definition(
        audience=_audience(whole.part("audience")),
        trigger=_trigger(whole.part("trigger")),
        entry=_entry(whole.part("entry")),
        steps=_Steps().read_all(whole),
        goal=_goal(whole.part("goal")) if whole.has("goal") else None,
        leave_with_audience=leave.switch("audience_left", default=False),
        quiet_hours=respect.switch("quiet_hours", default=True),
        capped=respect.switch("frequency_cap", default=True),
        moved=_moved(whole.part("moved")),
    )


class _Part:
    """An object of the JSON and the path to it; reads its values and names them in errors."""

    def __init__(self, data: Any, at: str) -> None:
        if not isinstance(data, Mapping):
            raise DefinitionError(at or "campaign", "Expected an object here.")
        self.data = data
        self.at = at

    def name(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key

    def wrong(self, key: str, message: str) -> DefinitionError:
        return DefinitionError(self.name(key), message)

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def only(self, *keys: str) -> None:
        for key in self.data:
            if key not in keys:
                known = ", ".join(keys)
                raise self.wrong(str(key)[:60], f"Unknown key. Known here: {known}.")

    def part(self, key: str) -> _Part:
        value = self.data.get(key)
        return _Part({} if value is None else value, self.name(key))

    def items(self, key: str, most: int) -> list[Any]:
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "Expected a list.")
        if len(value) > most:
            raise self.wrong(key, f"At most {most} of these.")
        return value

    def parts(self, key: str, most: int) -> list[_Part]:
        return [_Part(one, f"{self.name(key)}[{n}]") for n, one in enumerate(self.items(key, most))]

    def text(self, key: str, *, most: int = MAX_LINE, required: bool = True) -> str:
        value = self.data.get(key)
        if value is None:
            value = ""
        if not isinstance(value, str):
            raise self.wrong(key, "Expected text.")
        kept = value.strip()
        if required and not kept:
            raise self.wrong(key, "This can't be empty.")
        if len(kept) > most:
            raise self.wrong(key, f"At most {most:,} characters.")
        if "\x00" in kept or any("\ud800" <= one <= "\udfff" for one in kept):
            raise self.wrong(key, "This text holds characters that can't be kept.")
        return kept

    def line(self, key: str, *, most: int = MAX_LINE, required: bool = True) -> str:
        kept = self.text(key, most=most, required=required)
        if "\n" in kept or "\r" in kept:
            raise self.wrong(key, "Expected one line.")
        return kept

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, f"Expected a whole number from {least} to {most}.")
        return value

    def switch(self, key: str, *, default: bool | None) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "Expected true or false.")
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> Any:
        value = self.data.get(key, default)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(key, f"Expected one of {', '.join(choices)}.")
        return value

    def identifier(self, key: str, called: str) -> UUID:
        value = self.data.get(key)
        try:
            return UUID(value) if isinstance(value, str) and len(value) <= MAX_ID else _none()
        except ValueError:
            raise self.wrong(key, f"Expected the id of {called}.") from None

    def clock(self, key: str) -> time:
        value = self.data.get(key)
        found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.wrong(key, "Expected a time of day such as 08:00.")
        return time(int(found[1]), int(found[2]))

    def filter(self, key: str) -> Filter:
        try:
            return parse(self.data.get(key), at=self.name(key))
        except FilterError as wrong:
            raise DefinitionError(wrong.field, f"{wrong.message}.") from wrong

    def filter_if_any(self, key: str) -> Filter | None:
        return self.filter(key) if self.has(key) else None

    def where(self) -> tuple[str, tuple[FieldCondition, ...]]:
        """An event's name and the conditions on its properties, read as filters read them."""
        event = self.line("event", most=200)
        condition = {"event": event, "op": "at_least", "count": 1}
        if self.has("where"):
            condition["where"] = self.data["where"]
        try:
            read_ = parse(condition, at=self.at)
        except FilterError as wrong:
            raise DefinitionError(wrong.field, f"{wrong.message}.") from wrong
        return event, cast("EventCondition", read_).where


def _audience(part: _Part) -> d.Audience:
    part.only("kinds", "segment", "filter", "exclude", "holdout")
    kinds = part.items("kinds", 2) if part.has("kinds") else list(d.KINDS)
    if not kinds or any(kind not in d.KINDS for kind in kinds):
        raise part.wrong("kinds", "Expected user, lead or both.")
    if part.has("segment") and part.has("filter"):
        raise part.wrong("filter", "Either a segment or a filter, not both.")
    exclude = part.part("exclude")
    exclude.only("segments", "filter")
    without = [
        _Part({"id": one}, f"{exclude.name('segments')}[{n}]").identifier("id", "a segment")
        for n, one in enumerate(exclude.items("segments", MAX_EXCLUDED))
    ]
    return d.Audience(
        kinds=tuple(kind for kind in d.KINDS if kind in kinds),
        segment=part.identifier("segment", "a segment") if part.has("segment") else None,
        filter=part.filter_if_any("filter"),
        exclude_segments=tuple(without),
        exclude=exclude.filter_if_any("filter"),
        holdout=part.number("holdout", 0, MAX_HOLDOUT, 0),
    )


def _trigger(part: _Part) -> d.Trigger:
    type_ = part.choice("type", tuple(_TRIGGERS), "now")
    keys, read_ = _TRIGGERS[type_]
    part.only("type", *keys)
    return read_(part)


def _at(part: _Part) -> d.At:
    text = part.line("at", most=40)
    try:
        reading = datetime.fromisoformat(text)
    except ValueError:
        raise part.wrong("at", "Expected a date and time such as 2026-12-01T08:00.") from None
    if reading.tzinfo is not None:
        raise part.wrong("at", "A reading of the clock, without a time zone or offset.")
    return d.At(reading, part.choice("time_zone", ("project", "person"), "project"))


def _entered(part: _Part) -> d.Entered:
    present = part.data.get("include_present")
    if present is not None and not isinstance(present, bool):
        raise part.wrong("include_present", "Expected true or false.")
    return d.Entered(part.identifier("segment", "a segment"), present)


def _every(part: _Part) -> d.Every:
    weekday = part.choice("weekday", d.WEEKDAYS, "monday")
    return d.Every(
        period=part.choice("period", ("day", "week", "month")),
        clock=part.clock("at"),
        weekday=d.WEEKDAYS.index(weekday),
        day=part.number("day", 1, 31, 1),
        zone=part.choice("time_zone", ("project", "person"), "project"),
    )


_TRIGGERS: dict[str, tuple[tuple[str, ...], Callable[[_Part], d.Trigger]]] = {
    "now": ((), lambda _: d.Now()),
    "at": (("at", "time_zone"), _at),
    "segment_entered": (("segment", "include_present"), _entered),
    "segment_left": (("segment",), lambda part: d.Left(part.identifier("segment", "a segment"))),
    "registered": ((), lambda _: d.Registered()),
    "checkpoint": (
        ("checkpoint",),
        lambda part: d.Reached(part.number("checkpoint", 1, MAX_CHECKPOINT)),
    ),
    "event": (("event", "where"), lambda part: d.Happened(*part.where())),
    "every": (("period", "at", "weekday", "day", "time_zone"), _every),
}


def _entry(part: _Part) -> d.Entry:
    part.only("rule", "days")
    rule = part.choice("rule", ("once", "every_time", "every_days"), "once")
    return d.Entry(rule, part.number("days", 1, MAX_DAYS) if rule == "every_days" else 0)


def _goal(part: _Part) -> d.Goal:
    part.only("filter", "days", "sentence")
    return d.Goal(
        part.filter("filter"),
        part.number("days", 1, 365, 30),
        part.line("sentence", most=120, required=False),
    )


def _moved(part: _Part) -> dict[str, str | None]:
    return {
        _identifier(key, part.name("moved")): None
        if to is None
        else _identifier(to, part.name(key))
        for key, to in part.data.items()
    }


class _Steps:
    """The steps of one campaign: their ids are unique."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._readers: dict[str, tuple[tuple[str, ...], Callable[[_Part, str], d.Step]]] = {
            "email": (
                ("variants", "winner", "kind", "from_name", "from_email", "reply_to", "bcc"),
                _email,
            ),
            "wait": (("days", "hours", "minutes"), _wait),
            "wait_until": (("at", "weekdays", "time_zone"), _wait_until),
            "wait_event": (("event", "where", "hours", "on_deadline"), _wait_event),
            "tag": (("add", "remove"), _tag),
            "segment": (("segment",), _pick),
            "conversation": (("text",), _converse),
            "ticket": (("subject", "text", "priority"), _ticket),
            "webhook": (("url",), _webhook),
            "repeat": (("step", "times"), _repeat),
        }

    def read_all(self, whole: _Part) -> tuple[d.Step, ...]:
        steps = self._list(whole, "steps", 1)
        earlier: set[str] = set()
        for step in d.all_steps(steps):
            if isinstance(step, d.Repeat) and step.step not in earlier:
                raise DefinitionError(
                    f"{self._seen[step.id]}.step", "Expected the id of an earlier step."
                )
            earlier.add(step.id)
        return steps

    def _list(self, part: _Part, key: str, depth: int) -> tuple[d.Step, ...]:
        if depth > MAX_DEPTH:
            raise part.wrong(key, f"Branches may be {MAX_DEPTH - 1} deep.")
        return tuple(self._step(one, depth) for one in part.parts(key, MAX_STEPS))

    def _step(self, part: _Part, depth: int) -> d.Step:
        type_ = part.choice("type", (*self._readers, "branch"))
        id_ = _identifier(part.data.get("id"), part.name("id"))
        if id_ in self._seen:
            raise part.wrong("id", f"Two steps have the id {id_}.")
        self._seen[id_] = part.at
        if len(self._seen) > MAX_STEPS:
            raise DefinitionError("steps", f"At most {MAX_STEPS} steps.")
        if type_ == "branch":
            part.only("id", "type", "filter", "yes", "no")
            sides = (self._list(part, side, depth + 1) for side in ("yes", "no"))
            return d.Branch(id_, part.filter("filter"), *sides)
        keys, read_ = self._readers[type_]
        part.only("id", "type", *keys)
        return read_(part, id_)


def _email(part: _Part, id_: str) -> d.Email:
    variants = tuple(_variant(one, n) for n, one in enumerate(part.parts("variants", MAX_VARIANTS)))
    if not variants:
        raise part.wrong("variants", "An email needs at least one message.")
    if len({one.id for one in variants}) != len(variants):
        raise part.wrong("variants", "Two messages have the same id.")
    winner = _winner(part.part("winner")) if part.has("winner") else None
    if winner is None and sum(one.share for one in variants) != WHOLE:
        raise part.wrong("variants", "The shares of the messages must be 100 together.")
    if winner is not None and len(variants) == 1:
        raise part.wrong("winner", "One message alone can't win: add another.")
    return d.Email(
        id_,
        variants,
        winner,
        part.choice("kind", ("marketing", "transactional"), "marketing"),
        part.line("from_name", most=100, required=False),
        part.line("from_email", most=254, required=False),
        part.line("reply_to", most=254, required=False),
        part.line("bcc", most=254, required=False),
    )


def _variant(part: _Part, n: int) -> d.Variant:
    part.only("id", "share", "template", "subject", "content")
    if part.has("template") and part.has("content"):
        raise part.wrong("content", "Either a template or a message of its own, not both.")
    content = part.data.get("content")
    if content is not None and not isinstance(content, Mapping):
        raise part.wrong("content", "Expected a message.")
    return d.Variant(
        _identifier(part.data.get("id", "abcde"[n]), part.name("id")),
        part.number("share", 0, 100, 100),
        part.identifier("template", "a template") if part.has("template") else None,
        part.line("subject", required=False) or None,
        content,
    )


def _winner(part: _Part) -> d.Winner:
    part.only("by", "share", "hours")
    return d.Winner(
        part.choice("by", ("opened", "clicked")),
        part.number("share", 1, 90),
        part.number("hours", 1, 24 * 14),
    )


def _wait(part: _Part, id_: str) -> d.Wait:
    wait = d.Wait(
        id_,
        part.number("days", 0, MAX_DAYS, 0),
        part.number("hours", 0, 24 * 365, 0),
        part.number("minutes", 0, 60 * 24 * 7, 0),
    )
    if not (wait.days or wait.hours or wait.minutes):
        raise part.wrong("days", "Say how long to wait.")
    return wait


def _wait_until(part: _Part, id_: str) -> d.WaitUntil:
    days = part.items("weekdays", 7)
    if any(day not in d.WEEKDAYS for day in days):
        raise part.wrong("weekdays", f"Expected some of {', '.join(d.WEEKDAYS)}.")
    return d.WaitUntil(
        id_,
        part.clock("at"),
        tuple(sorted({d.WEEKDAYS.index(day) for day in days})),
        part.choice("time_zone", ("project", "person"), "person"),
    )


def _wait_event(part: _Part, id_: str) -> d.WaitEvent:
    event, where = part.where()
    on_deadline = part.choice("on_deadline", ("continue", "leave"), "continue")
    return d.WaitEvent(id_, event, part.number("hours", 1, 24 * 365), where, on_deadline)


def _tag(part: _Part, id_: str) -> d.Tag:
    add, remove = _tags(part, "add"), _tags(part, "remove")
    if not add and not remove:
        raise part.wrong("add", "Name a tag to add or to remove.")
    return d.Tag(id_, add, remove)


def _tags(part: _Part, key: str) -> tuple[str, ...]:
    named = part.items(key, MAX_TAGS)
    return tuple(
        _Part({"tag": one}, f"{part.name(key)}[{n}]").line("tag", most=60)
        for n, one in enumerate(named)
    )


def _pick(part: _Part, id_: str) -> d.Pick:
    return d.Pick(id_, part.identifier("segment", "a segment"))


def _converse(part: _Part, id_: str) -> d.Converse:
    return d.Converse(id_, part.text("text", most=MAX_TEXT))


def _ticket(part: _Part, id_: str) -> d.Ticket:
    return d.Ticket(
        id_,
        part.line("subject", most=200),
        part.text("text", most=MAX_TEXT, required=False),
        part.choice("priority", PRIORITIES, "normal"),
    )


def _webhook(part: _Part, id_: str) -> d.Webhook:
    url = part.line("url", most=2_000)
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:
        good = False
    if not good:
        raise part.wrong("url", "Expected an address that begins with https:// or http://.")
    return d.Webhook(id_, url)


def _repeat(part: _Part, id_: str) -> d.Repeat:
    step = _identifier(part.data.get("step"), part.name("step"))
    return d.Repeat(id_, step, part.number("times", 1, MAX_TIMES))


def _identifier(value: Any, at: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise DefinitionError(at, "Expected an id of letters, digits, - and _.")
    return value


def _none() -> UUID:
    raise ValueError
