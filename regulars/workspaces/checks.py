"""What a name, an email or a time zone must look like: validation that several actions share."""

from __future__ import annotations

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
    "email",
    "line",
    "lines",
    "new_password",
    "switch",
    "time_zone",
    "time_zones",
    "whole_number",
]


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
