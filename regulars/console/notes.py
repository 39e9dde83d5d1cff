"""Notes on people: written in a dialog or in a line, changed, pinned, deleted, and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import notes_card, picking, profile
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import frame
from regulars.inbox import notes, notes_queries, rich_text
from regulars.inbox.notes_queries import Note
from regulars.kit import clock, database
from regulars.people import naming, queries
from regulars.people.actions import settled
from regulars.people.changes import CollidedError
from regulars.people.person import Person
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

TEAM, BOTH = "team", "both"  # who may read a note, as forms say it

audit.describe(notes.AUDITED)


@agent_view()
@require_http_methods(["GET", "POST"])
def new(request: AgentRequest) -> HttpResponseBase:
    """The dialog of a new note, about whomever it chooses; posted, the note."""
    if request.method == "POST":
        return _write(request)
    with database.of_django() as core:
        person = picking.asked_for(core, request)
    picked = picking.pickable(person, clock.now()) if person else None
    return _form(request, {"picked": picked, "audience": BOTH})


@agent_view()
@require_POST
def add(request: AgentRequest, person_id: UUID) -> HttpResponseBase:
    """A note in a line, from the profile; the answer is the line, empty again."""
    text, at = request.POST.get("text", ""), clock.now()

    def work(core: Connection) -> Person:
        person = _person(core, request, person_id)
        notes.add(
            core, request.project.id, person.id, at,
            text=text, shared=_shared(request), by=request.user.id,
        )  # fmt: skip
        return person

    try:
        person = _settle(work)
    except InvalidError as wrong:
        return _line(request, person_id, typed=text, error=wrong.message)
    if not request.htmx:
        messages.success(request, "The note is saved.")
        return HttpResponseRedirect(profile.url_of(request, person.id))
    return _told(_line(request, person.id, again=True), person.id)


@agent_view()
@require_http_methods(["GET", "POST"])
def edit(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponseBase:
    """The dialog that changes a note; posted, the change."""
    with database.of_django() as core:
        person, note = _note(core, request, person_id, note_id)
    context = {
        "url": reverse("note_edit", args=[request.project.id, person.id, note.id]),
        "note": note,
        "short": picking.short_of(person),
        "back": profile.url_of(request, person.id),
    }
    if request.method == "GET":
        body = {"html": notes_card.safe(note.html), "text": note.text}
        return _form(request, context | body | {"audience": BOTH if note.shared else TEAM})
    at, given = clock.now(), _given(request)

    def work(core: Connection) -> None:
        shared, by = _shared(request), request.user.id
        notes.edit(core, request.project.id, note.id, at, shared=shared, by=by, **given)

    try:
        _settle(work)
    except InvalidError as wrong:
        return _form(request, context | _typed(request) | {"body_error": wrong.message})
    return _done(request, person, "The note is changed.")


@agent_view()
@require_POST
def share(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponseBase:
    """Let the person read it, or no longer."""
    shared, at = _shared(request), clock.now()

    def work(core: Connection) -> Person:
        person, note = _note(core, request, person_id, note_id)
        notes.edit(core, request.project.id, note.id, at, shared=shared, by=request.user.id)
        return person

    person = _settle(work)
    short = picking.short_of(person)
    said = f"{short} can read the note now." if shared else f"{short} no longer sees the note."
    return _done(request, person, said)


@agent_view()
@require_POST
def pin(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponseBase:
    """Keep it above the others, or no longer."""
    pinned, at = request.POST.get("pinned") == "1", clock.now()

    def work(core: Connection) -> Person:
        person, note = _note(core, request, person_id, note_id)
        notes.pin(core, request.project.id, note.id, at, pinned=pinned)
        return person

    return _done(request, _settle(work), "Pinned." if pinned else "No longer pinned.")


@agent_view()
@require_GET
def history(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponse:
    """What the note said before, who could read it, and who made it so."""
    with database.of_django() as core:
        person, note = _note(core, request, person_id, note_id)
        versions = notes_queries.history(core, request.project.id, [note.id])
    context: dict[str, Any] = {
        "versions": [(one, notes_card.safe(one.html)) for one in versions],
        "short": picking.short_of(person),
        "back": profile.url_of(request, person.id),
    }
    if request.htmx:
        return render(request, "console/notes/history_dialog.html", context)
    context["shell"] = frame(request, "people", person=person.id)
    return render(request, "console/notes/history_page.html", context)


@agent_view()
@require_POST
def delete(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponseBase:
    """Delete it; the answer offers to take that back."""
    at = clock.now()

    def work(core: Connection) -> Person:
        person, note = _note(core, request, person_id, note_id)
        notes.delete(core, request.project.id, note.id, at)
        _log(request, "note.deleted", person)
        return person

    person = _settle(work)
    undo = reverse("note_restore", args=[request.project.id, person.id, note_id])
    return _done(request, person, "The note is deleted.", undo_url=undo, icon="trash-2")


@agent_view()
@require_POST
def restore(request: AgentRequest, person_id: UUID, note_id: UUID) -> HttpResponseBase:
    """Bring a deleted note back."""
    at = clock.now()

    def work(core: Connection) -> Person:
        person = _person(core, request, person_id)
        note = notes.restore(core, request.project.id, note_id, at)
        if note.person_id != person.id:
            raise UnknownError("There is no such note of theirs.")
        _log(request, "note.restored", person)
        return person

    return _done(request, _settle(work), "The note is back.")


def _write(request: AgentRequest) -> HttpResponseBase:
    at, given = clock.now(), _given(request)

    def work(core: Connection) -> Person:
        person = picking.chosen(core, request, at)
        try:
            notes.add(
                core, request.project.id, person.id, at,
                shared=_shared(request), pinned="pinned" in request.POST,
                by=request.user.id, **given,
            )  # fmt: skip
        except UnknownError as gone:
            raise CollidedError from gone  # merged or erased since the look: look again
        return person

    try:
        person = _settle(work)
    except InvalidError as wrong:
        with database.of_django() as core:
            picked, address = picking.shown_again(core, request, at)
        error = "person_error" if wrong.field == "person" else "body_error"
        context = _typed(request) | {"picked": picked, "address": address, error: wrong.message}
        return _form(request, context)
    readers = f"the team and {picking.short_of(person)}" if _shared(request) else "the team"
    name = naming.called(person.name, person.email, person.user_id, person.id)
    return _done(request, person, f"The note on {name} is saved for {readers}.", leads=True)


def _given(request: AgentRequest) -> dict[str, str]:
    """The note's words: rich text from the editor, or plain from a browser without it."""
    name = "html" if "html" in request.POST else "text"
    return {name: request.POST.get(name, "")}


