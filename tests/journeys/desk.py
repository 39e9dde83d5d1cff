"""An agent's desk: the console served for real, Alice signed in to it, and people who come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext

from regulars.kit import clock
from tests.cast import Cast
from tests.running import Running, wait_until
from tests.slices.public.served import Served
from tests.slices.tracking.site import Site, identify, page


@pytest.fixture(scope="module")
def address(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the console answers. It may use the database between tests too: streams go on."""
    with django_db_blocker.unblock():
        yield served.url


@pytest.fixture
def browser(chromium: Browser, cast: Cast, address: str) -> Iterator[BrowserContext]:
    """Alice's browser, signed in."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    name = settings.SESSION_COOKIE_NAME
    value = cast.alice.client.cookies[name].value
    context.add_cookies([{"name": name, "value": value, "url": address}])
    yield context
    context.close()


@pytest.fixture
def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


def first_owner(chromium: Browser, installation: Running) -> BrowserContext:
    """The new owner's browser, signed in by the link that the first start printed."""
    wait_until(lambda: "/first-sign-in/" in installation.said(), seconds=20)
    link = re.search(r"\S+/first-sign-in/\S+", installation.said())
    assert link is not None
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    tab = context.new_page()
    tab.goto(link[0])
    tab.get_by_label("Name").fill("Ines Carvalho")
    tab.get_by_label("Email").fill("ines@example.com")
    tab.locator("input[type=password]").first.fill("a sentence is easiest to keep")
    tab.locator("form button.primary").click()
    tab.wait_for_url("**/welcome/")
    tab.close()
    return context


def arrive(site: Site, number: int, path: str = "/") -> None:
    """A user comes to a page."""
    who, anon = f"u{number}", f"b{number}"
    traits = {"name": f"Person {number:03}"}
    site.send(identify(who, anon, traits), page(anon, path, user=who), at=clock.now())


def crowd(site: Site, count: int) -> None:
    """So many users, the last of whom was seen last, an hour ago."""
    now = clock.now() - timedelta(hours=1)
    site.send(
        *(
            message
            for number in range(count)
            for message in (
                identify(f"u{number}", f"b{number}", {"name": f"Person {number:03}"}),
                page(f"b{number}", user=f"u{number}", at=now + timedelta(seconds=number)),
            )
        ),
        at=clock.now(),
    )
