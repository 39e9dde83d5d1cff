"""Two tabs of one browser: what one of them stores reaches the other a moment later."""

from playwright.sync_api import Page

from .recorder import WRITE_KEY

STORED = f"localStorage['regulars.{WRITE_KEY}']"
SAME = f"stored => ({STORED} ?? null) === stored"


def wait_until_both_know(written_in: Page, other: Page) -> None:
    """Tabs may be processes of their own, each with a copy of the storage."""
    stored = written_in.evaluate(f"{STORED} ?? null")
    other.wait_for_function(SAME, arg=stored)
