"""What goes wrong in REST, as every caller sees it: `{"code", "message", "field"}`.

Codes are stable; messages are for people; `field` names what of the request it lies in, or null.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

# What a status alone tells, where nobody said more.
MEANINGS: dict[int, tuple[str, str]] = {
    400: ("invalid", "The request can't be understood."),
    401: ("unknown_key", "Expected Authorization: Bearer with a secret key of the project."),
    403: ("forbidden", "This key does not reach this far."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    409: ("conflict", "This clashes with what is there."),
    500: ("failed", "Something went wrong here; it was noted."),
    503: ("unavailable", "The database is away: try again. An Idempotency-Key makes that safe."),
}

# Headers that go with a status.
EXPLAINED = {
    401: {"WWW-Authenticate": 'Bearer realm="Regulars"'},
    503: {"Retry-After": "1"},
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
    ) -> None:
        usual_code, usual_message = meaning_of(status)
        self.status = status
        self.code = code or usual_code
        self.message = message or usual_message
        self.field = field
        super().__init__(self.message)


def meaning_of(status: int) -> tuple[str, str]:
    """The code and the message of a status."""
    fallback = HTTPStatus.BAD_REQUEST
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        fallback = HTTPStatus.INTERNAL_SERVER_ERROR
    return MEANINGS.get(status) or MEANINGS[fallback]


def body_of(code: str, message: str, field: str | None = None) -> bytes:
    """The error as JSON."""
    body: dict[str, Any] = {"code": code, "message": message, "field": field}
    return msgspec.json.encode(body)
