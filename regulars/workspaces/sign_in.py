"""One-time links that let an agent set a password, and what agents change about themselves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces import checks, projects
from regulars.workspaces.audit import OPERATOR, Actor, record, record_in
from regulars.workspaces.errors import ForbiddenError, InvalidError, LinkError, UnknownError
from regulars.workspaces.models import Agent, Project, Role, RoleName, SignInLink
from regulars.workspaces.queries import agent_with, write_key_of

FIRST_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)
FIRST_PROJECT = "My app"

_FIRST_START_LOCK = 0x5265_6775_6C61_7273


@dataclass(frozen=True, slots=True)
class FirstStart:
    """How to get in for the first time."""

    sign_in_path: str
    write_key: str
    project_id: UUID


@transaction.atomic
def first_start(now: datetime) -> FirstStart | None:
    """Make the first project and its owner where there is none; None once somebody owns one.

    Until the owner has signed in each start makes a fresh link and voids the one before, so a
    link that was lost, or printed by a process that died, locks nobody out.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_START_LOCK])
    owner = Agent.objects.filter(email_folded="").first()
    if owner is None:
        if Project.objects.exists():
            return None
        owner = projects.make_agent("", None, name="", now=now)
        projects.create_project(FIRST_PROJECT, now=now, owner_id=owner.id)
    role = Role.objects.filter(agent=owner, role=RoleName.OWNER).order_by("created_at").first()
    if role is None or _has_another_owner(role.project_id, owner):
        return None
    path = _make_link(owner, SignInLink.Purpose.FIRST, now=now)
    return FirstStart(path, write_key_of(role.project_id), role.project_id)


@transaction.atomic
def reset_link(email: str, *, now: datetime, drops_two_step: bool = False) -> str:
    """The operator's way to let an agent back in: the path of a link that sets a new password.

    `drops_two_step` also turns two-step sign-in off, for a lost phone.
    """
    agent = agent_with(fold(email))
    if agent is None:
        raise InvalidError("email", f"No agent has the email {email}.")
    path = _make_link(agent, SignInLink.Purpose.RESET, now=now, drops_two_step=drops_two_step)
    record_in(_projects(agent), "agent.reset_link_made", agent.called, by=OPERATOR, now=now)
    return path


@transaction.atomic
def reset_link_for(
    project_id: UUID, agent_id: UUID, *, by: Actor, now: datetime, drops_two_step: bool = False
) -> str:
    """An owner's way to let a team mate back in.

    The link opens the whole account, so it is only for those who own every project that the
    team mate works in: an owner of one project must not get into another by it.
    """
    role = Role.objects.select_related("agent").filter(project_id=project_id, agent_id=agent_id)
    agent = _the_agent_of(role.first())
    works_in = set(_projects(agent))
    owned = by.agent_id is not None and set(
        Role.objects.filter(agent_id=by.agent_id, role=RoleName.OWNER).values_list(
            "project_id", flat=True
        )
    )
    if not (owned and works_in <= owned):
        raise ForbiddenError(
            f"Only the person who runs this server can make a link for {agent.called}."
        )
    path = _make_link(agent, SignInLink.Purpose.RESET, now=now, drops_two_step=drops_two_step)
    record(project_id, "agent.reset_link_made", agent.called, by=by, now=now)
    return path


def open_link(token: str, purpose: str, now: datetime) -> SignInLink:
    """The link with this token; LinkError if it does not work (any more). Changes nothing."""
    link = (
        SignInLink.objects.select_related("agent")
        .filter(token_hash=_hash(token), purpose=purpose, used_at=None, expires_at__gt=now)
        .first()
    )
    if link is None:
        raise LinkError("This link was used, replaced by a newer one, or has run out.")
    return link


