"""The tables of who works here."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from regulars.kit.tenancy import TenantKeys


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("email", models.CharField(blank=True, db_default="", default="", max_length=254)),
                ("email_folded", models.CharField(db_collation="C", max_length=254, unique=True)),
                ("name", models.CharField(blank=True, db_default="", default="", max_length=100)),
                ("time_zone", models.CharField(db_default="UTC", default="UTC", max_length=64)),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "agent",
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("time_zone", models.CharField(db_default="UTC", default="UTC", max_length=64)),
                ("dedupe_hours", models.PositiveSmallIntegerField(db_default=72, default=72)),
                ("honour_gpc", models.BooleanField(db_default=True, default=True)),
                ("enforce_identity", models.BooleanField(db_default=False, default=False)),
                ("identity_secret", models.CharField(max_length=100)),
                (
                    "company",
                    models.CharField(blank=True, db_default="", default="", max_length=200),
                ),
                (
                    "postal_address",
                    models.CharField(blank=True, db_default="", default="", max_length=500),
                ),
                (
                    "from_name",
                    models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                (
                    "from_email",
                    models.CharField(blank=True, db_default="", default="", max_length=254),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "project",
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("action", models.CharField(max_length=60)),
                (
                    "subject",
                    models.CharField(blank=True, db_default="", default="", max_length=300),
                ),
                ("details", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("ip", models.GenericIPAddressField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="workspaces.project",
                    ),
                ),
            ],
            options={
                "db_table": "audit_entry",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("email", models.CharField(max_length=254)),
                ("email_folded", models.CharField(db_collation="C", max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("agent", "Agent")],
                        max_length=5,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="workspaces.project",
                    ),
                ),
            ],
            options={
                "db_table": "invitation",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("withdrawn_at", None)),
                        fields=("project", "email_folded"),
                        name="invitation_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "agent"])),
                        name="invitation_role_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProjectKey",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("write", "Write key"), ("secret", "Secret key")], max_length=6
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("value", models.CharField(blank=True, db_default="", default="", max_length=100)),
                ("hint", models.CharField(max_length=8)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="workspaces.project",
                    ),
                ),
            ],
            options={
                "db_table": "project_key",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "write"), models.Q(("value", ""), _negated=True)),
                            models.Q(("kind", "secret"), ("value", "")),
                            _connector="OR",
                        ),
                        name="project_key_of_a_secret_is_not_kept",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("agent", "Agent")],
                        max_length=5,
                    ),
                ),
                ("last_here", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="roles",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="roles",
                        to="workspaces.project",
                    ),
                ),
            ],
            options={
                "db_table": "role",
                "constraints": [
                    models.UniqueConstraint(fields=("project", "agent"), name="role_of_an_agent"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "agent"])),
                        name="role_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInLink",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("first", "First sign-in"), ("reset", "New password")],
                        max_length=5,
                    ),
                ),
                ("drops_two_step", models.BooleanField(db_default=False, default=False)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_in_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "sign_in_link",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="sign_in_link_lasts",
                    )
                ],
            },
        ),
        TenantKeys("Invitation"),
        TenantKeys("AuditEntry"),
    ]
