"""The console's front step: to the project seen last, and making a new one."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from regulars.console.access import AgentRequest, actor_of, agent_view, own_page
from regulars.console.forms import attempt, name_field
from regulars.console.frame import frame, project_url
from regulars.kit import clock
from regulars.workspaces import projects, queries


class NewProjectForm(forms.Form):
    name = name_field("Name", help_text="What your app is called. You can change it later.")


@own_page
def home(request: AgentRequest) -> HttpResponseBase:
    return HttpResponseRedirect(project_url(request.project.id, "people/"))


@agent_view()
def project_home(request: AgentRequest) -> HttpResponseBase:
    return HttpResponseRedirect(project_url(request.project.id, "people/"))


@own_page
def new_project(request: AgentRequest) -> HttpResponseBase:
    """Make another project. Who owns one may; the others are guests on this server."""
    if not queries.owns_a_project(request.user.id):
        raise PermissionDenied
    form = NewProjectForm(request.POST or None)
    made = attempt(
        form,
        lambda given: projects.create_project(
            given["name"],
            now=clock.now(),
            by=actor_of(request),
            time_zone=request.user.time_zone,
            owner_id=request.user.id,
        ),
    )
    if made is not None:
        messages.success(request, "Your new project is ready.")
        return HttpResponseRedirect(project_url(made.project_id, "welcome/"))
    return render(
        request, "console/home/new_project.html", {"form": form, "shell": frame(request, "account")}
    )
