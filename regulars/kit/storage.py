"""Where the bytes of files are kept: the data folder, or S3-compatible storage by setting.

A key is `<project>/<file>`, both ids, whoever keeps something: files of conversations, images of
mail. What is kept is never handed out by its address; the doors read it and say how it is served.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from regulars.kit import environment

# What the check keeps for a moment; no project and no file have these ids.
_A_TRIAL = f"{UUID(int=0)}/{UUID(int=1)}"


class GoneError(Exception):
    """There is no file of this key."""


class UnavailableError(Exception):
    """The storage does not answer, or refuses us; the message says what it said."""


class Storage(Protocol):
    """Keeps bytes by key. Any of its calls may raise UnavailableError."""

    def keep(self, key: str, content: bytes) -> None:
        """Keep them, for good, before this returns."""

    def read(self, key: str) -> bytes:
        """The bytes. Raises GoneError."""

    def forget(self, key: str) -> None:
        """Let go of them; nothing happens where they are gone."""

    def all_keys(self) -> Iterator[str]:
        """The keys of all that is kept, in no order."""

    def keys_of(self, project: str) -> Iterator[str]:
        """The keys of all that is kept of a project, in no order."""

    def place(self) -> str:
        """Where that is, in words, without secrets."""


class Folder:
    """Files below a folder that nobody else can read, a folder a project."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, key: str, content: bytes) -> None:
        """Written beside and renamed: there is a whole file or none, after a crash too."""
        path = self._path(key)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        except OSError as wrong:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise UnavailableError(str(wrong)) from wrong

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise GoneError(key) from None
        except OSError as wrong:
            raise UnavailableError(str(wrong)) from wrong

    def forget(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as wrong:
            raise UnavailableError(str(wrong)) from wrong

    def all_keys(self) -> Iterator[str]:
        for path in self._root.glob("*/*"):
            key = f"{path.parent.name}/{path.name}"
            if is_key(key):
                yield key

    def keys_of(self, project: str) -> Iterator[str]:
        for path in (self._root / str(UUID(project))).glob("*"):
            key = f"{path.parent.name}/{path.name}"
            if is_key(key):
                yield key

    def place(self) -> str:
        return str(self._root)

    def _path(self, key: str) -> Path:
        return self._root / checked(key)


def is_key(key: str) -> bool:
    """Whether it is one: two ids, as they are written."""
    try:
        return checked(key) == key
    except ValueError:
        return False


def checked(key: str) -> str:
    """The key. Both its parts are ids: it never leads out of its place. Raises ValueError."""
    project, _, file = key.partition("/")
    return f"{UUID(project)}/{UUID(file)}"


def try_out(tried: Storage) -> None:
    """Keep something, read it, let go of it. Raises GoneError or UnavailableError."""
    tried.keep(_A_TRIAL, b"trial")
    try:
        if tried.read(_A_TRIAL) != b"trial":
            raise UnavailableError("what was read is not what was kept")
    finally:
        tried.forget(_A_TRIAL)


@cache
def storage() -> Storage:
    """The installation's storage. Raises ValueError where the setting is no address of one."""
    given = environment.read()
    if given.storage_url is None:
        return Folder(given.data / "files")
    from regulars.kit.bucket import Bucket  # noqa: PLC0415 - only who has one loads its client

    return Bucket(given.storage_url)
