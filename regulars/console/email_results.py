"""An email on its way and after: its numbers, live, the people behind each, and its brakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import email_queries, emails, unknown
from regulars.campaigns.emails import Email
from regulars.console import email_words, emails_compose, emails_people
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import frame
from regulars.kit import clock, database
from regulars.people import actions
from regulars.workspaces import audit
from regulars.workspaces.errors import ConflictError
from regulars.workspaces.models import Agent

Connection = psycopg.Connection[Any]
Deed = Callable[[Connection, UUID, UUID, datetime], None]

PAGE = 50

audit.describe(
    {
        "email.unknown_again": "Sent an email again to those of whom nobody knows",
        "email.unknown_leave": "Left those of whom nobody knows as they are",
    }
)

_DEEDS: dict[str, tuple[Deed, str]] = {
    "undo": (emails.take_back, "email.taken_back"),
    "pause": (emails.pause, "email.paused"),
    "resume": (emails.resume, "email.resumed"),
    "stop": (emails.stop, "email.stopped"),
}


@agent_view()
@require_GET
def all_emails(request: AgentRequest) -> HttpResponse:
    """Every email of its own, the newest first."""
    before = _place(request.GET.get("before", ""))
    with database.of_django() as core:
        found = email_queries.newest(
            core, request.project.id, clock.now(), before=before, limit=PAGE + 1
        )
    shown = found[:PAGE]
    more = f"{shown[-1].created_at.isoformat()}~{shown[-1].id}" if len(found) > PAGE else ""
    context = {
        "shell": frame(request, "campaigns"),
        "project": request.project,
        "emails": [
            (
                one,
                email_words.subject(one.subject, request.project),
                email_words.STATES[one.state],
                email_words.TONES.get(one.state, ""),
            )
            for one in shown
        ],
        "more": more,
        "first": before is None,
    }
    return render(request, "console/emails/emails.html", context)


@agent_view()
@require_GET
def email(request: AgentRequest, email_id: UUID) -> HttpResponse:
    """A draft to write on, or what became of what was sent."""
    with database.of_django() as core:
        found = emails.get(core, request.project.id, email_id)
    if found.state in ("draft", "gathering", "gathered"):
        return emails_compose.compose(request, emails_people.with_its_people(found))
    context = _results(request, found) | {"shell": frame(request, "campaigns")}
    return render(request, "console/emails/results.html", context)


@agent_view()
@require_GET
def now(request: AgentRequest, email_id: UUID) -> HttpResponse:
    """The numbers, for the open page."""
    with database.of_django() as core:
        found = emails.get(core, request.project.id, email_id)
    return render(request, "console/emails/results_now.html", _results(request, found))


@agent_view()
@require_GET
def people(request: AgentRequest, email_id: UUID, number: str) -> HttpResponse:
    """Who stands behind a number."""
    if number not in email_words.NUMBERS:
        raise Http404
    after = _uuid(request.GET.get("after", ""))
    with database.of_django() as core:
        found = emails.get(core, request.project.id, email_id)
        behind = email_queries.people_behind(
            core, request.project.id, email_id, number, after=after, limit=PAGE + 1
        )
    context = {
        "shell": frame(request, "campaigns"),
        "email": found,
        "subject": email_words.subject(found.subject, request.project),
        "label": email_words.NUMBERS[number],
        "number": number,
        "sees_mail": number != "left_out",
        "people": [(one, email_words.reason(one)) for one in behind[:PAGE]],
        "more": behind[PAGE - 1].id if len(behind) > PAGE else None,
    }
    return render(request, "console/emails/people.html", context)


@agent_view()
@require_POST
def control(request: AgentRequest, email_id: UUID, deed: str) -> HttpResponseBase:
    """Take it back, pause it, go on with it, stop it."""
    if deed not in _DEEDS:
        raise Http404
    do, action = _DEEDS[deed]
    at, project_id = clock.now(), request.project.id

    def work(core: Connection) -> None:
        do(core, project_id, email_id, at)
        subject = emails.get(core, project_id, email_id).subject
        audit.record(project_id, action, subject, by=actor_of(request), now=at)

    try:
        actions.settled(database.of_django, work)
    except ConflictError as late:
        messages.error(request, late.message)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))


@agent_view()
@require_POST
def settle_unknown(request: AgentRequest, email_id: UUID, deed: str) -> HttpResponseBase:
    """Send it again to those of whom nobody can say whether they got it, or leave them be."""
    if deed not in ("again", "leave"):
        raise Http404
    at, project_id, by = clock.now(), request.project.id, request.user.id
    to = HttpResponseRedirect(reverse("email", args=[project_id, email_id]))
    if deed == "again" and not request.POST.get("sure"):
        messages.error(request, "Say that you know: some may get it twice.")
        return to

    def work(core: Connection) -> int:
        if deed == "again":
            people = unknown.send_again(core, project_id, email_id, by, at)
        else:
            people = unknown.leave(core, project_id, email_id, by, at)
        if people:
            subject = emails.get(core, project_id, email_id).subject
            about = f"{subject} ({people})"
            action = f"email.unknown_{deed}"
            audit.record(project_id, action, about, by=actor_of(request), now=at)
        return people

    try:
        actions.settled(database.of_django, work)
    except ConflictError as late:
        messages.error(request, late.message)
    return to


@agent_view()
@require_GET
def message(request: AgentRequest, email_id: UUID, recipient_id: UUID) -> HttpResponse:
    """The whole message that somebody got, or would have, as a file."""
    with database.of_django() as core:
        raw = email_queries.message_of(core, request.project.id, email_id, recipient_id)
    if raw is None:
        raise Http404
    answer = HttpResponse(raw, content_type="message/rfc822")
    answer.headers["Content-Disposition"] = f'attachment; filename="{recipient_id}.eml"'
    return answer


def _results(request: AgentRequest, found: Email) -> dict[str, Any]:
    at = clock.now()
    with database.of_django() as core:
        counts = email_queries.counts(core, request.project.id, found.id)
        links = email_queries.links_of(core, request.project.id, found.id)
        nobody_knows = unknown.Unknown()
        if counts.unknown:
            nobody_knows = unknown.count(core, request.project.id, found.id)
    done = counts.recipients - counts.waiting
    leaves_in = (found.leaves_at - at).total_seconds() if found.leaves_at else 0
    by = Agent.objects.filter(id=found.created_by).first() if found.created_by else None
    return {
        "email": found,
        "project": request.project,
        "subject": email_words.subject(found.subject, request.project),
        "state": email_words.STATES[found.state],
        "tone": email_words.TONES.get(found.state, ""),
        "counts": counts,
        "unknown": nobody_knows,
        "done": done,
        "stats": email_words.stats_of(counts),
        "under_way": email_words.under_way(counts),
        "links": links,
        "can_undo": found.state == "sending" and leaves_in > 0,
        "runs": found.state in ("sending", "paused"),
        "by": by.called if by else "",
        "left_out": email_words.left_out(found.left_out),
    }


def _place(said: str) -> tuple[datetime, UUID] | None:
    at, _, id_ = said.partition("~")
    try:
        place = (datetime.fromisoformat(at), UUID(id_))
    except ValueError:
        return None
    return place if place[0].tzinfo else None


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None
