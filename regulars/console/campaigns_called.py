"""What the things that campaigns name are called in a project."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns, wording
from regulars.console.campaigns_words import Called
from regulars.segments import queries as segments

Connection = psycopg.Connection[Any]


def called_of(connection: Connection, project_id: UUID) -> Called:
    """The names of the project's segments, campaigns and templates."""
    return Called(
        segments=segments.names(connection, project_id),
        campaigns=campaigns.names(connection, project_id),
        templates=wording.template_names(connection, project_id),
    )
