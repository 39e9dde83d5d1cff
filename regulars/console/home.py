"""Home: who is here, how regulars come and go, what waits; and the console's front step to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from regulars.console import home_steps, periods
from regulars.console.access import AgentRequest, actor_of, agent_view, own_page
from regulars.console.forms import attempt, name_field
from regulars.console.frame import frame, project_url
from regulars.console.home_now import now_part
from regulars.console.home_numbers import numbers_part
from regulars.kit import clock, database
from regulars.reports import queries as reports
from regulars.workspaces import projects, queries

PERIODS = (periods.TODAY, periods.DEFAULT, "quarter")
_MORNING, _AFTERNOON, _EVENING, _NIGHT = 5, 12, 18, 23


class NewProjectForm(forms.Form):
    name = name_field("Name", help_text="What your app is called. You can change it later.")


@own_page
def home(request: AgentRequest) -> HttpResponseBase:
    return HttpResponseRedirect(project_url(request.project.id))


@agent_view()
@require_GET
def project_home(request: AgentRequest) -> HttpResponse:
    """The whole page."""
    now = clock.now()
    today = reports.today(now, request.project.time_zone)
    period = periods.period_of(request.GET, today, PERIODS)
    url = project_url(request.project.id)
    with database.of_django() as core:
        context: dict[str, Any] = {
            **now_part(core, request, now),
            **numbers_part(core, request, period, now),
            "steps": home_steps.steps_of(core, request),
        }
    context |= {
        "greeting": _greeting(now, request),
        "moment": now,
        "url": url,
        "people_url": f"{url}people/",
        "period": period,
        "periods": periods.choices(url, period, PERIODS),
        "shell": frame(request, "home", online=context["online"]),
    }
    return render(request, "console/home/home.html", context)


@agent_view()
@require_GET
def home_now(request: AgentRequest) -> HttpResponse:
    """The parts that change while one looks."""
    now = clock.now()
    with database.of_django() as core:
        context = now_part(core, request, now) | {"steps": home_steps.steps_of(core, request)}
    context |= {"url": project_url(request.project.id), "people_url": _people(request)}
    return render(request, "console/home/now_parts.html", context)


@agent_view()
@require_POST
def put_steps_away(request: AgentRequest) -> HttpResponseBase:
    """The agent has seen enough of the first steps."""
    with database.of_django() as core:
        home_steps.put_away(core, request.project.id, request.user.id, clock.now())
    return HttpResponseRedirect(project_url(request.project.id))


def _people(request: AgentRequest) -> str:
    return project_url(request.project.id, "people/")


def _greeting(now: datetime, request: AgentRequest) -> str:
    """“Good evening, Ines”, by the agent's own clock."""
    hour = now.astimezone(ZoneInfo(request.user.time_zone)).hour
    if _MORNING <= hour < _AFTERNOON:
        time = "Good morning"
    elif _AFTERNOON <= hour < _EVENING:
        time = "Good afternoon"
    elif _EVENING <= hour < _NIGHT:
        time = "Good evening"
    else:
        time = "Still up"
    return f"{time}, {request.user.called.partition(' ')[0]}"


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
