"""What a name, an email or a time zone must look like: validation that several actions share."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import Agent
from regulars.workspaces.plain import MOST_EMAIL, line, lines, switch, whole_number

__all__ = [
    "color",
    "email",
    "line",
    "lines",
    "new_password",
    "picture",
    "switch",
    "time_zone",
    "time_zones",
    "whole_number",
]


_COLOR = re.compile("#[0-9a-f]{6}")
# Where a picture of mail is found; whether it is there is asked by who knows pictures.
_PICTURE = re.compile("/media/[0-9a-f-]{36}/[0-9a-f-]{36}[.](png|jpg|gif)")


def color(field: str, value: Any) -> str:
    """A colour, or empty for our own."""
    said = value.strip().lower() if isinstance(value, str) else None
    if said is None or (said and not _COLOR.fullmatch(said)):
        raise InvalidError(field, "Write a colour as #rrggbb, such as #1f3a6e.")
    return said


def picture(field: str, value: Any) -> str:
    """The path of a picture that was uploaded, or empty for none."""
    if not isinstance(value, str) or (value and not _PICTURE.fullmatch(value)):
        raise InvalidError(field, "Name a picture that was uploaded, as /media/….")
    return value


def email(field: str, value: Any, *, required: bool = True) -> str:
    """An email address, as it was written."""
    text = line(field, value, most=MOST_EMAIL, called="The email", required=required)
    if text:
        try:
            validate_email(text)
        except ValidationError as wrong:
            raise InvalidError(field, "This is not an email address.") from wrong
    return text


def time_zone(field: str, value: Any) -> str:
    """A name of the IANA time zone database."""
    if not isinstance(value, str) or value not in _zones():
        raise InvalidError(field, "Choose a time zone from the list, such as Europe/Lisbon.")
    return value


def time_zones() -> list[str]:
    """The time zones to choose from: regions and UTC, in order."""
    return sorted(name for name in _zones() if "/" in name or name == "UTC")


def new_password(field: str, value: str, agent: Agent) -> str:
    """A password that is long enough and not the agent's own name or email."""
    try:
        validate_password(value, agent)
    except ValidationError as wrong:
        raise InvalidError(field, " ".join(wrong.messages)) from wrong
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory", "posixrules"}
