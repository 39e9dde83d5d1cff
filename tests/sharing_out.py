"""How tests are shared out between workers (`pytest -n`): by the file, and what takes long first.

A file that takes long and comes last keeps one worker busy while the others have nothing left.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Beginnings of paths, the longest first; what is not here takes a few seconds.
LONG = (
    "tests/architecture/test_stranger.py",
    "tests/slices/public/test_rest_stranger.py",
    "tests/slices/public/test_rest_fuzz.py",
    "tests/slices/filters/",
    "tests/slices/funnels/test_histories.py",
    "tests/pure/tracking/test_parse.py",
    # Installations of their own, and journeys of many pages.
    "tests/faults/",
    "tests/slices/config/test_commands.py",
    "tests/conformance/",
    "tests/journeys/test_chat.py",
    "tests/journeys/test_filter_panel.py",
    "tests/journeys/test_first_visit.py",
    "tests/journeys/test_bulk.py",
    "tests/journeys/test_win_back.py",
    "tests/journeys/test_notes.py",
    "tests/journeys/test_weekly_email.py",
    "tests/journeys/test_segment_live.py",
    "tests/journeys/test_hostile.py",
)

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
