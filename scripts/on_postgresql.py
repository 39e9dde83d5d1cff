"""Runs the tests on another PostgreSQL of this machine: `on_postgresql.py 15 pytest tests/slices`.

Starts that version's server on a folder of its own, names it in REGULARS_TEST_DATABASE_URL, and
ends it after the command, whose exit status it returns.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from regulars.config.postgres import binaries, server
from regulars.config.postgres.cluster import cluster_of


def run(major: int, command: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgresql-"))
    cluster = cluster_of(folder, chosen=binaries.choose(major))
    try:
        with server.running(cluster, folder):
            named = os.environ | {"REGULARS_TEST_DATABASE_URL": cluster.dsn}
            return subprocess.run(command, env=named, check=False).returncode
    finally:
        shutil.rmtree(cluster.home)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
