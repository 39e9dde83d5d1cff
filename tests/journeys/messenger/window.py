"""The messenger as somebody uses it: by the names that are read out to them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class Window:
    """The messenger of a tab."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.host = tab.locator("regulars-messenger")
        self.launcher = self.host.locator(".launcher")
        self.panel = tab.get_by_role("dialog", name="Tideway Coffee")
        self.log = self.panel.get_by_role("log")
        self.field = self.panel.get_by_role("textbox", name="Write a message")

    def visit(self, url: str) -> Window:
        """Go to a page, and wait for the button."""
        self.tab.goto(url)
        expect(self.launcher).to_be_visible()
        return self

    def open(self) -> Window:
        """Press the button."""
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def begin(self) -> Window:
        """Open it, at a new conversation."""
        self.open().panel.get_by_role("button", name="Start a new conversation").click()
        expect(self.field).to_be_visible()
        return self

    def say(self, text: str) -> Locator:
        """Write something and send it by Enter; returns its bubble."""
        self.field.fill(text)
        self.field.press("Enter")
        expect(self.field).to_have_value("")
        return self.bubble(text)

    def bubble(self, text: str) -> Locator:
        """What stands in the thread."""
        return self.log.locator(".bubble").filter(has_text=text)

    def bubbles(self) -> list[str]:
        """All that stands in the thread, in order."""
        return self.log.locator(".bubble").all_inner_texts()

    def tab_of(self, name: str) -> Locator:
        """One of the four ways at the bottom."""
        return self.panel.get_by_role("navigation").get_by_role("button", name=name)
