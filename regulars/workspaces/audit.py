"""The audit log: who did what in a project, when and from where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.kit.ids import new_id
from regulars.workspaces.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in agent, or with no id the installation's operator or Regulars itself."""

    agent_id: UUID | None = None
    ip: str | None = None


OPERATOR = Actor()

# Every action there is, and how the log puts it. Slices above add theirs with `describe`.
SENTENCES: dict[str, str] = {
    "project.created": "Created the project",
    "project.changed": "Changed the project's settings",
    "agent.added": "Added an agent",
    "agent.removed": "Removed an agent",
    "agent.role_changed": "Changed a role",
    "agent.invited": "Invited someone",
    "agent.invitation_withdrawn": "Withdrew an invitation",
    "agent.joined": "Joined the team",
    "agent.reset_link_made": "Made a link for a new password",
    "agent.signed_in": "Signed in",
    "agent.signed_out": "Signed out",
    "agent.first_signed_in": "Signed in for the first time",
    "agent.password_changed": "Changed their password",
    "agent.password_reset": "Set a new password by link",
    "agent.details_changed": "Changed their name or time zone",
    "agent.two_step_turned_on": "Turned two-step sign-in on",
    "agent.two_step_turned_off": "Turned two-step sign-in off",
    "agent.recovery_codes_made": "Made new recovery codes",
    "key.made": "Made a key",
    "key.rotated": "Replaced a key",
    "key.revoked": "Revoked a key",
    "identity.first_used": "Saw the first signed claim, and demands them from now on",
    "identity.secret_shown": "Looked at the identity secret",
    "identity.secret_replaced": "Replaced the identity secret",
}


def describe(sentences: Mapping[str, str]) -> None:
    """Teach the log the actions of another slice."""
    SENTENCES.update(sentences)


def record(
    project_id: UUID,
    action: str,
    subject: str = "",
    *,
    by: Actor,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry, in the caller's transaction. `subject` is who or what it was done to."""
    record_in([project_id], action, subject, by=by, now=now, details=details)


def record_in(
    project_ids: Iterable[UUID],
    action: str,
    subject: str = "",
    *,
    by: Actor,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write the same entry in several projects: what an agent does to their own account."""
    if action not in SENTENCES:
        raise ValueError(f"The audit log has no sentence for {action!r}")
    AuditEntry.objects.bulk_create(
        AuditEntry(
            project_id=project_id,
            id=new_id(now),
            agent_id=by.agent_id,
            action=action,
            subject=subject[:300],
            details=dict(details or {}),
            at=now,
            ip=by.ip,
        )
        for project_id in sorted(project_ids)
    )
