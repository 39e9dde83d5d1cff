"""The project that a key opens: its settings, read and changed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from ninja import Router

from regulars.mail import domains
from regulars.mail.domains import DomainError
from regulars.people import letterhead
from regulars.public.rest import schemas, talking
from regulars.public.rest.answers import ERRORS
from regulars.public.rest.requests import KeyRequest, actor_of, change
from regulars.workspaces import projects, queries
from regulars.workspaces.models import Project

Connection = psycopg.Connection[Any]

router = Router(tags=["Project"])

_SAME = frozenset(schemas.Project.model_fields) - {"write_key", "messenger"}


@router.get(
    "", response={200: schemas.Project, **ERRORS}, summary="Read the project", by_alias=True
)
def read(request: KeyRequest) -> schemas.Project:
    """The project and its settings."""
    return change(lambda core: _said(core, request, Project.objects.get(id=request.auth.id)))


@router.patch(
    "", response={200: schemas.Project, **ERRORS}, summary="Change the project", by_alias=True
)
def change_project(request: KeyRequest, given: schemas.ProjectChange) -> schemas.Project:
    """Change the settings that are given."""
    said = given.model_dump(exclude_unset=True, by_alias=True)
    messenger = said.pop("messenger", {})

    def work(core: Connection) -> schemas.Project:
        talking.change(core, request, messenger)
        letterhead.use_logo(core, request.auth.id, said.get("mail_logo", ""), request.now)
        project = projects.change_project(
            request.auth.id, said, by=actor_of(request), now=request.now
        )
        sends_from(core, project, request.now)
        return _said(core, request, project)

    return change(work)


def sends_from(core: Connection, project: Project, now: datetime) -> None:
    """The domain of the address that mail is from has keys to sign it with."""
    with suppress(DomainError):
        domains.ensure(core, project.id, project.from_email.rpartition("@")[2], now)


def _said(core: Connection, request: KeyRequest, project: Project) -> schemas.Project:
    settings = {name: getattr(project, name) for name in _SAME}
    return schemas.Project(
        **settings,
        write_key=queries.write_key_of(project.id),
        messenger=talking.Messenger(**talking.said(core, request)),
    )
