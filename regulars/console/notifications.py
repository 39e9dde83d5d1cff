"""Settings → Notifications: how the agent is told of new messages, and whether they are away."""

from __future__ import annotations

from typing import Any

import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.console.forms import attempt
from regulars.console.frame import frame
from regulars.console.inbox_settings import minutes_field
from regulars.console.settings_nav import settings_context
from regulars.inbox import preferences, web_push
from regulars.inbox.preferences import AgentPreferences
from regulars.kit import clock, database, environment
from regulars.people import actions

EMAIL_AFTER = (5, 10, 15, 30, 60, 240)

_SWITCHES = ("away", "sound", "browser")


class NotificationsForm(forms.Form):
    away = forms.BooleanField(required=False)
    sound = forms.BooleanField(required=False)
    browser = forms.BooleanField(required=False)
    only_mine = forms.ChoiceField(
        choices=[("", "Mine and nobody’s"), ("yes", "Mine")], required=False
    )

    def __init__(self, data: QueryDict | None, kept: AgentPreferences) -> None:
        initial: dict[str, Any] = {name: getattr(kept, name) for name in _SWITCHES}
        super().__init__(data, initial={**initial, "only_mine": "yes" if kept.only_mine else ""})
        self.fields["email_after_minutes"] = minutes_field(
            "By email",
            EMAIL_AFTER,
            kept.email_after_minutes,
            none="Never",
            before="When nobody has looked for ",
        )

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "only_mine": self.cleaned_data.get("only_mine") == "yes"}


@agent_view()
def notifications(request: AgentRequest) -> HttpResponseBase:
    """The page; posted to, it saves."""
    with database.of_django() as core:
        kept = preferences.load(core, request.project.id, request.user.id)
    form = NotificationsForm(request.POST or None, kept)
    if attempt(form, lambda given: _save(request, given)) is not None:
        messages.success(request, "Saved. It applies from now on.")
        return HttpResponseRedirect(request.path)
    context = {**settings_context(request, "notifications"), "form": form}
    context["project"] = request.project
    context["push_key"] = web_push.public_key(environment.read().secret_key)
    status = 422 if form.is_bound else 200
    return render(request, "console/notifications/notifications.html", context, status=status)


@agent_view()
@require_POST
def away(request: AgentRequest) -> HttpResponseBase:
    """Go away, or come back: from the account's menu, on every page."""
    now_away = request.POST.get("away") == "on"
    _save(request, {"away": now_away})
    if not request.htmx:
        return HttpResponseRedirect(reverse("notifications", args=[request.project.id]))
    context = {"account": frame(request, "account").account}
    return render(request, "console/notifications/away.html", context)


def _save(request: AgentRequest, given: dict[str, Any]) -> AgentPreferences:
    now = clock.now()

    def work(core: psycopg.Connection[Any]) -> AgentPreferences:
        return preferences.change(core, request.project.id, request.user.id, given, now)

    return actions.settled(database.of_django, work)
