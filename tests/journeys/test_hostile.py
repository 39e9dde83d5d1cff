"""Whatever people, mails and colleagues are called and say is read on every screen, never run."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from regulars.inbox import attachments, from_email, notes, saved_replies, settings
from regulars.inbox.attachments import Sender
from regulars.inbox.conversations import Conversation
from regulars.kit import clock
from regulars.people.person import Person
from regulars.workspaces.models import Agent
from tests import hostile
from tests.browser import PERSON
from tests.cast import Cast, cast
from tests.hostile import Watch
from tests.journeys.desk import address, browser
from tests.journeys.messenger.conftest import AJAR, LiveTalk, shop, talk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.test_more import browser_of
from tests.journeys.messenger.window import Window
from tests.slices.tracking.site import identify, page

__all__ = ["address", "browser", "cast", "shop", "talk"]


class Scene(NamedTuple):
    """A lead whose every word is hostile, and where they have said it."""

    eve: Person
    chat: Conversation
    mail: UUID
    ticket: Conversation


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody on the customer's site, which has no policy to stop anything."""
    context = chromium.new_context(
        user_agent=PERSON, viewport={"width": 1440, "height": 900}, locale="en-GB"
    )
    context.add_init_script(AJAR)
    yield context
    context.close()


def test_nothing_hostile_runs_on_any_screen_that_shows_it(
    visitor: BrowserContext,
    browser: BrowserContext,
    cast: Cast,
    shop: Storefront,
    talk: LiveTalk,
    address: str,
) -> None:
    theirs, ours = Watch(visitor), Watch(browser)
    window = Window(visitor.new_page()).visit(shop.page())
    scene = stage(cast, talk, browser_of(window.tab, shop))
    look_through_the_messenger(window, theirs, scene)
    tab = browser.new_page()
    look_through_the_inbox(tab, ours, cast, scene, address)
    look_through_the_rest(tab, ours, cast, scene, address)
    hear_live(tab, window, ours, scene)
    assert theirs.harm_in(window.tab) == []


def stage(cast: Cast, talk: LiveTalk, anon: str) -> Scene:
    """Everything that can be hostile, is."""
    Agent.objects.filter(id=cast.bob.id).update(name=hostile.NAME)
    traits = {
        "name": hostile.NAME,
        "email": "eve@example.com",
        "first_name": hostile.TEXTS[3],
        "city": hostile.NAME,
        "plan": hostile.NAME,
        hostile.TEXTS[1][:40]: hostile.NAME,
    }
    talk.site.send(
        identify(None, anon, traits),
        page(anon, "/<img src=x onerror=alert('ran')>", context={"page": {"title": hostile.NAME}}),
        at=clock.now(),
    )
    for number, text in enumerate(hostile.TEXTS):
        cast.tracked(f"u{number}{text[:9]}", name=text, email=f"u{number}@example.com")
    eve = talk.site.person_of(anon=anon)
    assert eve is not None
    with cast.connection.transaction():
        settings.change(
            cast.connection, cast.home.id,
            dict.fromkeys(("greeting", "intro", "away_message"), hostile.MARKUP),
            clock.now(),
        )  # fmt: skip
        saved_replies.create(
            cast.connection, cast.home.id, clock.now(), name=hostile.NAME, body=hostile.MARKUP
        )
        for shared, html in ((True, hostile.HTML), (False, "".join(hostile.TEXTS))):
            notes.add(
                cast.connection, cast.home.id, eve.id, clock.now(), html=html, shared=shared,
                by=cast.bob.id,
            )  # fmt: skip
    chat = converse(cast, talk, anon)
    ticket = talk.ticket(
        eve, subject=hostile.NAME, description=hostile.TEXTS[0], tags=(hostile.TEXTS[1][:30],)
    )
    return Scene(eve, chat, write_a_mail(cast), ticket)


def converse(cast: Cast, talk: LiveTalk, anon: str) -> Conversation:
    """A thread of every text, said by both, and noted; with files of such names."""
    thread = str(uuid4())
    chat, _ = talk.say(anon, thread, hostile.NAME)
    with cast.connection.transaction():
        file = attachments.take(
            cast.connection, cast.home.id, Sender(agent_id=cast.bob.id), hostile.FILE,
            b"<script>alert('ran')</script>", clock.now(),
        )  # fmt: skip
        cast.connection.execute(  # as if its name had not been cleaned
            "UPDATE attachment SET name = %s WHERE id = %s", (hostile.FILE, file.id)
        )
    for number, text in enumerate(hostile.TEXTS):
        talk.say(anon, thread, text)
        talk.reply(chat.id, text, private=bool(number % 2), agent_id=cast.bob.id)
    talk.reply(chat.id, hostile.NAME, agent_id=cast.bob.id, files=[file.id])
    return talk.get(chat.id)


