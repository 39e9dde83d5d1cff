"""Why somebody is in a segment or out of it: the rule, with their own values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import segments_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.filter_names import names_in
from regulars.console.frame import project_url
from regulars.console.segments_page import agents_of, url_of
from regulars.kit import clock, database
from regulars.people import naming, queries
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.segments import queries as segments
from regulars.segments import reasons
from regulars.segments.queries import Segment
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

FOUND = 6  # people offered of those whom a search finds
LATEST = 100  # of a person's moves, among which the one that brought them in is looked for


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody the search found."""

    id: UUID
    name: str
    detail: str
    online: bool
    kind: str


@agent_view()
@require_GET
def why(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """Of the person that `person` names; else of the only one whom `q` finds, or who they are."""
    with database.of_django() as core:
        segment = segments.segment(core, request.project.id, segment_id)
        context: dict[str, Any] = {"segment": segment, "url": url_of(request, segment)}
        found = _asked(core, request)
        if len(found) == 1:
            context |= why_of(core, request, segment, found[0])
        else:
            context |= _offered(request, found)
    return render(request, "console/segments/why.html", context)


@agent_view()
@require_GET
def why_of_person(request: AgentRequest, segment_id: UUID, person_id: UUID) -> HttpResponse:
    """The same for a profile, which knows whom it is about."""
    with database.of_django() as core:
        segment = segments.segment(core, request.project.id, segment_id)
        person = queries.person(core, request.project.id, person_id)
        if person is None:
            raise Http404
        context = why_of(core, request, segment, person)
        context |= {"segment": segment, "url": url_of(request, segment)}
    return render(request, "console/segments/why_lines.html", context)


def why_of(
    core: Connection, request: AgentRequest, segment: Segment, person: Person
) -> dict[str, Any]:
    """Whether they are in, since when, and every condition with their own value."""
    project_id = request.project.id
    names = names_in(core, project_id, segment.filter)
    answer, membership = reasons.why(core, project_id, segment.id, person.id, clock.now(), names)
    return {
        "person": person,
        "person_name": _called(person),
        "person_url": project_url(project_id, f"people/{person.id}/"),
        "membership": membership,
        "reasons": segments_words.reasons_of(answer) if answer else [],
        "brought_in": _brought_in(core, request, segment, person) if membership else "",
    }


def _brought_in(core: Connection, request: AgentRequest, segment: Segment, person: Person) -> str:
    """What brought them in, where that is remembered: “by Ines”."""
    moved = segments.transitions_of(core, request.project.id, person.id, limit=LATEST)
    last = next((one for one in moved if one.segment_id == segment.id), None)
    if last is None or last.way != "in":
        return ""
    return segments_words.cause_words(last, agents_of(request))


def _asked(core: Connection, request: AgentRequest) -> list[Person]:
    if request.GET.get("person"):
        try:
            person = queries.person(core, request.project.id, UUID(request.GET["person"]))
        except ValueError as wrong:
            raise Http404 from wrong
        if person is None:
            raise Http404
        return [person]
    typed = " ".join(request.GET.get("q", "").split())
    if not typed:
        return []
    which = Which(clock.now(), query=typed)
    try:
        return queries.people_page(core, request.project.id, which, limit=FOUND).people
    except InvalidError:
        return []  # longer than any name


def _offered(request: AgentRequest, found: list[Person]) -> dict[str, Any]:
    now = clock.now()
    return {
        "typed": request.GET.get("q", "").strip(),
        "offered": [
            Found(one.id, _called(one), one.email or "", queries.is_online(one, now), one.kind)
            for one in found
        ],
    }


def _called(person: Person) -> str:
    return naming.called(person.name, person.email, person.user_id, person.id)
