"""The way through a list from one profile to the next: back, and who stands beside a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.console.access import AgentRequest
from regulars.console.frame import project_url
from regulars.console.people_lists import EVERYBODY, Listed, listed_of
from regulars.kit import clock
from regulars.people import queries
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError, UnknownError

_BUILTIN = {"all": "All users", "new": "New", "active": "Active", "slipping": "Slipping away"}
_KINDS = {"lead": "Leads", "visitor": "Visitors", EVERYBODY: "Segment"}


@dataclass(frozen=True, slots=True)
class Way:
    """Where a profile was come to from; empty addresses lead nowhere."""

    label: str
    back: str
    previous: str = ""
    next: str = ""


def way_of(connection: psycopg.Connection[Any], request: AgentRequest, person: Person) -> Way:
    """The list that the profile's address names, else the one of all people of the kind."""
    listed = listed_of(request.GET)
    if not request.GET:
        listed = Listed(person.kind)
    elif listed.kind not in (person.kind, EVERYBODY):
        listed = replace(listed, kind=person.kind, builtin="all")
    back = project_url(request.project.id, "people/") + _address(listed)
    label = _KINDS.get(listed.kind, _BUILTIN[listed.builtin])
    if listed.kind == EVERYBODY and not listed.segment:
        label = "People"
    if listed.query:
        label = f"“{listed.query}”"
    try:
        which = listed.which(clock.now(), ZoneInfo(request.project.time_zone))
        ahead, behind = queries.neighbours(
            connection, request.project.id, which, person.id, sort=listed.sort
        )
    except (InvalidError, UnknownError):
        return Way(label, back)  # an address that names no list
    return Way(label, back, _profile(request, ahead, listed), _profile(request, behind, listed))


def _profile(request: AgentRequest, id_: UUID | None, listed: Listed) -> str:
    if id_ is None:
        return ""
    return project_url(request.project.id, f"people/{id_}/") + _address(listed)


def _address(listed: Listed) -> str:
    return listed.address().rstrip("?")
