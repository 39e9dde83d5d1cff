"""What an agent does with a finished campaign: tries it on somebody, reviews, starts, publishes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import world
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.editing import RULES
from regulars.campaigns.engine.rehearsing import Line
from regulars.console import campaigns_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.campaigns import note, refused, url_of
from regulars.console.campaigns_called import called_of
from regulars.console.campaigns_words import Called
from regulars.console.frame import frame
from regulars.console.segments_edits import gone_to, settle
from regulars.filters.parse import parse
from regulars.kit import clock, database
from regulars.people import naming
from regulars.people import queries as people
from regulars.people.queries import Which
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MOST_FOUND = 8

# Before anything is typed: those of whom more is known than a browser.
_KNOWN = parse({"field": "kind", "op": "is_any_of", "value": ["user", "lead"]}, kinds=("field",))


@agent_view()
@require_GET
def review(request: AgentRequest, campaign_id: UUID) -> HttpResponse:
    """The last look before a start: what is wrong, who it reaches, by which rules."""
    with database.of_django() as core:
        one = slice_.get(core, request.project.id, campaign_id)
        checked = world.check(core, request.project.id, one.written, clock.now())
        called = called_of(core, request.project.id)
    definition = one.written
    context: dict[str, Any] = {
        "campaign": one,
        "url": url_of(request, one.id),
        "mistakes": checked.mistakes,
        "warnings": [each for each in checked.problems if each.warning],
        "count": checked.audience,
        "held_out": definition.audience.holdout,
        "trigger": campaigns_words.trigger_words(definition.trigger, called),
        "once": definition.once,
        "emails": sum(isinstance(each, d.Email) for each in d.all_steps(definition.steps)),
        "running": one.state in ("running", "paused"),
        "rules": RULES,
    }
    if request.htmx:
        return render(request, "console/campaigns/review_dialog.html", context)
    context["shell"] = frame(request, "campaigns")
    return render(request, "console/campaigns/review_page.html", context)


@agent_view()
@require_POST
def start(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """Start it, or publish what was changed."""
    at = clock.now()

    def work(core: Connection) -> bool:
        one = slice_.get(core, request.project.id, campaign_id)
        world.start(core, request.project.id, campaign_id, at, request.user.id)
        new = one.state == "draft"
        note(request, "campaign.started" if new else "campaign.published", one.name)
        return new

    try:
        new = settle(work)
    except InvalidError as wrong:
        return refused(request, wrong.message, url_of(request, campaign_id))
    messages.success(request, "It is started." if new else "The changes are published.")
    return gone_to(request, f"{url_of(request, campaign_id)}results")


@agent_view()
@require_GET
def try_it(request: AgentRequest, campaign_id: UUID) -> HttpResponse:
    """The dry run: choose somebody, and see their way."""
    typed = request.GET.get("q", "")[:200].strip()
    at, project_id = clock.now(), request.project.id
    context: dict[str, Any] = {"url": url_of(request, campaign_id), "typed": typed}
    with database.of_django() as core:
        one = slice_.get(core, project_id, campaign_id)
        context["campaign"] = one
        chosen = request.GET.get("person", "")
        if chosen:
            context |= _rehearsed(core, one, chosen)
        else:
            needle = typed.replace("\x00", "")
            which = Which(at, query=needle) if needle else Which(at, filter=_KNOWN)
            page = people.people_page(core, project_id, which, limit=MOST_FOUND, total="none")
            found = page.people
            context["found"] = [(p.id, _called(p), p.email) for p in found]
    if "person" in request.GET or "q" in request.GET:
        return render(request, "console/campaigns/try_answer.html", context)
    if request.htmx:
        return render(request, "console/campaigns/try_dialog.html", context)
    context["shell"] = frame(request, "campaigns")
    return render(request, "console/campaigns/try_page.html", context)


def _rehearsed(core: Connection, one: slice_.Campaign, chosen: str) -> dict[str, Any]:
    try:
        person_id = UUID(chosen)
    except ValueError:
        raise UnknownError("There is no such person.") from None
    rehearsal = world.rehearse_for(core, one, person_id, clock.now())
    person = people.person(core, one.project_id, person_id)
    called = called_of(core, one.project_id)
    return {
        "person": person,
        "name": _called(person) if person else "",
        "against": rehearsal.against,
        "out": rehearsal.held_out,
        "enters": campaigns_words.trigger_words(one.written.trigger, called),
        "lines": [_line(line, one.written, called) for line in rehearsal.lines],
    }


def _line(line: Line, definition: d.Definition, called: Called) -> dict[str, Any]:
    step = definition.route().steps.get(line.step or "")
    kind = line.what if line.what in campaigns_words.STEPS else ""
    title = campaigns_words.step_title(step, called) if step is not None else ""
    if line.what == "end":
        title, icon = campaigns_words.WHYS[line.why], "flag"
        title = f"Leaves: {title}"
    elif line.what in ("wait", "hold"):
        icon = "hourglass"
        title = title if line.what == "wait" else campaigns_words.WHYS[line.why].capitalize()
    else:
        icon = campaigns_words.STEPS[kind][0] if kind else "check"
    return {"at": line.at, "title": title, "icon": icon, "variant": line.variant or ""}


def _called(person: Any) -> str:
    return naming.called(person.name, person.email, person.user_id, person.id)
