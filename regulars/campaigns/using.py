"""Which campaigns a segment is used by, as their segments' pages and deletions ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import campaigns
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.filters.ast import Filter, SegmentCondition, conditions
from regulars.segments.queries import Use

Connection = psycopg.Connection[Any]

NOTES = {"draft": "a draft", "running": "sending", "paused": "paused"}


def campaigns_using(connection: Connection, project_id: UUID, segment_id: UUID) -> list[Use]:
    """The campaigns that go on, or may, and ask for the segment: as they run, or as drafts have it.

    One that runs keeps the segment from being deleted; a draft says itself what it lacks then.
    """
    return [
        Use("campaign", one.id, one.name, NOTES[one.state], holds=one.state != "draft")
        for one in campaigns.all_of(connection, project_id)
        if one.state in NOTES and segment_id in _segments_of(one)
    ]


def _segments_of(one: Campaign) -> set[UUID]:
    written = [one.written, one.definition] if one.published else [one.written]
    return {segment for definition in written for segment in segments_in(definition)}


def segments_in(definition: d.Definition) -> Iterator[UUID]:
    """Every segment that the campaign names, some more than once."""
    audience, trigger = definition.audience, definition.trigger
    if audience.segment is not None:
        yield audience.segment
    yield from audience.exclude_segments
    if isinstance(trigger, d.Entered | d.Left):
        yield trigger.segment
    yield from (step.segment for step in d.all_steps(definition.steps) if isinstance(step, d.Pick))
    for filter_ in d.filters_of(definition).values():
        yield from _asked(filter_)


def _asked(filter_: Filter) -> Iterator[UUID]:
    return (one.segment for one in conditions(filter_) if isinstance(one, SegmentCondition))
