"""The tables of who works here: projects, agents, their roles, keys, invitations, the audit log.

`project`, `agent`, `role` and `project_key` are reference tables (one uuid as the key, on every
machine of a cluster); `invitation` and `audit_entry` are tenant tables.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from regulars.kit.tenancy import TenantModel


class Project(models.Model):
    """One tenant: one company's app."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    dedupe_hours = models.PositiveSmallIntegerField(default=72, db_default=72)
    honour_gpc = models.BooleanField(default=True, db_default=True)
    enforce_identity = models.BooleanField(default=False, db_default=False)
    identity_secret = models.CharField(max_length=100)
    identity_used_at = models.DateTimeField(null=True)
    company = models.CharField(max_length=200, blank=True, default="", db_default="")
    postal_address = models.CharField(max_length=500, blank=True, default="", db_default="")
    from_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    from_email = models.CharField(max_length=254, blank=True, default="", db_default="")
    track_mail = models.BooleanField(default=True, db_default=True)
    mail_color = models.CharField(max_length=7, blank=True, default="", db_default="")
    mail_logo = models.CharField(max_length=200, blank=True, default="", db_default="")
    mail_logo_width = models.PositiveSmallIntegerField(default=140, db_default=140)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "project"

    def __str__(self) -> str:
        return self.name


class AgentManager(BaseUserManager["Agent"]):
    """Django's hook for finding agents; they are made by `projects.create_agent`."""


class Agent(AbstractBaseUser):
    """A team member who signs in to the console; the same one in every project they work in.

    The owner that a first start makes has no email until they have signed in: the empty text is
    unique too, so there is never more than one of those.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    email = models.CharField(max_length=254, blank=True, default="", db_default="")
    email_folded = models.CharField(max_length=254, unique=True, db_collation="C")
    name = models.CharField(max_length=100, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField()

    objects: ClassVar[AgentManager] = AgentManager()

    USERNAME_FIELD = "email_folded"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "agent"

    def __str__(self) -> str:
        return self.called

    @property
    def called(self) -> str:
        """What to call this agent where their name is shown."""
        return self.name or self.email or "The first owner"


class RoleName(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    AGENT = "agent", "Agent"


class Role(models.Model):
    """What an agent may do in one project."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="roles", db_index=False)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="roles")
    role = models.CharField(max_length=5, choices=RoleName.choices)
    last_here = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "role"
        constraints = [
            models.UniqueConstraint(fields=["project", "agent"], name="role_of_an_agent"),
            models.CheckConstraint(condition=Q(role__in=RoleName.values), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return self.role


class KeyKind(models.TextChoices):
    WRITE = "write", "Write key"
    SECRET = "secret", "Secret key"


class ProjectKey(models.Model):
    """A key that opens one project's door. Several live at once, so that one can be replaced.

    Both kinds are found by `digest`, the SHA-256 of the key. A write key stands on public pages
    and is kept readable in `value`; of a secret key only its last letters are kept, in `hint`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="keys")
    kind = models.CharField(max_length=6, choices=KeyKind.choices)
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    value = models.CharField(max_length=100, blank=True, default="", db_default="")
    hint = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "project_key"
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="write") & ~Q(value="")) | Q(kind="secret", value=""),
                name="project_key_of_a_secret_is_not_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"


class Invitation(TenantModel):
    """An email address that was asked to join. The link to it is computed, not stored."""

    project = models.ForeignKey(Project, models.DO_NOTHING, related_name="+", db_index=False)
    email = models.CharField(max_length=254)
    email_folded = models.CharField(max_length=254, db_collation="C")
    role = models.CharField(max_length=5, choices=RoleName.choices)
    invited_by = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitation"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "email_folded"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once",
            ),
            models.CheckConstraint(
                condition=Q(role__in=RoleName.values), name="invitation_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.email


class SignInLink(models.Model):
    """A one-time link by which an agent sets a password. Only the token's SHA-256 is kept."""

    class Purpose(models.TextChoices):
        FIRST = "first", "First sign-in"
        RESET = "reset", "New password"

    id = models.UUIDField(primary_key=True, editable=False)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="sign_in_links")
    token_hash = models.BinaryField(max_length=32, unique=True)
    purpose = models.CharField(max_length=5, choices=Purpose.choices)
    drops_two_step = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_link"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="sign_in_link_lasts"
            ),
        ]

    def __str__(self) -> str:
        return self.purpose


class AuditEntry(TenantModel):
    """Who did what, when and from where. Only ever added to."""

    project = models.ForeignKey(Project, models.DO_NOTHING, related_name="+", db_index=False)
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+", db_index=False)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300, blank=True, default="", db_default="")
    details = models.JSONField(default=dict)
    at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        db_table = "audit_entry"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.action
