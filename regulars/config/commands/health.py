"""`regulars doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import click
import psycopg

from regulars.config import installation
from regulars.config.commands.options import data_option
from regulars.config.data_folder import BusyError, DataFolder
from regulars.config.postgres.binaries import NoPostgresError
from regulars.config.postgres.cluster import ClusterError
from regulars.config.postgres.server import ServerError
from regulars.kit import clock, database
from regulars.kit.environment import Environment
from regulars.kit.storage import GoneError, UnavailableError, storage, try_out
from regulars.mail import domains, smtp

_OLDEST_SERVER = 15
_LITTLE_SPACE = 2_000_000_000
_CLOCK_TOLERANCE = 2.0
_WORKER_SILENCE = 10.0
_GREETING = 15.0  # seconds that a mail server may take to let us in

_SILENCE = "SELECT extract(epoch FROM %s - max(at))::float8 FROM worker_heartbeat"

# A public resolver, whose place every database knows.
_KNOWN_ADDRESS = "8.8.8.8"

_SIGN = {"good": ("ok", "green"), "fair": ("note", "yellow"), "bad": ("FAIL", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `grade` is good, fair (worth knowing) or bad (does not serve)."""

    about: str
    grade: str
    says: str


@click.command()
@data_option
def doctor(data: Path | None) -> None:
    """Check the installation, and say what to do about what is wrong."""
    environment = installation.environment_of(data)
    well = True
    try:
        for finding in _findings(environment):
            well &= finding.grade != "bad"
            _show(finding)
    except (BusyError, ClusterError, NoPostgresError, ServerError) as error:
        well = False
        _show(Finding("database", "bad", str(error)))
    sys.exit(0 if well else 1)


def _show(finding: Finding) -> None:
    sign, colour = _SIGN[finding.grade]
    click.echo(f"{click.style(f'{sign:>5}', fg=colour)}  {finding.about}: {finding.says}")


def _findings(environment: Environment) -> Iterator[Finding]:
    yield _space(environment.data)
    yield _address(installation.url_of(environment))
    yield _mail(environment)
    yield _one_click(environment.base_url)
    yield _files()
    yield _answers(environment.data)
    with installation.ensure_database(environment, "regulars doctor"):
        with database.connect() as connection:
            for check in (_version, _clock, _worker):
                yield check(connection)
        installation.set_up_django()
        yield _migrations()
        with database.connect() as connection:
            yield from _domains(connection)
    yield _places(environment.data)


Check = Callable[[psycopg.Connection[tuple[object, ...]]], Finding]


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> Finding:
    version = connection.info.server_version
    if version < _OLDEST_SERVER * 10_000:
        return Finding("database", "bad", f"PostgreSQL {_OLDEST_SERVER} or newer is needed")
    return Finding("database", "good", f"PostgreSQL {version // 10_000}.{version % 10_000} answers")


def _clock(connection: psycopg.Connection[tuple[object, ...]]) -> Finding:
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    theirs = row[0] if row else 0.0
    apart = abs(time.time() - (theirs if isinstance(theirs, float) else 0.0))
    if apart > _CLOCK_TOLERANCE:
        return Finding("clock", "bad", f"{apart:.0f} s apart from the database's: set up NTP")
    return Finding("clock", "good", "agrees with the database's")


def _worker(connection: psycopg.Connection[tuple[object, ...]]) -> Finding:
    try:
        row = connection.execute(_SILENCE, [clock.now()]).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    silence = row[0] if row else None
    if not isinstance(silence, float):
        return Finding("worker", "bad", "has not run: start `regulars up` (or `regulars worker`)")
    if silence > _WORKER_SILENCE:
        return Finding("worker", "bad", f"silent for {silence:.0f} s: start `regulars up`")
    return Finding("worker", "good", "works")


def _migrations() -> Finding:
    from regulars.config import migrations  # noqa: PLC0415 - needs Django

    pending = migrations.pending()
    if pending:
        return Finding("tables", "bad", f"{len(pending)} migrations to run: regulars migrate")
    return Finding("tables", "good", "up to date")


