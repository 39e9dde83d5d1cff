"""Whose mail it is: what a project's mails have in common, from its settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import environment
from regulars.mail import images
from regulars.mail.content.look import INK, Look
from regulars.workspaces.errors import InvalidError, UnknownError

# The name that people know, where the company is, and how its mails look.
HEAD = """
SELECT coalesce(nullif(btrim(company), ''), name), postal_address, mail_color, mail_logo,
       mail_logo_width
FROM project WHERE id = %s
"""


def look_of(connection: psycopg.Connection[Any], project_id: UUID) -> Look:
    """The look of a project's mails."""
    row = connection.execute(HEAD, (project_id,)).fetchone()
    if row is None:
        raise UnknownError("There is no such project.")
    name, address, color, logo, width = row
    return Look(
        name=name,
        address=address.strip(),
        color=color or INK,
        logo_url=logo,
        base_url=environment.read().base_url.rstrip("/"),
        logo_width=width,
    )


def check_logo(connection: psycopg.Connection[Any], project_id: UUID, path: str) -> None:
    """That a logo is a picture of this project's own, or none. Raises InvalidError."""
    if path and images.at(connection, project_id, path) is None:
        raise InvalidError("mail_logo", "There is no such picture: upload it first.")


def use_logo(
    connection: psycopg.Connection[Any], project_id: UUID, path: str, now: datetime
) -> None:
    """The same, and it is kept for good: mails that were sent under it stay in mailboxes."""
    check_logo(connection, project_id, path)
    images.note_shown(connection, project_id, path, now)
