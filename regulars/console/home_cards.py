"""Home's cards of campaigns and of the funnel in miniature: asked for when the page stands.

What they show is counted by their own slices, and costs more than what is kept: the page does not
wait for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from regulars.campaigns import campaigns, results
from regulars.campaigns.results import Glance
from regulars.console import charts
from regulars.console.access import AgentRequest, agent_view
from regulars.funnels import kept
from regulars.kit import clock, database

Connection = psycopg.Connection[Any]

LISTED = 4  # campaigns
FUNNEL_DAYS = 28


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign that sends or has sent."""

    name: str
    url: str
    glance: Glance

    @property
    def opened(self) -> str:
        """Of those it was sent to."""
        return _share(self.glance.opened, self.glance.sent)

    @property
    def clicked(self) -> str:
        """The same."""
        return _share(self.glance.clicked, self.glance.sent)


@dataclass(frozen=True, slots=True)
class Stage:
    """A checkpoint of the funnel."""

    title: str
    reached: int
    width: float  # of its bar
    share: str  # of those at the first


@agent_view()
@require_GET
def home_cards(request: AgentRequest) -> HttpResponse:
    """Both cards."""
    with database.of_django() as core:
        context = {
            "campaigns": _campaigns(core, request),
            "stages": _stages(core, request),
            "days": FUNNEL_DAYS,
        }
    context |= {
        "campaigns_url": reverse("campaigns", args=[request.project.id]),
        "funnel_url": reverse("funnel", args=[request.project.id]),
    }
    return render(request, "console/home/cards.html", context)


def _campaigns(core: Connection, request: AgentRequest) -> list[Campaign]:
    """Those that sent most, of all that are published."""
    project_id = request.project.id
    glances = results.glances(core, project_id, clock.now())
    found = [
        Campaign(
            one.name,
            reverse("campaign_results", args=[project_id, one.id]),
            glances.get(one.id, Glance()),
        )
        for one in campaigns.all_of(core, project_id)
        if one.published is not None
    ]
    return sorted(found, key=lambda one: -one.glance.sent)[:LISTED]


def _stages(core: Connection, request: AgentRequest) -> list[Stage]:
    """Who reached the first checkpoint in the last weeks, and how far they came."""
    report, _ = kept.report_of(core, request.project.id, FUNNEL_DAYS, "", clock.now())
    found = report.stages
    first = found[0].reached if found else 0
    return [
        Stage(
            one.checkpoint.title,
            one.reached,
            charts.share(one.reached, first),
            _share(one.reached, first),
        )
        for one in found
    ]


def _share(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)}%" if whole else "–"
