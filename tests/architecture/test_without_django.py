"""The core takes events in where Django can't be imported at all."""

from __future__ import annotations

import subprocess
import sys

BLOCKED = """
import importlib.abc, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "allauth", "ninja"):
            raise ImportError(f"{name} is blocked")
        return None

sys.meta_path.insert(0, Block())
import regulars.public.collect
import regulars.tracking.commit
import regulars.tracking.intake
import regulars.people.changes
import regulars.people.merge
import regulars.people.erasure
import regulars.segments.membership
import regulars.segments.clock
import regulars.events.record
import regulars.events.outbox
import regulars.filters.parse
import regulars.filters.compile
import regulars.filters.to_sql
import regulars.workspaces.keys
assert not any(name.partition(".")[0] == "django" for name in sys.modules)
"""
BLOCKED_TOO = """
import importlib.abc, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "psycopg", "psycopg_pool"):
            raise ImportError(f"{name} is blocked")
        return None

sys.meta_path.insert(0, Block())
import regulars.filters.compile
import regulars.filters.evaluate
import regulars.filters.to_sql
import regulars.tracking.enrich.geo
import regulars.tracking.pipeline.fold
import regulars.tracking.pipeline.parse
import regulars.tracking.pipeline.steps
"""


def runs(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    return done.stderr


def test_ingest_needs_no_django() -> None:
    assert runs(BLOCKED) == ""


def test_the_pure_packages_need_neither_django_nor_a_database() -> None:
    assert runs(BLOCKED_TOO) == ""
