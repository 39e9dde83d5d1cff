"""All campaigns, and making a new one: from nothing, from a ready-made form, from a segment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import ready_made, results
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.results import Glance
from regulars.console import campaigns_words
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.campaigns_called import called_of
from regulars.console.campaigns_words import Called
from regulars.console.frame import frame, project_url
from regulars.console.refusals import refusal
from regulars.console.segments_edits import gone_to, settle
from regulars.console.segments_page import agents_of
from regulars.kit import clock, database
from regulars.kit.text import fold
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

audit.describe(slice_.AUDITED)

MOST_TYPED = 200
SHOWN = {
    "": "All",
    "running": "Sending",
    "scheduled": "Scheduled",
    "paused": "Paused",
    "draft": "Drafts",
    "done": "Done",
}
_ACTIONS = {
    "pause": "It is paused. Waits are kept, and nobody moves.",
    "resume": "It goes on.",
    "stop": "It is stopped for everyone.",
}
_AUDIT = {
    "pause": "campaign.paused",
    "resume": "campaign.resumed",
    "stop": "campaign.stopped",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign in the list."""

    id: UUID
    url: str
    name: str
    icon: str
    says: str
    state: str
    shown: str  # the state as the list sorts it: scheduled is one too
    tone: str
    badge_icon: str
    badge: str
    next_at: datetime | None
    audience: str
    glance: Glance
    maker: str
    changed_at: datetime
    trouble: str


@agent_view()
def campaigns(request: AgentRequest) -> HttpResponseBase:
    """The list of all; posted to, it makes a new one and opens it."""
    if request.method == "POST":
        return _make(request)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    context = _list(request)
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "console/campaigns/rows.html", context)
    context["shell"] = frame(request, "campaigns")
    return render(request, "console/campaigns/list.html", context)


@agent_view()
@require_GET
def now(request: AgentRequest) -> HttpResponse:
    """What the open list asks for as time goes by: its rows."""
    return render(request, "console/campaigns/now.html", _list(request))


@agent_view()
@require_GET
def new(request: AgentRequest) -> HttpResponse:
    """The form that makes one: a dialog, or a page of its own."""
    return _form(request, "", request.GET.get("from", ""))


@agent_view()
@require_POST
def act(request: AgentRequest, campaign_id: UUID, action: str) -> HttpResponseBase:
    """Pause, resume or stop it."""
    at, project_id = clock.now(), request.project.id

    def work(core: Connection) -> None:
        one = slice_.get(core, project_id, campaign_id)
        getattr(slice_, action)(core, project_id, campaign_id, at, request.user.id)
        note(request, _AUDIT[action], one.name)

    try:
        settle(work)
    except InvalidError as wrong:
        return refused(request, wrong.message, url_of(request, campaign_id))
    messages.success(request, _ACTIONS[action])
    return gone_to(request, back_of(request, campaign_id))


