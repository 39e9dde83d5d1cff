"""What the things that campaigns name are called in a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns, wording
from regulars.campaigns.engine import definition as d
from regulars.console.campaigns_words import Called, step_title
from regulars.segments import queries as segments
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]


def called_of(connection: Connection, project_id: UUID) -> Called:
    """The names of the project's segments, campaigns, checkpoints and templates."""
    names = segments.names(connection, project_id)
    return Called(
        segments=names,
        campaigns=campaigns.names(connection, project_id),
        checkpoints=names.checkpoints,
        templates=wording.template_names(connection, project_id),
    )


def step_names(
    connection: Connection, project_id: UUID, ids: Iterable[UUID]
) -> dict[tuple[UUID, str], str]:
    """What the steps of these campaigns do, in quotes, as sentences about them name them."""
    called = called_of(connection, project_id)
    found = {}
    for id_ in ids:
        try:
            one = campaigns.get(connection, project_id, id_)
        except UnknownError:
            continue  # it is gone: its steps keep their ids
        for step in d.all_steps(one.definition.steps):
            found[id_, step.id] = f"“{step_title(step, called)}”"
    return found


def _variants(step: d.Step) -> list[str]:
    return [each.id for each in step.variants] if isinstance(step, d.Email) else []


def steps_listed(connection: Connection, project_id: UUID) -> dict[UUID, list[dict[str, Any]]]:
    """The steps of all campaigns, as the filter panel offers them; `variants` are an email's."""
    called = called_of(connection, project_id)
    return {
        one.id: [
            {
                "id": step.id,
                "name": step_title(step, called),
                "variants": _variants(step),
            }
            for step in d.all_steps(one.definition.steps)
        ]
        for one in campaigns.all_of(connection, project_id)
    }
