"""People → Import: a file is given, its columns become facts, a dry run says what would happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import imports_page
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.frame import frame
from regulars.console.refusals import refusal
from regulars.console.templatetags.console import number
from regulars.kit import clock, database
from regulars.people import actions, bulk
from regulars.people.imports import cells, file_rows, jobs, mapping, sheet, taking
from regulars.people.imports.bringing import Existing, How
from regulars.people.imports.jobs import Import
from regulars.people.imports.mapping import Column
from regulars.people.imports.sheet import FileError
from regulars.people.selection import MadeBy
from regulars.segments import actions as segment_actions
from regulars.workspaces import audit
from regulars.workspaces.errors import ConflictError, InvalidError
from regulars.workspaces.models import Agent

P = ParamSpec("P")
Connection = psycopg.Connection[Any]

LISTED = 10  # earlier imports
AUDITED = {
    "people.import_started": "Began to import people",
    "people.import_stopped": "Stopped an import of people",
    "people.import_undone": "Took back the people of an import",
}
audit.describe(bulk.AUDITED | AUDITED)


def _in_words(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """What is refused is said on the page, which stays as it is."""

    @wraps(view)
    def wrapper(request: AgentRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (InvalidError, ConflictError) as wrong:
            return refusal(wrong.message)
        except FileError as wrong:
            return refusal(str(wrong))

    return wrapper


@agent_view(MANAGERS)
@require_http_methods(["GET", "HEAD", "POST"])
def import_people(request: AgentRequest) -> HttpResponseBase:
    """Where a file is given; what was brought in before."""
    error = ""
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_url(_taken(request)))
        except FileError as wrong:
            error = str(wrong)
    with database.of_django() as core:
        found = jobs.newest(core, request.project.id, request.user.id, LISTED)
    agents = {one.created_by for one in found if one.created_by}
    names = {agent.id: agent.called for agent in Agent.objects.filter(id__in=agents)}
    context = {
        "shell": frame(request, "people"),
        "project": request.project,
        "error": error,
        "most": sheet.MOST_BYTES // 1024 // 1024,
        "most_bytes": sheet.MOST_BYTES,
        "earlier": [
            (job, imports_page.numbers(job), imports_page.agents_named(names, job)) for job in found
        ],
    }
    return render(request, "console/imports/new.html", context, status=422 if error else 200)


def _taken(request: AgentRequest) -> Import:
    given = request.FILES.get("file")
    if given is None:
        raise FileError("Choose a file first.")
    with database.of_django() as core:
        job = taking.take(
            core,
            request.project.id,
            given.name or "people.csv",
            given,
            clock.now(),
            agent_id=request.user.id,
        )
        return _checking(core, job, job.mapping, _first(job))


@agent_view(MANAGERS)
@require_GET
def one_import(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """An import: before it starts its columns and its dry run, then what comes of it."""
    with database.of_django() as core:
        job = jobs.find(core, request.project.id, import_id)
        context = _context(core, request, job)
    context["shell"] = frame(request, "people")
    return render(request, "console/imports/import.html", context)


@agent_view(MANAGERS)
@require_GET
def import_now(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """How far it is: asked for each second while the worker has something to do with it."""
    with database.of_django() as core:
        job = jobs.find(core, request.project.id, import_id)
        context = _context(core, request, job)
    return render(request, "console/imports/now.html", context)


@agent_view(MANAGERS)
@require_POST
@_in_words
def change_import(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """Other columns, or another choice: the dry run begins anew."""
    with database.of_django() as core:
        job = jobs.find(core, request.project.id, import_id)
        columns = _columns(request, job)
        how = _how(request, job.how)
        options = taking.options(how, make_segment="make_segment" in request.POST)
        same = columns == job.mapping and replace(how, starts_campaigns=False) == replace(
            job.how, starts_campaigns=False
        )
        if same:
            jobs.keep_options(core, job, options)
        else:
            job = _checking(core, job, columns, options)
        context = _context(core, request, jobs.find(core, request.project.id, import_id))
    return render(request, "console/imports/body.html", context)


@agent_view(MANAGERS)
@require_POST
@_in_words
def start_import(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """Bring them in. Whether they may get marketing is asked, and must be answered."""
    now = clock.now()

    def work(core: Connection) -> Import:
        job = jobs.find(core, request.project.id, import_id)
        if request.POST.get("marketing") not in ("yes", "no"):
            raise InvalidError("marketing", "Say whether they agreed to get marketing email.")
        how = replace(job.how, marketing=request.POST["marketing"] == "yes")
        if job.options.get("make_segment"):
            how = replace(how, segment=str(_segment(core, request, job, now)))
        options = taking.options(
            how, make_segment=bool(job.options.get("make_segment")), asked=True
        )
        jobs.start(core, job, options, now)
        said = f"{number(job.rows_done)} rows of {job.file_name}"
        audit.record(
            request.project.id, "people.import_started", said, by=actor_of(request), now=now
        )
        return job

    return HttpResponseRedirect(_url(actions.settled(database.of_django, work)))


@agent_view(MANAGERS)
@require_POST
def cancel_import(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """Stop it, or let go of a draft. Who is in stays in."""
    now = clock.now()
    with database.of_django() as core:
        job = jobs.find(core, request.project.id, import_id)
        if job.is_dry:
            file_rows.forget(core, request.project.id, import_id)
            return HttpResponseRedirect(reverse("import_people", args=[request.project.id]))
        if jobs.end(core, job, "cancelled", now):
            audit.record(
                request.project.id, "people.import_stopped", job.file_name,
                by=actor_of(request), now=now,
            )  # fmt: skip
    jobs.file_of(job.id).unlink(missing_ok=True)
    return HttpResponseRedirect(_url(job))


@agent_view(MANAGERS)
@require_POST
@_in_words
def undo_import(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """Erase whom it made, but those who have done something since."""
    now = clock.now()

    def work(core: Connection) -> Import:
        job = jobs.find(core, request.project.id, import_id)
        undoing = bulk.start(
            core, request.project.id, "erase", MadeBy(job.id), now,
            zone=ZoneInfo(request.project.time_zone), agent_id=request.user.id,
        )  # fmt: skip
        jobs.mark_undone(core, job, undoing.id)
        said = f"{number(undoing.total)} of {job.file_name}"
        audit.record(
            request.project.id, "people.import_undone", said, by=actor_of(request), now=now
        )
        return job

    return HttpResponseRedirect(_url(actions.settled(database.of_django, work)))


@agent_view(MANAGERS)
@require_GET
def refused_rows(request: AgentRequest, import_id: UUID) -> HttpResponseBase:
    """The refused rows as a file that can be mended and brought in again."""
    with database.of_django() as core:
        job = jobs.find(core, request.project.id, import_id)
    answer = HttpResponse(taking.refused_text(job), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="refused.csv"'
    return answer


def _context(core: Connection, request: AgentRequest, job: Import) -> dict[str, Any]:
    now = clock.now()
    context: dict[str, Any] = {
        "project": request.project,
        "job": job,
        "how": job.how,
        "file": imports_page.file_words(job),
        "numbers": imports_page.numbers(job),
        "percent": imports_page.percent(job),
        "refused": imports_page.refused_rows(core, job),
        "make_segment": job.options.get("make_segment", False),
        "can_undo": imports_page.undoable(job),
        "consent": next((one.name for one in job.mapping if one.fact in mapping.CONSENT), ""),
    }
    if job.is_dry:
        records = imports_page.sampled(job)
        columns, known, company = imports_page.columns(core, job, records)
        heads, rows = imports_page.preview(core, job, [] if job.error else records, now)
        context |= {
            "columns": columns, "known": known, "company": company, "heads": heads, "rows": rows,
            "standard": imports_page.STANDARD, "consents": imports_page.CONSENT.items(),
            "fresh": [one.fact.partition(".")[2] for one in columns if one.badge == "New field"],
            "warned": [one for one in columns if one.badge_kind == "warn"],
        }  # fmt: skip
    return context


def _first(job: Import) -> dict[str, Any]:
    """What is proposed: a tag, and a segment of them."""
    return taking.options(How(tag=f"import {job.worked_at:%b %Y}".lower()), make_segment=True)


def _checking(
    core: Connection, job: Import, columns: list[Column], options: dict[str, Any]
) -> Import:
    """A dry run begins; where the columns won't do, it says why and waits for others."""
    now = clock.now()
    try:
        mapping.check([column.fact for column in columns])
    except FileError as wrong:
        jobs.change(core, job, columns, options, now, state="draft")
        jobs.complain(core, job, str(wrong))
    else:
        jobs.change(core, job, columns, options, now, state="checking")
    return jobs.find(core, job.project_id, job.id)