@agent_view()
@require_POST
def duplicate(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """Make another draft like it, and go there."""
    at = clock.now()

    def work(core: Connection) -> UUID:
        made = slice_.duplicate(core, request.project.id, campaign_id, at, request.user.id)
        note(request, "campaign.made", slice_.get(core, request.project.id, made).name)
        return made

    made = settle(work)
    messages.success(request, "A copy of it, as a draft.")
    return gone_to(request, url_of(request, made))


@agent_view()
@require_POST
def delete(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """Let go of one that does not run."""
    at = clock.now()

    def work(core: Connection) -> str:
        one = slice_.get(core, request.project.id, campaign_id)
        slice_.delete(core, request.project.id, campaign_id, at)
        note(request, "campaign.deleted", one.name)
        return one.name

    try:
        name = settle(work)
    except InvalidError as wrong:
        return refused(request, wrong.message, url_of(request, campaign_id))
    messages.success(request, f"{name} is deleted.")
    return gone_to(request, reverse("campaigns", args=[request.project.id]))


def note(request: AgentRequest, action: str, name: str) -> None:
    """An entry of the audit log, in the running transaction."""
    audit.record(request.project.id, action, name, by=actor_of(request), now=clock.now())


def refused(request: AgentRequest, words: str, url: str) -> HttpResponseBase:
    """Say no in a toast, or on the page that is gone to."""
    if request.htmx:
        return refusal(words)
    messages.error(request, words)
    return HttpResponseRedirect(url)


def url_of(request: AgentRequest, campaign_id: UUID) -> str:
    """A campaign's editor."""
    return project_url(request.project.id, f"campaigns/{campaign_id}/")


def back_of(request: AgentRequest, campaign_id: UUID) -> str:
    """Where an agent goes on: the list, or the page of the campaign they were on."""
    if request.POST.get("back") == "list":
        return reverse("campaigns", args=[request.project.id])
    if request.POST.get("back") == "results":
        return f"{url_of(request, campaign_id)}results"
    return url_of(request, campaign_id)


def _list(request: AgentRequest) -> dict[str, Any]:
    typed = request.GET.get("q", "")[:MOST_TYPED].strip()
    shown = request.GET.get("state", "")
    with database.of_django() as core:
        found = slice_.all_of(core, request.project.id)
        called = called_of(core, request.project.id)
        glances = results.glances(core, request.project.id, clock.now())
        ready = ready_made.numbers(core, request.project.id)
    agents = agents_of(request)
    rows = [_row(request, one, called, glances.get(one.id, Glance()), agents) for one in found]
    numbers = {key: sum(_is(row, key) for row in rows) for key in SHOWN}
    return {
        "project": request.project,
        "rows": [row for row in rows if _is(row, shown) and fold(typed) in fold(row.name)],
        "all": len(rows),
        "typed": typed,
        "state": shown,
        "filters": [(key, label, numbers[key]) for key, label in SHOWN.items()],
        "url": reverse("campaigns", args=[request.project.id]),
        "ready": [
            {"one": one, "icons": ready_made.icons_of(one), "number": ready.get(one.key, "")}
            for one in ready_made.READY
        ],
    }


def _is(row: Row, shown: str) -> bool:
    if shown == "done":
        return row.shown in ("done", "stopped")
    return not shown or row.shown == shown


def _row(
    request: AgentRequest, one: Campaign, called: Called, glance: Glance, agents: dict[UUID, str]
) -> Row:
    definition = one.definition if one.published else one.written
    tone, icon, badge = campaigns_words.STATES[one.state]
    waits = one.state == "running" and definition.once and one.next_run_at is not None
    emails = sum(isinstance(step, d.Email) for step in d.all_steps(definition.steps))
    says = campaigns_words.trigger_words(definition.trigger, called)
    more = f" · {emails} emails" if emails > 1 else ""
    return Row(
        id=one.id,
        url=url_of(request, one.id),
        name=one.name,
        icon=campaigns_words.TRIGGERS[trigger_type(definition.trigger)][0],
        says=says + more,
        state=one.state,
        shown="scheduled" if waits else one.state,
        tone="info" if waits else tone,
        badge_icon="clock" if waits else icon,
        badge="Scheduled" if waits else badge,
        next_at=one.next_run_at if one.state == "running" else None,
        audience=campaigns_words.audience_words(definition.audience, called),
        glance=glance,
        maker=agents.get(one.changed_by, "") if one.changed_by else "",
        changed_at=one.changed_at,
        trouble=one.trouble,
    )


def trigger_type(trigger: d.Trigger) -> str:
    """The trigger's name in JSON."""
    names: dict[type, str] = {
        d.Now: "now", d.At: "at", d.Entered: "segment_entered", d.Left: "segment_left",
        d.Registered: "registered", d.Reached: "checkpoint", d.Happened: "event",
        d.Every: "every",
    }  # fmt: skip
    return names[type(trigger)]


def _make(request: AgentRequest) -> HttpResponse:
    name, start = request.POST.get("name", ""), request.POST.get("from", "")
    at = clock.now()

    def work(core: Connection) -> UUID:
        data = ready_made.definition_of(core, request.project.id, start)
        segment = request.POST.get("segment", "")
        if segment:
            data = ready_made.for_segment(core, request.project.id, data, segment)
        checkpoint = request.POST.get("checkpoint", "")
        if checkpoint:
            data = ready_made.for_checkpoint(data, checkpoint)
        if request.POST.get("filter"):
            kind = request.POST.get("kind", "")
            data = ready_made.for_filter(data, request.POST["filter"], kind)
        made = slice_.create(core, request.project.id, name, data, at, request.user.id)
        note(request, "campaign.made", slice_.get(core, request.project.id, made).name)
        return made

    try:
        made = settle(work)
    except InvalidError as wrong:
        return _form(request, wrong.message, start, name)
    return gone_to(request, url_of(request, made))


def _form(request: AgentRequest, error: str, start: str, name: str = "") -> HttpResponse:
    given = request.POST or request.GET
    chosen = ready_made.BY_KEY.get(start)
    context: dict[str, Any] = {
        "url": reverse("campaigns", args=[request.project.id]),
        "ready": [(one, ready_made.icons_of(one)[0]) for one in ready_made.READY],
        "start": start if chosen else "",
        "name": name or (chosen.name if chosen and request.method == "GET" else ""),
        "segment": given.get("segment", ""),
        "checkpoint": given.get("checkpoint", ""),
        "filter": given.get("filter", ""),
        "kind": given.get("kind", ""),
        "error": error,
    }
    if not request.htmx:
        context["shell"] = frame(request, "campaigns")
        status = 422 if error else 200
        return render(request, "console/campaigns/new_page.html", context, status=status)
    part = "new_form" if request.method == "POST" else "new_dialog"
    return render(request, f"console/campaigns/{part}.html", context)


def new_url(project_id: UUID, **given: str) -> str:
    """The form that makes one, with what is known already."""
    query = urlencode({key: value for key, value in given.items() if value})
    return reverse("new_campaign", args=[project_id]) + (f"?{query}" if query else "")
