"""`regulars project`: make projects."""

from __future__ import annotations

from pathlib import Path

import click

from regulars.config.commands.options import answer, data_option, json_option
from regulars.config.installation import installation
from regulars.kit import clock


@click.group()
def project() -> None:
    """Projects: one per product whose users are tracked."""


@project.command("create")
@click.argument("name")
@data_option
@json_option
def create(name: str, data: Path | None, *, as_json: bool) -> None:
    """Make a project and print its keys."""
    with installation(data, "regulars project create"):
        from regulars.workspaces import projects  # noqa: PLC0415 - needs Django

        made = projects.create_project(name, now=clock.now())
    answer(
        {
            "project_id": str(made.project_id),
            "write_key": made.write_key,
            "secret_key": made.secret_key,
        },
        as_json=as_json,
    )
