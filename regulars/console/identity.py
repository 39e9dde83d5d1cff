"""Settings → Identity verification: how a page proves who its user is, and what it is good for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console import identity_snippets
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.settings_nav import settings_context
from regulars.kit import clock
from regulars.tracking.pipeline import claims
from regulars.workspaces import audit, projects
from regulars.workspaces.keys import hint_of

MOST_TYPED = 4000  # characters of a token that is tried
_LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)


@agent_view(MANAGERS)
@require_GET
def identity(request: AgentRequest) -> HttpResponse:
    """The page. The secret itself is not on it: it has to be asked for."""
    project = request.project
    context = {
        "project": project,
        "hint": hint_of(project.identity_secret),
        "used_at": project.identity_used_at,
        "snippets": identity_snippets.SNIPPETS,
        "page_code": identity_snippets.PAGE,
    }
    page = "console/identity/identity.html"
    return render(request, page, settings_context(request, "identity") | context)


@agent_view(MANAGERS)
@require_POST
def reveal(request: AgentRequest) -> HttpResponse:
    """The secret, to put on the product's server; the audit log says who looked."""
    with transaction.atomic():
        audit.record(
            request.project.id, "identity.secret_shown", by=actor_of(request), now=clock.now()
        )
    return render(
        request, "console/identity/secret.html", {"secret": request.project.identity_secret}
    )


@agent_view(MANAGERS)
@require_POST
def replace(request: AgentRequest) -> HttpResponseBase:
    """Make another secret; what the old one signed is worthless at once."""
    projects.replace_identity_secret(request.project.id, by=actor_of(request), now=clock.now())
    messages.success(request, "Here is a new secret. Put it on your server now.")
    return _back(request)


@agent_view(MANAGERS)
@require_POST
def enforce(request: AgentRequest) -> HttpResponseBase:
    """Demand signed claims, or stop doing so."""
    wanted = request.POST.get("enforce_identity") == "on"
    projects.change_project(
        request.project.id, {"enforce_identity": wanted}, by=actor_of(request), now=clock.now()
    )
    if wanted:
        messages.success(request, "Signed claims are demanded from now on.")
    else:
        messages.success(request, "Unsigned claims are believed again. It stays so until you say.")
    return _back(request)


@agent_view(MANAGERS)
@require_POST
def check(request: AgentRequest) -> HttpResponse:
    """Whether a signature is right for a user id, and if not, what may be the matter."""
    user = request.POST.get("user_id", "")[:MOST_TYPED].strip()
    token = request.POST.get("token", "")[:MOST_TYPED].strip()
    context = _verdict(user, token, request.project.identity_secret)
    return render(request, "console/identity/verdict.html", context)


def _verdict(user: str, token: str, secret: str) -> dict[str, Any]:
    if not user or not token:
        return {"kind": "warn", "text": "Give a user id and what your server made of it."}
    if claims.proves(token, user, secret, clock.now()):
        return {"kind": "ok", "text": "It matches"}
    if claims.proves(token, user, secret, _LONG_AGO):
        return {"kind": "warn", "text": "Signed for this user, and run out"}
    return {"kind": "bad", "text": "It does not match this user id and the secret"}


def _back(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("identity", args=[request.project.id]))
