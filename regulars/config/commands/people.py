"""`regulars people`: people out of a project as a file, and in from one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import Progress

from regulars.config.commands.options import data_option
from regulars.config.installation import installation
from regulars.kit import clock

KINDS = ("user", "lead", "visitor")
_SHOWN = 20  # refused rows that are named


@click.group()
def people() -> None:
    """People: everybody a project tracks."""


@people.command("export")
@click.option("--project", "project_id", type=click.UUID, required=True, help="The project.")
@click.option("--filter", "filter_text", metavar="JSON", help="Only who matches this filter.")
@click.option("--kind", type=click.Choice(KINDS), help="Only users, leads or visitors.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write; else it is printed.",
)
@data_option
def export(
    project_id: UUID,
    filter_text: str | None,
    kind: str | None,
    output: Path | None,
    data: Path | None,
) -> None:
    """Write people as CSV, a row each."""
    with installation(data, "regulars people export"):
        from regulars.kit import database  # noqa: PLC0415 - needs the installation

        asked = _asked(project_id, filter_text, kind)
        with database.connect() as connection, _opened(output) as out:
            count = _written(connection, asked, out)
        _log(project_id, count)
    if output is not None:
        click.echo(f"Wrote {count:,} {'person' if count == 1 else 'people'} to {output}.")


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=click.UUID, required=True, help="The project.")
@click.option(
    "--map",
    "said",
    multiple=True,
    metavar="COLUMN=FACT",
    help="What a column becomes, such as Town=city or LTV=attributes.ltv; nothing leaves it out.",
)
@click.option("--tag", default="", help="A tag for everybody in the file.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write refused rows to, with their lines and why.",
)
@data_option
def bring(
    file: Path,
    project_id: UUID,
    said: tuple[str, ...],
    tag: str,
    rejects: Path | None,
    data: Path | None,
    *,
    dry_run: bool,
) -> None:
    """Bring people in from a CSV file, a row each, found by user_id or email."""
    with installation(data, "regulars people import"):
        from regulars.config import wiring  # noqa: PLC0415 - needs the installation
        from regulars.people import importing  # noqa: PLC0415
        from regulars.workspaces.models import Project  # noqa: PLC0415

        if not Project.objects.filter(id=project_id).exists():
            raise click.ClickException("There is no such project.")
        wiring.wire()
        try:
            columns, outcome = _brought(file, project_id, _said(said), tag, dry=dry_run)
        except importing.FileError as wrong:
            raise click.ClickException(str(wrong)) from None
        if rejects is not None:
            with _opened(rejects) as out:
                out.write(_rejects(columns, outcome).encode("utf-8-sig"))
        if not dry_run:
            _log(project_id, outcome.made + outcome.changed, "people.imported")
    would = "would be " if dry_run else ""
    made, changed = f"{outcome.made:,} {would}made", f"{outcome.changed:,} {would}changed"
    click.echo(f"{made}, {changed}, {len(outcome.refused):,} refused.")
    for refusal in outcome.refused[:_SHOWN]:
        click.echo(f"  line {refusal.line}: {refusal.why}")
    if len(outcome.refused) > _SHOWN:
        click.echo("  … --rejects FILE writes all of them.")


def _said(said: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for one in said:
        column, equals, fact = one.rpartition("=")
        if not equals or not column:
            raise click.BadParameter("Expected COLUMN=FACT.", param_hint="--map")
        pairs[column] = fact.strip()
    return pairs


def _brought(
    file: Path, project_id: UUID, said: dict[str, str], tag: str, *, dry: bool
) -> tuple[list[str], Any]:
    """Bring everybody in, with a count on the terminal; the columns, and what became of it."""
    from regulars.kit import database  # noqa: PLC0415 - needs the installation
    from regulars.people import importing  # noqa: PLC0415

    outcome = importing.Outcome()
    with (
        file.open(encoding="utf-8-sig", newline="") as text,
        database.connect() as connection,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        try:
            sheet = importing.read(text)
        except UnicodeDecodeError:
            raise importing.FileError("The file is not UTF-8. Save it as CSV UTF-8.") from None
        facts = importing.matched(sheet.columns, said)
        for column, fact in facts.items():
            click.echo(f"{column} → {fact or 'left out'}", err=True)
        task = progress.add_task("Importing people", total=None)
        for so_far in importing.bring_in(
            connection, project_id, sheet, facts, clock.now(), tag=tag, dry=dry
        ):
            outcome = so_far
            progress.update(task, completed=outcome.made + outcome.changed)
    return sheet.columns, outcome


def _rejects(columns: list[str], outcome: Any) -> str:
    """Refused rows as a file that can be mended and brought in again."""
    from regulars.people import importing  # noqa: PLC0415 - needs the installation
    from regulars.people.export import csv_line  # noqa: PLC0415

    mine = [one for one in columns if one not in importing.OURS[1:]]
    keep = [n for n, one in enumerate(columns) if one in mine]
    lines = [csv_line([*mine, importing.REFUSED_LINE, importing.REFUSED_WHY])]
    for refusal in outcome.refused:
        cells = [refusal.cells[n] if n < len(refusal.cells) else "" for n in keep]
        lines.append(csv_line([*map(importing.bare, cells), refusal.line, refusal.why]))
    return "".join(lines)


def _asked(project_id: UUID, filter_text: str | None, kind: str | None) -> Any:
    """Whom the options mean."""
    from regulars.filters.errors import FilterError  # noqa: PLC0415 - needs the installation
    from regulars.filters.parse import parse_text  # noqa: PLC0415
    from regulars.people import selection  # noqa: PLC0415
    from regulars.people.queries import Which  # noqa: PLC0415
    from regulars.workspaces.models import Project  # noqa: PLC0415

    project = Project.objects.filter(id=project_id).first()
    if project is None:
        raise click.ClickException("There is no such project.")
    try:
        filter_ = None if filter_text is None else parse_text(filter_text)
    except FilterError as wrong:
        raise click.BadParameter(f"{wrong.field}: {wrong.message}", param_hint="--filter") from None
    now, zone = clock.now(), ZoneInfo(project.time_zone)
    which = Which(now, kind, filter=filter_, zone=zone)
    return selection.Asked(project_id, selection.everyone(which, before=now), now, zone)


def _written(connection: Any, asked: Any, out: IO[bytes]) -> int:
    """Write everybody, with a bar on the terminal; how many they were."""
    from regulars.people import export, selection  # noqa: PLC0415 - needs the installation

    total = selection.count(connection, asked)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Exporting people", total=total)
        count = 0
        for text, people_ in export.parts(connection, asked):
            out.write(text.encode())
            count += people_
            progress.update(task, completed=count)
    return count


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """Where it is written. A file appears under its name once it is whole, for its owner alone."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _log(project_id: UUID, count: int, action: str = "people.exported") -> None:
    from regulars.people import bulk  # noqa: PLC0415 - needs the installation
    from regulars.workspaces import audit  # noqa: PLC0415

    audit.describe(bulk.AUDITED)
    said = f"{count:,} {'person' if count == 1 else 'people'}"
    audit.record(project_id, action, said, by=audit.OPERATOR, now=clock.now())
