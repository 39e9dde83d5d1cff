"""What to call a person where they are listed."""

from __future__ import annotations

from uuid import UUID


def called(name: str | None, email: str | None, user_id: str | None, id_: UUID) -> str:
    """The name, else the email, else the user id, else “Visitor 7f3a” by the end of the id."""
    return name or email or user_id or f"Visitor {id_.hex[-4:]}"
