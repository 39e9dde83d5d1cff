"""Why an event is not kept, or not kept whole. Every reason is counted and can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DropReason(StrEnum):
    """The names under which drops are counted; the value is what the console and metrics say."""

    NOT_AN_EVENT = "not_an_event"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    BAD_TEXT = "bad_text"
    BAD_NUMBER = "bad_number"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_TYPE = "unknown_type"
    NO_EVENT_NAME = "no_event_name"
    NOBODY = "nobody"
    ID_TOO_LONG = "id_too_long"
    BAD_TIME = "bad_time"
    BOT = "bot"
    PRIVACY_SIGNAL = "privacy_signal"
    DUPLICATE = "duplicate"
    ERASED = "erased"
    AMBIGUOUS_EMAIL = "ambiguous_email"
    TWO_USERS = "two_users"
    NOT_STORABLE = "not_storable"
    LEAD_WITHOUT_EMAIL = "lead_without_email"


# Drops that are the system working as meant: counted, not shown among the refused.
QUIET = frozenset(
    {DropReason.DUPLICATE, DropReason.BOT, DropReason.PRIVACY_SIGNAL, DropReason.ERASED}
)


@dataclass(frozen=True, slots=True)
class Drop:
    """An event that was left out: the reason, the field it lies in, and what was expected."""

    reason: DropReason
    detail: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An event that was kept without one of its parts."""

    field: str
    detail: str
