"""Who may import whom, and that nothing which can go wrong goes untried."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.tracking.pipeline.drops import DropReason

ROOT = Path(__file__).resolve().parents[2]
TESTS = [
    path.read_text(encoding="utf-8")
    for path in (ROOT / "tests").rglob("test_*.py")
    if path != Path(__file__)
]


def test_the_layers_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("reason", DropReason)
def test_every_reason_to_drop_an_event_is_named_by_a_test(reason: DropReason) -> None:
    named = re.compile(rf"""["']{reason.value}["']|DropReason\.{reason.name}\b""")
    assert any(named.search(text) for text in TESTS)


def test_packages_say_nothing_at_their_door() -> None:
    """An empty `__init__` runs nothing on import, and hides no module behind another."""
    talking = [path for path in (ROOT / "regulars").rglob("__init__.py") if path.stat().st_size]
    assert talking == []


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "common", "misc"])
def test_no_module_is_a_drawer_for_odds_and_ends(name: str) -> None:
    found = [path for path in (ROOT / "regulars").rglob("*.py") if path.stem == name]
    assert found == []
