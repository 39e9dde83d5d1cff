"""The files that a backup has beside it: one tar, whose names are the storage's keys.

Restored, they go to wherever files are kept then: so a backup also moves them from the data folder
to a bucket, and back.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from regulars.kit.storage import GoneError, Storage, is_key


def beside(file: Path) -> Path:
    """Where the files of the backup in `file` are."""
    return file.with_name(f"{file.name}.files.tar")


def write(kept: Storage, target: Path) -> int:
    """Write all that is kept to the tar; how many. Raises storage.UnavailableError.

    To be called when the database is written: whatever it knows was kept before.
    """
    count = 0
    part = target.with_name(f"{target.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        with tarfile.open(part, "w") as tar:
            for key in kept.all_keys():
                try:
                    content = kept.read(key)
                except GoneError:
                    continue  # let go of meanwhile
                member = tarfile.TarInfo(key)
                member.size, member.mode = len(content), 0o600
                tar.addfile(member, io.BytesIO(content))
                count += 1
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def put_back(kept: Storage, source: Path) -> int:
    """Keep every file of the tar; how many. Raises storage.UnavailableError, tarfile.TarError."""
    count = 0
    with tarfile.open(source) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and is_key(member.name):
                kept.keep(member.name, content.read())
                count += 1
    return count
