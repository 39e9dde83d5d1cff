"""Ready-made campaigns: whole drafts to start from, which say everything but what is the team's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.engine import definition as d
from regulars.filters.errors import FilterError
from regulars.filters.parse import CONDITION_KINDS, parse_text
from regulars.filters.to_json import to_json
from regulars.segments import glance, queries
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]
Json = dict[str, Any]

COUNT = "SELECT people FROM segment_count WHERE project_id = %s AND id = %s"
_DIGEST_DAY = "monday"
_HELLO = '<p>Hi {{ person.first_name | default: "there" }},</p>'
_BYE = "<p>{{ company.name }}</p>"


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A form to start from. `make` gets the ids of the lists that every project has."""

    key: str
    name: str
    says: str
    works_with: str
    make: Callable[[dict[str, str]], Json]
    builtin: str = ""  # the list whose number says what it would reach


def letter(subject: str, *paragraphs: str, button: str = "") -> Json:
    """A plain message."""
    text = _HELLO + "".join(f"<p>{one}</p>" for one in paragraphs)
    blocks: list[Json] = [{"type": "text", "id": "text", "html": text}]
    if button:
        link = {"type": "button", "id": "button", "label": button, "href": "https://example.com/"}
        blocks.append(link)
    return {
        "format": "blocks",
        "layout": "plain",
        "subject": subject,
        "blocks": [*blocks, {"type": "text", "id": "bye", "html": _BYE}],
    }


def email(id_: str, content: Json) -> Json:
    """An email step with one message."""
    return {"id": id_, "type": "email", "variants": [{"id": "a", "share": 100, "content": content}]}


def _wait(id_: str, days: int) -> Json:
    return {"id": id_, "type": "wait", "days": days}


def _nothing(_lists: dict[str, str]) -> Json:
    return {"steps": [{"id": "email-1", "type": "email", "variants": [{"id": "a", "share": 100}]}]}


def _welcome(_lists: dict[str, str]) -> Json:
    return {
        "trigger": {"type": "registered"},
        "audience": {"kinds": ["user"]},
        "steps": [
            email(
                "welcome",
                letter(
                    "Welcome",
                    "Good to have you with us. Here is the one thing to do first.",
                    button="Get started",
                ),
            ),
            _wait("two-days", 2),
            email(
                "how-to",
                letter("Getting the most out of it", "Three things that regulars do in week one."),
            ),
            _wait("a-week", 7),
            email("ask", letter("How is it going?", "Just answer: a person reads every reply.")),
        ],
        "goal": {
            "filter": {"field": "sessions", "op": "gte", "value": 5},
            "days": 30,
            "sentence": "They came back four times",
        },
    }


def _nudge(_lists: dict[str, str]) -> Json:
    return {
        "trigger": {"type": "registered"},
        "audience": {"kinds": ["user"]},
        "steps": [
            _wait("three-days", 3),
            email(
                "nudge",
                letter(
                    "Your first step is waiting",
                    "You signed up and have not been back. It takes two minutes.",
                    button="Take the first step",
                ),
            ),
        ],
        "goal": {
            "filter": {"field": "sessions", "op": "gte", "value": 2},
            "days": 14,
            "sentence": "They came back",
        },
    }


def _win_back(lists: dict[str, str]) -> Json:
    return {
        "trigger": {"type": "segment_entered", "segment": lists["slipping"]},
        "audience": {"kinds": ["user"]},
        "entry": {"rule": "every_days", "days": 90},
        "steps": [
            email(
                "miss-you",
                letter(
                    "We have not seen you for a while",
                    "Four weeks is long. Here is what is new since you were last here.",
                    button="See what is new",
                ),
            ),
            _wait("a-week", 7),
            email(
                "last-try", letter("Can we do better?", "Tell us what was missing: just answer.")
            ),
        ],
        "goal": {
            "filter": {"field": "last_seen", "op": "within_last", "value": 7},
            "days": 30,
            "sentence": "They are back",
        },
    }


def _feedback(_lists: dict[str, str]) -> Json:
    return {
        "trigger": {"type": "event", "event": "Order Completed"},
        "entry": {"rule": "every_days", "days": 90},
        "steps": [
            _wait("a-week", 7),
            email(
                "ask",
                letter(
                    "One question, 0 to 10",
                    "How likely are you to tell a friend about us, from 0 to 10? Answer with a"
                    " number, and a word on why.",
                ),
            ),
        ],
    }


