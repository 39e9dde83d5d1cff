"""Files, an address left behind, a rating, tickets, notes; and nothing hostile in any of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from regulars.inbox import notes
from regulars.kit import clock
from regulars.people.actions import settled
from regulars.people.person import Person
from tests.cast import Cast
from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.test_talking import wait
from tests.journeys.messenger.window import Window
from tests.pure.inbox.test_rich_text import HOSTILE

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
)
DROP = """
([name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  return data;
}
"""


def spoken(window: Window, text: str = "Hello") -> Window:
    """A conversation has begun."""
    window.begin().say(text)
    expect(window.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))
    return window


def browser_of(tab: Page, shop: Storefront) -> str:
    """The anonymous id."""
    found: str = tab.evaluate(
        "key => JSON.parse(localStorage[`regulars.${key}`]).a", shop.write_key
    )
    return found


def person_of(tab: Page, shop: Storefront, talk: LiveTalk) -> Person:
    """Whose browser it is, once they are tracked."""
    browser = browser_of(tab, shop)
    wait(tab, lambda: talk.site.person_of(anon=browser) is not None)
    person = talk.site.person_of(anon=browser)
    assert person is not None
    return person


def test_a_picture_is_shown_in_the_thread(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    with tab.expect_file_chooser() as chooser:
        window.panel.get_by_role("button", name="Attach files").click()
    chooser.value.set_files({"name": "box.png", "mimeType": "image/png", "buffer": PICTURE})
    expect(window.panel.get_by_role("listitem").filter(has_text="box.png")).to_be_visible()
    send = window.panel.get_by_role("button", name="Send")
    expect(send).to_have_attribute("aria-disabled", "false")
    send.click()
    picture = window.log.get_by_role("img", name="box.png")
    expect(picture).to_be_visible()
    wait(tab, lambda: bool(picture.evaluate("it => it.complete && it.naturalWidth == 10")))
    wait(tab, lambda: _kept(talk) == ["box.png"])


def _kept(talk: LiveTalk) -> list[str]:
    messages = talk.messages(talk.only().id)
    return [file.name for message in messages for file in message.files]


def test_a_file_is_pasted(tab: Page, shop: Storefront) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    data = tab.evaluate_handle(DROP, ["list.txt", "text/plain", "milk"])
    window.field.evaluate(
        "(it, clipboardData) => it.dispatchEvent(new ClipboardEvent('paste',"
        " { clipboardData, bubbles: true, cancelable: true }))",
        data,
    )
    _sent_as_file(window, "list.txt")


def test_a_file_is_dropped(tab: Page, shop: Storefront) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    data = tab.evaluate_handle(DROP, ["list.txt", "text/plain", "milk"])
    window.log.dispatch_event("drop", {"dataTransfer": data})
    _sent_as_file(window, "list.txt")


def _sent_as_file(window: Window, name: str) -> None:
    send = window.panel.get_by_role("button", name="Send")
    expect(send).to_have_attribute("aria-disabled", "false")
    send.click()
    link = window.log.get_by_role("link", name=name)
    expect(link).to_be_visible()
    with window.tab.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == name


def test_a_file_of_another_kind_is_not_taken(tab: Page, shop: Storefront) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    data = tab.evaluate_handle(DROP, ["run.exe", "application/x-msdownload", "MZ"])
    window.log.dispatch_event("drop", {"dataTransfer": data})
    expect(window.panel.get_by_role("alert").filter(has_text="run.exe")).to_be_visible()


def test_an_attached_file_can_be_removed(tab: Page, shop: Storefront) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    data = tab.evaluate_handle(DROP, ["list.txt", "text/plain", "milk"])
    window.log.dispatch_event("drop", {"dataTransfer": data})
    window.panel.get_by_role("button", name="Remove list.txt").click()
    expect(window.panel.get_by_text("list.txt")).to_have_count(0)


def test_typing_of_an_agent_is_shown(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    one = talk.only()
    from regulars.inbox.live import Pointer, tell

    talk.run(
        lambda core: tell(
            core,
            talk.project_id,
            Pointer("typing", one.id, one.person_id, by=f"{talk.agent_id}"),
        )
    )
    said = window.panel.get_by_role("status").filter(has_text="Alice is typing")
    expect(said).to_have_count(1)
    expect(window.log.locator(".typing")).to_be_visible()
    expect(window.log.locator(".typing")).to_be_hidden()


def test_who_is_here_is_shown(tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk) -> None:
    talk.present(cast.alice.id)
    window = Window(tab).visit(shop.page()).open()
    expect(window.panel.get_by_text("Alice is here.")).to_be_visible()


def test_a_visitor_leaves_an_address_when_nobody_is_here(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    field = window.log.get_by_role("textbox", name="Your email address")
    field.fill(f"{'p' * 65}@example.com")
    field.press("Enter")
    expect(window.log.get_by_role("alert")).to_contain_text("email")
    field.fill("pat@example.com")
    field.press("Enter")
    expect(window.log.get_by_text("We will also write to pat@example.com.")).to_be_visible()
    expect(field).to_be_hidden()
    browser = browser_of(tab, shop)
    wait(tab, lambda: _lead(talk, browser) == ("lead", "pat@example.com"))


def _lead(talk: LiveTalk, browser: str) -> Any:
    person = talk.site.person_of(anon=browser)
    return person and (person.kind, person.email)


def test_nobody_is_asked_for_an_address_while_somebody_is_here(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.present(cast.alice.id)
    window = spoken(Window(tab).visit(shop.page()))
    expect(window.log.get_by_role("textbox")).to_have_count(0)


def test_a_closed_conversation_is_rated(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    one = talk.only()
    talk.reply(one.id, "Solved, I think")
    talk.close(one.id)
    faces = window.log.get_by_role("radiogroup", name="How did we do?")
    faces.get_by_role("radio", name="Good").click()
    window.log.get_by_role("textbox", name="Anything to add?").fill("Quick")
    window.log.get_by_role("button", name="Send").click()
    expect(window.log.get_by_text("Thank you for telling us.")).to_be_visible()
    wait(tab, lambda: talk.get(one.id).rating == 4)
    expect(faces).to_be_hidden()


def test_a_ticket_is_opened_and_followed(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).open()
    window.tab_of("Tickets").click()
    window.panel.get_by_role("button", name="Open a ticket").click()
    window.panel.get_by_role("textbox", name="Subject").fill("Grinder stopped")
    window.panel.get_by_role("textbox", name="What is it about?").fill("It hums, no more.")
    window.panel.get_by_role("button", name="Open a ticket").click()
    expect(window.bubble("It hums, no more.")).to_be_visible()
    wait(tab, lambda: talk.count() == 1 and talk.only().number is not None)
    one = talk.only()
    heading = window.panel.get_by_role("heading", name=f"#{one.number} Grinder stopped")
    expect(heading).to_be_visible()
    talk.reply(one.id, "Could you send a photo?")
    expect(window.bubble("Could you send a photo?")).to_be_visible()
    talk.change(one.id, status="pending")
    window.panel.get_by_role("button", name="Back").click()
    expect(window.panel.get_by_text("Waiting on you")).to_be_visible()
    turn = window.panel.get_by_role("list", name="Progress").get_by_text("Your turn")
    expect(turn).to_have_attribute("aria-current", "step")


def test_a_ticket_that_an_agent_opens_for_who_is_here_is_shown_at_once(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = spoken(Window(tab).visit(shop.page()))
    window.panel.get_by_role("button", name="Back").click()
    window.tab_of("Tickets").click()
    person = person_of(tab, shop, talk)
    one = talk.ticket(person, subject="Torn <b>bag</b>", description="Sending one.")
    row = window.panel.get_by_text("#1 Torn <b>bag</b>")
    expect(row).to_be_visible()
    row.click()
    expect(window.bubble("Sending one.")).to_be_visible()
    talk.change(one.id, status="solved")
    window.panel.get_by_role("button", name="Back").click()
    expect(window.panel.get_by_text("Waiting on you")).to_have_count(0)


def test_a_shared_note_is_shown_at_once(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).open()
    window.tab_of("Notes").click()
    expect(window.panel.get_by_text("Nothing here yet")).to_be_visible()
    _note(talk, person_of(tab, shop, talk), "<p>Uses a <b>3-cup</b> Moka pot</p>")
    _note(talk, person_of(tab, shop, talk), "<p>For the team alone</p>", shared=False)
    tab.reload()
    window.tab_of("Notes").click()
    expect(window.panel.locator(".note b")).to_have_text("3-cup")
    expect(window.panel.locator(".note")).to_have_count(1)


def _note(talk: LiveTalk, person: Person, html: str, *, shared: bool = True) -> None:
    settled(
        talk._transaction,
        lambda core: notes.add(
            core,
            talk.project_id,
            person.id,
            clock.now(),
            html=html,
            shared=shared,
            by=talk.agent_id,
        ),
    )


# What would run where it is taken for markup, beside the corpus of notes.
EVIL = [*HOSTILE, "javascript:alert(1)", "https://a.example/<img src=x onerror=alert(1)>"]


@pytest.fixture
def alarmed(tab: Page) -> Callable[[], list[str]]:
    """What ran that should not have."""
    heard: list[str] = []

    def hear(dialog: Any) -> None:
        heard.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", hear)
    return lambda: heard


def test_hostile_text_never_runs(
    tab: Page, shop: Storefront, talk: LiveTalk, alarmed: Callable[[], list[str]]
) -> None:
    window = spoken(Window(tab).visit(shop.page()), EVIL[0])
    one = talk.only()
    for text in EVIL:
        talk.reply(one.id, text)
    expect(window.log.locator(".bubble")).to_have_count(len(EVIL) + 1)
    words = ["".join(text.split()) for text in window.bubbles()]
    assert words == ["".join(text.replace("\x01", "").split()) for text in [EVIL[0], *EVIL]]
    links = window.log.get_by_role("link").evaluate_all("all => all.map(it => it.href)")
    assert [link for link in links if not link.startswith(("https://", "http://"))] == []
    assert _strange_elements(window) == []
    assert alarmed() == []


def test_hostile_notes_never_run(
    tab: Page,
    shop: Storefront,
    talk: LiveTalk,
    cast: Cast,
    alarmed: Callable[[], list[str]],
) -> None:
    """Past the server's sanitiser: what is stored is put into the database as it is."""
    window = Window(tab).visit(shop.page())
    person = person_of(tab, shop, talk)
    for text in HOSTILE:
        _note(talk, person, f"<p>{len(text)}</p>")
    ids = talk.connection.execute(
        "SELECT id FROM note WHERE project_id = %s", (talk.project_id,)
    ).fetchall()
    for (id_,), text in zip(ids, HOSTILE, strict=True):
        talk.connection.execute("UPDATE note SET html = %s WHERE id = %s", (text, id_))
    talk.connection.commit()
    window.open().tab_of("Notes").click()
    expect(window.panel.locator(".note")).to_have_count(len(HOSTILE))
    links = window.panel.get_by_role("link").evaluate_all("all => all.map(it => it.href)")
    assert [link for link in links if not link.startswith(("https://", "http://", "mailto:"))] == []
    assert _strange_elements(window) == []
    assert alarmed() == []


def _strange_elements(window: Window) -> list[str]:
    found: list[str] = window.panel.evaluate(
        "it => [...it.querySelectorAll('script, iframe, object, embed, form[action], meta, base,"
        " link, style, template, math, [onerror], [onload], [onclick], [style*=position]')]"
        ".map(one => one.outerHTML)"
    )
    return found


def test_hostile_names_never_run(
    tab: Page, shop: Storefront, talk: LiveTalk, alarmed: Callable[[], list[str]]
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    talk.set(greeting=evil, intro=evil)
    talk.connection.execute(
        "UPDATE agent SET name = %s WHERE id = %s", (evil.replace(" ", "/"), talk.agent_id)
    )
    talk.connection.commit()
    window = spoken(Window(tab).visit(shop.page()), evil)
    talk.reply(talk.only().id, evil)
    expect(window.bubble("onerror")).to_have_count(2)
    data = tab.evaluate_handle(DROP, [f"{evil}.txt".replace("/", ""), "text/plain", "x"])
    window.log.dispatch_event("drop", {"dataTransfer": data})
    expect(window.panel.get_by_role("listitem").filter(has_text="onerror")).to_be_visible()
    window.panel.get_by_role("button", name="Back").click()
    expect(window.panel.get_by_role("heading", level=2)).to_contain_text("onerror")
    window.tab_of("Messages").click()
    expect(window.panel.get_by_role("listitem")).to_contain_text("onerror")
    assert alarmed() == []
