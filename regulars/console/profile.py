"""The profile: who somebody is, what they are doing right now, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import (
    new_menu,
    notes_card,
    people_way,
    picking,
    profile_checkpoints,
    profile_history,
    profile_timeline,
    rhythm,
)
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame, project_url
from regulars.events import timeline as history
from regulars.events import visits
from regulars.inbox import notes_queries
from regulars.kit import clock, database
from regulars.people import naming, queries
from regulars.people.person import Person
from regulars.people.queries import MergeDone
from regulars.segments import queries as segment_queries
from regulars.segments.queries import Membership
from regulars.workspaces import queries as workspace_queries

Connection = psycopg.Connection[Any]

_EPOCH_ORDINAL = 719_163  # of 1 January 1970
_STATUS = {"slipping": "Slipping away", "new": "New", "active": "Active"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the facts. `key` makes it editable under that name."""

    label: str
    value: Any
    key: str = ""
    custom: bool = False
    mono: bool = False
    flag: str = ""
    moment: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """Somebody who became this person: what they were called, and which agent did it."""

    done: MergeDone
    name: str
    agent: str | None


@agent_view()
@require_GET
def profile(request: AgentRequest, person_id: UUID) -> HttpResponseBase:
    """The whole page. The old id of a merged person leads to who they became."""
    with database.of_django() as core:
        person = _person(core, request, person_id)
        if person.id != person_id:
            return HttpResponseRedirect(url_of(request, person.id))
        context = (
            head_of(request, person)
            | _now_part(core, request, person)
            | notes_card.card_of(core, request.project.id, person.id, url_of(request, person.id))
            | profile_history.timeline_part(core, request, person)
            | _around(core, request, person)
            | {"progress": profile_checkpoints.progress_of(core, request.project.id, person)}
            | {"way": people_way.way_of(core, request, person)}
        )
        shell = frame(request, "people", person=person.id, online=_online(core, request))
    return render(request, "console/profile/profile.html", context | {"shell": shell})


@agent_view()
@require_GET
def now(request: AgentRequest, person_id: UUID) -> HttpResponse:
    """What the open page asks for as time goes by: who is here, on which page."""
    with database.of_django() as core:
        person = _person(core, request, person_id)
        context = head_of(request, person) | _now_part(core, request, person)
        context |= notes_card.card_of(core, request.project.id, person.id, context["url"])
        context |= {"memberships": _memberships(core, request, person)}
    return render(request, "console/profile/live.html", context)


@agent_view()
@require_GET
def timeline(request: AgentRequest, person_id: UUID) -> HttpResponse:
    """A part of the timeline: the newest, or what comes behind the cursor."""
    with database.of_django() as core:
        person = _person(core, request, person_id)
        context = {"person": person, "url": url_of(request, person.id)}
        context |= {"short": picking.short_of(person)}
        context |= profile_history.timeline_part(core, request, person)
    part = "older" if request.GET.get("cursor") else "timeline"
    return render(request, f"console/profile/{part}.html", context)


def head_of(request: AgentRequest, person: Person) -> dict[str, Any]:
    """What every part of the page says of the person."""
    at = clock.now()
    return {
        "project": request.project,
        "person": person,
        "name": naming.called(person.name, person.email, person.user_id, person.id),
        "short": picking.short_of(person),
        "url": url_of(request, person.id),
        "new_conversation_url": new_menu.url_about(
            "new_conversation", request.project.id, person.id
        ),
        "new_ticket_url": new_menu.url_about("new_ticket", request.project.id, person.id),
        "new_note_url": new_menu.url_about("new_note", request.project.id, person.id),
        "segments_url": project_url(request.project.id, "segments/"),
        "people_url": project_url(request.project.id, f"people/?kind={person.kind}"),
        "online": queries.is_online(person, at),
        "there": _time_there(person, at),
        "about": about(person),
        "custom": custom(person),
        "place": _place(person),
        "origin": _origin(person),
    }


def url_of(request: AgentRequest, person_id: UUID) -> str:
    """The person's profile."""
    return project_url(request.project.id, f"people/{person_id}/")


def about(person: Person) -> list[Fact]:
    """The standard facts, most of them editable."""
    return [
        Fact("First name", person.first_name, "first_name"),
        Fact("Last name", person.last_name, "last_name"),
        Fact("Email", person.email, "email"),
        Fact("Phone", person.phone, "phone"),
        Fact("Gender", person.gender, "gender"),
        Fact("User id", person.user_id, mono=True),
        Fact("Signed up", person.signed_up_at, moment=True),
        Fact("First seen", person.first_seen, moment=True),
        Fact("Last contacted", person.last_contacted, moment=True),
    ]


