"""What a name, an email or a time zone must look like: validation that several actions share."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import Agent

_EMAIL_MAX = 254


def line(field: str, value: Any, *, most: int, called: str, required: bool = True) -> str:
    """One line of text without control characters, stripped; `called` names it in the error."""
    if not isinstance(value, str):
        raise InvalidError(field, f"{called} must be text.")
    text = unicodedata.normalize("NFC", value.strip())
    if required and not text:
        raise InvalidError(field, f"{called} can't be empty.")
    if len(text) > most:
        raise InvalidError(field, f"{called} can have {most} characters at most.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text):
        raise InvalidError(field, f"{called} can't hold line breaks or control characters.")
    return text


def lines(field: str, value: Any, *, most: int, called: str) -> str:
    """Text of several lines, or none, without control characters."""
    if not isinstance(value, str):
        raise InvalidError(field, f"{called} must be text.")
    kept = [
        line(field, part, most=most, called=called, required=False) for part in value.splitlines()
    ]
    text = "\n".join(kept).strip()
    if len(text) > most:
        raise InvalidError(field, f"{called} can have {most} characters at most.")
    return text


def email(field: str, value: Any, *, required: bool = True) -> str:
    """An email address, as it was written."""
    text = line(field, value, most=_EMAIL_MAX, called="The email", required=required)
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


def whole_number(field: str, value: Any, *, least: int, most: int, called: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidError(field, f"{called} must be a whole number from {least} to {most}.")
    return value


def switch(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError(field, "This is either on or off.")
    return value


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
