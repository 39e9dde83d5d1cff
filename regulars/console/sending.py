"""Sending: how mail leaves, what comes back, whom we no longer write to, and the domains' state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import health, holding
from regulars.campaigns.health import Leaving
from regulars.console import email_server
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.email_settings import card_of
from regulars.console.frame import frame
from regulars.kit import clock, database
from regulars.mail import domains, outgoing, subscriptions, suppressions
from regulars.workspaces import audit
from regulars.workspaces.models import Agent

Connection = psycopg.Connection[Any]

audit.describe(
    {
        "sending.held": "Held all emails back",
        "sending.let_go": "Let emails leave again",
    }
)

# Where receivers begin to refuse a sender's mail.
BOUNCES_BAD, COMPLAINTS_BAD = 0.05, 0.003


@dataclass(frozen=True, slots=True)
class Tab:
    """One side of a switch, as `components/segmented.html` wants it."""

    label: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """An email that is leaving, and where it is shown."""

    email: Leaving
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A minute of the chart."""

    x: float
    y: float
    height: float


@agent_view()
@require_GET
def sending(request: AgentRequest) -> HttpResponse:
    """The board."""
    now, project_id = clock.now(), request.project.id
    with database.of_django() as core:
        totals = health.totals(core, project_id, now)
        rate = health.rate(core, project_id, now)
        held = holding.held_since(core, project_id)
        cards = [card_of(one) for one in domains.all_of(core, project_id, now)]
        context = {
            **sending_context(request, core, "server"),
            "totals": totals,
            "rate": rate,
            "bars": _bars(health.by_minute(core, project_id, now)),
            "minutes": -(-totals.waiting // rate) if rate and totals.waiting else 0,
            "held": held[0] if held else None,
            "held_by": _called(held[1]) if held else "",
            "rates": {
                name: _percent(totals.share(getattr(totals, name)))
                for name in ("delivered", "bounced", "complained")
            },
            "bounces_bad": (totals.share(totals.bounced) or 0) > BOUNCES_BAD,
            "complaints_bad": (totals.share(totals.complained) or 0) > COMPLAINTS_BAD,
            "leaving": [
                OnItsWay(one, _url(request, one)) for one in health.leaving(core, project_id)
            ],
            "providers": health.providers(core, project_id, now),
            "cards": cards,
            "unverified": [card for card in cards if not card.domain.is_verified],
            "no_longer": _no_longer(core, project_id),
        }
    return render(request, "console/sending/health.html", context)


@agent_view(MANAGERS)
@require_POST
def hold(request: AgentRequest) -> HttpResponseBase:
    """No email of the project leaves until it is let go on."""
    return _hold(request, holds=True)


@agent_view(MANAGERS)
@require_POST
def let_go(request: AgentRequest) -> HttpResponseBase:
    """They leave again."""
    return _hold(request, holds=False)


def _hold(request: AgentRequest, *, holds: bool) -> HttpResponseBase:
    now, project_id = clock.now(), request.project.id
    with database.of_django() as core:
        if holds:
            changed = holding.hold(core, project_id, request.user.id, now)
        else:
            changed = holding.let_go(core, project_id)
    if changed:
        action = "sending.held" if holds else "sending.let_go"
        audit.record(project_id, action, "", by=actor_of(request), now=now)
    return HttpResponseRedirect(reverse("sending", args=[project_id]))


def _bars(minutes: Sequence[int | None]) -> list[Bar]:
    """The minutes of the hour as bars of a chart of 120 by 40; none where nothing left."""
    most = max((people for people in minutes if people), default=0)
    if not most:
        return []
    heights = [(place, 36 * people / most) for place, people in enumerate(minutes) if people]
    return [Bar(2 * place + 0.3, round(40 - high, 1), round(high, 1)) for place, high in heights]


def _called(agent_id: UUID | None) -> str:
    agent = Agent.objects.filter(id=agent_id).first() if agent_id else None
    return agent.called if agent else ""


def sending_context(request: AgentRequest, core: Connection, here: str) -> dict[str, Any]:
    """What every page of Sending needs; `here` is "server", "outbox" or "suppressed"."""
    project_id = request.project.id
    kept = outgoing.count(core, project_id, "kept")
    return {
        "shell": frame(request, "campaigns"),
        "project": request.project,
        "sides": [
            Tab("Mail server", reverse("sending", args=[project_id]), here == "server"),
            Tab("Local outbox", reverse("outbox", args=[project_id]), here == "outbox", kept),
            Tab("Not written to", reverse("suppressed", args=[project_id]), here == "suppressed"),
        ],
        "server": email_server.server_of(email_server.kept_of(core, project_id)).name,
        "manages": request.role.role in MANAGERS,
    }


def _no_longer(core: Connection, project_id: UUID) -> dict[str, int]:
    counts = suppressions.counts(core, project_id)
    counts["unsubscribed"] = subscriptions.count(core, project_id)
    return {**counts, "all": sum(counts.values())}


def _url(request: AgentRequest, email: Leaving) -> str:
    """Its own page, once there is one."""
    name, id_ = (
        ("campaign_results", email.campaign_id) if email.campaign_id else ("email", email.id)
    )
    try:
        return reverse(name, args=[request.project.id, id_])
    except NoReverseMatch:
        return ""


def _percent(share: float | None) -> str:
    """A share as people read it: two digits where it is small."""
    if share is None:
        return "–"
    return f"{share:.2%}" if share < 0.01 else f"{share:.1%}"  # noqa: PLR2004 - one in a hundred