def custom(person: Person) -> list[Fact]:
    """The custom attributes by name."""
    return [
        Fact(key, _shown(value), f"attributes.{key}", custom=True)
        for key, value in sorted(person.attributes.items())
    ]


def _place(person: Person) -> list[Fact]:
    browser = " ".join(part for part in (person.browser, person.browser_version) if part)
    return [
        Fact("City", person.city),
        Fact("Region", person.region),
        Fact("Country", person.country, flag=person.country_code or ""),
        Fact("Browser", browser),
        Fact("OS", person.os),
        Fact("Device", (person.device or "").capitalize()),
        Fact("Language", person.language),
        Fact("Time zone", person.timezone),
        Fact("IP", person.ip, mono=True),
    ]


def _origin(person: Person) -> list[Fact]:
    return [
        Fact("Referrer", person.referrer),
        Fact("Landing page", person.landing_page),
        Fact("UTM source", person.utm_source),
        Fact("UTM medium", person.utm_medium),
        Fact("UTM campaign", person.utm_campaign),
        Fact("UTM content", person.utm_content),
        Fact("UTM term", person.utm_term),
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _person(core: Connection, request: AgentRequest, person_id: UUID) -> Person:
    found = queries.person(core, request.project.id, person_id)
    if found is None:
        raise Http404
    return found


def _now_part(core: Connection, request: AgentRequest, person: Person) -> dict[str, Any]:
    at = clock.now()
    visit = visits.latest_visit(core, request.project.id, person.id)
    zone = ZoneInfo(request.project.time_zone)
    today = at.astimezone(zone).date()
    counts = rhythm.aligned(person.rhythm, person.rhythm_day, today.toordinal() - _EPOCH_ORDINAL)
    here_for = profile_timeline.in_words(at - visit.started_at) if visit else ""
    return {
        "visit": visit,
        "newest": profile_history.newest_of(core, request.project.id, person.id),
        "here_for": here_for,
        "came_by": _came_by(visit) if visit else "",
        "counts": counts,
        "days_seen": sum(1 for count in counts if count),
        "axis": [date_of_axis(today.toordinal() - back) for back in (27, 20, 13, 6)],
    }


def date_of_axis(ordinal: int) -> Any:
    """A date under the rhythm."""
    return datetime.fromordinal(ordinal).replace(tzinfo=UTC).date()


def _came_by(visit: visits.Visit) -> str:
    utm = visit.utm or {}
    source = utm.get("utm_campaign") or utm.get("utm_source")
    return str(source or visit.referrer or "The address, typed or saved")


def _around(core: Connection, request: AgentRequest, person: Person) -> dict[str, Any]:
    """Who they may also be, what they are known by, and what erasing them would take."""
    project_id = request.project.id
    events, sessions = history.held(core, project_id, person.id)
    notes, _ = notes_queries.state(core, project_id, person.id)
    agents = {role.agent_id: role.agent.called for role in workspace_queries.team_of(project_id)}
    return {
        "memberships": _memberships(core, request, person),
        "identities": queries.identities(core, project_id, person.id),
        "merges": [
            Merged(done, _name_of_gone(done), agents.get(done.agent_id) if done.agent_id else None)
            for done in queries.merges_of(core, project_id, person.id)
        ],
        "suggested": [
            (other, naming.called(other.name, other.email, other.user_id, other.id))
            for other in queries.suggested_merges(core, project_id, person)
        ],
        "held": {"events": events, "sessions": sessions, "notes": notes},
    }


def _name_of_gone(done: MergeDone) -> str:
    gone = done.gone
    return naming.called(gone.get("name"), gone.get("email"), gone.get("user_id"), done.from_id)


def _memberships(core: Connection, request: AgentRequest, person: Person) -> dict[str, Any]:
    found = segment_queries.memberships_of(core, request.project.id, person.id)
    return {"all": found, "status": _status(found)}


def _status(memberships: list[Membership]) -> tuple[str, str] | None:
    """The one word that says how somebody stands: (class, word)."""
    there = {one.builtin for one in memberships}
    for builtin, word in _STATUS.items():
        if builtin in there:
            return builtin, word
    return None


def _time_there(person: Person, at: datetime) -> str:
    try:
        return f"{at.astimezone(ZoneInfo(person.timezone)):%H:%M}" if person.timezone else ""
    except (KeyError, ValueError, OSError):
        return ""


def _online(core: Connection, request: AgentRequest) -> int:
    return queries.online_count(core, request.project.id, clock.now())
