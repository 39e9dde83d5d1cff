"""Beginning a conversation with somebody, or opening a ticket for them: dialogs of the *New* menu.

A form holds an id of its own, made when it is shown: sent twice, it is done once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from regulars.console import inbox_times, picking
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame
from regulars.console.inbox_rows import url_of
from regulars.console.inbox_team import Team
from regulars.console.inbox_words import PRIORITY
from regulars.inbox import answering, saying, settings, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.conversations import Channel, Priority
from regulars.inbox.tickets import NewTicket
from regulars.kit import clock, database
from regulars.people.actions import settled
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]
Kind = Literal["conversation", "ticket"]

MAX_CLIENT = 64
FIELDS = ("subject", "text", "channel", "priority", "assignee", "due", "tags")


@agent_view()
@require_http_methods(["GET", "POST"])
def new_conversation(request: AgentRequest) -> HttpResponseBase:
    """The dialog; posted, the first message."""
    return _new(request, "conversation", _begin)


@agent_view()
@require_http_methods(["GET", "POST"])
def new_ticket(request: AgentRequest) -> HttpResponseBase:
    """The dialog; posted, the ticket."""
    return _new(request, "ticket", _open)


def _new(
    request: AgentRequest,
    kind: Kind,
    make: Callable[[Connection, AgentRequest, UUID, datetime], UUID],
) -> HttpResponseBase:
    at = clock.now()
    if request.method == "GET":
        with database.of_django() as core:
            person = picking.asked_for(core, request)
        picked = picking.pickable(person, at) if person else None
        return _answer(request, kind, {"picked": picked})

    def work(core: Connection) -> UUID:
        # In a transaction of its own: what follows locks people in its own order.
        return picking.chosen(core, request, at).id

    try:
        _check(request, kind)
        person_id = settled(database.of_django, work)
        made = settled(database.of_django, lambda core: make(core, request, person_id, at))
    except (InvalidError, ConflictError) as wrong:
        with database.of_django() as core:
            picked, address = picking.shown_again(core, request, at)
        errors = {wrong.field: wrong.message}
        return _answer(request, kind, {"picked": picked, "address": address, "errors": errors})
    messages.success(request, "Sent." if kind == "conversation" else "The ticket is open.")
    url = url_of(request.project.id, made)
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def _check(request: AgentRequest, kind: Kind) -> None:
    """What can be told without anybody being made. Raises InvalidError."""
    subject = answering.clean_subject(request.POST.get("subject", ""))
    if kind == "ticket" and not subject:
        raise InvalidError("subject", "A ticket needs a subject.")
    if request.POST.get("channel") == "email" and not subject:
        raise InvalidError("subject", "An email needs a subject.")
    saying.clean(request.POST.get("text", ""))


def _begin(core: Connection, request: AgentRequest, person_id: UUID, at: datetime) -> UUID:
    channel: Channel = "email" if request.POST.get("channel") == "email" else "chat"
    made, _ = answering.start(
        core,
        request.project.id,
        person_id,
        request.user.id,
        Answer(request.POST.get("text", ""), _client(request), channel=channel),
        at,
        subject=request.POST.get("subject", ""),
    )
    return made


def _open(core: Connection, request: AgentRequest, person_id: UUID, at: datetime) -> UUID:
    given = request.POST
    due = given.get("due", "")
    zone = inbox_times.zone_of(request)
    priority: Priority = given.get("priority", "normal")  # type: ignore[assignment]  # it is checked
    return tickets.open_ticket(
        core,
        request.project.id,
        NewTicket(
            person_id=person_id,
            subject=given.get("subject", ""),
            description=given.get("text", ""),
            client=_client(request),
            priority=priority,
            assignee_id=_assignee(given.get("assignee", "")),
            due_at=inbox_times.read_local(due, "due", zone) if due else None,
            tags=[one.strip() for one in given.get("tags", "").split(",") if one.strip()],
        ),
        at,
        by=request.user.id,
    )


def _client(request: AgentRequest) -> str:
    client = request.POST.get("client", "")
    if not client or len(client) > MAX_CLIENT:
        raise InvalidError("client", "Open the form again.")
    return client


def _assignee(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as wrong:
        raise InvalidError("assignee", "Choose one of those that are offered.") from wrong


def _answer(request: AgentRequest, kind: Kind, context: dict[str, Any]) -> HttpResponse:
    with database.of_django() as core:
        own = settings.load(core, request.project.id)
    picked = context.get("picked")
    context |= {
        "kind": kind,
        "project": request.project,
        "url": reverse(f"new_{kind}", args=[request.project.id]),
        "client": request.POST.get("client") or str(uuid4()),
        "typed": {name: request.POST.get(name, "") for name in FIELDS},
        "short": picked.short if picked else "them",
        "mates": sorted(Team(request).mates.values(), key=lambda mate: (not mate.mine, mate.name)),
        "priorities": PRIORITY.items(),
        "zone": inbox_times.zone_of(request),
        "email_after": own.email_after_minutes,
    }
    if not request.htmx:
        context["shell"] = frame(request, "inbox")
        status = 422 if request.method == "POST" else 200
        return render(request, "console/new_talk/page.html", context, status=status)
    part = "dialog" if request.method == "GET" else "form"
    return render(request, f"console/new_talk/{part}.html", context)
