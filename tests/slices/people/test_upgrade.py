"""Whoever had people before rows kept what they ever did finds it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("emptied", [False, True])
def test_everybody_gets_the_bits_of_what_they_did(empty_database: str, emptied: bool) -> None:
    command = [sys.executable, "-m", "tests.slices.people.before_deeds", *["emptied"] * emptied]
    done = subprocess.run(
        command, env=os.environ | {"DATABASE_URL": empty_database}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert said["pending"] == []
    assert len(said["before"]) == 40
    assert said["after"] == said["before"]
    assert len(said["truth"]) > 2
    assert sorted(said["did"]) == sorted(said["truth"])
