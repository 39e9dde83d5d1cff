"""What the embedded server is told: its postgresql.conf, sized to the machine."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from regulars.kit import machine

_MIB = 1024 * 1024
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - asked for its size, nothing is written there


def written_for(socket: Path, *, memory: int, shared_memory: int, disk: int, own: Path) -> str:
    """The settings file; `memory`, `shared_memory` (of /dev/shm) and `disk` are in bytes.

    `own` is the operator's file: what it says goes last, and so wins.
    """
    # Scans of what is larger than a quarter of these would read past them, from the disk or its
    # cache each time: the compact rows of a million people take half a gigabyte.
    buffers = max(64, min(8192, memory // 4 // _MIB))
    log = max(512, min(12_288, disk // 8 // _MIB))
    lines = [
        f"# Written anew at every start; put settings of your own in {own.name} beside this file.",
        # Only this machine's processes, and only those that may enter the socket's folder.
        "listen_addresses = ''",
        f"unix_socket_directories = '{_quoted(socket)}'",
        "unix_socket_permissions = 0700",
        "max_connections = 100",
        # An answer of 200 means that it is on disk.
        "fsync = on",
        "synchronous_commit = on",
        f"shared_buffers = {buffers}MB",
        f"effective_cache_size = {max(128, memory // 2 // _MIB)}MB",
        f"maintenance_work_mem = {max(32, min(512, memory // 16 // _MIB))}MB",
        "work_mem = 16MB",
        "random_page_cost = 1.1",
        "effective_io_concurrency = 64",
        # Few, spread-out checkpoints: each makes the next write of a page log the whole page, which
        # events among a million people feel for half a minute. What is kept is written over again.
        f"max_wal_size = {log}MB",
        f"min_wal_size = {log // 4}MB",
        "checkpoint_timeout = 15min",
        # Whole pages go to the log as they are: the server we come with knows only pglz, which
        # takes five times as long over them as all else that a batch of cold events costs.
        "wal_compression = off",
        "wal_buffers = 16MB",
        # Our statements are short; compiling them costs more than it saves.
        "jit = off",
        # A query over many partitions locks each of them.
        "max_locks_per_transaction = 256",
        # A client that is gone must not hold rows or a running query for long.
        "idle_in_transaction_session_timeout = 5min",
        "client_connection_check_interval = 10s",
        "timezone = 'UTC'",
        "log_timezone = 'UTC'",
        "log_line_prefix = '%m [%p] '",
        "log_min_messages = warning",
        "log_checkpoints = off",
        # Statements hold what people wrote and where they live: keep them out of the log.
        "log_min_error_statement = panic",
        "log_error_verbosity = terse",
        "log_parameter_max_length_on_error = 0",
    ]
    if platform.system() == "Linux":
        # After a crash one call for the whole disk, instead of one for each of thousands of files.
        lines.append("recovery_init_sync_method = syncfs")
    if shared_memory < 256 * _MIB:  # containers give 64 MB, which one parallel query can exceed
        lines.append("dynamic_shared_memory_type = mmap")
    if own.is_file():
        lines.append(f"include '{own.name}'")
    return "\n".join(lines) + "\n"


def machine_shared_memory() -> int:
    """The size of /dev/shm in bytes; where there is none, PostgreSQL uses something else."""
    try:
        return shutil.disk_usage(_SHARED_MEMORY).total
    except OSError:
        return machine.memory()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
