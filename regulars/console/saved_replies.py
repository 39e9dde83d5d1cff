"""Settings → Saved replies: texts that agents send again and again; all of them may write some."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt, name_field
from regulars.console.settings_nav import settings_context
from regulars.inbox import merge_tags, saved_replies
from regulars.inbox.saved_replies import SavedReply
from regulars.kit import clock, database
from regulars.people import actions
from regulars.workspaces import audit

Connection = psycopg.Connection[Any]

audit.describe(saved_replies.AUDITED)

# Whom the preview greets: someone who told us much, and someone who told us nothing.
SAMPLE = {
    "first_name": "Amara", "last_name": "Okafor", "name": "Amara Okafor",
    "email": "amara@example.com", "phone": "+351 210 000 000", "user_id": "u_4812",
    "company": "Kissaten", "city": "Lisbon", "country": "Portugal",
}  # fmt: skip


class ReplyForm(forms.Form):
    name = name_field("Name", help_text="What agents find it by: “Gift boxes”.")
    shortcut = forms.CharField(
        label="Shortcut",
        max_length=80,
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="Typed behind a slash in the composer: /gift.",
    )
    body = forms.CharField(
        label="Text",
        strip=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": "The text can't be empty."},
    )


@agent_view()
@require_GET
def replies(request: AgentRequest) -> HttpResponse:
    """All of them."""
    with database.of_django() as core:
        found = saved_replies.everything(core, request.project.id)
    context = {
        **settings_context(request, "replies"),
        "project": request.project,
        "replies": found,
        "new_url": reverse("new_saved_reply", args=[request.project.id]),
    }
    return render(request, "console/saved_replies/replies.html", context)


@agent_view()
def new(request: AgentRequest) -> HttpResponseBase:
    """A form for another one; posted to, it keeps it."""
    form = ReplyForm(request.POST or None)

    def make(core: Connection, given: dict[str, Any], now: datetime) -> SavedReply:
        project_id = request.project.id
        made = saved_replies.create(core, project_id, now, by=request.user.id, **given)
        return saved_replies.get(core, project_id, made)

    kept = attempt(form, lambda given: _settle(request, "saved_reply.made", make, given))
    if kept is not None:
        messages.success(request, f"{kept.name} is saved.")
        return _to_all(request)
    return _page(request, form)


@agent_view()
def reply(request: AgentRequest, reply_id: UUID) -> HttpResponseBase:
    """A form to write one anew; posted to, it keeps what is written."""
    with database.of_django() as core:
        before = saved_replies.get(core, request.project.id, reply_id)
    initial = {"name": before.name, "shortcut": before.shortcut or "", "body": before.body}
    form = ReplyForm(request.POST or None, initial=initial)

    def change(core: Connection, given: dict[str, Any], now: datetime) -> SavedReply:
        project_id = request.project.id
        saved_replies.change(core, project_id, reply_id, now, by=request.user.id, **given)
        return saved_replies.get(core, project_id, reply_id)

    kept = attempt(form, lambda given: _settle(request, "saved_reply.changed", change, given))
    if kept is not None:
        messages.success(request, f"{kept.name} is saved.")
        return _to_all(request)
    return _page(request, form, before)


@agent_view()
@require_POST
def delete(request: AgentRequest, reply_id: UUID) -> HttpResponse:
    """Let go of one; the answer takes its line away, and can take it back."""

    def gone(core: Connection, _given: dict[str, Any], now: datetime) -> SavedReply:
        return saved_replies.delete(core, request.project.id, reply_id, now)

    deleted = _settle(request, "saved_reply.deleted", gone, {})
    context = {
        "said": f"{deleted.name} is deleted.",
        "undo_url": reverse("restore_saved_reply", args=[request.project.id, reply_id]),
    }
    return render(request, "console/saved_replies/deleted.html", context)


@agent_view()
@require_POST
def restore(request: AgentRequest, reply_id: UUID) -> HttpResponse:
    """Bring a deleted one back."""

    def back(core: Connection, _given: dict[str, Any], now: datetime) -> SavedReply:
        return saved_replies.restore(core, request.project.id, reply_id, now)

    kept = _settle(request, "saved_reply.restored", back, {})
    messages.success(request, f"{kept.name} is back.")
    answer = HttpResponse()
    answer["HX-Redirect"] = reverse("saved_replies", args=[request.project.id])
    return answer


@agent_view()
@require_POST
def preview(request: AgentRequest) -> HttpResponse:
    """How a text reads for somebody known and for somebody unknown, or what is wrong with it."""
    return render(
        request,
        "console/saved_replies/preview.html",
        _preview(request, request.POST.get("body", "")[: saved_replies.MAX_BODY]),
    )


def _preview(request: AgentRequest, body: str) -> dict[str, Any]:
    agent = merge_tags.facts_of(agent=request.user.called, project=request.project.name)
    try:
        tags = merge_tags.check(body)
    except merge_tags.TagError as wrong:
        return {"wrong": str(wrong)}
    of_person = {tag.key for tag in tags} - set(agent)
    return {
        "known": merge_tags.render(body, {**agent, **SAMPLE}),
        "unknown": merge_tags.render(body, agent) if of_person else "",
    }


def _settle(request: AgentRequest, action: str, work: Any, given: dict[str, Any]) -> SavedReply:
    """Do the work and log it in one transaction."""
    now = clock.now()

    def logged(core: Connection) -> SavedReply:
        done: SavedReply = work(core, given, now)
        audit.record(request.project.id, action, done.name, by=actor_of(request), now=now)
        return done

    return actions.settled(database.of_django, logged)


def _to_all(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("saved_replies", args=[request.project.id]))


def _page(request: AgentRequest, form: ReplyForm, kept: SavedReply | None = None) -> HttpResponse:
    context = {
        **settings_context(request, "replies"),
        **_preview(request, form["body"].value() or ""),
        "project": request.project,
        "form": form,
        "kept": kept,
        "tags": [(key, label) for key, label in merge_tags.KEYS.items()],
    }
    status = 422 if form.is_bound else 200
    return render(request, "console/saved_replies/reply.html", context, status=status)
