"""A database whose tables are made: by one `regulars migrate` for all tests, and copied for each.

Most of a first start is setting PostgreSQL up and migrating. A test that is about something else
gives its installation a copy, and starts behind that; a first start on an empty folder is tried by
those that ask for none. What is copied is the cluster alone: the copy is told to wait for the disk
as every installation is.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from regulars.config.data_folder import DataFolder
from regulars.config.postgres import cluster
from tests import server


def migrated(data: Path) -> Path:
    """A new data folder, with such a database in it."""
    source = _made()
    DataFolder(data).make()
    home = cluster._home(data)
    home.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, exist_ok=True)
    subprocess.run(["cp", "-a", source, home / "cluster"], check=True)
    return data


def _made() -> Path:
    """The stopped server's files; whoever comes first makes them for all workers of the session."""
    data = server.FOLDER / server.MIGRATED
    done = data / "done"
    with (data.parent / f"{data.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            data.mkdir(mode=0o700)
            server.hurry(data)
            _migrate(data)
            done.touch()
    return (data / "postgres").resolve() / "cluster"


def _migrate(data: Path) -> None:
    regulars = Path(sys.executable).with_name("regulars")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    ran = subprocess.run(
        [sys.executable, regulars, "migrate", "--data", data],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
