"""`regulars demo`: people to look at."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import click
from rich.progress import Progress

from regulars.config import installation
from regulars.config.commands.options import data_option
from regulars.config.data_folder import DataFolder
from regulars.kit import clock


@click.command()
@click.option("--people", type=click.IntRange(1, 1_000_000), default=500, help="How many (500).")
@click.option("--project", "project_id", type=click.UUID, help="The project; else the first.")
@data_option
def demo(people: int, project_id: UUID | None, data: Path | None) -> None:
    """Send a realistic population through the tracking API of the running Regulars."""
    from regulars.demo import population  # noqa: PLC0415 - only this command needs it

    environment = installation.environment_of(data)
    state = DataFolder(environment.data).running()
    address = environment.base_url if state is None or state.address is None else state.address
    _must_serve(address)
    with installation.installation(data, "regulars demo"):
        write_key = _write_key(project_id)
    with Progress(transient=True) as progress:
        task = progress.add_task("Sending people", total=people)
        try:
            report = population.run(
                people,
                address,
                write_key,
                lambda done, total: progress.update(task, completed=done, total=total),
                now=clock.now(),
            )
        except population.RefusedError as error:
            raise click.ClickException(f"Not all were sent: {error}") from error
    kinds = ", ".join(f"{number} {kind}s" for kind, number in report.kinds.items())
    click.echo(f"Sent {report.people} people ({kinds}) and {report.events} events.")


def _write_key(project_id: UUID | None) -> str:
    from regulars.workspaces import queries  # noqa: PLC0415 - needs Django
    from regulars.workspaces.models import Project  # noqa: PLC0415 - needs Django

    projects = Project.objects.order_by("created_at")
    if project_id is not None:
        projects = projects.filter(id=project_id)
    project = projects.first()
    if project is None:
        raise click.ClickException("There is no such project.")
    return queries.write_key_of(project.id)


def _must_serve(address: str) -> None:
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(parts.netloc, timeout=10)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except OSError as error:
        raise click.ClickException(
            f"Nothing answers at {address}: start `regulars up` first."
        ) from error
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        raise click.ClickException(f"Regulars at {address} is not ready (readyz says {status}).")
