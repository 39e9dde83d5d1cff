"""What the things that filters name are called: segments, checkpoints, campaigns, their steps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns
from regulars.console.campaigns_called import step_names
from regulars.filters.ast import CampaignCondition, Filter, conditions
from regulars.filters.errors import FilterError
from regulars.filters.parse import parse
from regulars.segments import queries as segments
from regulars.segments.queries import Called

Connection = psycopg.Connection[Any]


def names_in(connection: Connection, project_id: UUID, *filters: Any) -> Called:
    """The names that these filters need, decoded JSON or parsed; None is no filter."""
    names = segments.names(connection, project_id)
    asked = [
        one
        for filter_ in filters
        for one in conditions_of(filter_)
        if isinstance(one, CampaignCondition)
    ]
    if asked:
        names.update(campaigns.names(connection, project_id))
        stepped = {one.campaign for one in asked if one.step is not None}
        names.steps = step_names(connection, project_id, stepped) if stepped else {}
    return names


def conditions_of(filter_: Any) -> list[Any]:
    """The filter's conditions; none of one that is not understood."""
    if filter_ is None:
        return []
    try:
        parsed: Filter = parse(filter_) if isinstance(filter_, dict) else filter_
    except FilterError:
        return []
    return list(conditions(parsed))
