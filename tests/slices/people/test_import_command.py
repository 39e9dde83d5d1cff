"""`regulars people import`: people in from a file, each row alone, and nothing by a dry run."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from regulars.config.cli import regulars
from regulars.people.imports import cells
from regulars.workspaces.models import AuditEntry
from tests.slices.people.crowd import add
from tests.slices.tracking.site import Site, open_site


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def bring(site: Site, tmp_path: Path, text: str | bytes, *words: str) -> Result:
    file = tmp_path / "people.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    command = ["people", "import", str(file), "--project", str(site.project.id), *words]
    return CliRunner().invoke(regulars, command)


SHEET = """\
\ufeffEmail Address;Full name;Customer ID;Joined;Town;Plan;Seats;Tags
ana@lisboa.example;Ana Pacheco;C-1;2024-11-03;Lisboa;Weekly box;3;vip,coffee
office@northsea.example;;;;;;;
"""


def test_columns_find_their_facts_by_name(site: Site, tmp_path: Path) -> None:
    told = bring(site, tmp_path, SHEET, "--tag", "import")
    assert told.exit_code == 0, told.output
    assert "2 made, 0 changed, 0 refused" in told.output
    ana, office = sorted(site.people(), key=lambda one: one.email or "")
    assert (ana.kind, ana.user_id, ana.name, ana.city) == ("user", "C-1", "Ana Pacheco", "Lisboa")
    assert ana.attributes == {"plan": "Weekly box", "seats": 3}
    assert ana.signed_up_at is not None
    assert ana.signed_up_at.date().isoformat() == "2024-11-03"
    assert sorted(ana.tags) == ["coffee", "import", "vip"]
    assert office.kind == "lead"
    assert AuditEntry.objects.filter(project_id=site.project.id, action="people.imported").exists()


def test_a_second_time_changes_and_makes_nobody(site: Site, tmp_path: Path) -> None:
    bring(site, tmp_path, SHEET)
    told = bring(site, tmp_path, SHEET.replace("Weekly box", "Pantry"))
    assert "0 made, 1 changed, 1 the same already" in told.output
    assert {one.attributes.get("plan") for one in site.people()} == {"Pantry", None}


def test_a_dry_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    told = bring(site, tmp_path, SHEET, "--dry-run")
    assert "2 would be made" in told.output
    assert site.people() == []
    assert site.count("outbox") == 0


def test_a_row_that_is_wrong_stays_behind_alone_and_can_be_mended(
    site: Site, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    sheet = (
        "email,name,signed_up_at\nana(at)lisboa.example,Ana,\nken@kobe.example,=Ken,\n"
        "KEN@kobe.example,Ken again,\n,Nobody,\nlea@lyon.example,Lea,soon\n"
    )
    told = bring(site, tmp_path, sheet, "--rejects", str(rejects))
    assert "1 made, 0 changed, 4 refused" in told.output
    assert "line 4: email: Twice in this file: line 3 was taken." in told.output
    rows = list(csv.DictReader(io.StringIO(rejects.read_text("utf-8-sig"))))
    assert [row["refused_line"] for row in rows] == ["2", "4", "5", "6"]
    mended = rejects.read_text("utf-8-sig").replace("ana(at)", "ana@")
    assert "1 made" in bring(site, tmp_path, mended, "--rejects", str(rejects)).output


def test_what_was_exported_comes_back_in(site: Site, tmp_path: Path) -> None:
    add(site, name="=Ana", email="ana@lisboa.example", attributes={"plan": "-1 a"})
    out = tmp_path / "out.csv"
    command = ["people", "export", "--project", str(site.project.id), "--output", str(out)]
    assert CliRunner().invoke(regulars, command).exit_code == 0
    other = open_site(site.connection)
    assert "1 made" in bring(other, tmp_path, out.read_bytes()).output
    assert other.only_person().name == "=Ana"


def test_a_column_can_be_given_another_meaning(site: Site, tmp_path: Path) -> None:
    words = ["--map", "Plan=attributes.box", "--map", "Seats=", "--map", "Town=region"]
    assert bring(site, tmp_path, SHEET, *words).exit_code == 0
    ana = next(one for one in site.people() if one.user_id)
    assert ana.attributes == {"box": "Weekly box"}
    assert (ana.city, ana.region) == (None, "Lisboa")


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("", (), "The file is empty"),
        ("name\nAna\n", (), "nobody could be found by it"),
        ("email,email\na,b\n", (), "Two columns have the same name"),
        ("email,E-Mail\na,b\n", (), "Two columns become email"),
        (",".join(f"c{n}" for n in range(300)), (), "At most 200 columns"),
        (b"PK\x03\x04email", (), "Save it as CSV"),
        ("email\na@b.example\n", ("--map", "Town=city"), "no column Town"),
        ("email,x\na@b.example,1\n", ("--map", "x=last_seen"), "no fact last_seen"),
        ("email\na@b.example\n", ("--map", "nothing"), "Expected COLUMN=FACT"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    site: Site, tmp_path: Path, text: str | bytes, words: tuple[str, ...], said: str
) -> None:
    told = bring(site, tmp_path, text, *words)
    assert told.exit_code != 0
    assert said in told.output
    assert site.people() == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("0012", "0012"), ("1.50", 1.5), ("true", True), ("1e999", "1e999"),
     ("[1,2]", [1, 2]), ("{oops", "{oops"), ("9" * 40, "9" * 40)],
)  # fmt: skip
def test_custom_values_keep_what_they_are(text: str, value: Any) -> None:
    assert cells.typed(text) == value
