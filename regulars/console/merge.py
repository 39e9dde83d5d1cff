"""Merging two people: what stays and what moves, before it is done; and its undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import profile, rhythm
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import frame
from regulars.events import timeline as history
from regulars.inbox import notes_queries
from regulars.kit import clock, database
from regulars.people import actions, naming, preview, queries
from regulars.people.merge import NothingToUndoError, NotMergeableError
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

FOUND = 12
_EPOCH_ORDINAL = 719_163
_WHY = {
    "same": "",
    "only_one": "Only one of them has it",
    "stays": "The survivor's stays",
    "newer": "Said last",
    "first_touch": "Who came first",
    "both": "Both are kept",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two people, as a card."""

    person: Person
    name: str
    counts: bytes
    events: int
    url: str


@agent_view()
@require_GET
def choose(request: AgentRequest, person_id: UUID) -> HttpResponse:
    """Whom to merge with: who may be the same, and a search."""
    query = request.GET.get("query", "").strip()
    with database.of_django() as core:
        into = _person(core, request, person_id)
        people = queries.suggested_merges(core, request.project.id, into)
        if query:
            which = Which(now=clock.now(), query=query[: queries.MAX_QUERY])
            page = queries.people_page(core, request.project.id, which, limit=FOUND)
            people = [person for person in page.people if person.id != into.id]
    context = {
        "shell": frame(request, "people"),
        "into": into,
        "name": _name(into),
        "url": profile.url_of(request, into.id),
        "query": query,
        "found": [(person, _name(person)) for person in people],
    }
    return render(request, "console/merge/choose.html", context)


@agent_view()
@require_http_methods(["GET", "POST"])
def merge(request: AgentRequest, person_id: UUID, gone_id: UUID) -> HttpResponseBase:
    """The preview; posted, the merge."""
    if request.method == "POST":
        return _merge(request, person_id, gone_id)
    with database.of_django() as core:
        into, gone = _person(core, request, person_id), _person(core, request, gone_id)
        if into.id == gone.id:
            return HttpResponseRedirect(profile.url_of(request, into.id))
        _, rows = preview.preview(gone, into)
        sides = [_side(core, request, person) for person in (into, gone)]
        identities = len(queries.identities(core, request.project.id, gone.id))
        notes, _ = notes_queries.state(core, request.project.id, gone.id)
    context = {
        "shell": frame(request, "people"),
        "into": sides[0],
        "gone": sides[1],
        "rows": [(row, _label(row), _WHY.get(row.why, "")) for row in rows],
        "identities": identities,
        "notes": notes,
        "url": profile.url_of(request, into.id),
        "swap_url": f"{profile.url_of(request, gone.id)}merge/{into.id}/",
        "two_users": into.kind == gone.kind == "user",
    }
    return render(request, "console/merge/merge.html", context)


@agent_view()
@require_POST
def dismiss(request: AgentRequest, person_id: UUID, gone_id: UUID) -> HttpResponseBase:
    """These two are not the same: the suggestion goes."""
    now = clock.now()

    def work(core: Connection) -> None:
        actions.dismiss_merge(core, request.project.id, person_id, gone_id, now)
        audit.record(request.project.id, "person.merge_dismissed", by=actor_of(request), now=now)

    actions.settled(database.of_django, work)
    messages.success(request, "Noted: they are two people.")
    return HttpResponseRedirect(profile.url_of(request, person_id))


@agent_view()
@require_POST
def undo(request: AgentRequest, merge_id: UUID) -> HttpResponseBase:
    """Part them again; leads to the one who is back."""
    now = clock.now()

    def work(core: Connection) -> Person:
        back = actions.undo_merge(core, request.project.id, merge_id, now)
        by = actor_of(request)
        audit.record(request.project.id, "person.merge_undone", _name(back), by=by, now=now)
        return back

    try:
        back = actions.settled(database.of_django, work)
    except NothingToUndoError as nothing:
        raise Http404 from nothing
    messages.success(request, f"{_name(back)} is back, with everything of theirs.")
    return HttpResponseRedirect(profile.url_of(request, back.id))


def _merge(request: AgentRequest, person_id: UUID, gone_id: UUID) -> HttpResponseBase:
    now = clock.now()
    picks: dict[str, preview.Side] = {
        name.removeprefix("pick."): "gone" if value == "gone" else "into"
        for name, value in request.POST.items()
        if name.startswith("pick.") and value in ("gone", "into")
    }

    def work(core: Connection) -> None:
        project_id = request.project.id
        actions.merge_people(
            core, project_id, gone_id, person_id, now,
            cause="agent", agent_id=request.user.id, picks=picks,
        )  # fmt: skip
        survivor = _person(core, request, person_id)
        audit.record(project_id, "person.merged", _name(survivor), by=actor_of(request), now=now)

    try:
        actions.settled(database.of_django, work)
    except (NotMergeableError, InvalidError) as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Merged. It can be undone below, under Merges.")
    return HttpResponseRedirect(profile.url_of(request, person_id))


def _side(core: Connection, request: AgentRequest, person: Person) -> Side:
    events, _ = history.held(core, request.project.id, person.id)
    today = clock.now().date().toordinal() - _EPOCH_ORDINAL
    counts = rhythm.aligned(person.rhythm, person.rhythm_day, today)
    return Side(person, _name(person), counts, events, profile.url_of(request, person.id))


def _person(core: Connection, request: AgentRequest, person_id: UUID) -> Person:
    found = queries.person(core, request.project.id, person_id)
    if found is None:
        raise Http404
    return found


def _name(person: Person) -> str:
    return naming.called(person.name, person.email, person.user_id, person.id)


def _label(row: preview.FactRow) -> str:
    if row.custom:
        return row.key.removeprefix("attributes.")
    return row.key.replace("utm_", "UTM ").replace("_", " ").capitalize()
