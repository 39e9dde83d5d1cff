"""Search: the palette (⌘K) that every page has, and the page of results."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import finding
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame, project_url
from regulars.kit import database

IN_PALETTE, ON_PAGE = 5, 20


@agent_view()
@require_GET
def palette(request: AgentRequest) -> HttpResponse:
    """The options for what has been typed so far."""
    typed = finding.typed_of(request)
    with database.of_django() as core:
        results = finding.find(core, request, typed, IN_PALETTE)
    context = {"results": results, "typed": typed}
    return render(request, "console/search/options.html", context)


@agent_view()
@require_GET
def search(request: AgentRequest) -> HttpResponse:
    """The page."""
    typed = finding.typed_of(request)
    with database.of_django() as core:
        results = finding.find(core, request, typed, ON_PAGE)
    people = project_url(request.project.id, "people/")
    return render(
        request,
        "console/search/search.html",
        {
            "results": results,
            "typed": typed,
            "people_url": people,
            "project_id": request.project.id,
            "shell": frame(request, "search"),
        },
    )
