"""The user that an embedded PostgreSQL runs as: never root, which it refuses."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

# A user id of our own, so that no other service shares the right to read the cluster. It lies in
# the range that Debian Policy 9.2.2 keeps free (30000-59999) and below 65536, which is all that
# an unprivileged container maps. It needs no line in /etc/passwd: only initdb asks for one.
OWN_ID = 54329


class PopenOptions(TypedDict, total=False):
    """What `subprocess` is told to start a process as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group, as numbers."""

    uid: int
    gid: int

    @property
    def is_ourselves(self) -> bool:
        return self.uid == os.geteuid()

    def as_popen_options(self, *, named: bool = False) -> PopenOptions:
        """For `subprocess.Popen`; `named`: as a user that has a name on this machine."""
        if self.is_ourselves:
            return {}
        uid, gid = named_account() if named and not _has_name(self.uid) else (self.uid, self.gid)
        return {"user": uid, "group": gid, "extra_groups": []}


def account_for(files: Path) -> Account:
    """Who runs the server whose files these are.

    Ourselves, unless we are root; then their owner where there is one (the same data folder may
    have been used without root before), and our own id otherwise.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if files.is_dir():
        owner = files.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    return Account(OWN_ID, OWN_ID)


def named_account() -> tuple[int, int]:
    """An unprivileged user that every system names."""
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