def _digest(lists: dict[str, str]) -> Json:
    return {
        "trigger": {
            "type": "every",
            "period": "week",
            "weekday": _DIGEST_DAY,
            "at": "08:00",
            "time_zone": "person",
        },
        "audience": {"segment": lists["active"]},
        "entry": {"rule": "every_time"},
        "steps": [email("letter", letter("This week", "What is new this week."))],
    }


NOTHING = ReadyMade("", "Nothing", "One email, an audience, and you decide the rest", "", _nothing)
READY = (
    ReadyMade(
        "welcome",
        "Welcome series",
        "Three emails over nine days, stopping as soon as they are at home",
        "people signed up in the last 7 days",
        _welcome,
        "new",
    ),
    ReadyMade(
        "nudge",
        "Activation nudge",
        "For people who signed up and have not come back",
        "people signed up in the last 7 days",
        _nudge,
        "new",
    ),
    ReadyMade(
        "win-back",
        "Slipping-away win-back",
        "Starts by itself 4 weeks after someone was last seen",
        "people are slipping away",
        _win_back,
        "slipping",
    ),
    ReadyMade(
        "feedback",
        "Feedback request",
        "One question, 0 to 10, a week after an event you choose",
        "Works with any event",
        _feedback,
    ),
    ReadyMade(
        "digest",
        "Weekly letter to a segment",
        "Every week to whoever is in the segment then",
        "people were active in the past 4 weeks",
        _digest,
        "active",
    ),
)
BY_KEY = {one.key: one for one in READY}


def definition_of(connection: Connection, project_id: UUID, key: str) -> Json:
    """The draft of that form for this project; of none, one with nothing decided."""
    return BY_KEY.get(key, NOTHING).make(_lists(connection, project_id))


def for_segment(connection: Connection, project_id: UUID, data: Json, segment: str) -> Json:
    """The same draft for a segment's people. Raises InvalidError."""
    try:
        one = queries.segment(connection, project_id, UUID(segment))
    except (ValueError, UnknownError):
        raise InvalidError("segment", "There is no such segment.") from None
    trigger = data.get("trigger", {})
    if trigger.get("type") == "segment_entered":
        return {**data, "trigger": {**trigger, "segment": str(one.id)}}
    kinds = data.get("audience", {}).get("kinds", ["user", "lead"])
    return {**data, "audience": {"kinds": kinds, "segment": str(one.id)}}


def for_checkpoint(data: Json, checkpoint: str) -> Json:
    """The same draft for who has reached a checkpoint. Raises InvalidError."""
    if not checkpoint.isdecimal() or not 1 <= int(checkpoint[:2]) <= 5:  # noqa: PLR2004 - as many
        raise InvalidError("checkpoint", "There is no such checkpoint.")
    rule = {"checkpoint": int(checkpoint), "op": "reached"}
    return {**data, "audience": {"kinds": ["user", "lead"], "filter": rule}}


def for_filter(data: Json, rule: str, kind: str) -> Json:
    """The same draft for whoever a list found: its filter as text, and its kind of people.

    Raises InvalidError.
    """
    try:
        found = to_json(parse_text(rule, kinds=CONDITION_KINDS))
    except FilterError as wrong:
        raise InvalidError("filter", wrong.message) from wrong
    kinds = [kind] if kind in d.KINDS else list(d.KINDS)
    return {**data, "audience": {"kinds": kinds, "filter": found}}


def numbers(connection: Connection, project_id: UUID) -> dict[str, str]:
    """What each form would find in this project, in a line."""
    lists = _lists(connection, project_id)
    said = {}
    for one in READY:
        if not one.builtin:
            said[one.key] = one.works_with
            continue
        row = connection.execute(COUNT, (project_id, lists[one.builtin])).fetchone()
        said[one.key] = f"{row[0] if row else 0:,} {one.works_with}"
    return said


def icons_of(one: ReadyMade) -> list[str]:
    """Its steps as pictures: when it starts, and what it does."""
    made = one.make({"new": "", "active": "", "slipping": ""})
    starts = {"registered": "user-plus", "segment_entered": "log-in", "every": "repeat",
              "event": "mouse-pointer-click"}  # fmt: skip
    kinds = {"email": "mail", "wait": "hourglass"}
    first = starts.get(made.get("trigger", {}).get("type", ""), "send")
    return [first, *(kinds.get(step["type"], "split") for step in made["steps"])]


def _lists(connection: Connection, project_id: UUID) -> dict[str, str]:
    return {
        name: str(glance.builtin_id(connection, project_id, name))
        for name in ("new", "active", "slipping")
    }
