"""Why a content can't be used, in words fit to be shown beside the field they concern."""

from __future__ import annotations


class ContentError(ValueError):
    """What was written can't be taken. `field` is its path: `subject`, `blocks.2.href`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class RenderError(ContentError):
    """A content could not be filled in for somebody: it asks for too much, or for what is shut."""