def _space(data: Path) -> Finding:
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    says = f"{free / 1e9:.1f} GB free at {there}"
    return Finding("disk", "bad" if free < _LITTLE_SPACE else "good", says)


def _address(base_url: str) -> Finding:
    parts = urlsplit(base_url)
    if parts.scheme == "https" or _is_local(parts.hostname or ""):
        return Finding("address", "good", base_url)
    return Finding(
        "address", "bad", f"{base_url} is not https: passwords and people's data travel in the open"
    )


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mail(environment: Environment) -> Finding:
    """Whether there is a mail server, and it takes mail from us."""
    if environment.smtp_url is None:
        return Finding("mail", "fair", "REGULARS_SMTP_URL is not set: mail is kept, not sent")
    try:
        server = smtp.server_of(environment.smtp_url, environment.base_url)
    except smtp.BadServerError as wrong:
        return Finding("mail", "bad", str(wrong))
    try:
        asyncio.run(asyncio.wait_for(_greet(server), _GREETING))
    except (smtp.AwayError, TimeoutError) as away:
        said = str(away) or "it does not answer"
        return Finding("mail", "bad", f"{server.host}:{server.port} takes no mail: {said}")
    return Finding("mail", "good", f"goes through {server.host}:{server.port}")


async def _greet(server: smtp.Server) -> None:
    async with smtp.calling(server):
        return


def _one_click(base_url: str) -> Finding:
    """RFC 8058 wants https where people unsubscribe with one click."""
    if urlsplit(base_url).scheme == "https":
        return Finding("unsubscribing", "good", "one click is enough")
    said = f"{base_url} is not https, so mailbox providers show no button: set REGULARS_BASE_URL"
    return Finding("unsubscribing", "fair", said)


def _domains(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Finding]:
    """Domains that mail is sent from and that nobody can tell from a forgery."""
    now = clock.now()
    unverified = []
    try:
        rows = connection.execute("SELECT DISTINCT project_id FROM mail_domain").fetchall()
    except psycopg.errors.UndefinedTable:
        return  # migrations are to be run first
    projects = [row[0] for row in rows]
    for project_id in projects:
        found = domains.all_of(connection, UUID(str(project_id)), now)
        unverified += [domain.name for domain in found if not domain.is_verified]
    if not projects:
        yield Finding("domains", "fair", "none to send from: mail is not signed (Settings, Email)")
    elif unverified:
        named = ", ".join(sorted(set(unverified))[:5])
        yield Finding("domains", "fair", f"{named}: the DNS lacks our key (Settings, Email)")
    else:
        yield Finding("domains", "good", "sign with keys that stand in the DNS")


def _files() -> Finding:
    try:
        kept = storage()
        try_out(kept)
    except (GoneError, UnavailableError, ValueError) as wrong:
        return Finding("files", "bad", f"can't be kept: {wrong}")
    return Finding("files", "good", f"are kept in {kept.place()}")


def _answers(data: Path) -> Finding:
    state = DataFolder(data).running()
    if state is None or state.address is None:
        return Finding("web", "fair", f"`regulars up` does not run on {data}")
    parts = urlsplit(state.address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except OSError as error:
        return Finding("web", "bad", f"does not answer at {state.address}: {error}")
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        return Finding("web", "bad", f"is not ready: {state.address}/readyz answers {status}")
    return Finding("web", "good", f"serves at {state.address}")


def _places(data: Path) -> Finding:
    from regulars.tracking.enrich.geo import GeoDatabase  # noqa: PLC0415 - only this check needs it

    known = GeoDatabase.open(data).locate(_KNOWN_ADDRESS)
    if known is None:
        return Finding("places", "bad", "the country database is missing: install Regulars again")
    if known.city is None:
        return Finding("places", "fair", "countries only; for cities: regulars geo install")
    return Finding("places", "good", "countries and cities")
