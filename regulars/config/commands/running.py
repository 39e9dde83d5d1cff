"""`up` and its parts: web, worker, migrate."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import click

from regulars.config import installation, logs, supervisor
from regulars.config.commands.options import data_option
from regulars.config.data_folder import DataFolder
from regulars.kit import clock, database

host_option = click.option("--host", default="127.0.0.1", help="The address to listen on.")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), envvar="PORT", default=8000, help="(PORT; 8000)"
)


@click.command()
@host_option
@port_option
@data_option
@click.option("--pids", is_flag=True, help="Print the processes of the running one as JSON.")
def up(host: str, port: int, data: Path | None, *, pids: bool) -> None:
    """Start everything: PostgreSQL, web and worker."""
    environment = installation.environment_of(data)
    if pids:
        state = DataFolder(environment.data).running()
        if state is None or not state.is_up:
            raise click.ClickException(f"Nothing is running on {environment.data}.")
        click.echo(json.dumps(state.processes))
        return
    logs.configure()
    count = os.environ.get("REGULARS_WEB_PROCESSES", "")
    web_processes = int(count) if count.isdecimal() else min(2, os.cpu_count() or 1)
    sys.exit(supervisor.up(environment, host=host, port=port, web_processes=max(1, web_processes)))


@click.command()
@click.option("--fd", type=int, help="Serve on this listening socket, handed down by `up`.")
@host_option
@port_option
def web(fd: int | None, host: str, port: int) -> None:
    """Serve the console and the APIs, against DATABASE_URL."""
    from regulars.config import web as server  # noqa: PLC0415 - only this command needs uvicorn

    database.dsn()
    sys.exit(server.serve(fd=fd, host=host, port=port, backlog=supervisor.BACKLOG))


@click.command()
def worker() -> None:
    """Do the work behind the scenes, against DATABASE_URL."""
    from regulars.config import worker as process  # noqa: PLC0415 - only this command needs it

    database.dsn()
    sys.exit(process.serve())


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Bring the database's tables up to date."""
    environment = installation.environment_of(data)
    with installation.ensure_database(environment, "regulars migrate"):
        installation.set_up_django()
        from regulars.config import migrations  # noqa: PLC0415 - needs Django

        migrations.apply(verbosity=1)


@click.command(hidden=True)
def prepare() -> None:
    """Migrate, and make the first project where there is none: what `up` runs first."""
    installation.set_up_django()
    from regulars.config import migrations  # noqa: PLC0415 - needs Django
    from regulars.workspaces import sign_in  # noqa: PLC0415 - needs Django

    migrations.apply()
    first = sign_in.first_start(clock.now())
    click.echo(json.dumps(dataclasses.asdict(first) if first else None, default=str))
