"""`regulars agent`: let people into the console."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from regulars.config.commands.options import answer, data_option, json_option
from regulars.config.installation import installation
from regulars.kit import clock


@click.group()
def agent() -> None:
    """Agents: the team members who sign in to the console."""


@agent.command("create")
@click.option("--project", "project_id", type=click.UUID, required=True, help="The project's id.")
@click.option("--email", required=True)
@click.option("--password", required=True)
@click.option("--role", type=click.Choice(["owner", "admin", "agent"]), default="agent")
@data_option
@json_option
def create(
    project_id: UUID, email: str, password: str, role: str, data: Path | None, *, as_json: bool
) -> None:
    """Make an agent of a project."""
    with installation(data, "regulars agent create"):
        from regulars.workspaces import projects  # noqa: PLC0415 - needs Django

        agent_id = projects.create_agent(project_id, email, password, role, now=clock.now())
    answer({"agent_id": str(agent_id)}, as_json=as_json)


@agent.command("reset-link")
@click.option("--email", required=True)
@click.option("--drop-two-step", is_flag=True, help="Turn two-step sign-in off: a lost phone.")
@data_option
def reset_link(email: str, data: Path | None, *, drop_two_step: bool) -> None:
    """Print a one-time link that lets an agent choose a new password."""
    with installation(data, "regulars agent reset-link") as url:
        from regulars.workspaces import sign_in  # noqa: PLC0415 - needs Django

        path = sign_in.reset_link(email, now=clock.now(), drops_two_step=drop_two_step)
    click.echo(f"{url}{path}")
