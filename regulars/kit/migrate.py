"""A migration whose statements are a `.sql` file beside the slice."""

from __future__ import annotations

from pathlib import Path

from django.db.migrations import RunSQL


def sql_file(migration: str, name: str, *, undo: str = RunSQL.noop) -> RunSQL:
    """Run `sql/<name>` of the slice whose migration file is `migration` (pass `__file__`)."""
    folder = Path(migration).resolve().parent.parent / "sql"
    return RunSQL((folder / name).read_text(encoding="utf-8"), undo)
