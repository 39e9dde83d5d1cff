"""What a line of text, a number or a switch must look like, for actions that run without Django."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from regulars.workspaces.errors import InvalidError

MOST_EMAIL = 254

# A valid email address as HTML has it (https://html.spec.whatwg.org/#valid-e-mail-address), of a
# domain with a dot: one that mail from elsewhere can reach.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")


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


def whole_number(field: str, value: Any, *, least: int, most: int, called: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidError(field, f"{called} must be a whole number from {least} to {most}.")
    return value


def switch(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError(field, "This is either on or off.")
    return value


def address(field: str, value: Any) -> str:
    """An email address that others write to, or nothing."""
    text = line(field, value, most=MOST_EMAIL, called="The address", required=False)
    if text and not _EMAIL.fullmatch(text):
        raise InvalidError(field, "This is not an email address.")
    return text
