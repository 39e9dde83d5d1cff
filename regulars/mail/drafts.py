"""Whether what somebody wrote may take the place of what is kept: two may write at once. Pure.

Whoever saves says which version they began with, and in which window: `tab` names it, `step` grows
with everything that is written in it. So nobody's words are written over unseen, a window is never
late behind itself, and of its own saves that overtake each other the last written stays.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_TAB = 40  # letters
_MOST_DIGITS = 9


class ChangedError(Exception):
    """Somebody else changed it since: `version` is the newest."""

    def __init__(self, version: int) -> None:
        super().__init__("Somebody else changed this meanwhile.")
        self.version = version


@dataclass(frozen=True, slots=True)
class Save:
    """What a save says of itself. Without a version it takes whatever place there is."""

    version: int | None = None
    tab: str = ""
    step: int = 0


ANYHOW = Save()


@dataclass(frozen=True, slots=True)
class Stand:
    """What is kept: its version, and the window and step that wrote it."""

    version: int
    tab: str
    step: int


def takes_place(kept: Stand, save: Save) -> bool:
    """Whether a save is newer than what is kept. Raises ChangedError where somebody else's is."""
    if save.tab and save.tab == kept.tab:
        return save.step > kept.step
    if save.version is not None and save.version != kept.version:
        raise ChangedError(kept.version)
    return True


def said(version: str, tab: str, step: str) -> Save:
    """A save from what a form sent; what can't be read is as if it were not there."""
    return Save(_number(version), tab[:MOST_TAB] if tab.isalnum() else "", _number(step) or 0)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None
