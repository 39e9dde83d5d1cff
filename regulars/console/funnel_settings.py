"""Settings → Features → User funnels: the checkpoints, their order, and a form for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console import segments_words
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.settings_nav import settings_context
from regulars.filters.errors import FilterError
from regulars.funnels import actions, counts, queries
from regulars.funnels.queries import Checkpoint
from regulars.funnels.rows import MAX_CHECKPOINTS, Draft
from regulars.kit import clock, database
from regulars.people import actions as people
from regulars.segments import queries as segments
from regulars.workspaces import audit
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]

audit.describe(actions.AUDITED)

DEFAULTS = ("Signed up", "Active")


@dataclass(frozen=True, slots=True)
class Row:
    """A checkpoint in the list."""

    checkpoint: Checkpoint
    place: int
    rule: list[segments_words.Words]
    next_rule: list[segments_words.Words]
    reached: int
    is_default: bool
    first: bool
    last: bool

    @property
    def percent(self) -> int:
        """How far the counting is, of a hundred."""
        counting = self.checkpoint.counting
        return 100 * counting.done // counting.total if counting and counting.total else 0


class CheckpointForm(forms.Form):
    title = forms.CharField(
        label="Title",
        max_length=actions.MAX_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the checkpoint a title."},
    )
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=actions.MAX_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What it means for you. Only the team sees it.",
    )
    filter = forms.CharField(
        max_length=20_000,
        widget=forms.HiddenInput(),
        error_messages={"required": "Say who has reached it: add a condition with its value."},
    )


@agent_view(MANAGERS)
@require_GET
def checkpoints(request: AgentRequest) -> HttpResponse:
    """All of them; asked by htmx, the list alone."""
    context = _listed(request)
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "console/funnel_settings/list.html", context)
    context |= settings_context(request, "funnel")
    return render(request, "console/funnel_settings/checkpoints.html", context)


@agent_view(MANAGERS)
def new(request: AgentRequest) -> HttpResponseBase:
    """A form for one more; posted to, it adds it."""
    form = CheckpointForm(request.POST or None)

    def add(core: Connection, draft: Draft) -> None:
        actions.add(core, request.project.id, draft, clock.now(), request.user.id)

    if _kept(request, form, add):
        messages.success(request, f"{form.cleaned_data['title']} is added. Everybody is counted.")
        return _to_all(request)
    return _form(request, form, None)


@agent_view(MANAGERS)
def checkpoint(request: AgentRequest, number: int) -> HttpResponseBase:
    """A form to change one; posted to, it saves."""
    with database.of_django() as core:
        before = queries.checkpoint(core, request.project.id, number)
    initial = {
        "title": before.title,
        "description": before.description,
        "filter": msgspec.json.encode(before.wanted).decode(),
    }
    form = CheckpointForm(request.POST or None, initial=initial)

    def change(core: Connection, draft: Draft) -> None:
        actions.change(core, request.project.id, number, draft, clock.now(), request.user.id)

    if _kept(request, form, change):
        with database.of_django() as core:
            after = queries.checkpoint(core, request.project.id, number)
        counted = " Everybody is counted anew; what was reached before stands until then."
        messages.success(
            request, f"{after.title} is saved.{counted if after.counting is not None else ''}"
        )
        return _to_all(request)
    return _form(request, form, before)


@agent_view(MANAGERS)
@require_POST
def move(request: AgentRequest, number: int) -> HttpResponseBase:
    """Move one a place to the front or the back."""
    by_places = -1 if request.POST.get("way") == "up" else 1
    _settle(
        request,
        lambda core: actions.move(
            core, request.project.id, number, by_places, clock.now(), request.user.id
        ),
    )
    if request.htmx:
        return render(request, "console/funnel_settings/list.html", _listed(request))
    return _to_all(request)


@agent_view(MANAGERS)
@require_POST
def delete(request: AgentRequest, number: int) -> HttpResponseBase:
    """Let one go."""
    try:
        _settle(
            request,
            lambda core: actions.remove(
                core, request.project.id, number, clock.now(), request.user.id
            ),
        )
    except (InvalidError, ConflictError) as wrong:
        messages.error(request, wrong.message)
    else:
        messages.success(request, "The checkpoint is deleted.")
    return _to_all(request)


def _kept(request: AgentRequest, form: CheckpointForm, work: Any) -> bool:
    """Whether the form was posted and is saved; what is wrong stands on the form."""
    if not form.is_valid():
        return False
    given = form.cleaned_data
    try:
        rule = msgspec.json.decode(given["filter"])
    except msgspec.DecodeError:
        form.add_error("filter", "That is not a condition.")
        return False
    draft = Draft(given["title"], given["description"], rule)
    try:
        _settle(request, lambda core: work(core, draft))
    except (InvalidError, ConflictError, FilterError) as wrong:
        place = (wrong.field or "").rpartition(".")[2]
        at = "filter" if isinstance(wrong, FilterError) else place
        form.add_error(at if at in form.fields else None, wrong.message)
        return False
    return True


def _settle(request: AgentRequest, work: Any) -> None:
    """Change the funnel, and note it in the audit log where it is another then."""

    def changing(core: Connection) -> None:
        before = actions.drafts_of(core, request.project.id)
        work(core)
        after = actions.drafts_of(core, request.project.id)
        if after != before:
            audit.record(
                request.project.id,
                "funnel.changed",
                ", ".join(one.title for one in after),
                by=actor_of(request),
                now=clock.now(),
            )

    people.settled(database.of_django, changing)


def _listed(request: AgentRequest) -> dict[str, Any]:
    project_id = request.project.id
    with database.of_django() as core:
        found = queries.checkpoints(core, project_id)
        reached = counts.reached(core, project_id)
        names = segments.names(core, project_id)
    rows = [
        Row(
            one,
            place,
            segments_words.rule_words(project_id, one.filter, names),
            segments_words.rule_words(project_id, one.next_filter, names)
            if one.next_filter is not None
            else [],
            reached.get(one.number, 0),
            place <= len(DEFAULTS) and one.title in DEFAULTS,
            first=place == 1,
            last=place == len(found),
        )
        for place, one in enumerate(found, start=1)
    ]
    return {
        "project": request.project,
        "rows": rows,
        "counting": any(one.counting is not None for one in found),
        "may_add": len(found) < MAX_CHECKPOINTS,
        "may_delete": len(found) > actions.MIN_CHECKPOINTS,
        "most": MAX_CHECKPOINTS,
        "url": reverse("funnel_settings", args=[project_id]),
        "new_url": reverse("new_checkpoint", args=[project_id]),
    }


def _form(request: AgentRequest, form: CheckpointForm, before: Checkpoint | None) -> HttpResponse:
    context = {
        **settings_context(request, "funnel"),
        "project": request.project,
        "form": form,
        "checkpoint": before,
        "filter": form["filter"].value() or "",
        "url": reverse("funnel_settings", args=[request.project.id]),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "console/funnel_settings/checkpoint.html", context, status=status)


def _to_all(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("funnel_settings", args=[request.project.id]))
