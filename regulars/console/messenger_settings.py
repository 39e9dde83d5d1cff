"""Settings → Messenger: what the messenger on the product's pages looks like and says."""

from __future__ import annotations

from typing import Any

import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt
from regulars.console.settings_nav import settings_context
from regulars.inbox import settings
from regulars.inbox.settings import MessengerSettings
from regulars.kit import clock, database
from regulars.people import actions
from regulars.workspaces import audit, queries

audit.describe(settings.AUDITED)

# What there is to choose from at once: label, value, and the class that shows it.
SWATCHES = (
    ("Pine", "", "sw2"),
    ("Navy", "#153b68", "sw1"),
    ("Plum", "#6d2c5a", "sw3"),
    ("Brick", "#a52a24", "sw5"),
    ("Ink", "#1d2320", "sw4"),
)
OWN = "own"
TEAM_SHOWN = 3

_LOOKS = ("on", "color", "side", "greeting", "intro", "show_team", "ask_rating", "allow_files")


class MessengerForm(forms.Form):
    on = forms.BooleanField(required=False)
    color = forms.ChoiceField(
        choices=[*((value, label) for label, value, _ in SWATCHES), (OWN, "Your own")],
        required=False,
    )
    own_color = forms.CharField(max_length=7, required=False)
    side = forms.ChoiceField(choices=[("right", "Right"), ("left", "Left")])
    greeting = forms.CharField(
        label="Greeting",
        max_length=200,
        error_messages={"required": "The greeting can't be empty."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    intro = forms.CharField(
        label="And below it",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    show_team = forms.BooleanField(required=False)
    ask_rating = forms.BooleanField(required=False)
    allow_files = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """The colour as the settings have it: one's own counts where it is chosen."""
        given = {**self.cleaned_data}
        own = given.pop("own_color", "")
        if given.get("color") == OWN:
            given["color"] = own
        given["color"] = given.get("color") or None
        return given


@agent_view(MANAGERS)
def messenger(request: AgentRequest) -> HttpResponseBase:
    """The page; posted to, it saves."""
    kept = _kept(request)
    form = MessengerForm(request.POST or None, initial=_initial(kept))
    if attempt(form, lambda given: save(request, given)) is not None:
        messages.success(request, "Saved. The messenger shows it from now on.")
        return HttpResponseRedirect(request.path)
    return _page(request, form, kept)


def save(request: AgentRequest, given: dict[str, Any]) -> MessengerSettings:
    """Change some of the settings, and note in the audit log what is different. InvalidError."""
    now = clock.now()

    def work(core: psycopg.Connection[Any]) -> MessengerSettings:
        before = settings.load(core, request.project.id)
        after = settings.change(core, request.project.id, given, now)
        changed = settings.differences(before, after)
        if changed:
            audit.record(
                request.project.id,
                "messenger.changed",
                ", ".join(changed),
                by=actor_of(request),
                now=now,
                details=changed,
            )
        return after

    return actions.settled(database.of_django, work)


def _kept(request: AgentRequest) -> MessengerSettings:
    with database.of_django() as core:
        return settings.load(core, request.project.id)


def _initial(kept: MessengerSettings) -> dict[str, Any]:
    shown = {name: getattr(kept, name) for name in _LOOKS}
    known = kept.color is None or kept.color in {value for _, value, _ in SWATCHES}
    return {
        **shown,
        "color": (kept.color or "") if known else OWN,
        "own_color": "" if known else kept.color,
    }


def _page(request: AgentRequest, form: MessengerForm, kept: MessengerSettings) -> HttpResponse:
    team = [role.agent.called for role in queries.team_of(request.project.id)]
    context = {
        **settings_context(request, "messenger"),
        "form": form,
        "kept": kept,
        "project": request.project,
        "swatches": SWATCHES,
        "own": OWN,
        "own_color": form["own_color"].value() or "#1f6f54",
        "team": team[:TEAM_SHOWN],
        "team_words": _and([name.partition(" ")[0] for name in team[:TEAM_SHOWN]]),
    }
    status = 422 if form.is_bound else 200
    return render(request, "console/messenger_settings/messenger.html", context, status=status)


def _and(names: list[str]) -> str:
    """“Ines, Thandi and Bram are here”."""
    if len(names) == 1:
        return f"{names[0]} is here"
    return f"{', '.join(names[:-1])} and {names[-1]} are here"
