"""How a project talks to people: its messenger's look and words, office hours, who answers.

A project that never changed anything has no row: the defaults are the dataclass's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from regulars.inbox import hours, merge_tags
from regulars.inbox.hours import Hours
from regulars.kit import bus
from regulars.workspaces import keys, plain
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
Side = Literal["left", "right"]
Assignment = Literal["manual", "round_robin"]

MOST_MINUTES = 7 * 24 * 60

# What the audit log calls a change of these.
AUDITED = {"messenger.changed": "Changed how the messenger and the inbox work"}

_COLOR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class MessengerSettings:
    """A project's settings, each under the name that forms and REST know it by."""

    on: bool = True
    color: str | None = None  # "#rrggbb"; None: the messenger's own
    side: Side = "right"
    greeting: str = 'Hi {{ first_name | default: "there" }}'  # merge tags of the person
    intro: str = "How can we help?"
    office_hours: Hours = None  # in the project's time zone; None: always open
    away_message: str = "We are away right now. Leave a message, and we answer when we are back."
    show_team: bool = True
    ask_rating: bool = True
    allow_files: bool = True
    assignment: Assignment = "manual"
    email_after_minutes: int | None = 5  # None: replies never go by email by themselves
    first_reply_target_minutes: int | None = None
    inbound_address: str = ""  # where answers to emails go


_NAMES = tuple(one.name for one in fields(MessengerSettings))
# ON is a word of SQL's own.
_COLUMN_OF = {name: "is_on" if name == "on" else name for name in _NAMES}
_COLUMNS = ", ".join(_COLUMN_OF.values())

LOAD = f"SELECT {_COLUMNS} FROM messenger_settings WHERE project_id = %s AND id = %s"
# A first change writes the defaults along; a later one only what it is about, so that two agents
# who change different things at once both have their way.
KEEP = f"""
INSERT INTO messenger_settings (project_id, id, {_COLUMNS}, changed_at)
VALUES (%(project)s, %(project)s, {", ".join(f"%({name})s" for name in _NAMES)}, %(now)s)
ON CONFLICT (project_id, id) DO UPDATE SET changed_at = %(now)s
"""


def load(connection: Connection, project_id: UUID) -> MessengerSettings:
    """The project's settings."""
    row = connection.execute(LOAD, (project_id, project_id), prepare=True).fetchone()
    if row is None:
        return MessengerSettings()
    values = dict(zip(_NAMES, row, strict=True))
    return MessengerSettings(**{**values, "office_hours": hours.read(values["office_hours"])})


def change(
    connection: Connection, project_id: UUID, given: Mapping[str, Any], now: datetime
) -> MessengerSettings:
    """Change the settings that are given (office hours as JSON), and tell the doors on commit.

    One that is unknown or unusable refuses them all: InvalidError names it.
    """
    checked = {name: _checked(name, value) for name, value in given.items()}
    if checked:
        whole = replace(MessengerSettings(), **checked)
        values = {name: getattr(whole, name) for name in _NAMES}
        values["office_hours"] = _stored(whole.office_hours)
        set_too = "".join(f", {_COLUMN_OF[name]} = %({name})s" for name in checked)
        connection.execute(KEEP + set_too, {"project": project_id, "now": now, **values})
        connection.execute(bus.NOTIFY, (bus.message(project_id, keys.TOPIC),))
    return load(connection, project_id)


def to_json(settings: MessengerSettings) -> dict[str, Any]:
    """The settings as REST says them."""
    said = {name: getattr(settings, name) for name in _NAMES}
    return {**said, "office_hours": hours.to_json(settings.office_hours)}


def differences(before: MessengerSettings, after: MessengerSettings) -> dict[str, list[Any]]:
    """What changed, as the audit log keeps it: name, then before and after."""
    old, new = to_json(before), to_json(after)
    return {name: [old[name], new[name]] for name in _NAMES if old[name] != new[name]}


def _checked(name: str, value: Any) -> Any:
    check = _CHECKS.get(name)
    if check is None:
        raise InvalidError(name, "There is no such setting.")
    return check(name, value)


def _stored(office_hours: Hours) -> Jsonb | None:
    said = hours.to_json(office_hours)
    return None if said is None else Jsonb(said)


def _color(field: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _COLOR.fullmatch(value.lower()):
        raise InvalidError(field, "Expected a colour such as #1f6f54.")
    return value.lower()


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(field: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InvalidError(field, f"Expected {' or '.join(choices)}.")
        return value

    return check


def _greeting(field: str, value: Any) -> str:
    text = plain.line(field, value, most=200, called="The greeting")
    try:
        merge_tags.check(text)
    except merge_tags.TagError as wrong:
        raise InvalidError(field, str(wrong)) from wrong
    return text


def _office_hours(field: str, value: Any) -> Hours:
    try:
        return hours.read(value)
    except hours.HoursError as wrong:
        raise InvalidError(field, str(wrong)) from wrong


def _minutes(field: str, value: Any) -> int | None:
    if value is None:
        return None
    return plain.whole_number(field, value, least=1, most=MOST_MINUTES, called="The minutes")


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "on": plain.switch,
    "color": _color,
    "side": _one_of("left", "right"),
    "greeting": _greeting,
    "intro": lambda field, value: plain.line(
        field, value, most=200, called="The line below the greeting", required=False
    ),
    "office_hours": _office_hours,
    "away_message": lambda field, value: plain.lines(
        field, value, most=500, called="The away message"
    ),
    "show_team": plain.switch,
    "ask_rating": plain.switch,
    "allow_files": plain.switch,
    "assignment": _one_of("manual", "round_robin"),
    "email_after_minutes": _minutes,
    "first_reply_target_minutes": _minutes,
    "inbound_address": plain.address,
}
