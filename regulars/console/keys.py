"""Settings → Keys: what opens the project's doors, for pages and for servers."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt, name_field
from regulars.console.frame import project_url
from regulars.console.settings_nav import settings_context
from regulars.kit import clock
from regulars.workspaces import projects, queries
from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import KeyKind
from regulars.workspaces.projects import MadeKey


class NewKeyForm(forms.Form):
    name = name_field("Name", help_text="Where it is used: “Shop backend”.")
    kind = forms.ChoiceField(
        label="Kind", choices=KeyKind.choices, initial=KeyKind.SECRET, widget=forms.RadioSelect
    )


@agent_view(MANAGERS)
@require_GET
def keys(request: AgentRequest) -> HttpResponse:
    return _page(request, NewKeyForm())


@agent_view(MANAGERS)
@require_POST
def make_key(request: AgentRequest) -> HttpResponse:
    """Make a key. The answer to the POST is the only page that ever shows a secret one."""
    form = NewKeyForm(request.POST)
    made = attempt(
        form,
        lambda given: projects.make_key(
            request.project.id,
            given["kind"],
            given["name"],
            by=actor_of(request),
            now=clock.now(),
        ),
    )
    return _page(request, form if made is None else NewKeyForm(), made)


@agent_view(MANAGERS)
@require_POST
def rotate_key(request: AgentRequest, key_id: UUID) -> HttpResponse:
    made = projects.rotate_key(request.project.id, key_id, by=actor_of(request), now=clock.now())
    return _page(request, NewKeyForm(), made)


@agent_view(MANAGERS)
@require_POST
def revoke_key(request: AgentRequest, key_id: UUID) -> HttpResponseBase:
    try:
        projects.revoke_key(request.project.id, key_id, by=actor_of(request), now=clock.now())
    except InvalidError as wrong:
        messages.error(request, wrong.message)
    else:
        messages.success(request, "Revoked. Nothing that uses this key gets in any more.")
    return HttpResponseRedirect(project_url(request.project.id, "settings/keys/"))


def _page(request: AgentRequest, form: NewKeyForm, made: MadeKey | None = None) -> HttpResponse:
    live = queries.keys_of(request.project.id)
    return render(
        request,
        "console/keys/keys.html",
        {
            **settings_context(request, "keys"),
            "form": form,
            "made": made,
            "write_keys": [key for key in live if key.kind == KeyKind.WRITE],
            "secret_keys": [key for key in live if key.kind == KeyKind.SECRET],
            "project": request.project,
        },
        status=422 if form.is_bound else 200,
    )
