"""All saved segments, and saving a new one from a list of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import segments_freeze, segments_rule, segments_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.filter_names import names_in
from regulars.console.frame import frame, project_url, rail_of
from regulars.console.people_lists import Listed, listed_of
from regulars.console.segments_edits import gone_to, record, settle, url_of
from regulars.console.segments_page import agents_of, state_of
from regulars.console.segments_words import Words
from regulars.filters.errors import FilterError
from regulars.kit import clock, database
from regulars.kit.text import fold
from regulars.people import queries as people
from regulars.segments import actions, queries
from regulars.segments.queries import Segment
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

SORTS: dict[str, str] = {
    "name": "Name",
    "-people": "Largest first",
    "people": "Smallest first",
    "-created_at": "Newest first",
}
MOST_TYPED = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A segment in the list of all."""

    id: UUID
    url: str
    name: str
    rule: list[Words]
    people: int
    live: str
    state: str  # live, counting or picked
    maker: str
    made_at: datetime


@agent_view()
def segments(request: AgentRequest) -> HttpResponseBase:
    """The list of all; posted to, it saves a new one."""
    if request.method == "POST":
        return _save(request)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    typed, sort = request.GET.get("q", "")[:MOST_TYPED].strip(), request.GET.get("sort", "name")
    sort = sort if sort in SORTS else "name"
    with database.of_django() as core:
        saved = queries.saved(core, request.project.id)
        names = names_in(core, request.project.id, *(one.filter for one in saved))
    found = [one for one in saved if fold(typed) in fold(one.name)]
    agents = agents_of(request)
    context = {
        "project": request.project,
        "rows": [_row(request, one, names, agents) for one in _sorted(found, sort)],
        "saved": len(saved),
        "typed": typed,
        "sort": sort,
        "sorts": SORTS.items(),
        "url": project_url(request.project.id, "segments/"),
        "people_url": project_url(request.project.id, "people/"),
    }
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "console/segments/rows.html", context)
    context["shell"] = frame(request, "people")
    return render(request, "console/segments/segments.html", context)


@agent_view()
@require_GET
def rail(request: AgentRequest) -> HttpResponse:
    """The segments in the nav, drawn anew as they are made, renamed and deleted."""
    try:
        current = UUID(request.GET["current"]) if request.GET.get("current") else None
    except ValueError as wrong:
        raise Http404 from wrong
    with database.of_django() as core:
        drawn = rail_of(core, request.project.id, current)
    return render(request, "console/components/rail.html", {"rail": drawn})


@agent_view()
@require_GET
def new(request: AgentRequest) -> HttpResponse:
    """The form that saves the list which the address names; alone for the dialog, or as a page."""
    context = _form(request, listed_of(request.GET), request.GET.urlencode())
    return _form_answer(request, context)


def _save(request: AgentRequest) -> HttpResponse:
    """Keep the list that was looked at as a segment, live or as the people who are on it now."""
    asked = request.POST.get("listed", "")
    listed, name = listed_of(QueryDict(asked)), request.POST.get("name", "")
    kind, at = request.POST.get("kind", "live"), clock.now()

    def work(core: Connection) -> tuple[UUID, str]:
        if kind == "frozen":
            made, anybody = segments_freeze.of_list(core, request, listed, name, at)
            said = segments_freeze.FILLS if anybody else segments_freeze.EMPTY
        else:
            said = "Saved. Everyone is counted against the rule now."
            rule = segments_rule.rule_of(core, request.project.id, listed, at)
            made = actions.create(
                core, request.project.id, name, at, filter_=rule, by=request.user.id
            )
        record(request, "segment.made", queries.segment(core, request.project.id, made).name)
        return made, said

    try:
        made, said = settle(work)
    except (InvalidError, FilterError) as wrong:
        context = _form(request, listed, asked)
        context |= {"typed": name, "kind": kind, "error": wrong.message}
        context["at_name"] = isinstance(wrong, InvalidError) and wrong.field == "name"
        return _form_answer(request, context)
    messages.success(request, said)
    return gone_to(request, url_of(request, made))


def _form(request: AgentRequest, listed: Listed, asked: str) -> dict[str, Any]:
    """What the form says of the list that is to be kept."""
    project_id, at, wrong = request.project.id, clock.now(), ""
    rule: list[Words] = []
    total = None
    with database.of_django() as core:
        try:
            filter_ = segments_rule.rule_of(core, project_id, listed, at)
            names = names_in(core, project_id, filter_)
            rule = segments_words.rule_words(project_id, filter_, names)
            total = people.count(
                core, project_id, listed.which(at, ZoneInfo(request.project.time_zone))
            ).number
        except (InvalidError, FilterError) as refused:
            wrong = refused.message
    return {
        "project": request.project,
        "url": project_url(project_id, "segments/"),
        "asked": asked,
        "rule": rule,
        "total": total,
        "kind": "live",
        "typed": "",
        "error": wrong,
        "back_url": project_url(project_id, "people/") + (f"?{asked}" if asked else ""),
    }


def _form_answer(request: AgentRequest, context: dict[str, Any]) -> HttpResponse:
    if request.htmx:
        return render(request, "console/segments/save_form.html", context)
    context["shell"] = frame(request, "people")
    status = 422 if request.method == "POST" else 200
    return render(request, "console/segments/new.html", context, status=status)


def _sorted(found: list[Segment], sort: str) -> list[Segment]:
    by_name = sorted(found, key=lambda one: (fold(one.name), str(one.id)))
    match sort:
        case "people" | "-people":
            return sorted(by_name, key=lambda one: one.people, reverse=sort.startswith("-"))
        case "-created_at":
            return sorted(by_name, key=lambda one: one.created_at, reverse=True)
        case _:
            return by_name


def _row(
    request: AgentRequest, one: Segment, names: dict[UUID, str], agents: dict[UUID, str]
) -> Row:
    picked = one.filter is None
    rule = [] if picked else segments_words.rule_words(request.project.id, one.filter, names)
    return Row(
        id=one.id,
        url=url_of(request, one.id),
        name=one.name,
        rule=rule,
        people=one.people,
        live=f"segment-{one.id}",
        state=state_of(one),
        maker=agents.get(one.created_by, "") if one.created_by else "",
        made_at=one.created_at,
    )
