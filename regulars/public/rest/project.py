"""The project that a key opens: its settings, read and changed."""

from __future__ import annotations

from ninja import Router

from regulars.public.rest import schemas
from regulars.public.rest.answers import ERRORS
from regulars.public.rest.requests import KeyRequest, actor_of, change
from regulars.workspaces import projects, queries
from regulars.workspaces.models import Project

router = Router(tags=["Project"])

_SAME = frozenset(schemas.Project.model_fields) - {"write_key"}


@router.get("", response={200: schemas.Project, **ERRORS}, summary="Read the project")
def read(request: KeyRequest) -> schemas.Project:
    """The project and its settings."""
    return _said(Project.objects.get(id=request.auth.id))


@router.patch("", response={200: schemas.Project, **ERRORS}, summary="Change the project")
def change_project(request: KeyRequest, given: schemas.ProjectChange) -> schemas.Project:
    """Change the settings that are given."""
    said = given.model_dump(exclude_unset=True)
    return change(
        lambda _: _said(
            projects.change_project(request.auth.id, said, by=actor_of(request), now=request.now)
        )
    )


def _said(project: Project) -> schemas.Project:
    settings = {name: getattr(project, name) for name in _SAME}
    return schemas.Project(**settings, write_key=queries.write_key_of(project.id))
