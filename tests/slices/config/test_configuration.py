"""The embedded server's settings, sized to the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.config.postgres.configuration import written_for

GIB = 1024**3


def _lines(memory: int, shared_memory: int = GIB, disk: int = 100 * GIB) -> list[str]:
    own = Path("/nonexistent/local.conf")
    return written_for(
        Path("/run/it's"), memory=memory, shared_memory=shared_memory, disk=disk, own=own
    ).splitlines()


@pytest.mark.parametrize(
    ("memory", "buffers"), [(GIB // 8, "64MB"), (2 * GIB, "512MB"), (64 * GIB, "8192MB")]
)
def test_it_takes_a_quarter_of_the_memory_and_eight_gigabytes_at_most(
    memory: int, buffers: str
) -> None:
    assert f"shared_buffers = {buffers}" in _lines(memory)


@pytest.mark.parametrize(
    ("disk", "log"), [(2 * GIB, "512MB"), (20 * GIB, "2560MB"), (1024 * GIB, "12288MB")]
)
def test_its_log_takes_an_eighth_of_the_disk_and_twelve_gigabytes_at_most(
    disk: int, log: str
) -> None:
    assert f"max_wal_size = {log}" in _lines(GIB, disk=disk)


def test_what_was_answered_is_on_disk() -> None:
    assert {"fsync = on", "synchronous_commit = on"} <= set(_lines(GIB))


def test_nothing_but_its_socket_is_listened_to() -> None:
    lines = _lines(GIB)
    assert "listen_addresses = ''" in lines
    assert "unix_socket_directories = '/run/it''s'" in lines


def test_statements_with_peoples_data_stay_out_of_the_log() -> None:
    assert {"log_min_error_statement = panic", "log_error_verbosity = terse"} <= set(_lines(GIB))


def test_a_containers_small_shared_memory_is_not_used() -> None:
    small = _lines(GIB, shared_memory=64 * 1024**2)
    assert "dynamic_shared_memory_type = mmap" in small
    assert "dynamic_shared_memory_type = mmap" not in _lines(GIB)
