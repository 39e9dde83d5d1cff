"""Every ready-made template in a real browser: it fits, and can be read, by day and by night."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from regulars.mail.ready_made import READY_MADE
from tests.looks.templates import LOOK, SCHEMES, WIDTHS, pages, shown

COLORS = (LOOK.color, "#ffee00")  # a dark one, and one that nobody can read on paper


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_letters_fit_and_can_be_read_with_their_pictures_blocked(
    chromium: Browser, width: int, scheme: str
) -> None:
    # The colours take turns, so that each template meets both over all widths and schemes.
    made = {color: pages(replace(LOOK, color=color)) for color in COLORS}
    turn = WIDTHS.index(width) + SCHEMES.index(scheme)
    found = {
        key: wrong
        for place, key in enumerate(READY_MADE)
        if (wrong := shown(chromium, made[COLORS[(place + turn) % 2]][key], width, scheme))
    }
    assert found == {}
