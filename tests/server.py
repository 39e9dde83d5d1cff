"""The PostgreSQL that tests run against; a plugin, since settings are read before any conftest.

It is the one the product brings along, started on a data folder of its own, or the one that
`REGULARS_TEST_DATABASE_URL` names.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

_running = ExitStack()


def _remove(folder: Path) -> None:
    """The data folder, and the server's files that it links to when we are root."""
    shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
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
    _running.enter_context(ensure_database(environment.read(), "tests"))


_start()
atexit.register(_running.close)
