"""What holds for all campaigns: quiet hours and the frequency cap."""

from __future__ import annotations

from typing import Any

import psycopg
from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from regulars.campaigns import limits as slice_
from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.campaigns import note
from regulars.console.frame import frame
from regulars.console.segments_edits import settle
from regulars.kit import clock, database
from regulars.workspaces.errors import InvalidError


@agent_view(MANAGERS)
@require_http_methods(["GET", "POST"])
def limits(request: AgentRequest) -> HttpResponseBase:
    """The form, and what was written into it."""
    context: dict[str, Any] = {"project": request.project}
    if request.method == "POST":
        at = clock.now()
        given = {key: request.POST.get(key, "").strip() or None for key in _FIELDS}

        def work(core: psycopg.Connection[Any]) -> None:
            numbers = {key: _number(key, given[key]) for key in ("cap_emails", "cap_days")}
            slice_.save(core, request.project.id, {**given, **numbers}, at)
            note(request, "campaign.settings", request.project.name)

        try:
            settle(work)
        except InvalidError as wrong:
            context |= {"given": given, "wrong": wrong}
        else:
            messages.success(request, "Kept, for all campaigns.")
            return HttpResponseRedirect(reverse("campaigns", args=[request.project.id]))
    if "given" not in context:
        with database.of_django() as core:
            kept = slice_.load(core, request.project.id)
        context["given"] = {
            "quiet_from": f"{kept.quiet_from:%H:%M}" if kept.quiet_from else "",
            "quiet_to": f"{kept.quiet_to:%H:%M}" if kept.quiet_to else "",
            "cap_emails": kept.cap_emails or "",
            "cap_days": kept.cap_days or "",
        }
    context["shell"] = frame(request, "campaigns")
    status = 422 if "wrong" in context else 200
    return render(request, "console/campaigns/limits.html", context, status=status)


_FIELDS = ("quiet_from", "quiet_to", "cap_emails", "cap_days")


def _number(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 4:  # noqa: PLR2004 - digits
        raise InvalidError(field, "Expected a whole number.")
    return int(text)
