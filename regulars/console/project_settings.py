"""Settings → Project: its name, its time zone, and how its events are taken."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt, name_field
from regulars.console.frame import project_url
from regulars.console.settings_nav import settings_context
from regulars.kit import clock
from regulars.workspaces import checks, projects
from regulars.workspaces.models import Project, RoleName

_DEDUPE_MOST = 720


class ProjectForm(forms.Form):
    name = name_field("Name")
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=lambda: [(zone, zone) for zone in checks.time_zones()],
        help_text="Days in filters and reports start at midnight here.",
    )
    dedupe_hours = forms.IntegerField(
        label="Hours in which a repeated event counts once",
        min_value=1,
        max_value=_DEDUPE_MOST,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            f"Give a whole number of hours, 1 to {_DEDUPE_MOST}.",
        ),
        help_text="By its message id. Clients that lost their connection send events again.",
    )
    honour_gpc = forms.BooleanField(label="Respect Global Privacy Control", required=False)


@agent_view(MANAGERS)
def index(request: AgentRequest) -> HttpResponseBase:
    return HttpResponseRedirect(project_url(request.project.id, "settings/project/"))


@agent_view(MANAGERS)
def project_settings(request: AgentRequest) -> HttpResponseBase:
    form = ProjectForm(request.POST or None, initial=_kept(request))
    if attempt(form, lambda given: _save(request, given)) is not None:
        messages.success(request, "Saved. It applies from now on.")
        return HttpResponseRedirect(request.path)
    return _page(request, form)


def _save(request: AgentRequest, given: dict[str, Any]) -> Project:
    return projects.change_project(request.project.id, given, by=actor_of(request), now=clock.now())


def _kept(request: AgentRequest) -> dict[str, Any]:
    return {field: getattr(request.project, field) for field in ProjectForm.base_fields}


def _page(request: AgentRequest, form: ProjectForm) -> HttpResponse:
    return render(
        request,
        "console/project_settings/project.html",
        {
            **settings_context(request, "project"),
            "form": form,
            "project": request.project,
            "owns": request.role.role == RoleName.OWNER,
        },
        status=422 if form.is_bound else 200,
    )
