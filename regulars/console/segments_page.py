"""The page of one segment: its rule, how it grows, who came and went, what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import segments_growth, segments_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.filter_names import names_in
from regulars.console.frame import frame, project_url
from regulars.console.segments_freeze import NAME_TAIL
from regulars.console.segments_growth import Growth
from regulars.console.templatetags.console import number
from regulars.kit import clock, database
from regulars.people import naming
from regulars.people import queries as people
from regulars.people.person import Person
from regulars.segments import actions, glance, queries, reasons
from regulars.segments.queries import Day, Segment, Transition, Use
from regulars.workspaces import queries as workspaces

Connection = psycopg.Connection[Any]

GROWTH_DAYS = 90
MOVES = 30  # shown at a time
WAYS = ("in", "out")
WAY_NAMES = (("", "Both"), ("in", "Entered"), ("out", "Left"))

_USES = {
    "segment": ("chart-pie", "Segment, built on this one"),
    "campaign": ("megaphone", "Campaign"),
    "checkpoint": ("flag", "Checkpoint"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody who entered or left, as the feed draws it."""

    url: str
    key: UUID
    name: str
    cause: str
    way: str
    word: str
    at: datetime
    online: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Used:
    """Something that is built on the segment."""

    name: str
    says: str
    icon: str
    url: str
    holds: bool  # keeps it from being deleted


@dataclass(frozen=True, slots=True)
class Counting:
    """How far a segment is filled, and how long that may take yet."""

    done: int
    total: int
    left: str


@agent_view()
@require_GET
def segment(request: AgentRequest, segment_id: UUID) -> HttpResponseBase:
    """The whole page."""
    with database.of_django() as core:
        found = queries.segment(core, request.project.id, segment_id)
        context = (
            head_of(core, request, found)
            | _now_part(core, request, found)
            | _growth_part(core, request, found)
            | _next_part(core, request, found)
            | _moves_part(core, request, found)
            | _dialogs_part(core, request, found)
        )
    return render(
        request,
        "console/segments/segment.html",
        context | {"shell": frame(request, "people", segment=found.id)},
    )


