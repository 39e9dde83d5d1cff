"""What is not documented fails here, and so does what is documented and not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from regulars.config.cli import regulars

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
SOURCES = [
    path.read_text(encoding="utf-8")
    for path in (ROOT / "regulars").rglob("*.py")
    if "node_modules" not in path.parts
]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def _commands(group: click.Group, name: str = "regulars") -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def _section(name: str) -> str:
    found = re.search(
        rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", COMMANDS, re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/reference/commands.md has no section '{name}'"
    return found[1]


@pytest.mark.parametrize(("name", "command"), list(_commands(regulars)))
def test_every_command_and_option_is_documented(name: str, command: click.Command) -> None:
    section = _section(name)
    assert command.help, f"{name} says nothing of itself"
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            assert str(parameter.name).upper() in section
        else:
            assert parameter.opts[0] in section, f"{name} {parameter.opts[0]} is not documented"


def test_no_command_is_documented_that_is_not_there() -> None:
    there = {name for name, _ in _commands(regulars)}
    assert set(re.findall(r"^## (regulars .*)$", COMMANDS, re.MULTILINE)) == there


def test_every_setting_is_documented() -> None:
    read = {name for text in SOURCES for name in re.findall(r"\bREGULARS_[A-Z_]+\b", text)}
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", SETTINGS, re.MULTILINE))
    assert listed == read | {"DATABASE_URL", "PORT"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_help_lists_every_target_a_person_may_want() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))
    assert {"help", "run", "test", "check", "bench", "lock"} <= described
