"""`regulars people`: people out of a project as a file, and in from one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
        from regulars.people.imports.sheet import FileError  # noqa: PLC0415
        from regulars.workspaces.models import Project  # noqa: PLC0415

        if not Project.objects.filter(id=project_id).exists():
            raise click.ClickException("There is no such project.")
        wiring.wire()
        try:
            outcome = _brought(file, project_id, _said(said), tag, dry=dry_run, rejects=rejects)
        except FileError as wrong:
            raise click.ClickException(str(wrong)) from None
        if not dry_run:
            _log(project_id, outcome.made + outcome.changed, "people.imported")
    would = "would be " if dry_run else ""
    made, changed = f"{outcome.made:,} {would}made", f"{outcome.changed:,} {would}changed"
    same = f", {outcome.same:,} the same already" if outcome.same else ""
    click.echo(f"{made}, {changed}{same}, {outcome.refused:,} refused.")
    for line, column, why, *_ in outcome.shown[:_SHOWN]:
        click.echo(f"  line {line}: {f'{column}: ' if column else ''}{why}.")
    if outcome.refused > _SHOWN:
        click.echo("  … --rejects FILE writes all of them.")


def _said(said: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for one in said:
        column, equals, fact = one.rpartition("=")
        if not equals or not column:
            raise click.BadParameter("Expected COLUMN=FACT.", param_hint="--map")
        pairs[column] = fact.strip()
    return pairs


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a file's rows; the first refused ones."""

    made: int
    changed: int
    same: int
    refused: int
    shown: list[tuple[int, str, str, str, str]]


def _brought(
    file: Path,
    project_id: UUID,
    said: dict[str, str],
    tag: str,
    *,
    dry: bool,
    rejects: Path | None,
) -> _Outcome:
    """Bring everybody in, as the worker would, with a bar on the terminal."""
    from regulars.kit import database  # noqa: PLC0415 - needs the installation
    from regulars.people.imports import file_rows, jobs, mapping, taking, working  # noqa: PLC0415
    from regulars.people.imports.bringing import How  # noqa: PLC0415

    with database.connect() as connection:
        with file.open("rb") as given:
            job = taking.take(connection, project_id, file.name, given, clock.now(), agent_id=None)
        try:
            facts = mapping.matched([column.name for column in job.mapping], said)
            columns = [mapping.Column(name, fact) for name, fact in facts.items()]
            for column in columns:
                click.echo(f"{column.name} → {column.fact or 'left out'}", err=True)
            options = taking.options(
                How(tag=taking.tag_of(tag), starts_campaigns=True), make_segment=False
            )
            state: Any = "checking" if dry else "draft"
            jobs.change(connection, job, columns, options, clock.now(), state=state)
            if not dry:
                jobs.start(connection, job, options, clock.now(), unchecked=True)
            job = _worked_off(connection, working.Working(connection), job)
            if rejects is not None:
                with _opened(rejects) as out:
                    out.write(taking.refused_text(job))
            counts, shown = job.counts, file_rows.refused(connection, job)
        except BaseException:
            file_rows.forget(connection, project_id, job.id)
            raise
        if dry:
            file_rows.forget(connection, project_id, job.id)
    made = counts.get("user", 0) + counts.get("lead", 0)
    changed, same = counts.get("changed", 0), counts.get("same", 0)
    return _Outcome(made, changed, same, counts.get("refused", 0), shown)


def _worked_off(connection: Any, worker: Any, job: Any) -> Any:
    """The import once it has ended; the worker may have a hand in it, too."""
    from regulars.people.imports import jobs  # noqa: PLC0415 - needs the installation
    from regulars.people.imports.sheet import FileError  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Importing people", total=job.file_bytes)
        while True:
            if not worker.work_on(job.project_id, job.id, clock.now()):
                time.sleep(0.02)
            job = jobs.find(connection, job.project_id, job.id)
            if job.error:
                raise FileError(job.error)
            if not job.is_open:
                return job
            progress.update(task, completed=job.bytes_done)


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
