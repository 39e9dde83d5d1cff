"""The page an invitation's link leads to: join with a new account, or with the one you have."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from regulars.console.access import ip_of
from regulars.console.forms import attempt, name_field, new_password_field
from regulars.console.frame import project_url
from regulars.console.signin import let_in
from regulars.kit import clock
from regulars.workspaces import queries, team
from regulars.workspaces.errors import ForbiddenError, LinkError
from regulars.workspaces.models import Agent, Invitation, RoleName

_GONE = 410

# What each role means to who comes in.
_MEANING = {
    RoleName.OWNER: "an owner: everything is yours to do, the team and the keys included.",
    RoleName.ADMIN: "an admin: you see everyone, and settings, team and keys are yours to change.",
    RoleName.AGENT: (
        "an agent: you see everyone and their profiles. Settings, team and keys stay with admins."
    ),
}


class JoinForm(forms.Form):
    name = name_field("Your name", "name")
    password = new_password_field()


@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show an invitation; only a POST accepts it."""
    try:
        invited = team.open_invitation(token, clock.now())
        if isinstance(request.user, Agent):
            return _with_account(request, request.user, token, invited)
        return _without_account(request, token, invited)
    except LinkError:
        return render(
            request,
            "console/signin/gone.html",
            {"hint": "Ask whoever sent it for a new one."},
            status=_GONE,
        )


def _with_account(
    request: HttpRequest, agent: Agent, token: str, invited: Invitation
) -> HttpResponseBase:
    """Somebody who is signed in: they join as who they are, if it was them who was asked."""
    if request.method == "POST":
        try:
            joined = team.join_as(token, agent, ip=ip_of(request), now=clock.now())
        except ForbiddenError as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(request.path)
        messages.success(request, f"Welcome to {invited.project.name}.")
        return HttpResponseRedirect(project_url(joined.project_id))
    is_theirs = agent.email_folded == invited.email_folded
    return _page(request, invited, {"agent": agent, "is_theirs": is_theirs})


def _without_account(request: HttpRequest, token: str, invited: Invitation) -> HttpResponse:
    """Somebody who is not signed in: a new account, or signing in first where there is one."""
    if queries.agent_with(invited.email_folded) is not None:
        then = urlencode({"next": request.path})
        return _page(request, invited, {"sign_in_url": f"{settings.LOGIN_URL}?{then}"})
    form = JoinForm(request.POST or None)
    joined = attempt(
        form,
        lambda given: team.join_as_new(token, ip=ip_of(request), now=clock.now(), **given),
    )
    if joined is None:
        return _page(request, invited, {"form": form})
    return let_in(request, joined.agent, project_url(joined.project_id))


def _page(request: HttpRequest, invited: Invitation, more: dict[str, Any]) -> HttpResponse:
    context = {
        "invitation": invited,
        "project": invited.project,
        "by": invited.invited_by,
        "meaning": _MEANING[RoleName(invited.role)],
        **more,
    }
    return render(request, "console/invite/invite.html", context)
