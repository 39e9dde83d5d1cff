"""The hot path runs without Django, the pure parts without a database too: imported with both
blocked, in a process of their own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What runs on a plain connection (DESIGN.md, 'Layout').
CORE = (
    "regulars.public.collect",
    "regulars.tracking.commit",
    "regulars.tracking.intake",
    "regulars.people.changes",
    "regulars.people.merge",
    "regulars.people.erasure",
    "regulars.people.bulk",
    "regulars.segments.membership",
    "regulars.segments.clock",
    "regulars.events.record",
    "regulars.events.outbox",
    "regulars.inbox.settings",
    "regulars.inbox.preferences",
    "regulars.inbox.push_news",
    "regulars.reports.keeping",
)
PURE = (
    "regulars.filters",
    "regulars.tracking.pipeline",
    "regulars.tracking.enrich",
    "regulars.campaigns.engine",
    "regulars.mail.content",
)

BLOCKED = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
for name in {modules!r}:
    importlib.import_module(name)
loaded = [name for name in sys.modules if name.partition(".")[0] in {blocked!r}]
assert not loaded, loaded
"""


@pytest.mark.parametrize("module", CORE)
def test_the_core_is_there_without_django(module: str) -> None:
    _import((module,), ("django", "allauth", "procrastinate", "ninja"))


def test_pure_parts_are_there_without_django_and_without_a_database() -> None:
    modules = tuple(name for package in PURE for name in _modules_of(package))
    assert len(modules) > 20
    _import(modules, ("django", "psycopg", "psycopg_pool", "procrastinate"))


def _import(modules: tuple[str, ...], blocked: tuple[str, ...]) -> None:
    program = BLOCKED.format(modules=modules, blocked=blocked)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _modules_of(package: str) -> list[str]:
    folder = ROOT / package.replace(".", "/")
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted(folder.rglob("*.py"))
        if path.name != "__init__.py"
    ]
