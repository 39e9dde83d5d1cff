"""Settings → Team: who is in the project, asking people in, roles, leaving."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt
from regulars.console.frame import project_url, public_url
from regulars.console.settings_nav import settings_context
from regulars.kit import clock
from regulars.workspaces import queries, sign_in
from regulars.workspaces import team as actions
from regulars.workspaces.errors import ForbiddenError, InvalidError
from regulars.workspaces.models import Invitation, Role, RoleName

OWNERS = frozenset({RoleName.OWNER})

_HERE_NOW = timedelta(minutes=5)
_MOST_AT_ONCE = 50
_BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Member:
    """A line of the team's table and what the reader may do there."""

    id: UUID
    name: str
    email: str
    role: str
    role_label: str
    last_here: datetime | None
    is_here: bool
    is_you: bool
    roles: tuple[tuple[str, str], ...]  # what the role may be changed to, itself included
    may_remove: bool
    may_reset: bool

    @property
    def remove_title(self) -> str:
        """What the removal asks."""
        return f"Remove {self.name} from the team?"

    @property
    def reset_title(self) -> str:
        """What making a link for them asks."""
        return f"Make a sign-in link for {self.name}?"


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of those who were asked in."""

    id: UUID
    email: str
    role_label: str
    by: str
    url: str  # empty where the reader may not pass it on
    expires_at: datetime
    is_over: bool


@dataclass(frozen=True, slots=True)
class Given:
    """A link that was just made and is shown this once."""

    url: str
    name: str
    until: datetime


class InviteForm(forms.Form):
    emails = forms.CharField(
        label="Email addresses",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "One a line, or with commas"}),
        error_messages={"required": "Whom do you want to ask in?"},
    )
    role = forms.ChoiceField(label="Role", choices=RoleName.choices, initial=RoleName.AGENT)


@agent_view(MANAGERS)
@require_GET
def team(request: AgentRequest) -> HttpResponse:
    return _page(request, InviteForm())


@agent_view(MANAGERS)
@require_POST
def invite(request: AgentRequest) -> HttpResponseBase:
    form = InviteForm(request.POST)
    asked = attempt(form, lambda given: _invite_all(request, given))
    if asked is None:
        return _page(request, form)
    who = asked[0].email if len(asked) == 1 else f"{len(asked)} people"
    messages.success(request, f"Asked {who} in. Copy the link below and send it to them.")
    return _back(request)


@agent_view(MANAGERS)
@require_POST
def withdraw(request: AgentRequest, invitation_id: UUID) -> HttpResponseBase:
    actions.withdraw(request.project.id, invitation_id, by=actor_of(request), now=clock.now())
    messages.success(request, "Withdrawn. The link is worthless now.")
    return _back(request)


@agent_view(MANAGERS)
@require_POST
def change_role(request: AgentRequest, agent_id: UUID) -> HttpResponseBase:
    try:
        member = actions.change_role(
            request.project.id,
            agent_id,
            request.POST.get("role", ""),
            by=actor_of(request),
            now=clock.now(),
        )
    except InvalidError as wrong:
        messages.error(request, wrong.message)
    else:
        name, role = member.agent.called, member.get_role_display().lower()
        messages.success(request, f"{name} is now an {role}.")
    return _back(request)


@agent_view(MANAGERS)
@require_POST
def remove(request: AgentRequest, agent_id: UUID) -> HttpResponseBase:
    try:
        actions.remove_agent(request.project.id, agent_id, by=actor_of(request), now=clock.now())
    except InvalidError as wrong:
        messages.error(request, wrong.message)
        return _back(request)
    if agent_id == request.user.id:
        return HttpResponseRedirect("/")
    messages.success(request, "Removed. They can't see this project any more.")
    return _back(request)


@agent_view(OWNERS)
@require_POST
def reset_link(request: AgentRequest, agent_id: UUID) -> HttpResponseBase:
    """Make a link for a team mate. The answer to the POST is the only page that shows it."""
    now = clock.now()
    try:
        path = sign_in.reset_link_for(
            request.project.id,
            agent_id,
            by=actor_of(request),
            now=now,
            drops_two_step=request.POST.get("drops_two_step") == "on",
        )
    except ForbiddenError as refused:
        messages.error(request, str(refused))
        return _back(request)
    role = queries.role_in(request.project.id, agent_id)
    given = Given(
        public_url(request, path),
        role.agent.called if role else "",
        now + sign_in.RESET_LASTS,
    )
    return _page(request, InviteForm(), given)


@transaction.atomic
def _invite_all(request: AgentRequest, given: dict[str, Any]) -> list[Invitation]:
    """Invite everybody or, where one address is wrong, nobody."""
    addresses = [part for part in _BETWEEN.split(given["emails"]) if part]
    if not addresses or len(addresses) > _MOST_AT_ONCE:
        raise InvalidError("emails", f"Give one to {_MOST_AT_ONCE} addresses.")
    now, by = clock.now(), actor_of(request)
    try:
        return [
            actions.invite(request.project.id, address, given["role"], by=by, now=now)
            for address in dict.fromkeys(addresses)
        ]
    except InvalidError as wrong:
        raise InvalidError(
            "emails" if wrong.field == "email" else wrong.field, wrong.message
        ) from wrong


def _back(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(project_url(request.project.id, "settings/team/"))


def _page(request: AgentRequest, form: InviteForm, given: Given | None = None) -> HttpResponse:
    mine, now = request.role.role, clock.now()
    members = queries.team_of(request.project.id)
    form.fields["role"].choices = _grantable(mine)  # type: ignore[attr-defined]
    return render(
        request,
        "console/team/team.html",
        {
            **settings_context(request, "team"),
            "form": form,
            "given": given,
            "project": request.project,
            "members": [_member(request, role, now) for role in members],
            "asked": [
                _asked(request, invitation, now)
                for invitation in queries.invitations_of(request.project.id)
            ],
        },
        status=422 if form.is_bound else 200,
    )


def _grantable(mine: str) -> list[tuple[str, str]]:
    """The roles that someone with the role `mine` may give, the smallest first."""
    roles = [RoleName.AGENT, RoleName.ADMIN, RoleName.OWNER]
    return [(role.value, str(role.label)) for role in roles if actions.reaches(mine, role)]


def _member(request: AgentRequest, role: Role, now: datetime) -> Member:
    reached = actions.reaches(request.role.role, role.role)
    is_you = role.agent_id == request.user.id
    here = role.last_here is not None and now - role.last_here < _HERE_NOW
    return Member(
        id=role.agent_id,
        name=role.agent.called,
        email=role.agent.email,
        role=role.role,
        role_label=role.get_role_display(),
        last_here=role.last_here,
        is_here=here,
        is_you=is_you,
        roles=tuple(_grantable(request.role.role)) if reached else (),
        may_remove=reached,
        may_reset=request.role.role == RoleName.OWNER and not is_you and bool(role.agent.email),
    )


def _asked(request: AgentRequest, invitation: Invitation, now: datetime) -> Asked:
    reached = actions.reaches(request.role.role, invitation.role)
    return Asked(
        id=invitation.id,
        email=invitation.email,
        role_label=invitation.get_role_display(),
        by=invitation.invited_by.called if invitation.invited_by else "",
        url=public_url(request, actions.path_of(invitation)) if reached else "",
        expires_at=invitation.expires_at,
        is_over=invitation.expires_at <= now,
    )
