"""What agents do to everybody they selected in a list: they ask here, and see how far it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.request import QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from regulars.console import bulk_words
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.people_lists import listed_of
from regulars.console.refusals import refusal
from regulars.console.templatetags.console import number
from regulars.kit import clock, database
from regulars.people import actions, bulk, bulk_jobs, export, selection, values
from regulars.people.bulk_jobs import Job
from regulars.people.selection import Asked, Selection
from regulars.segments import actions as segment_actions
from regulars.segments import queries as segment_queries
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.models import Agent

P = ParamSpec("P")
Connection = psycopg.Connection[Any]

A_PIECE = 256 * 1024  # bytes of a file that are sent at a time
A_FEW = 10  # people who may be deleted without their number being typed
FORBIDDEN, UNKNOWN = 403, 404

audit.describe(bulk.AUDITED)


class _Selected(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says of who is selected: `ids`, or a list's address and who was unticked."""

    ids: Sequence[UUID] | None = None
    list: str | None = None
    without: Sequence[UUID] = ()
    at: datetime | None = None


def _in_words(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """What is refused is said on the page, which stays as it is."""

    @wraps(view)
    def wrapper(request: AgentRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except InvalidError as wrong:
            return refusal(wrong.message)
        except UnknownError as unknown:
            return refusal(str(unknown), UNKNOWN)

    return wrapper


@agent_view()
@require_POST
@_in_words
def start(request: AgentRequest) -> HttpResponseBase:
    """Begin what was chosen in the bar; the answer is what is going on now."""
    kind = _kind(request)
    if kind in bulk_words.MANAGED and request.role.role not in MANAGERS:
        return refusal(bulk_words.MANAGED[kind], FORBIDDEN)
    now = clock.now()
    selected = selected_of(request.POST.get("selection", ""), now)
    most = _confirmed(request) if kind == "erase" else None

    def work(core: Connection) -> Job:
        job = bulk.start(
            core,
            request.project.id,
            kind,
            selected,
            now,
            zone=ZoneInfo(request.project.time_zone),
            given=_given(core, request, now),
            agent_id=request.user.id,
            most=most,
        )
        _log(request, job, now)
        return job

    actions.settled(database.of_django, work)
    answer = _jobs(request)
    answer["HX-Trigger"] = json.dumps({"bulk-started": {"action": kind}})
    return answer


@agent_view()
@require_GET
def jobs(request: AgentRequest) -> HttpResponse:
    """What is going on, and what the agent's own jobs came to."""
    return _jobs(request)


@agent_view()
@require_POST
@_in_words
def cancel(request: AgentRequest, job_id: UUID) -> HttpResponse:
    """Stop a job: what is done stays."""
    now = clock.now()
    with database.of_django() as core:
        job = bulk.cancel(core, request.project.id, job_id, now)
        said = bulk_words.title(job)
        audit.record(request.project.id, "people.bulk_stopped", said, by=actor_of(request), now=now)
    return _jobs(request)


@agent_view()
@require_POST
@_in_words
def undo(request: AgentRequest, job_id: UUID) -> HttpResponse:
    """Take a job back."""
    now = clock.now()
    with database.of_django() as core:
        _log(request, bulk.undo(core, request.project.id, job_id, now, request.user.id), now)
    return _jobs(request)


@agent_view()
@require_POST
def close(request: AgentRequest, job_id: UUID) -> HttpResponse:
    """Show a job that has ended no longer."""
    with database.of_django() as core:
        bulk.close(core, request.project.id, job_id, clock.now())
    return _jobs(request)


@agent_view(MANAGERS)
@require_GET
def download(request: AgentRequest, job_id: UUID) -> HttpResponseBase:
    """The file of an export."""
    with database.of_django() as core:
        job = bulk_jobs.find(core, request.project.id, job_id)
        if job is None or job.kind != "export" or job.state != "done":
            raise UnknownError("There is no such file.")
        said = bulk_words.people(job.changed)
        now = clock.now()
        audit.record(
            request.project.id, "people.export_downloaded", said, by=actor_of(request), now=now
        )
    file = export.file_of(job)
    if not file.exists():
        raise Http404
    headers = {
        "Content-Disposition": f'attachment; filename="people-{job.asked_at:%Y-%m-%d}.csv"',
        "Content-Length": str(job.file_bytes),
    }
    return StreamingHttpResponse(
        _pieces(file), content_type="text/csv; charset=utf-8", headers=headers
    )


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    """The file, a piece at a time: it may be far larger than what memory should be spent on."""
    # The connection that let the agent in must not wait for a slow line.
    await sync_to_async(connections.close_all)()
    with await asyncio.to_thread(file.open, "rb") as handle:
        while piece := await asyncio.to_thread(handle.read, A_PIECE):
            yield piece


@agent_view()
@require_GET
@_in_words
def count(request: AgentRequest) -> HttpResponseBase:
    """How many people a list has now, and since when it was so: for *Select all*."""
    now = clock.now()
    everyone = selection.everyone(listed_of(request.GET).which(now), before=now)
    asked = Asked(request.project.id, everyone, now, ZoneInfo(request.project.time_zone))
    with database.of_django() as core:
        people = selection.count(core, asked)
    return JsonResponse({"people": people, "at": now.isoformat()})


@agent_view()
@require_GET
@_in_words
def segments(request: AgentRequest) -> HttpResponse:
    """The menu of hand-picked segments: who is selected can be added to each."""
    here = listed_of(request.GET).which(clock.now()).segment_id
    with database.of_django() as core:
        saved = segment_queries.saved(core, request.project.id)
    offers = [one for one in saved if one.filter is None]
    context = {
        "offers": [one for one in offers if one.id != here],
        "here": next((one for one in offers if one.id == here), None),
    }
    return render(request, "console/bulk/segments.html", context)


@agent_view()
@require_GET
def tags(request: AgentRequest) -> HttpResponse:
    """Tags that many people have: offered while one is typed."""
    with database.of_django() as core:
        found = values.frequent_values(core, request.project.id, "tags")
    return render(request, "console/bulk/tags.html", {"tags": [one.value for one in found]})


def _kind(request: AgentRequest) -> str:
    """The action that was chosen; a segment's button in the menu says by its name which."""
    if "remove_from" in request.POST:
        return "segment_remove"
    if "segment" in request.POST:
        return "segment_add"
    return request.POST.get("action", "")


def selected_of(said: str, now: datetime) -> Selection:
    """Who is meant. A list means who was on it when it was selected, and has not left since.

    Raises InvalidError.
    """
    try:
        given = msgspec.json.decode(said.encode(), type=_Selected)
    except (msgspec.MsgspecError, UnicodeError):
        raise InvalidError(
            "selection", "Select the people again: that was not understood."
        ) from None
    if given.ids is not None:
        return selection.picked(given.ids)
    if given.list is None:
        raise InvalidError("selection", "Select somebody first.")
    listed = listed_of(QueryDict(given.list.removeprefix("?")))
    at = given.at if given.at is not None and given.at.tzinfo else now
    return selection.everyone(listed.which(now), without=given.without, before=min(at, now))


def _given(core: Connection, request: AgentRequest, now: datetime) -> Mapping[str, Any]:
    """What an action needs beside the people. A segment that is not there yet is made."""
    given: dict[str, Any] = {
        "tag": request.POST.get("tag"),
        "segment": request.POST.get("segment") or request.POST.get("remove_from"),
    }
    if "new_segment" in request.POST:
        name = request.POST["new_segment"]
        made = segment_actions.create(
            core, request.project.id, name, now, people=(), by=request.user.id
        )
        given["segment"] = str(made)
    return given


def _confirmed(request: AgentRequest) -> int:
    """How many people the agent was told would be deleted, and said yes to."""
    told = _whole(request.POST.get("people", ""))
    if told is None:
        raise InvalidError("people", "Select the people again: their number is missing.")
    if told > A_FEW and _whole(request.POST.get("typed", "")) != told:
        raise InvalidError("typed", f"Type {number(told)} to delete {bulk_words.people(told)}.")
    return told


def _whole(text: str) -> int | None:
    digits = text.replace(",", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None  # noqa: PLR2004 - more is nobody's number


def _log(request: AgentRequest, job: Job, now: datetime) -> None:
    action, said = bulk_words.audited(job)
    audit.record(request.project.id, action, said, by=actor_of(request), now=now)


def _jobs(request: AgentRequest) -> HttpResponse:
    now = clock.now()
    with database.of_django() as core:
        shown = bulk_jobs.shown_to(core, request.project.id, request.user.id, now)
    others = {job.created_by for job in shown if job.created_by not in (None, request.user.id)}
    names = {agent.id: agent.called for agent in Agent.objects.filter(id__in=others)}
    cards = [
        bulk_words.card(job, by=names.get(job.created_by, "") if job.created_by else "")
        for job in shown
    ]
    context = {"cards": cards, "runs": any(card.runs for card in cards)}
    return render(request, "console/bulk/jobs.html", context)
