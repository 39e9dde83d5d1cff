"""`regulars geo`: the database that tells cities."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from regulars.config import installation
from regulars.config.commands.options import data_option


@click.group()
def geo() -> None:
    """Where people are: countries come with the package, cities are installed once."""


@geo.command("install")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Install this .mmdb file instead of the published one.",
)
@data_option
def install(file: Path | None, data: Path | None) -> None:
    """Install the city database."""
    from regulars.tracking.enrich import install as cities  # noqa: PLC0415 - only this one needs it

    home = installation.environment_of(data).data
    try:
        with Progress(transient=True) as progress:
            tasks: dict[str, TaskID] = {}

            def show(doing: str, done: int, total: int) -> None:
                if doing not in tasks:
                    tasks[doing] = progress.add_task(doing)
                progress.update(tasks[doing], completed=done, total=total or None)

            installed = cities.install(home, file, show)
    except cities.InstallError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Installed {', '.join(installed.databases)} ({_day(installed.built)}).")
    if installed.credit is not None:
        click.echo(f"The console's footer credits it: {installed.credit.text}")


def _day(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).date().isoformat()
