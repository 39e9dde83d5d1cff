"""`regulars geo`: the database that tells cities."""

from __future__ import annotations

from pathlib import Path

import click

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

    installation.environment_of(data)
    cities.install(file=file)
