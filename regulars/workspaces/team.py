"""Who is in a project: asking in, joining, changing roles, removing.

Owners may do all of it. Admins may do it to admins and agents. A project keeps an owner at all
times: whoever would take the last one away is refused, also when two do it at once.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces import checks, projects
from regulars.workspaces.audit import Actor, record
from regulars.workspaces.errors import ForbiddenError, InvalidError, LinkError, UnknownError
from regulars.workspaces.models import Agent, Invitation, Role, RoleName
from regulars.workspaces.queries import role_of

INVITATION_LASTS = timedelta(days=7)
_SALT = "regulars.workspaces.invitation"
_ID_BYTES = 16
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Joined:
    """Who came in by an invitation, and where."""

    agent: Agent
    project_id: UUID


@transaction.atomic
def invite(project_id: UUID, email: str, role: str, *, by: Actor, now: datetime) -> Invitation:
    """Ask an email address in. Asking again renews the invitation and keeps its link."""
    projects.locked_project(project_id)
    address = checks.email("email", email)
    if role not in RoleName.values:
        raise InvalidError("role", "The role must be owner, admin or agent.")
    _must_reach(project_id, by, role)
    if Role.objects.filter(project_id=project_id, agent__email_folded=fold(address)).exists():
        raise InvalidError("email", f"{address} is on the team already.")
    invitation = Invitation.objects.filter(
        project_id=project_id, email_folded=fold(address), accepted_at=None, withdrawn_at=None
    ).first()
    if invitation is None:
        invitation = Invitation(
            project_id=project_id, id=new_id(now), email_folded=fold(address), created_at=now
        )
    else:
        _must_reach(project_id, by, invitation.role)
    invitation.email = address
    invitation.role = role
    invitation.invited_by_id = by.agent_id
    invitation.expires_at = now + INVITATION_LASTS
    invitation.save()
    record(project_id, "agent.invited", address, by=by, now=now, details={"role": str(role)})
    return invitation


@transaction.atomic
def withdraw(project_id: UUID, invitation_id: UUID, *, by: Actor, now: datetime) -> None:
    """Make an invitation's link worthless."""
    invitation = (
        Invitation.objects.select_for_update(of=("self",))
        .filter(project_id=project_id, id=invitation_id, accepted_at=None, withdrawn_at=None)
        .first()
    )
    if invitation is None:
        raise UnknownError("There is no such invitation.")
    _must_reach(project_id, by, invitation.role)
    invitation.withdrawn_at = now
    invitation.save(update_fields=["withdrawn_at"])
    record(project_id, "agent.invitation_withdrawn", invitation.email, by=by, now=now)


def path_of(invitation: Invitation) -> str:
    """The invitation's link: its ids and a signature of them, so that none is stored."""
    ids = invitation.project_id.bytes + invitation.id.bytes
    return "/invite/" + base64.urlsafe_b64encode(ids + _mac(ids)).decode("ascii")


