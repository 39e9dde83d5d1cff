"""docs/map.md says what every folder is for, and names none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNSAID = {"migrations", "sql", "__pycache__", "node_modules"}


def test_every_folder_of_the_product_is_on_the_map() -> None:
    text = (ROOT / "docs/map.md").read_text(encoding="utf-8")
    said = set(re.findall(r"^\| `(regulars/[^`]+)`", text, re.MULTILINE))
    there = {
        str(folder.relative_to(ROOT))
        for folder in (ROOT / "regulars").rglob("*")
        if folder.is_dir() and not UNSAID & set(folder.relative_to(ROOT).parts)
    }
    below = {f for f in there if any(f.startswith(f"{parent}/") for parent in LEAVES)}
    assert there - below == said


# What lies below these is said by the folder itself.
LEAVES = ("regulars/console/templates", "regulars/static/console")
