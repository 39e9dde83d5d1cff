"""The commands where nothing is running: they start the database for as long as they need it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from regulars.config.commands import file_backups
from regulars.config.data_folder import DataFolder
from regulars.kit.bucket import Bucket
from regulars.kit.storage import Folder
from tests.running import Running, wait_until
from tests.slices.kit import s3_server
from tests.slices.mail.sink import sink


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An installation that does not run."""
    installation = Running(tmp_path_factory.mktemp("stopped") / "data")
    yield installation
    installation.remove()


@pytest.fixture(scope="module")
def project(stopped: Running) -> dict[str, str]:
    made = stopped.run("project", "create", "Shop", "--json")
    assert made.returncode == 0, made.stderr
    keys: dict[str, str] = json.loads(made.stdout)
    return keys


def test_a_project_is_made_on_a_data_folder_never_used_before(
    stopped: Running, project: dict[str, str]
) -> None:
    assert set(project) == {"project_id", "write_key", "secret_key"}
    assert stopped.everything() == []
    assert not DataFolder(stopped.data).is_in_use()


def test_an_agent_is_made_and_gets_a_link(stopped: Running, project: dict[str, str]) -> None:
    words = ("--project", project["project_id"], "--email", "ada@example.com", "--password", "x")
    made = stopped.run("agent", "create", *words, "--role", "owner", "--json")
    assert set(json.loads(made.stdout)) == {"agent_id"}
    link = stopped.run("agent", "reset-link", "--email", "ada@example.com")
    assert link.stdout.startswith(f"{stopped.url}/reset/")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("agent", "reset-link", "--email", "nobody@example.com"), "No agent has the email"),
        (("up", "--pids"), "Nothing is running"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    stopped: Running, words: tuple[str, ...], says: str
) -> None:
    told = stopped.run(*words)
    assert told.returncode == 1
    assert says in told.stderr
    assert "Traceback" not in told.stderr


def test_a_restore_brings_back_what_was_and_nothing_else(
    stopped: Running, project: dict[str, str], tmp_path: Path
) -> None:
    dump, key = tmp_path / "regulars.dump", f"{project['project_id']}/{uuid4()}"
    kept = Folder(stopped.data / "files")
    kept.keep(key, b"a picture")
    assert stopped.run("backup", str(dump)).returncode == 0
    assert dump.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "regulars.dump.files.tar").stat().st_mode & 0o777 == 0o600
    kept.forget(key)
    later = json.loads(stopped.run("project", "create", "Later", "--json").stdout)
    restored = stopped.run("restore", str(dump))
    assert restored.returncode == 0, restored.stderr
    assert _has(stopped, project)
    assert not _has(stopped, later)
    assert kept.read(key) == b"a picture"


def test_a_backup_moves_files_to_a_bucket(tmp_path: Path) -> None:
    here, key = Folder(tmp_path / "files"), f"{uuid4()}/{uuid4()}"
    here.keep(key, b"a picture")
    tar = tmp_path / "regulars.dump.files.tar"
    assert file_backups.write(here, tar) == 1
    with tarfile.open(tar, "a") as added:
        added.addfile(tarfile.TarInfo("../../outside"))
        added.addfile(tarfile.TarInfo(f"{uuid4()}/../../outside"))
    with s3_server.serving() as shelf:
        assert file_backups.put_back(Bucket(shelf.address()), tar) == 1
        assert shelf.objects == {key: b"a picture"}


def test_a_restore_that_fails_changes_nothing(
    stopped: Running, project: dict[str, str], tmp_path: Path
) -> None:
    dump = tmp_path / "regulars.dump"
    assert stopped.run("backup", str(dump)).returncode == 0
    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) * 2 // 3])
    failed = stopped.run("restore", str(dump))
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert _has(stopped, project)


def test_two_commands_at_once_wait_for_each_other(stopped: Running) -> None:
    names = ("One", "Two", "Three")
    at_once = [stopped.begin("project", "create", name, "--json") for name in names]
    done = [process.communicate(timeout=60) for process in at_once]
    assert len({json.loads(said)["project_id"] for said, _ in done}) == len(names)


def test_the_doctor_says_what_is_wrong(stopped: Running) -> None:
    found = stopped.run("doctor")
    assert found.returncode == 1
    assert "FAIL  worker: has not run" in found.stdout
    assert "ok  tables: up to date" in found.stdout
    assert "note  mail: REGULARS_SMTP_URL is not set" in found.stdout
    assert "note  unsubscribing: http://127.0.0.1" in found.stdout
    assert "note  domains: none to send from" in found.stdout
    assert f"ok  files: are kept in {stopped.data / 'files'}" in found.stdout
    wait_until(lambda: stopped.everything() == [], seconds=30)


def test_the_doctor_says_that_files_can_t_be_kept(stopped: Running) -> None:
    with s3_server.serving() as shelf:
        address = shelf.address(secret="guessed")
        said = _kept_at(stopped, address).run("doctor").stdout
        (line,) = (line for line in said.splitlines() if " files: " in line)
        assert line.startswith(" FAIL  files: can't be kept: ")
        assert line.endswith("SignatureDoesNotMatch")
        assert shelf.objects == {}


def test_the_doctor_talks_to_the_mail_server(stopped: Running) -> None:
    with sink() as server:
        for port, says in ((server.port, "goes through"), (1, "takes no mail")):
            settings = {"REGULARS_SMTP_URL": f"smtp://127.0.0.1:{port}"}
            said = Running(stopped.data, settings=settings).run("doctor").stdout
            (line,) = (line for line in said.splitlines() if " mail: " in line)
            assert says in line
    assert server.arrived == []


def test_a_storage_address_that_is_none_is_told_before_anything_starts(stopped: Running) -> None:
    told = _kept_at(stopped, "https://k:hidden@example.com/b").run("up")
    assert told.returncode == 1
    assert "REGULARS_STORAGE_URL begins with neither s3://" in told.stderr
    assert "hidden" not in told.stderr + told.stdout


def _kept_at(stopped: Running, address: str) -> Running:
    """The same installation, told to keep files there."""
    return Running(stopped.data, settings={"REGULARS_STORAGE_URL": address})


def _has(stopped: Running, project: dict[str, str]) -> bool:
    """Whether the project is there: an agent can be made in it."""
    email = f"{project['project_id']}@example.com"
    made = stopped.run(
        *("agent", "create", "--project", project["project_id"]),
        *("--email", email, "--password", "x"),
    )
    return made.returncode == 0 or "is in this project already" in made.stderr
