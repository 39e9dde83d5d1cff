"""What is asked about projects, agents, keys and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When
from django.db.models.functions import Lower

from regulars.workspaces.models import (
    Agent,
    AuditEntry,
    Invitation,
    KeyKind,
    Project,
    ProjectKey,
    Role,
    RoleName,
)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Part of the audit log, newest first; `next` continues it."""

    entries: list[AuditEntry]
    next: UUID | None


def projects_of(agent_id: UUID) -> list[Project]:
    """The projects an agent works in, by name."""
    return list(Project.objects.filter(roles__agent_id=agent_id).order_by(Lower("name"), "id"))


def role_in(project_id: UUID, agent_id: UUID) -> Role | None:
    """The agent's role in the project, with the project; None for a stranger."""
    return (
        Role.objects.select_related("project")
        .filter(project_id=project_id, agent_id=agent_id)
        .first()
    )


def role_of(project_id: UUID, agent_id: UUID) -> str | None:
    """The agent's role in the project as a word; None for a stranger."""
    role = role_in(project_id, agent_id)
    return None if role is None else role.role


def first_project_of(agent_id: UUID, preferred: UUID | None = None) -> Project | None:
    """The project to open: the preferred one if the agent is in it, else the one they saw last."""
    roles = Role.objects.select_related("project").filter(agent_id=agent_id)
    role = roles.filter(project_id=preferred).first() if preferred else None
    if role is None:
        role = roles.order_by("-last_here", "created_at").first()
    return None if role is None else role.project


def is_first_project(project_id: UUID) -> bool:
    """Whether it is the installation's first project: the one the demo shop reports to."""
    first = Project.objects.order_by("created_at", "id").values_list("id", flat=True).first()
    return first == project_id


def owns_a_project(agent_id: UUID) -> bool:
    """Whether the agent may make new projects: an owner somewhere may."""
    return Role.objects.filter(agent_id=agent_id, role=RoleName.OWNER).exists()


def team_of(project_id: UUID) -> list[Role]:
    """Everybody in the project, owners first, then admins, then by name."""
    rank = Case(
        When(role=RoleName.OWNER, then=Value(0)),
        When(role=RoleName.ADMIN, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return list(
        Role.objects.select_related("agent")
        .filter(project_id=project_id)
        .order_by(rank, Lower("agent__name"), "agent__email_folded")
    )


def invitations_of(project_id: UUID) -> list[Invitation]:
    """Who was asked in and has not come yet, links that ran out included."""
    return list(
        Invitation.objects.filter(project_id=project_id, accepted_at=None, withdrawn_at=None)
        .select_related("invited_by")
        .order_by("created_at", "email_folded")
    )


def keys_of(project_id: UUID) -> list[ProjectKey]:
    """The project's live keys, write keys first, newest first in each kind."""
    keys = ProjectKey.objects.filter(project_id=project_id, revoked_at=None)
    return sorted(
        keys.select_related("created_by").order_by("-created_at", "-id"),
        key=lambda key: key.kind != KeyKind.WRITE,
    )


def write_key_of(project_id: UUID) -> str:
    """The newest live write key: the one to show in snippets."""
    return (
        ProjectKey.objects.filter(project_id=project_id, kind=KeyKind.WRITE, revoked_at=None)
        .order_by("-created_at", "-id")
        .values_list("value", flat=True)[0]
    )


def agent_with(email_folded: str) -> Agent | None:
    """The agent with this folded email."""
    return Agent.objects.filter(email_folded=email_folded).first() if email_folded else None


def audit_log(project_id: UUID, *, before: UUID | None = None, limit: int = 50) -> AuditPage:
    """The newest entries, or those before one of them."""
    entries = AuditEntry.objects.filter(project_id=project_id).select_related("agent")
    if before is not None:
        entries = entries.filter(id__lt=before)
    found = list(entries.order_by("-id")[: limit + 1])
    more = len(found) > limit
    return AuditPage(found[:limit], found[limit - 1].id if more else None)
