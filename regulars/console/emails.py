"""Quick email: to whom. A selection, a segment, everybody, or somebody on their profile."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import emails, ledger, quick
from regulars.console.access import AgentRequest, agent_view
from regulars.console.bulk import selected_of
from regulars.console.emails_draft import fill_from, in_words
from regulars.console.emails_people import gather
from regulars.console.frame import frame
from regulars.kit import clock, database
from regulars.mail.content.content import Content
from regulars.people import actions, store
from regulars.people.person import Person
from regulars.people.selection import Everyone, Selection
from regulars.segments import queries as segment_queries
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MOST_SEGMENTS = 200  # to choose from


@agent_view()
@require_GET
def new(request: AgentRequest) -> HttpResponse:
    """Whom to write to: a segment, everybody, or whoever is picked in a list."""
    with database.of_django() as core:
        found = segment_queries.segments_after(core, request.project.id, 0, MOST_SEGMENTS)
        person = _asked_for(core, request)
    context = {
        "shell": frame(request, "campaigns"),
        "segments": found,
        "person": person,
        "template": _asked_template(request),
        "project": request.project,
    }
    return render(request, "console/emails/new.html", context)


@agent_view()
@require_POST
@in_words
def begin(request: AgentRequest) -> HttpResponseBase:
    """A draft to whoever was selected; its audience is frozen from now on."""
    now, project_id = clock.now(), request.project.id
    given = request.POST

    def work(core: Connection) -> UUID:
        selected = _selected(core, request, now)
        owner = quick.owner(core, project_id)
        made = emails.create(
            core,
            project_id,
            content=Content.of_text("", ""),
            sender=owner.sender,
            reply_to=owner.from_email,
            created_by=request.user.id,
            now=now,
        )
        zone = ZoneInfo(request.project.time_zone)
        emails.set_audience(core, project_id, made, selected, now, zone=zone)
        ledger.begin(core, project_id, made, now)
        if given.get("template"):
            fill_from(core, request, made, given["template"], now)
        return made

    email_id = actions.settled(database.of_django, work)
    gather(project_id, email_id)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))


def _asked_template(request: AgentRequest) -> str:
    """The id of the template that the address asks to write with, as `?template=`."""
    try:
        return str(UUID(request.GET.get("template", "")))
    except ValueError:
        return ""


def _selected(core: Connection, request: AgentRequest, now: datetime) -> Selection:
    given = request.POST
    if given.get("person"):
        try:
            return quick.people_picked(core, request.project.id, [UUID(given["person"])])
        except (ValueError, UnknownError):
            raise InvalidError("person", "They are not there any more.") from None
    if given.get("segment"):
        try:
            found = segment_queries.segment(core, request.project.id, UUID(given["segment"]))
        except (ValueError, UnknownError):
            raise InvalidError("segment", "There is no such segment any more.") from None
        return Everyone(segment=found.id, before=now)
    if given.get("kind") in ("user", "lead"):
        return Everyone(kind=given["kind"], before=now)
    return selected_of(given.get("selection", ""), now)


def _asked_for(core: Connection, request: AgentRequest) -> Person | None:
    """The person whose profile it was asked for on."""
    try:
        wanted = UUID(request.GET.get("person", ""))
    except ValueError:
        return None
    return store.read(core, request.project.id, [wanted]).get(wanted)
