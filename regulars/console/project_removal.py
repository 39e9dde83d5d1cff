"""Deleting a project: its name is typed, and how far it is stands on a page of its own."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from regulars.console.access import AgentRequest, actor_of, agent_view, own_page
from regulars.console.frame import frame
from regulars.console.refusals import refusal
from regulars.kit import clock, database
from regulars.workspaces import removal
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.models import RoleName


@agent_view({RoleName.OWNER})
@require_POST
def delete_project(request: AgentRequest) -> HttpResponseBase:
    """Begin to delete it. From then on nobody is let in."""
    typed = request.POST.get("typed", "")
    try:
        removal.ask(request.project.id, typed, by=actor_of(request), now=clock.now())
    except InvalidError as wrong:
        return refusal(wrong.message)
    url = reverse("project_removal", args=[request.project.id])
    # A page of its own, not a part of the one that is there: nothing of that holds any more.
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


@own_page
@require_GET
def project_removal(request: AgentRequest, removed_id: UUID) -> HttpResponse:
    """How far it is; asked for each second until it is done."""
    try:
        with database.of_django() as core:
            found = removal.find(core, removed_id, request.user.id)
    except UnknownError as unknown:
        raise Http404 from unknown
    context = {
        "removal": found,
        "percent": 100 * found.tables_done // max(1, found.tables),
        "home": "/",
    }
    if request.htmx:
        return render(request, "console/project_settings/removal_now.html", context)
    context["shell"] = frame(request, "account")
    return render(request, "console/project_settings/removal.html", context)
