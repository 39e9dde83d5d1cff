"""`regulars people`: people out of a project, as a file."""

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


def _log(project_id: UUID, count: int) -> None:
    from regulars.people import bulk  # noqa: PLC0415 - needs the installation
    from regulars.workspaces import audit  # noqa: PLC0415

    audit.describe(bulk.AUDITED)
    said = f"{count:,} {'person' if count == 1 else 'people'}"
    audit.record(project_id, "people.exported", said, by=audit.OPERATOR, now=clock.now())
