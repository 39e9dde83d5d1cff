"""The PostgreSQL that tests run against; a plugin, since settings are read before any conftest.

It is the one that the product brings along, started on a data folder of its own; another version of
this machine's where `REGULARS_TEST_POSTGRESQL` names one (15); or the database that
`REGULARS_TEST_DATABASE_URL` names.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

# For a database that is thrown away after the tests: all as in an installation, but for waiting
# until the disk has what was written, and for memory, since there is little in it. Tests that kill
# servers start installations of their own.
HURRIED = "fsync = off\nfull_page_writes = off\nshared_buffers = 256MB\n"

# The data folder, in the session's own, of the database that `tests.migrated` copies.
MIGRATED = "migrated"

_running = ExitStack()


def hurry(data: Path, *, major: str | None = None) -> None:
    """Make a data folder's server (of this version, for good), told not to wait for the disk."""
    from regulars.config.postgres import binaries
    from regulars.config.postgres.cluster import cluster_of

    cluster = cluster_of(data, chosen=binaries.choose(int(major)) if major else None)
    (cluster.home / "local.conf").write_text(HURRIED, encoding="ascii")


def _remove(folder: Path) -> None:
    """The data folder, and the servers' files that it links to when we are root."""
    for data in (folder / MIGRATED, folder):
        shutil.rmtree((data / "postgres").resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _start() -> None:
    """Settings are read at import, so all this comes before anything of the product's."""
    os.environ["REGULARS_TESTING"] = "1"
    os.environ["REGULARS_SECRET_KEY"] = "tests-only-secret"
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # the controller's server serves all workers, by the environment they inherit
    folder = Path(tempfile.mkdtemp(prefix="regulars-test-"))
    os.environ["REGULARS_DATA"] = str(folder)
    _running.callback(_remove, folder)
    named = os.environ.get("REGULARS_TEST_DATABASE_URL")
    if named:
        os.environ["DATABASE_URL"] = named
        return
    from regulars.config.installation import ensure_database
    from regulars.kit import environment

    os.environ.pop("DATABASE_URL", None)
    hurry(folder, major=os.environ.get("REGULARS_TEST_POSTGRESQL"))
    _running.enter_context(ensure_database(environment.read(), "tests"))


_start()
# The session's folder, which its workers share; a test may set another for the product.
FOLDER = Path(os.environ["REGULARS_DATA"])
atexit.register(_running.close)
