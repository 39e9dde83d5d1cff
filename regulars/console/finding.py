"""What the search of the top bar finds: people, talks, notes, segments, pages, and what to do.

`>` before the words finds what to do alone, `@` people in a city, `#` a ticket by its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from django.urls import reverse

from regulars.campaigns import campaigns
from regulars.console import inbox_rows, new_menu, picking, settings_nav
from regulars.console.access import MANAGERS, AgentRequest
from regulars.console.frame import project_url
from regulars.console.inbox_team import Team
from regulars.console.picking import Pickable
from regulars.filters.parse import parse
from regulars.inbox import search, views
from regulars.inbox.search import Part
from regulars.kit import clock
from regulars.kit.text import fold
from regulars.people import queries
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.segments import glance

Connection = psycopg.Connection[Any]

MOST = 100  # characters that are looked for
ACTIONS_ALONE, IN_A_CITY = ">", "@"
_KNOWN = parse({"field": "kind", "op": "is_any_of", "value": ["user", "lead"]}, kinds=("field",))
_STATES = {"open": ("Open", "ok"), "snoozed": ("Snoozed", ""), "closed": ("Closed", "")}


@dataclass(frozen=True, slots=True)
class SomePerson:
    """A person who was found."""

    url: str
    who: Pickable
    person: Person


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that was found."""

    url: str
    icon: str
    title: str
    said: tuple[Part, ...]
    name: str
    state: str
    state_kind: str
    at: Any


@dataclass(frozen=True, slots=True)
class SomeNote:
    """A note that was found, on whose profile it stands."""

    url: str
    name: str
    said: tuple[Part, ...]
    private: bool
    at: Any


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go, or something to do."""

    url: str
    icon: str
    title: tuple[str, str, str]  # before, in and behind what was typed
    detail: str = ""
    key: str = ""
    dialog: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was found, kind by kind."""

    people: list[SomePerson]
    talks: list[Talk]
    notes: list[SomeNote]
    segments: list[Place]
    pages: list[Place]
    actions: list[Place]

    @property
    def several(self) -> int:
        """How many, actions apart."""
        kinds = (self.people, self.talks, self.notes, self.segments, self.pages)
        return sum(len(kind) for kind in kinds)


def typed_of(request: AgentRequest) -> str:
    """What was typed."""
    return " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:MOST]


def find(core: Connection, request: AgentRequest, typed: str, limit: int) -> Results:
    """Up to `limit` of each kind; where nothing is typed, who was here last and what to do."""
    if typed.startswith(ACTIONS_ALONE):
        needle = typed.removeprefix(ACTIONS_ALONE).strip()
        return Results([], [], [], [], _pages(request, needle), _actions(request, needle, ""))
    if typed.startswith(IN_A_CITY):
        city = typed.removeprefix(IN_A_CITY).strip()
        return Results(
            _in_city(core, request, city, limit), [], [], [], [], _list_city(request, city)
        )
    people = _people(core, request, typed, limit)
    first = people[0].who if people and typed else None
    return Results(
        people=people,
        talks=_talks(core, request, typed, limit) if typed else [],
        notes=_notes(core, request, typed, limit) if typed else [],
        segments=_segments(core, request, typed, limit) if typed else [],
        pages=_pages(request, typed)[:limit] if typed else [],
        actions=[*_about(request, first), *_actions(request, typed, typed)],
    )


def _people(core: Connection, request: AgentRequest, typed: str, limit: int) -> list[SomePerson]:
    now = clock.now()
    which = Which(now, query=typed) if typed else Which(now, filter=_KNOWN)
    return _drawn(core, request, which, typed, limit)


def _in_city(core: Connection, request: AgentRequest, city: str, limit: int) -> list[SomePerson]:
    if not city:
        return []
    return _drawn(core, request, Which(clock.now(), equals={"city": city}), "", limit)


def _drawn(
    core: Connection, request: AgentRequest, which: Which, typed: str, limit: int
) -> list[SomePerson]:
    found = queries.people_page(core, request.project.id, which, limit=limit, total="none").people
    return [
        SomePerson(
            project_url(request.project.id, f"people/{one.id}/"),
            picking.pickable(one, which.now, typed),
            one,
        )
        for one in found
    ]


def _talks(core: Connection, request: AgentRequest, typed: str, limit: int) -> list[Talk]:
    project_id = request.project.id
    hits = search.search(core, project_id, typed, clock.now())[:limit]
    which = views.asked("all", request.user.id)
    found = [hit.conversation for hit in hits]
    rows = inbox_rows.rows_of(core, project_id, Team(request), found, which)
    talks = []
    for row, hit in zip(rows, hits, strict=True):
        state, kind = _STATES.get(row.state, (row.state.capitalize(), ""))
        number = f"#{row.number} " if row.number else ""
        talks.append(
            Talk(
                row.url,
                row.icon,
                f"{number}{row.subject}",
                hit.snippet or (Part(row.preview),),
                row.name,
                state,
                kind,
                hit.at,
            )
        )
    return talks


