"""Why an action was refused, in words fit to be shown beside the field they concern."""

from __future__ import annotations


class InvalidError(ValueError):
    """A value can't be taken. `field` is its name in forms and in the REST API."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class ConflictError(InvalidError):
    """The value is fine by itself, and clashes with what is there."""


class ForbiddenError(PermissionError):
    """The agent's role does not reach this far."""


class UnknownError(LookupError):
    """There is no such thing in this project."""


class LinkError(LookupError):
    """A one-time link that does not work: mistyped, used, withdrawn or run out."""
