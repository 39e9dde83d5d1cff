"""What changes a project, its keys and who is in it: validate, write, log, announce on commit."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from regulars.kit import bus, database
from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.workspaces import checks, keys
from regulars.workspaces.audit import OPERATOR, Actor, record
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.models import Agent, KeyKind, Project, ProjectKey, Role, RoleName

# What slices above do in the transaction that makes a project; filled by the wiring.
ProjectHook = Callable[[psycopg.Connection[Any], UUID, datetime], None]
after_project_created: list[ProjectHook] = []

# As far back as tracking keeps its memory: `tracking.once.MAX_DAYS` less the day that runs.
_DEDUPE_MOST = 24 * 7


@dataclass(frozen=True, slots=True)
class CreatedProject:
    """A new project's id and its first two keys; the secret one can't be read again."""

    project_id: UUID
    write_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key; a secret one can't be read again."""

    key_id: UUID
    kind: str
    name: str
    value: str


@transaction.atomic
def create_project(
    name: str,
    *,
    now: datetime,
    by: Actor = OPERATOR,
    time_zone: str = "UTC",
    owner_id: UUID | None = None,
) -> CreatedProject:
    """Make a project with a write key and a secret key, and its owner where one is named."""
    project = Project.objects.create(
        id=new_id(now),
        name=checks.line("name", name, most=100, called="The name"),
        time_zone=checks.time_zone("time_zone", time_zone),
        identity_secret=_new_identity_secret(),
        created_at=now,
    )
    record(project.id, "project.created", project.name, by=by, now=now)
    write = _make_key(project.id, KeyKind.WRITE, "Website", by=by, now=now)
    secret = _make_key(project.id, KeyKind.SECRET, "First key", by=by, now=now)
    if owner_id is not None:
        add_role(project.id, owner_id, RoleName.OWNER, now=now)
    with database.of_django() as core:
        for hook in after_project_created:
            hook(core, project.id, now)
    return CreatedProject(project.id, write.value, secret.value)


@transaction.atomic
def change_project(
    project_id: UUID, changes: Mapping[str, Any], *, by: Actor, now: datetime
) -> Project:
    """Change some of a project's settings; an unknown or unusable one refuses all of them."""
    project = locked_project(project_id)
    changed: dict[str, list[Any]] = {}
    for field, value in changes.items():
        check = _SETTINGS.get(field)
        if check is None:
            raise InvalidError(field, "There is no such setting.")
        old, new = getattr(project, field), check(field, value)
        if new != old:
            changed[field] = [old, new]
            setattr(project, field, new)
    if changed:
        project.save(update_fields=list(changed))
        record(project_id, "project.changed", ", ".join(changed), by=by, now=now, details=changed)
        announce(project_id)
    return project


@transaction.atomic
def replace_identity_secret(project_id: UUID, *, by: Actor, now: datetime) -> None:
    """Give the project a new secret to sign user ids with; the old one stops working at once."""
    project = locked_project(project_id)
    project.identity_secret = _new_identity_secret()
    project.save(update_fields=["identity_secret"])
    record(project_id, "identity.secret_replaced", by=by, now=now)
    announce(project_id)


@transaction.atomic
def create_agent(
    project_id: UUID,
    email: str,
    password: str,
    role: str = RoleName.AGENT,
    *,
    now: datetime,
    by: Actor = OPERATOR,
    name: str = "",
) -> UUID:
    """Put an agent into a project and return their id.

    Whoever has an account already keeps it, password included, and gets the role. The password is
    taken as it is: this is the operator's door. Raises InvalidError, and UnknownError for a
    project that does not exist.
    """
    locked_project(project_id)
    address = checks.email("email", email)
    agent = Agent.objects.filter(email_folded=fold(address)).first()
    if agent is None:
        if not password:
            raise InvalidError("password", "The password can't be empty.")
        agent = make_agent(address, password, name=name, now=now)
    elif Role.objects.filter(project_id=project_id, agent=agent).exists():
        raise InvalidError("email", f"{address} is in this project already.")
    add_role(project_id, agent.id, role, now=now)
    record(project_id, "agent.added", agent.email, by=by, now=now, details={"role": str(role)})
    return agent.id


@transaction.atomic
def make_key(project_id: UUID, kind: str, name: str, *, by: Actor, now: datetime) -> MadeKey:
    """Make another live key."""
    locked_project(project_id)
    if kind not in KeyKind.values:
        raise InvalidError("kind", "A key is either a write key or a secret key.")
    made = _make_key(
        project_id, kind, checks.line("name", name, most=100, called="The name"), by=by, now=now
    )
    record(project_id, "key.made", made.name, by=by, now=now, details=_told(made))
    announce(project_id)
    return made


