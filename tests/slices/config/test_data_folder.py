"""Who uses a data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.config.data_folder import UP, BusyError, DataFolder, State
from tests.running import wait_until

HOLDER = """
import sys, time
from pathlib import Path
from regulars.config.data_folder import DataFolder
with DataFolder(Path(sys.argv[1])).locked(sys.argv[2], patience=0):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def _holding(path: Path, doing: str, seconds: float) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), doing, str(seconds)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_it_is_made_for_its_user_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "data")
    with folder.locked("regulars backup", patience=0):
        assert folder.path.stat().st_mode & 0o777 == 0o700
        assert (folder.path / "run" / "state.json").stat().st_mode & 0o777 == 0o600
        assert folder.is_in_use()
    assert not folder.is_in_use()
    assert folder.running() is None


def test_a_running_regulars_is_refused_at_once(tmp_path: Path) -> None:
    with _holding(tmp_path, UP, 60) as holder:
        with (
            pytest.raises(BusyError, match="Regulars is running already"),
            DataFolder(tmp_path).locked(UP, patience=30),
        ):
            pass
        holder.kill()


def test_a_command_is_waited_for(tmp_path: Path) -> None:
    with (
        _holding(tmp_path, "regulars backup", 0.5),
        DataFolder(tmp_path).locked(UP, patience=10),
    ):
        pass


def test_a_command_that_takes_too_long_is_named(tmp_path: Path) -> None:
    with _holding(tmp_path, "regulars backup", 60) as holder:
        with (
            pytest.raises(BusyError, match=f"`regulars backup` is running.*process {holder.pid}"),
            DataFolder(tmp_path).locked(UP, patience=0.2),
        ):
            pass
        holder.kill()


def test_a_killed_holder_is_in_nobodys_way_and_says_what_it_left(tmp_path: Path) -> None:
    holder = _holding(tmp_path, UP, 60)
    holder.kill()
    holder.communicate()
    folder = DataFolder(tmp_path)
    wait_until(lambda: not folder.is_in_use(), seconds=30)
    with folder.locked(UP, patience=0):
        assert folder.left_behind is not None
        assert folder.left_behind.pid == holder.pid


def test_a_state_that_is_no_state_is_none(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    folder.write(State(os.getpid(), UP))
    assert folder.read() == State(os.getpid(), UP)
    for spoilt in ("", "{", "[]", '{"unknown": 1}'):
        (tmp_path / "run" / "state.json").write_text(spoilt)
        assert folder.read() is None
