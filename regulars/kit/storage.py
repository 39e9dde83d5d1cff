"""Where the bytes of files are kept: the data folder, or S3-compatible storage by setting."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from regulars.kit import environment


class GoneError(Exception):
    """There is no file of this key."""


class Storage(Protocol):
    """Keeps bytes by key. A key is `<project>/<file>`, both ids."""

    def keep(self, key: str, content: bytes) -> None:
        """Keep them, for good, before this returns."""

    def read(self, key: str) -> bytes:
        """The bytes. Raises GoneError."""

    def forget(self, key: str) -> None:
        """Let go of them; nothing happens where they are gone."""


class Folder:
    """Files below a folder that nobody else can read, a folder a project."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, key: str, content: bytes) -> None:
        """Written beside and renamed: there is a whole file or none, after a crash too."""
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise GoneError(key) from None

    def forget(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        project, _, file = key.partition("/")
        # Both are ids: a key never leads out of the folder.
        return self._root / str(UUID(project)) / str(UUID(file))


@cache
def storage() -> Storage:
    """The installation's storage."""
    return Folder(environment.read().data / "files")
