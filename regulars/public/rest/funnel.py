"""The user funnel: its checkpoints, read and changed, and how people do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import psycopg
from ninja import Query, Router

from regulars.funnels import actions, parts, queries
from regulars.funnels import report as reports
from regulars.funnels.queries import Checkpoint
from regulars.funnels.report import Period, Stage
from regulars.funnels.rows import Draft
from regulars.public.rest import funnel_schemas as schemas
from regulars.public.rest.answers import ERRORS
from regulars.public.rest.requests import KeyRequest, actor_of, change
from regulars.public.rest.schemas import Filling
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

router = Router(tags=["Funnel"])

audit.describe(actions.AUDITED)

Since = Annotated[
    datetime | None,
    Query(alias="from", description="Of people who reached the first checkpoint since then."),
]
Until = Annotated[datetime | None, Query(alias="to", description="And before then.")]
SplitBy = Annotated[
    str,
    Query(description="A field such as `country` or `attributes.plan`, or `segment:<id>`."),
]


@router.get("", response={200: schemas.Funnel, **ERRORS}, summary="Read the funnel")
def read(request: KeyRequest) -> schemas.Funnel:
    """The checkpoints in their order."""
    return change(lambda core: _said(core, request))


@router.put("", response={200: schemas.Funnel, **ERRORS}, summary="Change the funnel")
def put(request: KeyRequest, given: schemas.FunnelChange) -> schemas.Funnel:
    """Let these be the checkpoints, 2 to 5, in this order.

    One without a `number` has the number of its place. Where a condition is new, everybody is
    looked at once: until `counting` is null, the condition before stays in force, but where only
    days are others.
    """
    drafts = [
        Draft(one.title, one.description, one.filter, one.number) for one in given.checkpoints
    ]

    def work(core: Connection) -> schemas.Funnel:
        before = actions.drafts_of(core, request.auth.id)
        actions.put(core, request.auth.id, drafts, request.now)
        after = actions.drafts_of(core, request.auth.id)
        if after != before:
            audit.record(
                request.auth.id,
                "funnel.changed",
                ", ".join(one.title for one in after),
                by=actor_of(request),
                now=request.now,
            )
        return _said(core, request)

    return change(work)


@router.get(
    "/report",
    response={200: schemas.FunnelReport, **ERRORS},
    summary="How people do",
    by_alias=True,
)
def report(
    request: KeyRequest, since: Since = None, until: Until = None, split: SplitBy = ""
) -> schemas.FunnelReport:
    """How many people got how far, in what time, and against the period before."""
    period = Period(_aware("from", since), _aware("to", until))
    if period.since and period.until and period.since >= period.until:
        raise InvalidError("to", "The end of the period comes before its beginning.")

    def work(core: Connection) -> schemas.FunnelReport:
        by = parts.split_of(core, request.auth.id, split)
        found = reports.report(core, request.auth.id, period, by)
        said: dict[str, Any] = {
            "from": period.since,
            "to": period.until,
            "over_users": found.over_users,
            "sampled": found.is_sampled,
            "checkpoints": [_stage(one) for one in found.stages],
            "split": split or None,
            "parts": [
                schemas.Part(label=one.label, value=one.value, reached=list(one.reached))
                for one in found.parts
            ],
        }
        return schemas.FunnelReport(**said)

    return change(work)


def _said(core: Connection, request: KeyRequest) -> schemas.Funnel:
    found = queries.checkpoints(core, request.auth.id)
    return schemas.Funnel(checkpoints=[_checkpoint(one) for one in found])


def _checkpoint(one: Checkpoint) -> schemas.Checkpoint:
    counting = one.counting
    filling = None if counting is None else Filling(done=counting.done, total=counting.total)
    return schemas.Checkpoint(
        id=one.id,
        number=one.number,
        title=one.title,
        description=one.description,
        filter=one.wanted,
        counting=filling,
        meeting=one.meeting,
        dated_at=one.dated_at,
    )


def _stage(one: Stage) -> schemas.Stage:
    return schemas.Stage(
        number=one.checkpoint.number,
        title=one.checkpoint.title,
        reached=one.reached,
        reached_before=one.before,
        conversion=one.from_previous,
        conversion_of_all=one.of_all,
        dropped=one.dropped,
        median_seconds=_seconds(one.median),
        p90_seconds=_seconds(one.p90),
    )


def _seconds(time: timedelta | None) -> float | None:
    return None if time is None else time.total_seconds()


def _aware(field: str, at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise InvalidError(field, "Say the time with its offset, such as 2026-01-31T00:00:00Z.")
    return at