@transaction.atomic
def sign_in_first(
    token: str, *, name: str, email: str, password: str, ip: str | None, now: datetime
) -> Agent:
    """Use a first sign-in link: the owner tells their name and email and sets a password."""
    link = open_link(token, SignInLink.Purpose.FIRST, now)
    agent = link.agent
    agent.name = checks.line("name", name, most=100, called="Your name")
    agent.email = checks.email("email", email)
    agent.email_folded = fold(agent.email)
    if Agent.objects.filter(email_folded=agent.email_folded).exclude(id=agent.id).exists():
        raise InvalidError("email", "Another agent has this email.")
    agent.password = make_password(checks.new_password("password", password, agent))
    _claim(link, now)
    agent.save(update_fields=["name", "email", "email_folded", "password"])
    record_in(
        _projects(agent), "agent.first_signed_in", agent.called, by=Actor(agent.id, ip), now=now
    )
    return agent


@transaction.atomic
def set_password_by_link(token: str, *, password: str, ip: str | None, now: datetime) -> Agent:
    """Use a reset link. The new password ends every session of the agent."""
    link = open_link(token, SignInLink.Purpose.RESET, now)
    agent = link.agent
    agent.password = make_password(checks.new_password("password", password, agent))
    _claim(link, now)
    agent.save(update_fields=["password"])
    by = Actor(agent.id, ip)
    record_in(_projects(agent), "agent.password_reset", agent.called, by=by, now=now)
    if link.drops_two_step and Authenticator.objects.filter(user=agent).delete()[0]:
        record_in(_projects(agent), "agent.two_step_turned_off", agent.called, by=by, now=now)
    return agent


@transaction.atomic
def change_password(agent: Agent, *, old: str, new: str, ip: str | None, now: datetime) -> None:
    """Change an agent's own password; the session that does it must be renewed by the door."""
    if not agent.check_password(old):
        raise InvalidError("old_password", "This is not your password now.")
    agent.password = make_password(checks.new_password("new_password", new, agent))
    agent.save(update_fields=["password"])
    record_own(agent, "agent.password_changed", ip=ip, now=now)


@transaction.atomic
def change_details(
    agent: Agent, *, name: str, time_zone: str, ip: str | None, now: datetime
) -> None:
    """Change an agent's own name and time zone."""
    agent.name = checks.line("name", name, most=100, called="Your name")
    agent.time_zone = checks.time_zone("time_zone", time_zone)
    agent.save(update_fields=["name", "time_zone"])
    record_own(agent, "agent.details_changed", ip=ip, now=now)


def record_own(agent: Agent, action: str, *, ip: str | None, now: datetime) -> None:
    """Log what an agent did to their own account, in every project they work in."""
    record_in(_projects(agent), action, agent.called, by=Actor(agent.id, ip), now=now)


def _make_link(
    agent: Agent, purpose: SignInLink.Purpose, *, now: datetime, drops_two_step: bool = False
) -> str:
    SignInLink.objects.filter(agent=agent, purpose=purpose, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    first = purpose == SignInLink.Purpose.FIRST
    SignInLink.objects.create(
        id=new_id(now),
        agent=agent,
        token_hash=_hash(token),
        purpose=purpose,
        drops_two_step=drops_two_step,
        created_at=now,
        expires_at=now + (FIRST_LASTS if first else RESET_LASTS),
    )
    return f"/first-sign-in/{token}" if first else f"/reset/{token}"


def _claim(link: SignInLink, now: datetime) -> None:
    """Use the link up: of two requests with it, one gets here first and the other is refused."""
    if SignInLink.objects.filter(id=link.id, used_at=None).update(used_at=now) != 1:
        raise LinkError("This link was used just now.")


def _the_agent_of(role: Role | None) -> Agent:
    if role is None:
        raise UnknownError("There is no such agent in this project.")
    return role.agent


def _has_another_owner(project_id: UUID, owner: Agent) -> bool:
    owners = Role.objects.filter(project_id=project_id, role=RoleName.OWNER)
    return owners.exclude(agent=owner).exists()


def _projects(agent: Agent) -> Iterable[UUID]:
    return list(Role.objects.filter(agent=agent).values_list("project_id", flat=True))


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
