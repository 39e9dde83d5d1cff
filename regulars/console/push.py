"""Which of an agent's browsers hear of new messages by Web Push, and the script they run for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.inbox import preferences, push_news, push_subscriptions
from regulars.kit import clock, database
from regulars.people import actions
from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import Agent

Connection = psycopg.Connection[Any]

# The session's note of which subscriptions are its browser's: they end when it signs out.
SESSION = "push"
MOST_NOTED = 50

_WORKER = Path(__file__).parents[1] / "static" / "console" / "push-worker.js"


@require_GET
def worker(_request: HttpRequest) -> HttpResponse:
    """The service worker. It speaks for what lies below its address, so it stands at the top."""
    response = HttpResponse(_WORKER.read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@agent_view()
@require_POST
def subscribe(request: AgentRequest) -> HttpResponseBase:
    """This browser wants to hear; and with it the agent wants desktop notifications at all."""
    now = clock.now()

    def work(core: Connection) -> UUID:
        project_id, agent_id = request.project.id, request.user.id
        preferences.change(core, project_id, agent_id, {"browser": True}, now)
        return push_subscriptions.subscribe(
            core,
            project_id,
            agent_id,
            now,
            endpoint=request.POST.get("endpoint", ""),
            p256dh=request.POST.get("p256dh", ""),
            auth=request.POST.get("auth", ""),
        )

    try:
        made = actions.settled(database.of_django, work)
    except InvalidError as wrong:
        messages.error(request, wrong.message)
        return _back(request)
    noted = [one for one in _noted(request) if one != made]
    request.session[SESSION] = [str(one) for one in [*noted, made][-MOST_NOTED:]]
    messages.success(request, "This browser tells you of new messages from now on.")
    return _back(request)


@agent_view()
@require_POST
def unsubscribe(request: AgentRequest) -> HttpResponseBase:
    """This browser shall be quiet."""
    id_ = push_subscriptions.id_of(request.POST.get("endpoint", ""))
    with database.of_django() as core:
        push_subscriptions.forget_browser(core, request.user.id, [id_])
    messages.success(request, "This browser is quiet now.")
    return _back(request)


@agent_view()
@require_POST
def try_it(request: AgentRequest) -> HttpResponseBase:
    """Push something to all of the agent's browsers, to see that it arrives."""
    project = request.project
    said = {
        "title": f"It works · {project.name}",
        "body": "New messages will look like this.",
        "url": reverse("notifications", args=[project.id]),
        "tag": "try",
    }
    with database.pool().connection() as core, ThreadPoolExecutor(2) as hands:
        browsers = push_subscriptions.of_agents(core, project.id, [request.user.id])
        took = push_news.push_to(core, project.id, browsers, said, clock.now(), hands)
    if took:
        messages.success(request, f"Sent to {took} of your browsers.")
    else:
        messages.error(request, "No browser of yours took it. Turn it off and on again.")
    return _back(request)


def forget_browser(request: HttpRequest) -> None:
    """The agent signs out: whoever uses this browser next must not read what is pushed to it."""
    noted = _noted(request)
    if noted and isinstance(request.user, Agent):
        with database.of_django() as core:
            push_subscriptions.forget_browser(core, request.user.id, noted)


def _noted(request: HttpRequest) -> list[UUID]:
    return [UUID(one) for one in request.session.get(SESSION, [])]


def _back(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("notifications", args=[request.project.id]))
