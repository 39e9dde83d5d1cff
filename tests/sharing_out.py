"""How tests are shared out between workers (`pytest -n`): by the file, and what takes long first.

A file that takes long and comes last keeps one worker busy while the others have nothing left.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Beginnings of paths, the longest first; what is not here takes a few seconds.
LONG: tuple[str, ...] = ()

# These share what all tests have in common, so they are one worker's.
TOGETHER = ("tests/slices/webhooks/",)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Files in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        together = (start for start in TOGETHER if nodeid.startswith(start))
        return next(together, nodeid.partition("::")[0])


def place_of(item: pytest.Item) -> tuple[bool, int]:
    """When a test's turn is: what takes long first, and browsers last.

    Once Playwright runs, its event loop stays in the main thread, where some tests start their own.
    """
    turns = (turn for turn, start in enumerate(LONG) if item.nodeid.startswith(start))
    return "chromium" in getattr(item, "fixturenames", ()), next(turns, len(LONG))
