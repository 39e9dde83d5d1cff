"""Adding a user or a lead by hand: the dialogs of the *New* menu."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from regulars.console import profile
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt
from regulars.console.frame import frame
from regulars.kit import clock, database
from regulars.people import actions, naming, queries
from regulars.people.person import Person
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
Kind = Literal["user", "lead"]

audit.describe(actions.AUDITED)


class _PersonForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.CharField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"required": "The email can't be empty."},
    )


class LeadForm(_PersonForm):
    """Somebody who left an address and has not registered."""


class UserForm(_PersonForm):
    """Somebody who registered with the product, which knows them by an id."""

    user_id = forms.CharField(
        label="User id",
        max_length=actions.MAX_USER_ID,
        help_text="What your product calls them. What it sends later finds them by it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "A user has the id that your product gave them."},
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["email"].required = False


class ThereAlreadyError(InvalidError):
    """Somebody else goes by that, and is not changed in passing."""

    def __init__(self, field: str, person_id: UUID) -> None:
        super().__init__(field, "Somebody goes by that already.")
        self.person_id = person_id


@agent_view()
@require_http_methods(["GET", "POST"])
def new_user(request: AgentRequest) -> HttpResponseBase:
    """Add somebody who registered with the product."""
    return _new(request, "user", UserForm(request.POST or None))


@agent_view()
@require_http_methods(["GET", "POST"])
def new_lead(request: AgentRequest) -> HttpResponseBase:
    """Add somebody who left an address."""
    return _new(request, "lead", LeadForm(request.POST or None))


def _new(request: AgentRequest, kind: Kind, form: forms.Form) -> HttpResponseBase:
    there: list[UUID] = []

    def make(given: dict[str, Any]) -> Person:
        try:
            return _made(request, given)
        except ThereAlreadyError as refused:
            there.append(refused.person_id)
            raise

    person = attempt(form, make) if request.method == "POST" else None
    if person is None:
        return _answer(request, kind, form, there)
    messages.success(request, f"{_called(person)} is added.")
    url = profile.url_of(request, person.id)
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def _made(request: AgentRequest, given: dict[str, Any]) -> Person:
    """The person, who is new. Raises InvalidError; nothing is changed then."""
    at = clock.now()
    facts = {key: value for key, value in given.items() if value}

    def work(core: Connection) -> Person:
        person, made = actions.create_or_update(core, request.project.id, facts, at)
        if not made:
            raise ThereAlreadyError("user_id" if "user_id" in facts else "email", person.id)
        name = _called(person)
        audit.record(request.project.id, "person.made", name, by=actor_of(request), now=at)
        return person

    return actions.settled(database.of_django, work)


def _answer(request: AgentRequest, kind: Kind, form: forms.Form, there: list[UUID]) -> HttpResponse:
    with database.of_django() as core:
        found = queries.people(core, request.project.id, there)
    first = next(iter(form.errors), "name")
    if first in form.fields:
        form.fields[first].widget.attrs["autofocus"] = True
    context: dict[str, Any] = {
        "form": form,
        "kind": kind,
        "there": [(_called(one), profile.url_of(request, one.id)) for one in found.values()],
        "url": reverse(f"new_{kind}", args=[request.project.id]),
    }
    if not request.htmx:
        context["shell"] = frame(request, "people")
        status = 422 if request.method == "POST" else 200
        return render(request, "console/new/page.html", context, status=status)
    part = "dialog" if request.method == "GET" else "form"
    return render(request, f"console/new/{part}.html", context)


def _called(person: Person) -> str:
    return naming.called(person.name, person.email, person.user_id, person.id)
