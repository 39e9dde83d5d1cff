"""The embedded server's files: where they live, how they are made, what a crash left in them.

As an ordinary user they are in `<data>/postgres`. As root they are in /var/lib/regulars, owned by
the unprivileged user that the server runs as (who may be unable to enter the data folder), and
`<data>/postgres` is a link to them. Whoever calls anything here holds the data folder's lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from regulars.config import processes
from regulars.config.postgres import binaries as programs
from regulars.config.postgres import configuration
from regulars.config.postgres.account import Account, account_for
from regulars.config.postgres.binaries import Binaries
from regulars.kit import machine

SYSTEM_HOME = Path("/var/lib/regulars")
NAME = "regulars"
SETTINGS = "postgresql.conf"
_OWN_SETTINGS = "local.conf"

# Names, inside a home, the data folder that it was made for.
_ORIGIN = "data-folder"

# The kernel's limit for a socket's path is 108 bytes, with /.s.PGSQL.5432 and a lock's name in it.
_LONGEST_SOCKET_FOLDER = 85
_PROVIDER_SINCE = 17
_PRIVATE = 0o700

log = logging.getLogger(__name__)


class ClusterError(RuntimeError):
    """The server's files can't be used as they are."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded server's files and the programs that run it."""

    home: Path
    socket: Path
    account: Account
    binaries: Binaries

    @property
    def files(self) -> Path:
        return self.home / "cluster"

    @property
    def dsn(self) -> str:
        return self.dsn_of(NAME)

    def dsn_of(self, database: str) -> str:
        return f"postgresql://{NAME}@/{database}?host={quote(str(self.socket), safe='')}"

    def command(self) -> list[str]:
        settings = self.home / SETTINGS
        return [
            str(self.binaries.program("postgres")),
            *("-D", str(self.files), "-c", f"config_file={settings}"),
        ]


def cluster_of(data: Path, *, chosen: Binaries | None = None) -> Cluster:
    """The data folder's cluster, made where there is none; `chosen` overrides the search."""
    home = _home(data)
    home.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, exist_ok=True)
    account = account_for(home / "cluster")
    if chosen is None:
        chosen = programs.choose(_major_of(home / "cluster"))
    if os.geteuid() == 0:
        chosen = programs.for_account(chosen, account, _system_folder("programs"))
    cluster = Cluster(home, _socket_folder(home, account), account, chosen)
    if not cluster.files.is_dir():
        _make(cluster)
    _configure(cluster)
    return cluster


