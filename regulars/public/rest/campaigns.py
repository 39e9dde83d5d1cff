"""Campaigns: make, list, read, change, start, pause, resume, stop, delete; what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from ninja import Query, Router

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import results as numbers
from regulars.campaigns import world
from regulars.campaigns.engine.intervals import Interval
from regulars.campaigns.results import Mailed, OfStep
from regulars.public.rest import campaigns_schemas as schemas
from regulars.public.rest.answers import ERRORS_OF_CHANGES
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

router = Router(tags=["Campaigns"])

audit.describe(slice_.AUDITED)

ERRORS = ERRORS_OF_CHANGES

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]


@router.get("", response={200: schemas.Campaigns, **ERRORS}, summary="List the campaigns")
def list_campaigns(
    request: KeyRequest, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Campaigns:
    """Those that were changed last first."""

    def work(core: Connection) -> schemas.Campaigns:
        found = slice_.all_of(core, request.auth.id)
        first = 0
        if cursor is not None:
            first = next((n for n, one in enumerate(found) if str(one.id) == cursor), -1) + 1
            if not first:
                raise InvalidError("cursor", "That is not a cursor of this list.")
        part = found[first : first + limit]
        goes_on = len(found) > first + limit
        return schemas.Campaigns(
            items=[schemas.Campaign(**_said(one)) for one in part],
            next=str(part[-1].id) if goes_on else None,
        )

    return change(work)


@router.post("", response={201: schemas.CheckedCampaign, **ERRORS}, summary="Make a campaign")
def make(request: KeyRequest, given: schemas.NewCampaign) -> HttpResponse:
    """A draft, and what is wrong with it: nothing happens until it is started."""
    said = given.model_dump(exclude_unset=True)
    name = said.pop("name")

    def work(core: Connection) -> tuple[int, schemas.CheckedCampaign]:
        made = slice_.create(core, request.auth.id, name, said, request.now)
        return 201, _noted(core, request, made, "campaign.made")

    return change_once(request, work)


@router.get(
    "/{campaign_id}", response={200: schemas.CheckedCampaign, **ERRORS}, summary="Read a campaign"
)
def read(request: KeyRequest, campaign_id: UUID) -> schemas.CheckedCampaign:
    """The campaign as it was written last, and what is wrong with it."""
    return change(lambda core: _checked(core, request, campaign_id))


@router.patch(
    "/{campaign_id}", response={200: schemas.CheckedCampaign, **ERRORS}, summary="Change a campaign"
)
def change_campaign(
    request: KeyRequest, campaign_id: UUID, given: schemas.CampaignChange
) -> schemas.CheckedCampaign:
    """Each part that is given takes the place of what was there. `start` publishes it."""
    said = given.model_dump(exclude_unset=True)
    name = said.pop("name", None)

    def work(core: Connection) -> schemas.CheckedCampaign:
        before = slice_.get(core, request.auth.id, campaign_id)
        data = {**before.draft, **said} if said else None
        slice_.save(core, request.auth.id, campaign_id, request.now, name=name, data=data)
        return _noted(core, request, campaign_id, "campaign.changed")

    return change(work)


@router.delete("/{campaign_id}", response={204: None, **ERRORS}, summary="Delete a campaign")
def delete(request: KeyRequest, campaign_id: UUID) -> HttpResponse:
    """One that does not run. What it sent stays in people's timelines."""

    def work(core: Connection) -> HttpResponse:
        one = slice_.get(core, request.auth.id, campaign_id)
        slice_.delete(core, request.auth.id, campaign_id, request.now)
        _record(request, "campaign.deleted", one.name)
        return HttpResponse(status=204)

    return change(work)


@router.post(
    "/{campaign_id}/start",
    response={200: schemas.CheckedCampaign, **ERRORS},
    summary="Start a campaign, or publish its changes",
)
def start(request: KeyRequest, campaign_id: UUID) -> HttpResponse:
    """Refused, by the first mistake, while something is wrong."""

    def work(core: Connection) -> tuple[int, schemas.CheckedCampaign]:
        before = slice_.get(core, request.auth.id, campaign_id)
        world.start(core, request.auth.id, campaign_id, request.now, None)
        new = before.state == "draft"
        action = "campaign.started" if new else "campaign.published"
        return 200, _noted(core, request, campaign_id, action)

    return change_once(request, work)


