"""Notes in a real browser: written from anywhere, seen by colleagues at once, harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from regulars.inbox import notes, notes_queries
from regulars.inbox.notes_queries import Note
from regulars.kit import clock
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser
from tests.pure.inbox.test_rich_text import HOSTILE

__all__ = ["address", "browser", "cast"]

EVIL = "<img src=x onerror=alert('name')>"


@pytest.fixture
def bobs(chromium: Browser, cast: Cast, address: str) -> Iterator[BrowserContext]:
    """Bob's browser, signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    name = settings.SESSION_COOKIE_NAME
    value = cast.bob.client.cookies[name].value
    context.add_cookies([{"name": name, "value": value, "url": address}])
    yield context
    context.close()


def test_a_note_from_the_menu_is_on_the_profile_that_a_colleague_looks_at(
    browser: BrowserContext, bobs: BrowserContext, cast: Cast, address: str
) -> None:
    theirs = profile(bobs, cast, address)
    expect(card(theirs)).to_contain_text("None yet")
    tab = at(browser, cast, address, "people/")
    tab.get_by_role("button", name="New", exact=True).click()
    tab.get_by_role("link", name="Note").click()
    dialog = tab.get_by_role("dialog", name="New note")
    tab.keyboard.type("pat d")
    expect(dialog.get_by_role("option", name="Pat Doe")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(dialog.get_by_text("Team and Pat")).to_be_visible()
    tab.keyboard.type("Ships to two addresses")
    dialog.get_by_role("button", name="Save note").click()
    expect(dialog).to_be_hidden()
    expect(tab.locator(".toast")).to_contain_text("saved for the team and Pat")

    expect(card(theirs)).to_contain_text("Ships to two addresses")
    expect(card(theirs)).to_contain_text("Pat can read it")
    expect(theirs.locator("#timeline")).to_contain_text("Alice left a note")
    tab.get_by_role("link", name="Open the profile").click()
    expect(card(tab)).to_contain_text("Ships to two addresses")


def test_who_can_read_a_note_changes_on_every_screen(
    browser: BrowserContext, bobs: BrowserContext, cast: Cast, address: str
) -> None:
    write(cast, "Asked for a refund", shared=True)
    tab, theirs = profile(browser, cast, address), profile(bobs, cast, address)
    note = card(theirs).locator(".pnote")
    expect(note).to_have_class(re.compile("shared"))
    act(tab, "Make it team only")
    expect(note).not_to_have_class(re.compile("shared"))
    expect(note).to_contain_text("Team only")
    expect(tab.locator(".toast")).to_contain_text("Pat no longer sees the note.")
    assert not of_pat(cast)[0].shared


def test_nothing_hostile_runs_on_any_screen_that_shows_it(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    cast.tracked("evil", name=EVIL)
    for hostile in HOSTILE:
        with cast.connection.transaction():
            notes.add(
                cast.connection, cast.home.id, cast.pat.id, clock.now(),
                html=f"x{hostile}", shared=True, by=cast.alice.id,
            )  # fmt: skip
    cast.connection.execute(  # as if somebody had written past the door
        "UPDATE note SET html = text || %s WHERE project_id = %s",
        ("".join(HOSTILE), cast.home.id),
    )
    tab = browser.new_page()
    ran: list[str] = []
    tab.on("dialog", lambda dialog: ran.append(dialog.message))
    away: list[str] = []
    tab.on("request", lambda request: away.append(request.url))
    tab.on("pageerror", lambda error: ran.append(error.message))
    tab.goto(f"{address}{cast.home.url(f'people/{cast.pat.id}/')}")
    expect(card(tab).locator(".pnote").first).to_be_visible()
    for words in ("Edit", "What it said before"):
        card(tab).get_by_role("button", name="What to do").first.click()
        card(tab).locator(".menu:popover-open").get_by_role("link", name=words).click()
        expect(tab.locator("dialog[open]")).to_be_visible()
        tab.wait_for_timeout(100)
        tab.keyboard.press("Escape")
        expect(tab.locator("dialog[open]")).to_have_count(0)
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    dialog.get_by_role("button", name="Change").click()
    tab.keyboard.type("onerror")
    option = dialog.get_by_role("option", name=EVIL)
    expect(option).to_be_visible()
    option.click()
    editor = dialog.get_by_role("textbox", name="Note")
    for hostile in HOSTILE:
        paste(editor, html=hostile)
    dialog.get_by_role("button", name="Save note").click()
    expect(dialog).to_be_hidden()
    assert ran == []
    assert [url for url in away if not url.startswith((address, "data:", "blob:"))] == []
    attributes = "[...document.querySelectorAll('.prose *')].flatMap(e => [...e.attributes])"
    names = tab.evaluate(f"[...new Set({attributes}.map(a => a.name))]")
    assert set(names) <= {"href", "target", "rel"}


def test_single_keys_wait_until_nobody_types(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = profile(browser, cast, address)
    line = tab.get_by_role("textbox", name="Add a note about Pat")
    line.click()
    tab.keyboard.type("nnn")
    expect(line).to_have_value("nnn")
    expect(tab.locator("dialog[open]")).to_have_count(0)
    line.fill("")
    tab.get_by_role("heading", level=1).click()
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog.locator(".picked")).to_contain_text("Pat Doe")
    tab.keyboard.type("never a nuisance")
    expect(dialog.get_by_role("textbox", name="Note")).to_have_text("never a nuisance")


def test_a_dialog_that_was_closed_by_mistake_has_every_word_again(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = profile(browser, cast, address)
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog).to_be_visible()
    tab.keyboard.type("Half a thought")
    dialog.get_by_label("Team only").check()
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.keyboard.press("n")
    expect(dialog.get_by_role("textbox", name="Note")).to_have_text("Half a thought")
    expect(dialog.get_by_label("Team only")).to_be_checked()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    tab.keyboard.press("n")
    expect(dialog.get_by_role("textbox", name="Note")).to_have_text("")


def test_a_little_rich_text_is_written_with_the_keyboard(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = profile(browser, cast, address)
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog).to_be_visible()
    tab.keyboard.type("Ships to ")
    tab.keyboard.press("Control+b")
    tab.keyboard.type("two")
    expect(dialog.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("Control+b")
    tab.keyboard.type(" addresses")
    tab.keyboard.press("Enter")
    dialog.get_by_role("button", name="List", exact=True).click()
    tab.keyboard.type("Oslo")
    tab.keyboard.press("Enter")
    tab.keyboard.type("Malmö")
    tab.keyboard.press("Control+Enter")
    expect(dialog).to_be_hidden()
    expect(card(tab)).to_contain_text("Malmö")
    (note,) = of_pat(cast)
    assert note.text == "Ships to two addresses\n\n• Oslo\n• Malmö"
    assert "<b>two</b>" in note.html
    assert "<ul><li>Oslo</li><li>Malmö</li></ul>" in note.html


def test_links_are_made_and_taken_away(browser: BrowserContext, cast: Cast, address: str) -> None:
    tab = profile(browser, cast, address)
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog).to_be_visible()
    tab.keyboard.type("the photo")
    tab.keyboard.press("Control+a")
    button = dialog.get_by_role("button", name="Link", exact=True).first
    button.click()
    tab.keyboard.type("javascript:alert(1)")
    tab.keyboard.press("Enter")
    expect(dialog.get_by_label("Address of the link")).to_be_visible()  # refused
    dialog.get_by_label("Address of the link").fill("example.com/33")
    tab.keyboard.press("Enter")
    link = dialog.get_by_role("textbox", name="Note").get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.com/33")
    button.click()
    dialog.get_by_role("button", name="Remove the link").click()
    expect(link).to_have_count(0)
    expect(dialog.get_by_role("textbox", name="Note")).to_have_text("the photo")


def test_what_is_pasted_keeps_its_words_and_a_little_markup(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = profile(browser, cast, address)
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    editor = dialog.get_by_role("textbox", name="Note")
    expect(editor).to_be_visible()
    paste(
        editor,
        html="<h1 style='color:red'>Title</h1><table><tr><td>cell</td></tr></table>"
        "<p>and <b onclick=x>bold</b> <img src=x> <a href='https://a.example'>link</a></p>",
    )
    dialog.get_by_role("button", name="Save note").click()
    expect(dialog).to_be_hidden()
    (note,) = of_pat(cast)
    for kept in ("Title", "cell", "<b>bold</b>", 'href="https://a.example"'):
        assert kept in note.html
    for dropped in ("style", "img", "h1", "td", "onclick"):
        assert dropped not in note.html


def test_a_note_in_a_line_shows_at_once_on_its_own_paper(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = profile(browser, cast, address)
    line = tab.get_by_role("textbox", name="Add a note about Pat")
    tab.locator(".quick-note label", has_text="Team only").click()
    line.fill("Drinks decaf")
    line.press("Enter")
    note = card(tab).locator(".pnote")
    expect(note).to_contain_text("Drinks decaf")
    expect(note).to_contain_text("Team only")
    expect(line).to_have_value("")
    expect(line).to_be_focused()
    assert [one.shared for one in of_pat(cast)] == [False]


def test_a_deleted_note_comes_back_by_undo(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    write(cast, "Keep me", shared=False)
    tab = profile(browser, cast, address)
    act(tab, "Delete")
    expect(card(tab)).to_contain_text("None yet")
    tab.locator(".toast").get_by_role("button", name="Undo").click()
    expect(card(tab)).to_contain_text("Keep me")


def test_a_note_is_edited_and_pinned(browser: BrowserContext, cast: Cast, address: str) -> None:
    write(cast, "<p>Likes <b>Guji</b></p>", shared=False)
    write(cast, "Another", shared=False)
    tab = profile(browser, cast, address)
    guji = card(tab).locator(".pnote", has_text="Guji")
    guji.get_by_role("button", name="What to do").click()
    tab.locator(".menu:popover-open").get_by_role("link", name="Edit").click()
    dialog = tab.get_by_role("dialog", name="Edit note")
    expect(dialog.get_by_role("textbox", name="Note")).to_have_text("Likes Guji")
    tab.keyboard.press("Control+End")
    tab.keyboard.type(" no more")
    tab.keyboard.press("Control+Enter")
    expect(guji).to_contain_text("no more")
    expect(guji).to_contain_text("changed")
    guji.get_by_role("button", name="What to do").click()
    tab.locator(".menu:popover-open").get_by_role("button", name="Pin").click()
    expect(card(tab).locator(".pnote").first).to_contain_text("Guji")
    assert of_pat(cast)[0].text == "Likes Guji no more"
    assert "<b>" in of_pat(cast)[0].html


def test_a_menu_that_is_open_survives_what_a_colleague_writes(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    write(cast, "First", shared=False)
    tab = profile(browser, cast, address)
    card(tab).get_by_role("button", name="What to do").click()
    menu = tab.locator(".menu:popover-open")
    write(cast, "Second", shared=False)
    expect(tab.locator("#timeline")).to_contain_text("Second")
    expect(menu).to_be_visible()
    tab.keyboard.press("Escape")
    expect(card(tab)).to_contain_text("Second")


def test_a_lead_is_added_from_the_menu(browser: BrowserContext, cast: Cast, address: str) -> None:
    assert cast.pat
    tab = at(browser, cast, address, "people/")
    tab.get_by_role("button", name="New", exact=True).click()
    tab.get_by_role("link", name="Lead", exact=True).click()
    dialog = tab.get_by_role("dialog", name="New lead")
    expect(dialog.get_by_label("Name")).to_be_focused()
    tab.keyboard.type("Lee Doe")
    dialog.get_by_label("Email").fill("pat@example.com")
    dialog.get_by_role("button", name="Add lead").click()
    expect(dialog).to_contain_text("Somebody goes by that already.")
    expect(dialog.get_by_role("link", name="Open the profile")).to_be_visible()
    dialog.get_by_label("Email").fill("lee@example.com")
    dialog.get_by_role("button", name="Add lead").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Lee Doe")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Lead")


def test_a_note_on_a_new_address_makes_the_lead(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = at(browser, cast, address, "people/")
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    expect(dialog).to_be_visible()
    tab.keyboard.type("lee@exa")
    expect(dialog.get_by_role("option", name="Create a lead")).to_be_visible()
    tab.keyboard.type("mple.com")
    tab.keyboard.press("Enter")  # before the list answers the whole address
    expect(dialog.locator(".picked")).to_contain_text("A new lead")
    tab.keyboard.type("Met at the fair")
    tab.keyboard.press("Control+Enter")
    tab.get_by_role("link", name="Open the profile").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("lee@example.com")
    expect(card(tab)).to_contain_text("Met at the fair")


def test_arrows_choose_and_escape_leaves_the_dialog_open(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    assert cast.pat
    cast.tracked("sam", name="Pat Other")
    tab = at(browser, cast, address, "people/")
    tab.keyboard.press("n")
    dialog = tab.get_by_role("dialog", name="New note")
    box = dialog.get_by_role("combobox")
    box.fill("pat")
    # Before anything is typed both are listed, too: these are found by what was typed.
    expect(dialog.get_by_role("option").filter(has=tab.locator("mark"))).to_have_count(2)
    tab.keyboard.press("ArrowDown")
    second = dialog.get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == second.get_attribute("id")
    name = second.locator("b").inner_text()
    tab.keyboard.press("Escape")
    expect(dialog.get_by_role("listbox")).to_be_hidden()
    expect(dialog).to_be_visible()
    tab.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("option")).to_have_count(2)
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(dialog.locator(".picked")).to_contain_text(name)


def at(browser: BrowserContext, cast: Cast, address: str, rest: str) -> Page:
    assert cast.pat
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url(rest)}")
    return tab


def profile(browser: BrowserContext, cast: Cast, address: str) -> Page:
    return at(browser, cast, address, f"people/{cast.pat.id}/")


def card(tab: Page) -> Locator:
    return tab.locator("#notes")


def act(tab: Page, words: str) -> None:
    """Choose from the first note's menu."""
    card(tab).get_by_role("button", name="What to do").first.click()
    tab.locator(".menu:popover-open").get_by_role("button", name=words).click()


def paste(editor: Locator, *, html: str) -> None:
    editor.evaluate(
        """(element, html) => {
            element.focus();
            const data = new DataTransfer();
            data.setData("text/html", html);
            const options = { clipboardData: data, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        html,
    )


def write(cast: Cast, html: str, *, shared: bool) -> None:
    with cast.connection.transaction():
        notes.add(
            cast.connection, cast.home.id, cast.pat.id, clock.now(),
            html=html, shared=shared, by=cast.bob.id,
        )  # fmt: skip


def of_pat(cast: Cast) -> list[Note]:
    return notes_queries.of_person(cast.connection, cast.home.id, cast.pat.id)