def _notes(core: Connection, request: AgentRequest, typed: str, limit: int) -> list[SomeNote]:
    project_id = request.project.id
    found = search.search_notes(core, project_id, typed, limit)
    people = queries.people(core, project_id, sorted({one.person_id for one in found}))
    return [
        SomeNote(
            project_url(project_id, f"people/{one.person_id}/"),
            picking.pickable(people[one.person_id], one.at).name,
            one.snippet,
            private=not one.shared,
            at=one.at,
        )
        for one in found
        if one.person_id in people
    ]


def _segments(core: Connection, request: AgentRequest, typed: str, limit: int) -> list[Place]:
    needle = fold(typed)
    found = [
        Place(
            reverse("campaign", args=[request.project.id, id_]), "megaphone", _parts(name, typed),
            "Campaign",
        )
        for id_, name in campaigns.names(core, request.project.id).items()
        if needle in fold(name)
    ]  # fmt: skip
    found += [
        Place(
            project_url(request.project.id, f"segments/{one.id}/"),
            "chart-pie",
            _parts(one.name, typed),
            f"Segment, {one.people:,} people",
        )
        for one in glance.rail(core, request.project.id)
        if needle in fold(one.name)
    ]
    return found[:limit]


def _pages(request: AgentRequest, typed: str) -> list[Place]:
    """The console's own pages whose name holds the words."""
    url = project_url(request.project.id)
    pages = [
        Place(url, "house", _parts("Home", typed), key="g h"),
        Place(f"{url}people/", "users", _parts("People", typed), key="g p"),
        Place(f"{url}inbox/", "inbox", _parts("Inbox", typed), key="g i"),
        Place(f"{url}reports/", "chart-line", _parts("Reports", typed), key="g r"),
        Place(f"{url}segments/", "chart-pie", _parts("Segments", typed)),
    ]
    pages += [
        Place(link.url, link.icon, _parts(link.label, typed), f"Settings, {group.label}")
        for group in settings_nav.groups(request)
        for link in group.links
    ]
    return _holding(pages, typed)


def _begun(label: str) -> str:
    """A line of the *New* menu as it is said outside of it."""
    return label if label.startswith("Import") else f"New {label.lower()}"


def _actions(request: AgentRequest, needle: str, typed: str) -> list[Place]:
    """What an agent may begin, and the list of everybody whose name holds the words."""
    made = [
        Place(item.url, item.icon, _parts(_begun(item.label), needle), key=item.key,
              dialog=item.dialog)
        for item in new_menu.items(request.project.id, manages=request.role.role in MANAGERS)
        if item.url
    ]  # fmt: skip
    found = _holding(made, needle)
    if typed:
        url = f"{project_url(request.project.id, 'people/')}?{urlencode({'q': typed})}"
        found.append(Place(url, "list-filter", (f"List users who match “{typed}”", "", "")))
    return found


def _about(request: AgentRequest, who: Pickable | None) -> list[Place]:
    """What may be done for the person found first."""
    if who is None:
        return []
    project_id: UUID = request.project.id
    told = (
        ("new_note", "sticky-note", f"Write a note about {who.short}"),
        ("new_conversation", "message-circle", f"Start a conversation with {who.short}"),
        ("new_ticket", "ticket", f"Open a ticket for {who.short}"),
    )
    return [
        Place(new_menu.url_about(name, project_id, who.id), icon, (text, "", ""), dialog=True)
        for name, icon, text in told
    ]


def _list_city(request: AgentRequest, city: str) -> list[Place]:
    if not city:
        return []
    rule = json.dumps({"field": "city", "op": "is", "value": city}, separators=(",", ":"))
    url = f"{reverse('people', args=[request.project.id])}?{urlencode({'filter': rule})}"
    return [Place(url, "map-pin", (f"List users in {city}", "", ""))]


def _holding(places: Iterable[Place], typed: str) -> list[Place]:
    needle = fold(typed)
    return [one for one in places if needle in fold("".join(one.title) + " " + one.detail)]


def _parts(text: str, typed: str) -> tuple[str, str, str]:
    """The text around what was typed."""
    at = text.casefold().find(typed.casefold()) if typed else -1
    if at < 0 or len(text.casefold()) != len(text):
        return text, "", ""
    return text[:at], text[at : at + len(typed)], text[at + len(typed) :]
