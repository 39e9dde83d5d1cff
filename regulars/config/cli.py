"""The command line `regulars`: every command of it, each in its own module under commands/."""

from __future__ import annotations

from regulars.config import asked_to_stop  # noqa: F401 - first: it listens from here on

# isort: split
import sys
from typing import NoReturn

import click

from regulars.config.commands import (
    agents,
    backups,
    demo,
    geo,
    health,
    people,
    projects,
    running,
)
from regulars.config.data_folder import BusyError
from regulars.config.postgres.binaries import NoPostgresError
from regulars.config.postgres.cluster import ClusterError
from regulars.config.postgres.server import ServerError
from regulars.config.supervisor import UpError
from regulars.kit.database import NoDatabaseError
from regulars.workspaces.errors import ForbiddenError, InvalidError, UnknownError

# What a person can put right: told in a sentence, without a traceback.
_PLAIN = (
    BusyError,
    ClusterError,
    NoDatabaseError,
    NoPostgresError,
    ServerError,
    UpError,
    ForbiddenError,
    InvalidError,
    UnknownError,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="regulars")
def regulars() -> None:
    """Watch your product's users live, know who they are, and talk to them."""


for command in (
    running.up,
    running.web,
    running.worker,
    running.migrate,
    running.prepare,
    projects.project,
    agents.agent,
    people.people,
    geo.geo,
    demo.demo,
    health.doctor,
    backups.backup,
    backups.restore,
):
    regulars.add_command(command)


def main() -> None:
    """The entry point."""
    try:
        regulars()
    except _PLAIN as error:
        _end(str(error))
    except PermissionError as error:
        _end(
            f"{error.filename} can't be used by this user: {error.strerror}. Was the data folder "
            "used by another one, root perhaps?"
        )


def _end(why: str) -> NoReturn:
    click.secho(why, fg="red", err=True)
    sys.exit(1)
