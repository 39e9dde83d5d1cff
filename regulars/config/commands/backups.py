"""`regulars backup` and `restore`: the whole database by PostgreSQL's tools, and the files."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import click
import psycopg

from regulars.config import installation
from regulars.config.commands import file_backups
from regulars.config.commands.options import data_option
from regulars.config.postgres import binaries
from regulars.config.postgres.binaries import Binaries
from regulars.kit import database
from regulars.kit.environment import Environment
from regulars.kit.storage import UnavailableError, storage

# All of ours lies in the schema public. One transaction: a restore that fails changes nothing.
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner"

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

# pg_restore 17 and newer write this line, which older servers do not know.
_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
_KNOWN_SINCE = 17


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--files/--no-files",
    "files",
    default=None,
    help="Write the files beside it, to FILE.files.tar; unless told, where they are in a folder.",
)
@data_option
def backup(file: Path, files: bool | None, data: Path | None) -> None:  # noqa: FBT001 - a flag
    """Write the whole database to FILE, beside a running Regulars or without one."""
    environment = installation.environment_of(data)
    with installation.ensure_database(environment, "regulars backup"):
        tools = _tools(_server_major())[0]
        part = file.with_name(f"{file.name}.part")
        # It holds everything known about everybody: for its owner's eyes alone.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        try:
            _run(tools, "pg_dump", "--format=custom", f"--file={part}", database.dsn())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    click.echo(f"Backed up to {file} ({file.stat().st_size / 1e6:.1f} MB).")
    if files is None:
        files = environment.storage_url is None
    if files:
        _write_files(file)
    else:
        click.echo(f"The files stay where they are: {storage().place()}.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def restore(file: Path, data: Path | None) -> None:
    """Replace the whole database by what FILE holds; Regulars must be stopped.

    The files of FILE.files.tar, where it is there, are put where files are kept now.
    """
    environment = installation.environment_of(data)
    with installation.ensure_database(environment, "regulars restore"):
        with database.connect() as connection:
            others = connection.execute(_OTHERS).fetchone()
        if others is not None and others[0]:
            raise click.ClickException("The database is in use: stop Regulars first.")
        tools = _reader_of(file, _tools(_server_major()))
        if sys.stdin.isatty():
            click.confirm("This replaces all that the database holds. Go on?", abort=True)
        _load(tools, file, _server_major())
        installation.set_up_django()
        from regulars.config import migrations  # noqa: PLC0415 - needs Django

        migrations.apply()
    click.echo(f"Restored from {file}.")
    _put_files_back(file, environment)


def _write_files(file: Path) -> None:
    target = file_backups.beside(file)
    try:
        count = file_backups.write(storage(), target)
    except UnavailableError as away:
        raise click.ClickException(f"The files could not be read: {away}") from away
    size = target.stat().st_size / 1e6
    click.echo(f"Files: {count:,}, to {target} ({size:.1f} MB). Keep the two together.")


def _put_files_back(file: Path, environment: Environment) -> None:
    source = file_backups.beside(file)
    if not source.exists():
        if environment.storage_url is None:
            click.echo(f"No files: there is no {source}.")
        return
    try:
        count = file_backups.put_back(storage(), source)
    except (UnavailableError, tarfile.TarError) as wrong:
        raise click.ClickException(
            f"The database is restored, the files of {source} are not: {wrong}"
        ) from wrong
    click.echo(f"Files: {count:,}, in {storage().place()}.")


def _load(tools: Binaries, file: Path, server: int) -> None:
    script = subprocess.Popen(
        [tools.program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
        stdout=subprocess.PIPE,
    )
    loader = subprocess.Popen(
        [
            tools.program("psql"),
            *("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            *("--output=/dev/null", f"--dbname={database.dsn()}"),
            *("--command", _EMPTY, "--file=-"),
        ],
        stdin=subprocess.PIPE,
        env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"},
    )
    if script.stdout is None or loader.stdin is None:
        raise AssertionError
    try:
        with loader.stdin as sink:
            for line in script.stdout:
                if server >= _KNOWN_SINCE or line != _UNKNOWN_BEFORE_17:
                    sink.write(line)
    except BrokenPipeError:
        script.kill()
    if script.wait() or loader.wait():
        raise click.ClickException("The restore failed; the database is as it was.")


def _run(tools: Binaries, program: str, *words: str) -> None:
    ran = subprocess.run([tools.program(program), *words], capture_output=True, check=False)
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip()
        raise click.ClickException(f"{program} failed: {said}")


def _server_major() -> int:
    try:
        with database.connect() as connection:
            return connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise click.ClickException(f"The database does not answer: {error}") from error


def _tools(server: int) -> list[Binaries]:
    """The dump and restore programs that fit the server: its own version, then newer ones."""
    found = [
        known
        for known in binaries.found()
        if known.major >= server and all(map(known.has, ("pg_dump", "pg_restore", "psql")))
    ]
    if not found:
        raise click.ClickException(
            f"This needs pg_dump, pg_restore and psql of PostgreSQL {server} or newer, and none is "
            f"on this machine. On Debian: apt install postgresql-client-{server}."
        )
    return sorted(found, key=lambda known: known.major)


def _reader_of(file: Path, tools: list[Binaries]) -> Binaries:
    """The first of these that can read the file: a newer server's backup needs a newer one."""
    for known in tools[:-1]:
        listed = [str(known.program("pg_restore")), "--list", str(file)]
        if subprocess.run(listed, capture_output=True, check=False).returncode == 0:
            return known
    _run(tools[-1], "pg_restore", "--list", str(file))
    return tools[-1]
