"""`regulars people export`: the same file, from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result

from regulars.config.cli import regulars
from regulars.workspaces.models import AuditEntry
from tests.slices.people.crowd import add
from tests.slices.tracking.site import Site, open_site


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def run(site: Site, *words: str) -> Result:
    command = ["people", "export", "--project", str(site.project.id), *words]
    return CliRunner().invoke(regulars, command)


def names(text: bytes) -> list[str]:
    rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""))
    return [row["name"] for row in rows]


def test_everybody_is_printed(site: Site) -> None:
    add(site, name="Ana")
    add(site, "visitor")
    told = run(site)
    assert told.exit_code == 0, told.output
    assert sorted(names(told.stdout_bytes)) == ["", "Ana"]


def test_a_filter_says_who(site: Site) -> None:
    add(site, name="Ana", sessions=5)
    add(site, name="Ben", sessions=1)
    add(site, "lead", name="Lea", sessions=9)
    many = json.dumps({"field": "sessions", "op": "gt", "value": 3})
    assert set(names(run(site, "--filter", many).stdout_bytes)) == {"Ana", "Lea"}
    assert names(run(site, "--filter", many, "--kind", "lead").stdout_bytes) == ["Lea"]


def test_a_file_is_written_for_its_owner_alone(site: Site, tmp_path: Path) -> None:
    add(site, name="Ana")
    file = tmp_path / "people.csv"
    file.write_text("what was there before")
    told = run(site, "--output", str(file))
    assert told.stdout == f"Wrote 1 person to {file}.\n"
    assert names(file.read_bytes()) == ["Ana"]
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [file]


def test_a_filter_that_is_none_is_told_in_a_sentence_and_leaves_what_was_there(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("before")
    told = run(site, "--output", str(file), "--filter", '{"field": "nope", "op": "is"}')
    assert told.exit_code == 2
    assert "nope" in told.stderr
    assert file.read_text() == "before"


@pytest.mark.usefixtures("database")
def test_a_project_that_is_none_is_told_in_a_sentence() -> None:
    told = CliRunner().invoke(regulars, ["people", "export", "--project", str(uuid4())])
    assert told.exit_code == 1
    assert "no such project" in told.stderr


def test_the_audit_log_says_that_the_operator_did_it(site: Site) -> None:
    add(site, name="Ana")
    run(site)
    (entry,) = AuditEntry.objects.filter(project_id=site.project.id, action="people.exported")
    assert (entry.subject, entry.agent_id) == ("1 person", None)