@router.post(
    "/{campaign_id}/pause",
    response={200: schemas.CheckedCampaign, **ERRORS},
    summary="Pause a campaign",
)
def pause(request: KeyRequest, campaign_id: UUID) -> HttpResponse:
    """Nobody enters and nobody moves; whoever waits keeps the instant when that is over."""
    return _act(request, campaign_id, slice_.pause, "campaign.paused")


@router.post(
    "/{campaign_id}/resume",
    response={200: schemas.CheckedCampaign, **ERRORS},
    summary="Resume a campaign",
)
def resume(request: KeyRequest, campaign_id: UUID) -> HttpResponse:
    """It goes on. What happened during the pause lets nobody in."""
    return _act(request, campaign_id, slice_.resume, "campaign.resumed")


@router.post(
    "/{campaign_id}/stop",
    response={200: schemas.CheckedCampaign, **ERRORS},
    summary="Stop a campaign",
)
def stop(request: KeyRequest, campaign_id: UUID) -> HttpResponse:
    """For everyone and for good."""
    return _act(request, campaign_id, slice_.stop, "campaign.stopped")


@router.get(
    "/{campaign_id}/results",
    response={200: schemas.Results, **ERRORS},
    summary="What came of a campaign",
)
def results(request: KeyRequest, campaign_id: UUID) -> schemas.Results:
    """By step, by message, by day, and the goal against those who get nothing."""

    def work(core: Connection) -> schemas.Results:
        one = slice_.get(core, request.auth.id, campaign_id)
        found = numbers.results(core, one, request.now)
        return schemas.Results(
            entered=found.entered,
            held_out=found.held_out,
            under_way=found.under_way,
            goal=found.goal,
            held_out_goal=found.held_out_goal,
            share=_share(found.share),
            held_out_share=_share(found.held_out_share),
            difference=_share(found.difference),
            ended=dict(found.ended),
            emails=_emails(found.mailed),
            steps=[_step(step) for step in found.steps],
            days=[
                schemas.DayResults(
                    day=day.day.isoformat(), entered=day.entered, emails=day.emails, goal=day.goal
                )
                for day in found.days
            ],
        )

    return change(work)


Action = Callable[[Connection, UUID, UUID, datetime, UUID | None], None]


def _act(request: KeyRequest, campaign_id: UUID, action: Action, said: str) -> HttpResponse:
    def work(core: Connection) -> tuple[int, schemas.CheckedCampaign]:
        action(core, request.auth.id, campaign_id, request.now, None)
        return 200, _noted(core, request, campaign_id, said)

    return change_once(request, work)


def _noted(
    core: Connection, request: KeyRequest, campaign_id: UUID, action: str
) -> schemas.CheckedCampaign:
    answer = _checked(core, request, campaign_id)
    _record(request, action, answer.name)
    return answer


def _checked(core: Connection, request: KeyRequest, campaign_id: UUID) -> schemas.CheckedCampaign:
    one = slice_.get(core, request.auth.id, campaign_id)
    checked = world.check(core, request.auth.id, one.written, request.now)
    problems = [schemas.Problem(**asdict(each)) for each in checked.problems]
    return schemas.CheckedCampaign(**_said(one), people=checked.audience, problems=problems)


def _said(one: slice_.Campaign) -> dict[str, Any]:
    parts = ("audience", "trigger", "entry", "steps", "exit", "respect")
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        **{part: one.draft[part] for part in parts},
        "goal": one.draft.get("goal"),
        "unpublished": one.is_changed,
        "next_run_at": _utc(one.next_run_at) if one.state == "running" else None,
        "created_at": _utc(one.created_at),
        "changed_at": _utc(one.changed_at),
        "started_at": _utc(one.started_at),
        "ended_at": _utc(one.ended_at),
    }


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at is not None else None


def _share(interval: Interval | None) -> schemas.Share | None:
    return schemas.Share(**asdict(interval)) if interval is not None else None


def _emails(mailed: Mailed) -> schemas.Emails:
    return schemas.Emails(**asdict(mailed))


def _step(step: OfStep) -> schemas.StepResults:
    return schemas.StepResults(
        step=step.step.id,
        type=step.kind,
        done=step.done,
        waiting=step.waiting,
        goal=step.goal,
        emails=_emails(step.mailed) if step.kind == "email" else None,
        variants=[
            schemas.VariantResults(
                variant=one.variant.id, done=one.done, emails=_emails(one.mailed), goal=one.goal
            )
            for one in step.variants
        ],
    )


def _record(request: KeyRequest, action: str, name: str) -> None:
    audit.record(request.auth.id, action, name, by=actor_of(request), now=request.now)