@transaction.atomic
def rotate_key(project_id: UUID, key_id: UUID, *, by: Actor, now: datetime) -> MadeKey:
    """Make a successor of a live key. The old one works until it is revoked."""
    locked_project(project_id)
    old = _live_key(project_id, key_id)
    made = _make_key(project_id, old.kind, old.name, by=by, now=now)
    details = {**_told(made), "replaces": old.hint}
    record(project_id, "key.rotated", made.name, by=by, now=now, details=details)
    announce(project_id)
    return made


@transaction.atomic
def revoke_key(project_id: UUID, key_id: UUID, *, by: Actor, now: datetime) -> None:
    """Make a key worthless at once. The last write key stays: make its successor first."""
    locked_project(project_id)
    key = _live_key(project_id, key_id)
    live = ProjectKey.objects.filter(project_id=project_id, kind=key.kind, revoked_at=None)
    if key.kind == KeyKind.WRITE and live.count() == 1:
        raise InvalidError(
            "key", "This is the only write key. Replace it first, then revoke the old one."
        )
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    details = {"kind": key.kind, "ends_in": key.hint}
    record(project_id, "key.revoked", key.name, by=by, now=now, details=details)
    announce(project_id)


def make_agent(email: str, password: str | None, *, name: str, now: datetime) -> Agent:
    """A new agent who is in no project yet; without a password nobody can sign in as them."""
    return Agent.objects.create(
        id=new_id(now),
        email=email,
        email_folded=fold(email),
        name=checks.line("name", name, most=100, called="The name", required=False),
        password=make_password(password),
        created_at=now,
    )


def add_role(project_id: UUID, agent_id: UUID, role: str, *, now: datetime) -> None:
    """Give an agent their role in a project they are not in yet."""
    if role not in RoleName.values:
        raise InvalidError("role", "The role must be owner, admin or agent.")
    Role.objects.create(
        id=new_id(now), project_id=project_id, agent_id=agent_id, role=role, created_at=now
    )


def locked_project(project_id: UUID) -> Project:
    """The project, its row locked: changes to one project's team and keys come one by one."""
    project = Project.objects.select_for_update().filter(id=project_id).first()
    if project is None:
        raise UnknownError("There is no such project.")
    return project


def announce(project_id: UUID) -> None:
    """Tell the doors, when this transaction commits, that what they hold of the project is old."""
    with connection.cursor() as cursor:
        cursor.execute(bus.NOTIFY, [bus.message(project_id, keys.TOPIC)])


def _make_key(project_id: UUID, kind: str, name: str, *, by: Actor, now: datetime) -> MadeKey:
    value = keys.new_key(kind)
    made = ProjectKey.objects.create(
        id=new_id(now),
        project_id=project_id,
        kind=kind,
        name=name,
        digest=keys.digest_of(value),
        value=value if kind == KeyKind.WRITE else "",
        hint=keys.hint_of(value),
        created_at=now,
        created_by_id=by.agent_id,
    )
    return MadeKey(made.id, str(kind), name, value)


def _live_key(project_id: UUID, key_id: UUID) -> ProjectKey:
    key = ProjectKey.objects.filter(project_id=project_id, id=key_id, revoked_at=None).first()
    if key is None:
        raise UnknownError("There is no such key.")
    return key


def _told(made: MadeKey) -> dict[str, str]:
    return {"kind": made.kind, "ends_in": keys.hint_of(made.value)}


def _new_identity_secret() -> str:
    return secrets.token_hex(32)


_SETTINGS: dict[str, Callable[[str, Any], Any]] = {
    "name": lambda field, value: checks.line(field, value, most=100, called="The name"),
    "time_zone": checks.time_zone,
    "dedupe_hours": lambda field, value: checks.whole_number(
        field, value, least=1, most=_DEDUPE_MOST, called="The hours"
    ),
    "honour_gpc": checks.switch,
    "enforce_identity": checks.switch,
    "company": lambda field, value: checks.line(
        field, value, most=200, called="The company", required=False
    ),
    "postal_address": lambda field, value: checks.lines(
        field, value, most=500, called="The postal address"
    ),
    "from_name": lambda field, value: checks.line(
        field, value, most=100, called="The sender's name", required=False
    ),
    "from_email": lambda field, value: checks.email(field, value, required=False),
    "track_mail": checks.switch,
    "mail_color": checks.color,
    "mail_logo": checks.picture,
    "mail_logo_width": lambda field, value: checks.whole_number(
        field, value, least=40, most=240, called="The logo's width"
    ),
}
