"""`regulars up` as an ordinary user, and against a PostgreSQL of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from regulars.config.postgres import binaries, server
from regulars.config.postgres.cluster import cluster_of
from tests.running import Running, running


@pytest.fixture
def debians(tmp_path: Path) -> Iterator[str]:
    """A server of Debian's, set up by its administrator; the connection string of its database."""
    debian = binaries.read(Path("/usr/lib/postgresql/15/bin"))
    assert debian is not None, "install Debian's postgresql-15"
    folder = tmp_path / "debian"
    folder.mkdir()
    cluster = cluster_of(folder, chosen=debian)
    with server.running(cluster, folder):
        with psycopg.connect(cluster.dsn, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
            connection.execute("CREATE DATABASE shop OWNER shop")
        yield cluster.dsn_of("shop").replace("//regulars@", "//shop@")
    shutil.rmtree(cluster.home)


def test_it_runs_without_root_from_a_private_folder(tmp_path: Path) -> None:
    private = tmp_path / "a private folder"
    private.mkdir(mode=0o700)
    with running(private / "data", without_root=True) as up:
        assert [len(pids) for pids in up.pids().values()] == [2, 1, 1]
        assert not (up.data / "postgres").is_symlink()
        assert up.interrupt() < 10
        assert up.everything() == []


def test_it_runs_on_a_server_of_ones_own(tmp_path: Path, debians: str) -> None:
    with running(tmp_path / "data", settings={"DATABASE_URL": debians}) as up:
        assert [len(pids) for pids in up.pids().values()] == [2, 1, 0]
        assert not (up.data / "postgres").exists()
        with psycopg.connect(debians) as connection:
            assert connection.info.server_version // 10_000 == 15
            assert connection.execute("SELECT 1 FROM worker_heartbeat").fetchone()
        assert up.interrupt() < 10
        assert up.everything() == []


def test_a_backup_of_the_newer_server_is_restored_on_the_older(
    tmp_path: Path, debians: str
) -> None:
    embedded = Running(tmp_path / "data")
    own = Running(tmp_path / "own", settings={"DATABASE_URL": debians})
    dump = str(tmp_path / "dump")
    try:
        assert embedded.run("project", "create", "Moves house").returncode == 0
        assert embedded.run("backup", dump).returncode == 0
        restored = own.run("restore", dump)
        assert restored.returncode == 0, restored.stderr
        with psycopg.connect(debians) as connection:
            names = connection.execute("SELECT name FROM project").fetchall()
        assert names == [("Moves house",)]
    finally:
        embedded.remove()
        own.remove()


def test_a_server_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgresql://shop@127.0.0.1:1/shop"}
    told = Running(tmp_path / "data", settings=away).run("project", "create", "Nowhere")
    assert told.returncode == 1
    assert told.stderr.startswith("The database named in DATABASE_URL does not answer")
    assert "Traceback" not in told.stderr
