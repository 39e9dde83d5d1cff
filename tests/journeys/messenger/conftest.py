"""A customer's site with the messenger on it, somebody's browser, and an agent who answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from regulars.inbox import settings
from regulars.inbox.conversations import Conversation
from regulars.kit import clock, database
from regulars.people.actions import settled
from tests.browser import PERSON
from tests.cast import Cast, cast
from tests.journeys.desk import address
from tests.journeys.messenger.storefront import Storefront, open_storefront
from tests.slices.inbox.talk import Talk
from tests.slices.tracking.site import Site

__all__ = ["address", "cast"]

# The messenger's shadow root is closed to everybody; what tests look at is opened to them.
AJAR = """
const { attachShadow } = Element.prototype;
Element.prototype.attachShadow = function (options) {
  return attachShadow.call(this, { ...options, mode: "open" });
};
"""


class LiveTalk(Talk):
    """Talk at the present time: what a browser shows goes by the real clock."""

    @property
    def now(self) -> datetime:
        return clock.now()

    def only(self) -> Conversation:
        """The project's one conversation."""
        (found,) = self.connection.execute(
            "SELECT id FROM conversation WHERE project_id = %s", (self.project_id,)
        ).fetchall()
        return self.get(found[0])

    def count(self) -> int:
        """How many conversations there are."""
        row = self.connection.execute(
            "SELECT count(*) FROM conversation WHERE project_id = %s", (self.project_id,)
        ).fetchone()
        assert row is not None
        return int(row[0])

    def set(self, **given: Any) -> None:
        """Change the project's settings of the messenger."""
        settled(
            database.transaction,
            lambda core: settings.change(core, self.project_id, given, clock.now()),
        )

    def present(self, agent_id: UUID, *, ago: timedelta = timedelta(0)) -> None:
        """An agent is here, or was."""
        self.connection.execute(
            "UPDATE role SET last_here = %s WHERE project_id = %s AND agent_id = %s",
            (clock.now() - ago, self.project_id, agent_id),
        )
        self.connection.commit()


@pytest.fixture
def talk(cast: Cast) -> LiveTalk:
    """Alice's project; Alice answers."""
    return LiveTalk(Site(cast.connection, cast.home.config, cast.home.secret_key), cast.alice.id)


@pytest.fixture
def shop(cast: Cast, address: str) -> Iterator[Storefront]:
    with open_storefront(address, cast.home.write_key) as front:
        yield front


@pytest.fixture
def visitors(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes somebody's browser; what any page of it complains of fails the test."""
    made: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(tab: Page) -> None:
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console",
            lambda line: complaints.append(line.text) if line.type == "error" else None,
        )

    def visitor(**options: Any) -> BrowserContext:
        given = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", **options}
        context = chromium.new_context(user_agent=PERSON, **given)
        context.add_init_script(AJAR)
        context.on("page", hear)
        made.append(context)
        return context

    yield visitor
    for context in made:
        context.close()
    assert [line for line in complaints if not is_about_the_line(line)] == []


def is_about_the_line(complaint: str) -> bool:
    """A browser says in its console that a connection was lost, however well that is handled."""
    return "WebSocket connection to" in complaint or "ERR_INTERNET_DISCONNECTED" in complaint


@pytest.fixture
def visitor(visitors: Callable[..., BrowserContext]) -> BrowserContext:
    return visitors()


@pytest.fixture
def tab(visitor: BrowserContext) -> Page:
    return visitor.new_page()