def write_a_mail(cast: Cast) -> UUID:
    """A mail of HTML alone from somebody with such a name, and with such an attachment."""
    mail = EmailMessage()
    mail["From"] = "Mallory <mallory@example.com>"
    mail.replace_header("From", f'"{hostile.NAME.replace(chr(34), "")}" <mallory@example.com>')
    mail["To"] = "hello@example.org"
    mail["Subject"] = hostile.NAME
    mail["Message-ID"] = f"<{uuid4()}@example.com>"
    mail.set_content(hostile.HTML, subtype="html")
    mail.add_attachment(hostile.HTML.encode(), "text", "html", filename="page.html")
    from_email.deliver(mail.as_bytes(), (), clock.now(), project_id=cast.home.id)
    row = cast.connection.execute(
        "SELECT c.id FROM conversation c JOIN message m ON m.project_id = c.project_id"
        " AND m.conversation_id = c.id WHERE c.project_id = %s AND m.channel = 'email'"
        " AND m.by = 'person'",
        (cast.home.id,),
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def look_through_the_messenger(window: Window, watch: Watch, scene: Scene) -> None:
    """Home, conversations, the thread, tickets and notes."""
    window.tab.reload()
    window.open()
    expect(window.panel).to_contain_text("Eve '\">")
    assert watch.harm_in(window.tab) == []
    window.tab_of("Notes").click()
    expect(window.panel.locator(".note")).to_have_count(1)
    assert watch.harm_in(window.tab) == []
    window.tab_of("Tickets").click()
    window.panel.get_by_text("Eve '\">").first.click()
    expect(window.bubble(hostile.TEXTS[0])).to_be_visible()
    assert watch.harm_in(window.tab) == []
    window.panel.get_by_role("button", name="Back").click()
    window.tab_of("Messages").click()
    assert watch.harm_in(window.tab) == []
    window.panel.locator(f"[data-id='{scene.chat.id}']").click()
    expect(window.bubble(hostile.TEXTS[1]).first).to_be_visible()
    assert watch.harm_in(window.tab) == []


def look_through_the_inbox(tab: Page, watch: Watch, cast: Cast, scene: Scene, address: str) -> None:
    """Lists, threads with the person beside them, search, saved replies."""
    for one, text in (
        (scene.chat.id, hostile.TEXTS[0]),
        (scene.mail, "page.html"),
        (scene.ticket.id, hostile.TEXTS[0]),
    ):
        tab.goto(f"{address}{cast.home.url(f'inbox/{one}/')}")
        expect(tab.get_by_role("log")).to_contain_text(text)
        assert watch.harm_in(tab) == []
    tab.goto(f"{address}{cast.home.url('inbox/?view=all&q=alert')}")
    expect(tab.locator("body")).to_contain_text("alert")
    assert watch.harm_in(tab) == []


def look_through_the_rest(tab: Page, watch: Watch, cast: Cast, scene: Scene, address: str) -> None:
    """People, the profile, notes and their history, settings."""
    for place in ("people/", f"people/{scene.eve.id}/", "settings/replies/", "settings/messenger/",
                  "settings/team/", "segments/"):  # fmt: skip
        answer = tab.goto(f"{address}{cast.home.url(place)}")
        assert answer is not None
        assert answer.status == 200, place
        tab.wait_for_load_state("networkidle")
        assert watch.harm_in(tab) == [], place
    tab.goto(f"{address}{cast.home.url('people/')}")
    tab.get_by_role("button", name="New", exact=True).click()
    tab.get_by_role("link", name="Note").click()
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog.locator("input:focus")).to_be_visible()
    tab.keyboard.type("eve")
    dialog.get_by_role("option", name="Eve").first.click()
    assert watch.harm_in(tab) == []


def hear_live(tab: Page, window: Window, watch: Watch, scene: Scene) -> None:
    """What comes in while a page is open: rows, the thread, notices."""
    tab.goto(tab.url.partition("/people/")[0] + f"/inbox/{scene.chat.id}/")
    expect(tab.get_by_role("log")).to_contain_text(hostile.FILE)
    window.say(f"live {hostile.NAME}")
    expect(tab.get_by_role("log")).to_contain_text(f"live {hostile.NAME}")
    expect(tab.locator("a.conv", has_text="live Eve").first).to_be_visible()
    assert watch.harm_in(tab) == []


def test_harm_is_seen_where_there_is_some(visitor: BrowserContext, shop: Storefront) -> None:
    """The other way round: a page that takes a name for markup."""
    watch, tab = Watch(visitor), visitor.new_page()
    tab.goto(shop.page(head="", body=f"<a href=javascript:{hostile.RAN}>x</a>{hostile.NAME}"))
    tab.wait_for_function("window.__harm.length > 0")
    harm = watch.harm_in(tab)
    assert "alert: ran" in harm
    assert f"a to javascript:{hostile.RAN}" in harm
    assert "img[onerror]" in harm