def open_invitation(token: str, now: datetime) -> Invitation:
    """The invitation a link leads to; LinkError if it does not work (any more)."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as wrong:
        raise LinkError("This invitation is not known.") from wrong
    ids, mac = raw[: 2 * _ID_BYTES], raw[2 * _ID_BYTES :]
    if len(ids) != 2 * _ID_BYTES or not constant_time_compare(mac, _mac(ids)):
        raise LinkError("This invitation is not known.")
    invitation = (
        Invitation.objects.select_related("project", "invited_by")
        .filter(
            project_id=UUID(bytes=ids[:_ID_BYTES]),
            id=UUID(bytes=ids[_ID_BYTES:]),
            accepted_at=None,
            withdrawn_at=None,
            expires_at__gt=now,
        )
        .first()
    )
    if invitation is None:
        raise LinkError("This invitation was used, withdrawn, or has run out.")
    return invitation


@transaction.atomic
def join_as_new(token: str, *, name: str, password: str, ip: str | None, now: datetime) -> Joined:
    """Accept an invitation by making an account for the address it was sent to."""
    invitation = open_invitation(token, now)
    if Agent.objects.filter(email_folded=invitation.email_folded).exists():
        raise InvalidError("email", "There is an account with this email: sign in to accept.")
    called = checks.line("name", name, most=100, called="Your name")
    checks.new_password("password", password, Agent(name=called, email=invitation.email))
    agent = projects.make_agent(invitation.email, password, name=called, now=now)
    _accept(invitation, agent, ip=ip, now=now)
    return Joined(agent, invitation.project_id)


@transaction.atomic
def join_as(token: str, agent: Agent, *, ip: str | None, now: datetime) -> Joined:
    """Accept an invitation as the agent it was sent to."""
    invitation = open_invitation(token, now)
    if agent.email_folded != invitation.email_folded:
        raise ForbiddenError("This invitation was sent to another address.")
    _accept(invitation, agent, ip=ip, now=now)
    return Joined(agent, invitation.project_id)


@transaction.atomic
def change_role(project_id: UUID, agent_id: UUID, role: str, *, by: Actor, now: datetime) -> Role:
    """Give a team member another role."""
    projects.locked_project(project_id)
    if role not in RoleName.values:
        raise InvalidError("role", "The role must be owner, admin or agent.")
    member = _member(project_id, agent_id)
    old = member.role
    if old == role:
        return member
    _must_reach(project_id, by, old, role)
    if old == RoleName.OWNER:
        _must_leave_an_owner(project_id)
    member.role = role
    member.save(update_fields=["role"])
    record(
        project_id,
        "agent.role_changed",
        member.agent.called,
        by=by,
        now=now,
        details={"role": [old, str(role)]},
    )
    return member


@transaction.atomic
def remove_agent(project_id: UUID, agent_id: UUID, *, by: Actor, now: datetime) -> None:
    """Take an agent out of a project. Their account, and what they did here, stay."""
    projects.locked_project(project_id)
    member = _member(project_id, agent_id)
    _must_reach(project_id, by, member.role)
    if member.role == RoleName.OWNER:
        _must_leave_an_owner(project_id)
    member.delete()
    record(project_id, "agent.removed", member.agent.called, by=by, now=now)


def note_presence(role: Role, now: datetime) -> None:
    """Remember that an agent is in the project now; of two who note it at once one is enough."""
    Role.objects.filter(id=role.id, last_here=role.last_here).update(last_here=now)


def reaches(by_role: str | None, *roles: str) -> bool:
    """Whether someone with `by_role` may give, take and change these roles."""
    if by_role == RoleName.OWNER:
        return True
    return by_role == RoleName.ADMIN and RoleName.OWNER not in roles


def _must_reach(project_id: UUID, by: Actor, *roles: str) -> None:
    if by.agent_id is not None and not reaches(role_of(project_id, by.agent_id), *roles):
        raise ForbiddenError("Only an owner can do this to an owner.")


def _must_leave_an_owner(project_id: UUID) -> None:
    if Role.objects.filter(project_id=project_id, role=RoleName.OWNER).count() == 1:
        raise InvalidError("role", "A project needs an owner: make someone else one first.")


def _member(project_id: UUID, agent_id: UUID) -> Role:
    member = (
        Role.objects.select_related("agent")
        .filter(project_id=project_id, agent_id=agent_id)
        .first()
    )
    if member is None:
        raise UnknownError("There is no such agent in this project.")
    return member


def _accept(invitation: Invitation, agent: Agent, *, ip: str | None, now: datetime) -> None:
    """Claim the invitation, which only one request can, and give the role."""
    claimed = Invitation.objects.filter(
        project_id=invitation.project_id, id=invitation.id, accepted_at=None, withdrawn_at=None
    ).update(accepted_at=now)
    if claimed != 1:
        raise LinkError("This invitation was used, withdrawn, or has run out.")
    if role_of(invitation.project_id, agent.id) is None:
        projects.add_role(invitation.project_id, agent.id, invitation.role, now=now)
    record(
        invitation.project_id,
        "agent.joined",
        agent.called,
        by=Actor(agent.id, ip),
        now=now,
        details={"role": invitation.role},
    )


def _mac(ids: bytes) -> bytes:
    return salted_hmac(_SALT, ids, algorithm="sha256").digest()[:_MAC_BYTES]