@contextmanager
def held(cluster: Cluster) -> Iterator[None]:
    """Keep every other data folder off these files: a copied one may have a link to them."""
    with (cluster.home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterError(
                f"The database in {cluster.home} is in use by another data folder's Regulars."
            ) from error
        yield


def clear_the_way(cluster: Cluster) -> None:
    """End what a killed server left running, and remove its lock where it names a stranger.

    The backends of a postmaster that was killed hold its shared memory until they notice; a new
    one refuses to start beside them. A process id in an old lock may meanwhile be anybody's.
    """
    lock = cluster.files / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="ascii", errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        pid = 0
    if pid and processes.is_alive(pid):
        if str(cluster.files) in processes.command_line(pid):
            processes.end([pid], ask=signal.SIGINT, seconds=10)
        else:
            lock.unlink(missing_ok=True)
    orphans = [
        pid
        for pid in processes.working_in(cluster.files)
        if processes.command_line(pid).startswith("postgres:")
    ]
    processes.end(orphans, ask=signal.SIGQUIT, seconds=1)


def _home(data: Path) -> Path:
    """Where the server's files live; for root a folder of the system's, linked from `data`."""
    link = data / "postgres"
    if link.is_symlink():
        target = link.resolve()
        if not os.access(target, os.X_OK):
            raise ClusterError(
                f"{link} leads to {target}, which this user may not enter: the data folder was "
                "made by root. Start as root, or name another data folder."
            )
        return target
    if os.geteuid() != 0 or link.is_dir():
        return link
    home = _new_system_home(data)
    link.symlink_to(home)
    return home


def _new_system_home(data: Path) -> Path:
    """A home for a new data folder; never that of an earlier one, which may be only unmounted."""
    homes = _system_folder("data")
    for old in homes.glob(f"*/{_ORIGIN}"):
        if _made_for(old) == str(data):
            log.warning(
                "%s is new, so a new database is made. An earlier one of that name is kept in %s; "
                "remove it if it is of no use.",
                data,
                old.parent,
            )
    home = homes / secrets.token_hex(5)
    home.mkdir(mode=0o755)
    (home / _ORIGIN).write_text(str(data), encoding="utf-8")
    return home


def _made_for(origin: Path) -> str | None:
    """What stands in such a file; None where its home was removed meanwhile."""
    try:
        return origin.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _system_folder(name: str) -> Path:
    folder = SYSTEM_HOME / name
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(
            f"{SYSTEM_HOME} can't be written ({error.strerror}). As root, PostgreSQL's files live "
            "there; start as another user, or name a server in DATABASE_URL."
        ) from error
    return folder


def _make_private(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid):
        raise ClusterError(f"{folder} belongs to somebody else: remove it and start again")
    if found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    elif stat.S_IMODE(found.st_mode) != _PRIVATE:
        raise ClusterError(f"{folder} is open to others: remove it and start again")


def _socket_folder(home: Path, account: Account) -> Path:
    """A private folder for the socket, near the files unless their path is too long for one."""
    folder = home / "socket"
    if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
        mark = hashlib.blake2b(os.fsencode(home), digest_size=6).hexdigest()
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        name = f"regulars-{account.uid}-{mark}"
        fits = 0 < len(os.fsencode(runtime)) < _LONGEST_SOCKET_FOLDER - len(name)
        folder = Path(runtime if fits else tempfile.gettempdir()) / name
    _make_private(folder, account)
    return folder


def _major_of(files: Path) -> int | None:
    try:
        return int((files / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _make(cluster: Cluster) -> None:
    """Run initdb in a folder of its own and move the result in, so that it is whole or absent."""
    fresh = cluster.home.with_name(f".{cluster.home.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    options = cluster.account.as_popen_options(named=True)
    if options:
        os.chown(fresh, options["user"], options["group"])
    for locale in _locales(cluster.binaries):
        made = subprocess.run(
            [
                cluster.binaries.program("initdb"),
                *("-D", fresh / "cluster", "-U", NAME, "--auth=trust", "--encoding=UTF8"),
                *locale,
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        if made.returncode == 0:
            break
        shutil.rmtree(fresh / "cluster", ignore_errors=True)
    else:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ClusterError(f"PostgreSQL could not be set up: {made.stderr.strip()}")
    _give(fresh / "cluster", cluster.account)
    (fresh / "cluster").rename(cluster.files)
    fresh.rmdir()


def _locales(binaries: Binaries) -> list[list[str]]:
    """Code-point order and UTF-8, from the server itself where it can, else from the system."""
    if binaries.major >= _PROVIDER_SINCE:
        return [["--locale-provider=builtin", "--locale=C.UTF-8"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]


def _configure(cluster: Cluster) -> None:
    """Write the settings beside the cluster, not in it: the server's user can't change them."""
    file = cluster.home / SETTINGS
    fresh = file.with_suffix(".new")
    fresh.write_text(
        configuration.written_for(
            cluster.socket,
            memory=machine.memory(),
            shared_memory=configuration.machine_shared_memory(),
            disk=shutil.disk_usage(cluster.home).total,
            own=cluster.home / _OWN_SETTINGS,
        ),
        encoding="utf-8",
    )
    fresh.replace(file)


def _give(path: Path, account: Account) -> None:
    """Make the account the owner of a file, or of a folder and all in it."""
    if account.is_ourselves:
        return
    os.chown(path, account.uid, account.gid, follow_symlinks=False)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)
