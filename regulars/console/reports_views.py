"""Views of the reports that are kept: saved from what is on the page, opened by their name."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.console.refusals import refusal
from regulars.kit import clock, database
from regulars.reports import views
from regulars.reports.views import View
from regulars.workspaces.errors import ConflictError, InvalidError

# The parts of the page's address that make a view; all else in an address means nothing.
PARTS = ("show", "by", "step", "starts", "period", "from", "to")
LONGEST = 300  # characters of a part


@dataclass(frozen=True, slots=True)
class Offer:
    """A kept view in the menu."""

    id: UUID
    name: str
    url: str
    here: bool


def offers(found: list[View], url: str, asked: dict[str, str]) -> list[Offer]:
    """The kept views; the one that is on the page is marked."""
    return [
        Offer(one.id, one.name, f"{url}?{urlencode(one.asked)}", one.asked == asked)
        for one in found
    ]


def asked_of(given: dict[str, str]) -> dict[str, str]:
    """What an address asks, as a view keeps it."""
    return {part: given[part][:LONGEST] for part in PARTS if given.get(part)}


@agent_view()
@require_POST
def save_view(request: AgentRequest) -> HttpResponseBase:
    """Keep what is on the page under a name."""
    asked = asked_of({part: request.POST.get(part, "") for part in PARTS})
    name = request.POST.get("name", "")
    try:
        with database.of_django() as core:
            views.save(core, request.project.id, name, asked, clock.now(), request.user.id)
    except (InvalidError, ConflictError) as wrong:
        return refusal(wrong.message)
    messages.success(request, f"Saved “{' '.join(name.split())}”")
    url = reverse("reports", args=[request.project.id])
    return HttpResponseRedirect(f"{url}?{urlencode(asked)}")


@agent_view()
@require_POST
def delete_view(request: AgentRequest, view_id: UUID) -> HttpResponseBase:
    """Keep a view no longer."""
    with database.of_django() as core:
        name = views.delete(core, request.project.id, view_id)
    messages.success(request, f"Deleted the view “{name}”")
    return HttpResponseRedirect(reverse("reports", args=[request.project.id]))
