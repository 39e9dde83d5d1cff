"""What installations of before say once they are brought up to date, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def said_by(module: str, database: str, *arguments: str) -> Any:
    """The JSON that a module says which brings the empty database up to date."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
