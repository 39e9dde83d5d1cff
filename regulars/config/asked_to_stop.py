"""Remembers Ctrl-C from the first moment on.

While Python imports, an interrupt may be raised in a place that can't pass it on, and is then only
printed ("Exception ignored in …"). Imported before everything that takes long, this keeps a note of
it, which the supervisor reads before it begins.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

_NOTED: list[int] = []


def noted() -> bool:
    """Whether somebody has asked to stop since the process began."""
    return bool(_NOTED)


def _note(number: int, _frame: FrameType | None) -> None:
    _NOTED.append(number)
    raise KeyboardInterrupt


# Where interrupts are ignored, as in a shell's background, they stay so; but `up` heeds them from
# its first moment on, as it does later.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler or sys.argv[1:2] == ["up"]:
    signal.signal(signal.SIGINT, _note)
