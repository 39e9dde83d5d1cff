"""A template written in a real browser: blocks moved by keyboard, a tag inserted, checked, kept."""

from __future__ import annotations

import json

from playwright.sync_api import BrowserContext, Page, expect

from regulars.mail import templates
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser
from tests.journeys.test_notes import paste

__all__ = ["address", "browser", "cast"]


def _kept(cast: Cast) -> templates.Template:
    (one,) = templates.newest(cast.connection, cast.home.id)
    return templates.get(cast.connection, cast.home.id, one.id)


def _types(tab: Page) -> list[str]:
    content = tab.locator("mail-editor > input[name=content]").input_value()
    return [one["type"] for one in json.loads(content)["blocks"]]


def test_a_template_is_begun_written_checked_and_kept(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    assert cast.pat.first_name == "Pat"
    tab = browser.new_page()
    complaints: list[str] = []
    tab.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    tab.on("pageerror", lambda one: complaints.append(str(one)))
    tab.goto(f"{address}{cast.home.url('templates/')}")
    tab.get_by_role("button", name="Announcement").click()
    shown = tab.frame_locator(".mail-frame.is-shown")
    expect(shown.get_by_text("Hi Pat,")).to_be_visible()
    assert _types(tab) == ["heading", "text", "button", "columns", "text", "footer"]
    _move_about(tab)
    _settle_a_check(tab)
    _insert_a_fact(tab)
    expect(shown.get_by_text("pro").first).to_be_visible()
    tab.get_by_role("button", name="Pat", exact=False).first.click()
    tab.get_by_role("button", name="Someone unknown").click()
    expect(shown.get_by_text("Free").first).to_be_visible()

    expect(tab.locator("[data-state]")).to_contain_text("Saved")
    kept = _kept(cast)
    assert kept.version > 1
    said = json.dumps(kept.content)
    assert "person.attributes.plan" in said
    assert "https://tideway.example/new" in said
    assert complaints == []


def _move_about(tab: Page) -> None:
    """Moved, copied and deleted by keyboard; undone by a button."""
    blocks = tab.locator("ol.blocks button")
    blocks.nth(3).focus()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Alt+ArrowUp")
    assert _types(tab)[:3] == ["heading", "button", "text"]
    tab.keyboard.press("Control+d")
    tab.keyboard.press("Delete")
    assert _types(tab)[:3] == ["heading", "button", "text"]
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Delete")
    assert _types(tab).count("button") == 0
    tab.get_by_role("button", name="Undo").click()
    assert _types(tab)[:3] == ["heading", "button", "text"]


def _settle_a_check(tab: Page) -> None:
    """A check leads to the field it is about; what is written there settles it."""
    checks = tab.locator("[data-checks]")
    expect(checks).to_have_attribute("aria-busy", "false")
    checks.get_by_text("only an example").locator("xpath=ancestor::li").get_by_role(
        "button", name="Show"
    ).click()
    link = tab.get_by_label("Leads to")
    expect(link).to_be_focused()
    link.fill("https://tideway.example/new")
    expect(checks.get_by_text("only an example")).to_have_count(0)


def _insert_a_fact(tab: Page) -> None:
    """A fact of the person, with what is said where it is unknown."""
    blocks = tab.locator("ol.blocks button")
    blocks.filter(has_text="Text").first.click()
    tab.get_by_role("button", name="Insert a merge tag").click()
    picker = tab.locator("#mail-tags")
    picker.get_by_placeholder("Find a fact").fill("plan")
    picker.get_by_role("option", name="plan").click()
    picker.get_by_label("If we don’t know it, say").fill("Free")
    picker.get_by_role("button", name="Insert").click()


STYLED = """<meta charset="utf-8"><style>p { color: red }</style>
<h1 style="font-size: 40px" onclick="x()">Title</h1><p class="MsoNormal" style='color:red'>and
<b style = "font-weight: 900">bold</b>, <span style="background: yellow">marked</span>,
<a href="https://tideway.example/beans" style="color: blue">a link</a>,
<a href="javascript:alert(1)" style="x">no link</a></p><P/STYLE=color:red>more</P>
<img src="x" onerror="alert(1)" style="width: 9px"><script>alert(1)</script>"""


def test_what_is_pasted_keeps_the_marks_a_mail_may_have_and_nothing_complains(
    browser: BrowserContext, cast: Cast, address: str
) -> None:
    tab = browser.new_page()
    complaints: list[str] = []
    tab.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    tab.on("pageerror", lambda one: complaints.append(str(one)))
    tab.goto(f"{address}{cast.home.url('templates/')}")
    tab.get_by_role("button", name="Plain letter").click()
    tab.locator("ol.blocks button").filter(has_text="Text").click()
    editor = tab.locator("[data-fields] .rich-edit")
    editor.press("Control+a")
    paste(editor, html=STYLED)
    expect(tab.locator("[data-state]")).to_contain_text("Saved")
    tab.reload()
    (block,) = _kept(cast).content["blocks"]
    kept = block["html"]
    for said in ("Title", "<b>bold</b>", "marked", 'href="https://tideway.example/beans"', "more"):
        assert said in kept
    for gone in ("style", "class", "onclick", "script", "alert", "<span", "<img", "<h1", "color"):
        assert gone not in kept
    assert complaints == []