def _columns(request: AgentRequest, job: Import) -> list[Column]:
    """What was chosen for each column; what was not said stays as it was. Raises FileError."""
    found = []
    records = imports_page.sampled(job)
    for n, column in enumerate(job.mapping):
        fact = request.POST.get(f"fact-{n}", column.fact)[: mapping.LONGEST_NAME + 20]
        mapping.check_one(fact)
        type_ = request.POST.get(f"type-{n}", column.type)
        if fact != column.fact:
            samples = [r.cells[n].strip() for r in records if n < len(r.cells)]
            type_ = mapping.type_for(fact, samples)
        found.append(Column(column.name, fact, type_ if type_ in cells.TYPES else "text"))
    return found


def _how(request: AgentRequest, before: How) -> How:
    """The choices beside the columns. Raises InvalidError."""
    existing = request.POST.get("existing", before.existing)
    if existing not in ("update", "fill", "leave"):
        raise InvalidError("existing", "Choose what happens to people who are here already.")
    return replace(
        before,
        existing=cast("Existing", existing),
        by_email_only=request.POST.get("by") == "email",
        as_users=request.POST.get("kind") == "user",
        tag=taking.tag_of(request.POST.get("tag", "")),
        starts_campaigns="starts_campaigns" in request.POST,
    )


def _segment(core: Connection, request: AgentRequest, job: Import, now: datetime) -> UUID:
    """The hand-picked segment that they go into."""
    name = f"Import of {job.file_name}"[:60] + f", {now:%d %b %Y, %H:%M}"
    return segment_actions.create(
        core, request.project.id, name, now, people=(), by=request.user.id
    )


def _url(job: Import) -> str:
    return reverse("one_import", args=[job.project_id, job.id])
