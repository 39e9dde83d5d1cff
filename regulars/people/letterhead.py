"""Whose mail it is: what a project's mails have in common, from its settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import environment
from regulars.mail.content.look import Look
from regulars.workspaces.errors import UnknownError

# The name that people know, and where the company is.
HEAD = """
SELECT coalesce(nullif(btrim(company), ''), name), postal_address FROM project WHERE id = %s
"""


def look_of(connection: psycopg.Connection[Any], project_id: UUID, *, color: str = "") -> Look:
    """The look of a project's mails; `color` is "#rrggbb", or empty for our own."""
    row = connection.execute(HEAD, (project_id,)).fetchone()
    if row is None:
        raise UnknownError("There is no such project.")
    name, address = row
    base = environment.read().base_url.rstrip("/")
    given = {"color": color} if color else {}
    return Look(name=name, address=address.strip(), base_url=base, **given)