def _typed(request: AgentRequest) -> dict[str, Any]:
    """What a form had, for one that is shown again."""
    given = _given(request)
    html = notes_card.safe(given.get("html", "")[: notes.MAX_HTML])
    return {
        "html": html,
        "text": given.get("text") or rich_text.plain(html),
        "audience": BOTH if _shared(request) else TEAM,
        "pinned": "pinned" in request.POST,
    }


def _shared(request: AgentRequest) -> bool:
    """Who may read it: whatever was not clearly meant for the person stays with the team."""
    return request.POST.get("audience") == BOTH


def _form(request: AgentRequest, context: dict[str, Any]) -> HttpResponse:
    """The form: in its dialog, alone where its dialog is there already, or on a page."""
    picked = context.get("picked")
    context.setdefault("url", reverse("new_note", args=[request.project.id]))
    context.setdefault("short", picked.short if picked else "the person")
    context["project"] = request.project
    if not request.htmx:
        context["shell"] = frame(request, "people", person=picked.id if picked else None)
        status = 422 if request.method == "POST" else 200
        return render(request, "console/notes/page.html", context, status=status)
    part = "dialog" if request.method == "GET" else "form"
    return render(request, f"console/notes/{part}.html", context)


def _line(
    request: AgentRequest, person_id: UUID, *, typed: str = "", error: str = "", again: bool = False
) -> HttpResponse:
    with database.of_django() as core:
        person = _person(core, request, person_id)
    context = {
        "url": profile.url_of(request, person.id),
        "short": picking.short_of(person),
        "typed": typed,
        "error": error,
        "audience": BOTH if _shared(request) else TEAM,
        "again": again,
    }
    if error and not request.htmx:
        messages.error(request, error)
        return HttpResponseRedirect(profile.url_of(request, person.id))
    return render(request, "console/notes/line.html", context)


def _done(
    request: AgentRequest, person: Person, said: str, *, leads: bool = False, **toast: str
) -> HttpResponse:
    """Say so; the page shows it as everybody's does. `leads` to the profile from elsewhere."""
    url = profile.url_of(request, person.id)
    if not request.htmx:
        messages.success(request, said)
        return HttpResponseRedirect(url)
    if leads and url not in (request.htmx.current_url or ""):
        toast |= {"url": url, "verb": "Open the profile"}
    words = {"text": said, **toast}
    html = render_to_string("console/components/toast.html", words)
    answer = HttpResponse(f'<div hx-swap-oob="beforeend:#toasts">{html}</div>')
    return _told(answer, person.id)


def _told(answer: HttpResponse, person_id: UUID) -> HttpResponse:
    """Close the dialog, and let this page look at once: others hear of it in a moment."""
    news = {"people": [str(person_id)], "everybody": False, "events": 0}
    answer["HX-Trigger"] = json.dumps({"live": news, "dialog-done": {}})
    return answer


def _person(core: Connection, request: AgentRequest, person_id: UUID) -> Person:
    person = queries.person(core, request.project.id, person_id)
    if person is None:
        raise UnknownError("There is no such person.")
    return person


def _note(
    core: Connection, request: AgentRequest, person_id: UUID, note_id: UUID
) -> tuple[Person, Note]:
    """The person and the note on them. Raises UnknownError."""
    person = _person(core, request, person_id)
    note = notes_queries.note(core, request.project.id, note_id)
    if note.person_id != person.id:
        raise UnknownError("There is no such note of theirs.")
    return person, note


def _settle(work: Callable[[Connection], T]) -> T:
    return settled(database.of_django, work)


def _log(request: AgentRequest, action: str, person: Person) -> None:
    name = naming.called(person.name, person.email, person.user_id, person.id)
    audit.record(request.project.id, action, name, by=actor_of(request), now=clock.now())
