"""Choosing a person in a dialog: who is found, and whom a form that was sent has chosen.

The component is `console/picker/picker.html`. It serves every dialog that is about somebody: it
sends `person`, an id, or `email`, an address that nobody has yet and that becomes a lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.filters.parse import parse
from regulars.kit import clock, database
from regulars.kit.text import fold
from regulars.people import actions, naming, queries
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

FOUND = 8  # people that are offered at a time
MOST_SHORT = 30  # characters of what somebody is called in a sentence

audit.describe(actions.AUDITED)

# Before anything is typed: those of whom more is known than a browser.
_KNOWN = parse({"field": "kind", "op": "is_any_of", "value": ["user", "lead"]}, kinds=("field",))


@dataclass(frozen=True, slots=True)
class Pickable:
    """Somebody who can be chosen. `short` is what a sentence calls them."""

    id: UUID
    kind: str
    name: str
    name_parts: tuple[str, str, str]  # before, in and behind what was typed
    detail: str
    detail_parts: tuple[str, str, str]
    short: str
    online: bool
    last_seen: datetime | None


@agent_view()
@require_GET
def pick(request: AgentRequest) -> HttpResponse:
    """Whom `q` finds, as options of a list; whoever was here last, where nothing is typed."""
    query, now = request.GET.get("q", "").strip()[: queries.MAX_QUERY], clock.now()
    with database.of_django() as core:
        found, address = _found(core, request.project.id, query.replace("\x00", ""), now)
    context = {"people": [pickable(one, now, query) for one in found], "address": address}
    return render(request, "console/picker/options.html", context)


def pickable(person: Person, now: datetime, query: str = "") -> Pickable:
    """The person as the picker shows them."""
    name = naming.called(person.name, person.email, person.user_id, person.id)
    detail = _detail(person, name)
    return Pickable(
        id=person.id,
        kind=person.kind,
        name=name,
        name_parts=_parts(name, query),
        detail=detail,
        detail_parts=_parts(detail, query),
        short=short_of(person),
        online=queries.is_online(person, now),
        last_seen=person.last_seen,
    )


def short_of(person: Person) -> str:
    """What to call somebody in a sentence: by the first name, where that is known."""
    name = naming.called(person.name, person.email, person.user_id, person.id)
    short = person.first_name or name
    return short if len(short) <= MOST_SHORT else f"{short[:MOST_SHORT]}…"


def asked_for(core: Connection, request: AgentRequest) -> Person | None:
    """The person whom the address preselects, as `?person=`."""
    id_ = _id(request.GET.get("person", ""))
    return None if id_ is None else queries.person(core, request.project.id, id_)


def chosen(core: Connection, request: AgentRequest, now: datetime) -> Person:
    """Whom the form that was sent has chosen; a lead is made where it was a new address.

    In the transaction of what is done about them. Raises InvalidError, whose field is `person`.
    """
    typed = request.POST.get("person", "")
    if typed:
        id_ = _id(typed)
        found = None if id_ is None else queries.person(core, request.project.id, id_)
        if found is None:
            raise InvalidError("person", "They are not here any more. Choose again.")
        return found
    address = request.POST.get("email", "").strip()
    if not address:
        raise InvalidError("person", "Choose somebody first.")
    try:
        person, made = actions.create_or_update(core, request.project.id, {"email": address}, now)
    except InvalidError as wrong:
        raise InvalidError("person", wrong.message) from None
    if made:
        name = naming.called(person.name, person.email, person.user_id, person.id)
        audit.record(request.project.id, "person.made", name, by=actor_of(request), now=now)
    return person


def shown_again(
    core: Connection, request: AgentRequest, now: datetime
) -> tuple[Pickable | None, str]:
    """What the picker had, for a form that is shown again: a person, or the new lead's address."""
    id_ = _id(request.POST.get("person", ""))
    person = None if id_ is None else queries.person(core, request.project.id, id_)
    address = "" if person else request.POST.get("email", "").strip()[: queries.MAX_QUERY]
    return (pickable(person, now) if person else None), address


def _found(
    core: Connection, project_id: UUID, query: str, now: datetime
) -> tuple[list[Person], str]:
    """The people, and the address that a new lead could have: one that nobody has."""
    which = Which(now, query=query) if query else Which(now, filter=_KNOWN)
    people = queries.people_page(core, project_id, which, limit=FOUND, total="none").people
    if not actions.is_email(query):
        return people, ""
    taken = any(person.email_folded == fold(query) for person in people)
    return people, "" if taken else query


def _detail(person: Person, name: str) -> str:
    """What else tells who it is."""
    if person.email and person.email != name:
        return person.email
    place = person.city or person.country
    parts = [person.kind.capitalize(), place or "", person.browser or ""]
    return " · ".join(part for part in parts if part)


def _parts(text: str, query: str) -> tuple[str, str, str]:
    """The text around what was typed, where that is in it as it stands."""
    folded, needle = text.casefold(), query.casefold()
    at = folded.find(needle) if needle and len(folded) == len(text) else -1
    if at < 0:
        return text, "", ""
    end = at + len(needle)
    return text[:at], text[at:end], text[end:]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
