"""What an agent changes on a profile: facts, attributes, tags; and erasing somebody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from regulars.console import profile
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import project_url
from regulars.console.profile import Fact
from regulars.kit import clock, database
from regulars.people import actions, custom, naming, queries
from regulars.people.person import Person
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

T = TypeVar("T")
MOST = 8000  # characters of what an agent types


@agent_view()
@require_POST
def fact(request: AgentRequest, person_id: UUID) -> HttpResponse:
    """Change one fact in place; the answer is the fact as it is now, or with what was wrong."""
    key, value = request.POST.get("key", ""), request.POST.get("value", "")[:MOST]
    try:
        person = _changed(request, person_id, key, value)
    except InvalidError as wrong:
        shown = Fact(_label(key), value, key, custom=_is_custom(key), error=wrong.message)
        return _fact(request, person_id, shown)
    now = [*profile.about(person), *profile.custom(person)]
    kept = next((one for one in now if one.key == key), Fact(_label(key), "", key))
    return _fact(request, person_id, kept)


@agent_view()
@require_POST
def attribute(request: AgentRequest, person_id: UUID) -> HttpResponseBase:
    """Add a custom attribute."""
    key, value = request.POST.get("key", "").strip(), request.POST.get("value", "")[:MOST]
    if not key or not value.strip():
        messages.error(request, "An attribute needs a name and a value.")
        return HttpResponseRedirect(profile.url_of(request, person_id))
    try:
        _changed(request, person_id, f"attributes.{key}", value)
    except InvalidError as wrong:
        messages.error(request, f"{key or 'The attribute'}: {wrong.message}")
    else:
        messages.success(request, f"{key} is kept.")
    return HttpResponseRedirect(profile.url_of(request, person_id))


@agent_view()
@require_POST
def tags(request: AgentRequest, person_id: UUID) -> HttpResponseBase:
    """Add a tag, or remove one."""
    add = [tag for tag in (request.POST.get("add", "").strip(),) if tag]
    remove = [tag for tag in (request.POST.get("remove", ""),) if tag]
    now = clock.now()

    def work(core: psycopg.Connection[Any]) -> Person:
        person = actions.tag(core, request.project.id, person_id, now, add=add, remove=remove)
        _log(request, "person.changed", person)
        return person

    try:
        _settle(work)
    except InvalidError as wrong:
        messages.error(request, wrong.message)
    return HttpResponseRedirect(profile.url_of(request, person_id))


@agent_view()
@require_POST
def erase(request: AgentRequest, person_id: UUID) -> HttpResponseBase:
    """Erase the person and everything of theirs."""
    now = clock.now()

    def work(core: psycopg.Connection[Any]) -> str:
        person = queries.person(core, request.project.id, person_id)
        if person is None:
            raise UnknownError("There is no such person.")
        actions.erase(core, request.project.id, person.id, now)
        # The log says that it happened, not to whom: they asked to be forgotten.
        audit.record(request.project.id, "person.erased", by=actor_of(request), now=now)
        return person.kind

    kind = _settle(work)
    messages.success(request, "Erased. Nothing of them is left.")
    return HttpResponseRedirect(project_url(request.project.id, f"people/?kind={kind}"))


def _changed(request: AgentRequest, person_id: UUID, key: str, value: str) -> Person:
    """Change one fact; custom ones take the type that the attribute has."""
    now = clock.now()

    def work(core: psycopg.Connection[Any]) -> Person:
        given: dict[str, Any] = {key: value or None}
        if _is_custom(key):
            name = key.partition(".")[2]
            known = custom.known_type(core, request.project.id, name)
            given = {"attributes": {name: custom.typed(name, value, known)}}
        person = actions.change(core, request.project.id, person_id, given, now)
        _log(request, "person.changed", person, field=key)
        return person

    return _settle(work)


def _settle(work: Callable[[psycopg.Connection[Any]], T]) -> T:
    return actions.settled(database.of_django, work)


def _log(request: AgentRequest, action: str, person: Person, **details: str) -> None:
    name = naming.called(person.name, person.email, person.user_id, person.id)
    audit.record(
        request.project.id, action, name, by=actor_of(request), now=clock.now(), details=details
    )


def _fact(request: AgentRequest, person_id: UUID, fact: Fact) -> HttpResponse:
    context = {"fact": fact, "url": profile.url_of(request, person_id)}
    return render(request, "console/profile/value.html", context)


def _is_custom(key: str) -> bool:
    return key.startswith("attributes.")


def _label(key: str) -> str:
    return key.partition(".")[2] if _is_custom(key) else key.replace("_", " ").capitalize()
