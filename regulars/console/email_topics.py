"""Settings → Topics: what marketing is about, which people can leave one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt, name_field
from regulars.console.settings_nav import settings_context
from regulars.kit import clock, database
from regulars.mail import topics
from regulars.mail.topics import Topic, TopicError
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

audit.describe(
    {
        "mail_topic.made": "Made a topic of mail",
        "mail_topic.changed": "Changed a topic of mail",
        "mail_topic.archived": "Archived a topic of mail",
    }
)


class TopicForm(forms.Form):
    name = name_field("Name", help_text="As people read it: “New roasts”.")
    description = forms.CharField(
        label="What it is about",
        max_length=topics.MOST_DESCRIPTION,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="One line below the name: “Once a month, what is new”.",
    )


@agent_view(MANAGERS)
def topics_page(request: AgentRequest) -> HttpResponseBase:
    """All of them, and a form for another one; posted to, it makes it."""
    form = TopicForm(request.POST or None)
    made = attempt(form, lambda given: _settle(request, "mail_topic.made", None, given))
    if made is not None:
        messages.success(request, f"{made} is a topic now.")
        return _to_all(request)
    return _page(request, form)


@agent_view(MANAGERS)
def topic(request: AgentRequest, topic_id: UUID) -> HttpResponseBase:
    """A form to call one something else; posted to, it does."""
    kept = _found(request, topic_id)
    initial = {"name": kept.name, "description": kept.description}
    form = TopicForm(request.POST or None, initial=initial)
    changed = attempt(form, lambda given: _settle(request, "mail_topic.changed", kept, given))
    if changed is not None:
        messages.success(request, f"{changed} is saved.")
        return _to_all(request)
    return _page(request, form, kept)


@agent_view(MANAGERS)
@require_POST
def archive(request: AgentRequest, topic_id: UUID) -> HttpResponseBase:
    """Nothing is sent about it any more."""
    kept = _found(request, topic_id)
    now = clock.now()
    with database.of_django() as core:
        topics.archive(core, request.project.id, topic_id, now)
        actor = actor_of(request)
        audit.record(request.project.id, "mail_topic.archived", kept.name, by=actor, now=now)
    messages.success(request, f"{kept.name} is archived. Who left it stays known.")
    return _to_all(request)


def _settle(request: AgentRequest, action: str, kept: Topic | None, given: dict[str, Any]) -> str:
    """Make or change one, and log it in the same transaction; its name."""
    now, project_id = clock.now(), request.project.id
    try:
        with database.of_django() as core:
            if kept is None:
                topics.create(core, project_id, given["name"], given["description"], now)
            else:
                name, description = given["name"], given["description"]
                topics.change(core, project_id, kept.id, name, description)
            audit.record(project_id, action, given["name"], by=actor_of(request), now=now)
    except TopicError as wrong:
        raise InvalidError(wrong.field, str(wrong)) from wrong
    return str(given["name"])


def _found(request: AgentRequest, topic_id: UUID) -> Topic:
    with database.of_django() as core:
        found = topics.find(core, request.project.id, topic_id)
    if found is None or found.archived_at is not None:
        raise UnknownError("There is no such topic.")
    return found


def _to_all(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("topics", args=[request.project.id]))


def _page(request: AgentRequest, form: TopicForm, kept: Topic | None = None) -> HttpResponse:
    with database.of_django() as core:
        found = topics.all_of(core, request.project.id)
    context = {
        **settings_context(request, "topics"),
        "project": request.project,
        "form": form,
        "kept": kept,
        "topics": found,
    }
    status = 422 if form.is_bound else 200
    return render(request, "console/email_settings/topics.html", context, status=status)