@agent_view()
@require_GET
def now(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """What the open page asks for as time goes by: its numbers, and whether the feed is behind."""
    with database.of_django() as core:
        found = queries.segment(core, request.project.id, segment_id)
        context = head_of(core, request, found) | _now_part(core, request, found)
        newest = queries.transitions(core, request.project.id, segment_id, limit=1)
    context["newest"] = newest[0].id if newest else ""
    return render(request, "console/segments/now.html", context)


@agent_view()
@require_GET
def growth(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """What changes by the minute: the charts, and who is the next to leave."""
    with database.of_django() as core:
        found = queries.segment(core, request.project.id, segment_id)
        context = (
            head_of(core, request, found)
            | _growth_part(core, request, found)
            | _next_part(core, request, found)
        )
    return render(request, "console/segments/growth_again.html", context)


@agent_view()
@require_GET
def progress(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """How far the segment is filled; when it is, the numbers and charts that follow from it."""
    with database.of_django() as core:
        found = queries.segment(core, request.project.id, segment_id)
        context = head_of(core, request, found)
        if found.filling is None:
            context |= _now_part(core, request, found) | _growth_part(core, request, found)
    part = "counting" if found.filling else "counted"
    return render(request, f"console/segments/{part}.html", context)


@agent_view()
@require_GET
def moves(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """Who came and went: the newest, or with `before` those that come behind."""
    with database.of_django() as core:
        found = queries.segment(core, request.project.id, segment_id)
        context = {"segment": found, "url": url_of(request, found)}
        context |= _moves_part(core, request, found)
    part = "older" if context["before"] else "moves"
    return render(request, f"console/segments/{part}.html", context)


def head_of(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    """What every part of the page says of the segment."""
    project_id = request.project.id
    people_url = project_url(project_id, "people/")
    names = names_in(core, project_id, found.filter)
    agents = agents_of(request)
    return {
        "project": request.project,
        "segment": found,
        "name": found.name,
        "url": url_of(request, found),
        "people_url": f"{people_url}?list={found.builtin}&kind=user"
        if found.builtin
        else f"{people_url}?segment={found.id}",
        "rule": segments_words.rule_words(project_id, found.filter, names)
        if found.filter is not None
        else [],
        "live": found.builtin or f"segment-{found.id}",
        "state": state_of(found),
        "counting": _counting(found, clock.now()),
        "maker": agents.get(found.created_by, "") if found.created_by else "",
        "changer": agents.get(found.changed_by, "") if found.changed_by else "",
    }


def state_of(found: Segment) -> str:
    """How a segment is kept: live, counting or picked."""
    return "picked" if found.filter is None else "counting" if found.filling else "live"


def url_of(request: AgentRequest, found: Segment) -> str:
    """The segment's page."""
    return segments_words.url_of(request.project.id, found.id)


def agents_of(request: AgentRequest) -> dict[UUID, str]:
    """What the team are called."""
    team = workspaces.team_of(request.project.id)
    return {role.agent_id: role.agent.called for role in team}


def _dialogs_part(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    """What the menu's dialogs say: what is built on the segment, and what deleting it takes."""
    used = [
        _used(request.project.id, use)
        for use in queries.all_uses(core, request.project.id, found.id)
    ]
    people_stay = f"The {number(found.people)} people in it stay."
    return {
        "used": used,
        "blocked": any(one.holds for one in used),
        "delete_title": f"Delete {found.name}?",
        "delete_note": "The one person in it stays." if found.people == 1 else people_stay,
        "frozen_name": found.name[: actions.MAX_NAME - len(NAME_TAIL)] + NAME_TAIL,
    }


def _used(project_id: UUID, use: Use) -> Used:
    icon, says = _USES.get(use.kind, ("link", use.kind.capitalize()))
    urls = {
        "segment": segments_words.url_of(project_id, use.id),
        "campaign": project_url(project_id, f"campaigns/{use.id}/"),
    }
    said = f"{says}, {use.note}" if use.note else says
    return Used(use.name, said, icon, urls.get(use.kind, ""), use.holds)


def _now_part(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    """The numbers."""
    project_id = request.project.id
    kinds = people.counts(core, project_id).kinds
    everybody = kinds["user"] if found.builtin else sum(kinds.values())
    drawn = _growth_of(core, request, found)
    return {
        "change": _change(drawn),
        "trend": "up" if drawn.change > 0 else "down" if drawn.change < 0 else "",
        "share": _share(found.people, everybody),
        "whom": "users" if found.builtin else "everybody",
        "here": glance.here_now(core, project_id, found.number, clock.now()),
    }


def _next_part(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    """Who is the next to leave by time alone: looked for among a few hundred, so not often."""
    leaving = reasons.next_to_leave(core, request.project.id, found.id, clock.now())
    who = people.person(core, request.project.id, leaving[0]) if leaving else None
    return {
        "leaving": _called(who) if who else "",
        "leaving_url": _profile(request, who.id) if who else "",
        "leaving_at": leaving[1] if leaving else None,
    }


def _growth_part(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    return {"growth": _growth_of(core, request, found)}


def _growth_of(core: Connection, request: AgentRequest, found: Segment) -> Growth:
    today = clock.now().astimezone(UTC).date()
    days = queries.growth(core, request.project.id, found.id, today, GROWTH_DAYS)
    return segments_growth.drawn(days or [Day(today, found.people, 0, 0)])


def _change(drawn: Growth) -> str:
    """“+61 in 90 days”, “−3 in 12 days”, or “New today”."""
    days = len(drawn.days)
    if days == 1:
        return "First counted today"
    if not drawn.change:
        return f"As many as {days} days ago"
    sign = "+" if drawn.change > 0 else "−"
    return f"{sign}{number(abs(drawn.change))} in {days} days"


def _share(people: int, everybody: int) -> str:
    """“18%”; nobody is 0%, but one of many is more than that."""
    if not people or not everybody:
        return "0%"
    percent = 100 * people / everybody
    if percent < 1:
        return "Under 1%"
    return f"{min(100, round(percent))}%" if people >= everybody else f"{min(99, round(percent))}%"


def _moves_part(core: Connection, request: AgentRequest, found: Segment) -> dict[str, Any]:
    way, before = request.GET.get("way", ""), _before(request)
    if way not in WAYS:
        way = ""
    read = queries.transitions(
        core, request.project.id, found.id, way=way or None, before=before, limit=MOVES + 1
    )
    shown = read[:MOVES]
    return {
        "moves": _drawn(core, request, shown),
        "way": way,
        "ways": WAY_NAMES,
        "before": before,
        "newest": shown[0].id if shown else "",
        "next": shown[-1].id if len(read) > MOVES else "",
    }


def _before(request: AgentRequest) -> UUID | None:
    try:
        return UUID(request.GET["before"]) if request.GET.get("before") else None
    except ValueError as wrong:
        raise Http404 from wrong


def _drawn(core: Connection, request: AgentRequest, shown: Sequence[Transition]) -> list[Move]:
    known = people.people(core, request.project.id, [one.person_id for one in shown])
    agents = agents_of(request) if any(one.cause == "agent" for one in shown) else {}
    at = clock.now()
    return [
        _move(request, one, known[one.person_id], agents, at)
        for one in shown
        if one.person_id in known
    ]


def _move(
    request: AgentRequest, one: Transition, person: Person, agents: Mapping[UUID, str], at: datetime
) -> Move:
    cause = segments_words.cause_words(one, agents)
    return Move(
        url=_profile(request, person.id),
        key=person.id,
        name=_called(person),
        cause=cause[:1].upper() + cause[1:],
        way=one.way,
        word=segments_words.way_words(one.way),
        at=one.at,
        online=people.is_online(person, at),
        kind=person.kind,
    )


def _called(person: Person) -> str:
    return naming.called(person.name, person.email, person.user_id, person.id)


def _profile(request: AgentRequest, person_id: UUID) -> str:
    return project_url(request.project.id, f"people/{person_id}/")


def _counting(found: Segment, at: datetime) -> Counting | None:
    filling = found.filling
    if filling is None:
        return None
    total = max(filling.total, filling.done)
    return Counting(filling.done, total, _time_left(filling.done, total, at - filling.started_at))


def _time_left(done: int, total: int, taken: timedelta) -> str:
    """“About 4 seconds left”, once there is something to judge by."""
    if not done or taken < timedelta(seconds=1):
        return ""
    seconds = round((total - done) * taken.total_seconds() / done)
    if seconds < 1:
        return "Nearly done"
    if seconds < 90:  # noqa: PLR2004 - as people say it
        return f"About {seconds} second{'' if seconds == 1 else 's'} left"
    return f"About {round(seconds / 60)} minutes left"
