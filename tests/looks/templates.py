"""Pictures of every ready-made template as mail programs show it, to be looked at by people.

    python -m tests.looks.templates FOLDER [--color "#b4322d"]

Chromium draws each at exactly 600 and 360 pixels, by day and by night, with pictures blocked (a
logo is asked for and refused, so that what stands in its place is seen). `sheet-….png` shows them
side by side. What is measured besides is printed: sideways scrolling, and letters that stand out
too little.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from regulars.mail.content.compiling import compile_content
from regulars.mail.content.look import INK, Look
from regulars.mail.ready_made import READY_MADE
from tests.browser import QUIET, chromium_path

WIDTHS = (600, 360)
SCHEMES = ("light", "dark")
FACTS = {
    "person": {"first_name": "Ines", "name": "Ines Carvalho", "last_seen": None},
    "unsubscribe_url": "https://mail.example.com/u",
    "preferences_url": "https://mail.example.com/p",
}
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
GAP = 16  # pixels between the pictures of a sheet

# Letters that stand out too little from what is behind them, as (words, contrast).
FAINT = Path(__file__).with_name("faint.js").read_text()


LOOK = Look(
    "Tideway",
    "Tideway Lda\nRua das Flores 12, 4050-262 Porto, Portugal",
    logo_url="https://mail.example.com/logo.png",
    base_url="https://mail.example.com",
)


def pages(look: Look) -> dict[str, str]:
    """Each ready-made template's page, filled in for one person."""
    return {
        key: compile_content(one.content, look, marketing=one.marketing).render(FACTS).html
        for key, one in READY_MADE.items()
    }


def faults(page: Page) -> list[str]:
    """What a page does that no mail should."""
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found = [f"{over} pixels too wide"] if over > 0 else []
    faint: list[list[Any]] = page.evaluate(FAINT, LEAST_CONTRAST)
    return found + [f"{ratio:.1f}:1 “{words}”" for words, ratio in faint]


def shown(
    browser: Browser, html: str, width: int, scheme: Any, picture: Path | None = None
) -> list[str]:
    """Draw a page; what is wrong with it."""
    context = browser.new_context(
        viewport={"width": width, "height": 400}, color_scheme=scheme, device_scale_factor=1
    )
    context.route("**/*", lambda route: route.abort())
    page = context.new_page()
    page.set_content(html)
    wrong = faults(page)
    if picture is not None:
        page.screenshot(path=picture, full_page=True)
    context.close()
    return wrong


def draw(browser: Browser, folder: Path, look: Look) -> int:
    """All of them into the folder; how many faults there were."""
    found = 0
    for width in WIDTHS:
        for scheme in SCHEMES:
            made = []
            for key, html in pages(look).items():
                picture = folder / f"{key}-{width}-{scheme}.png"
                for one in shown(browser, html, width, scheme, picture):
                    found += 1
                    print(f"{picture.name}: {one}")
                made.append(picture)
            _sheet(made, folder / f"sheet-{width}-{scheme}.png")
    return found


def _sheet(pictures: list[Path], into: Path) -> None:
    drawn = [Image.open(one) for one in pictures]
    width = sum(one.width + GAP for one in drawn) + GAP
    whole = Image.new("RGB", (width, max(one.height for one in drawn) + 2 * GAP), "#8a8a8a")
    at = GAP
    for one in drawn:
        whole.paste(one, (at, GAP))
        at += one.width + GAP
    whole.save(into)


def main() -> int:
    """Draw them, say where they are."""
    asked = argparse.ArgumentParser(description="Pictures of every ready-made template.")
    asked.add_argument("folder", type=Path)
    asked.add_argument("--color", default=INK)
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    look = replace(LOOK, color=given.color)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        found = draw(browser, given.folder, look)
        browser.close()
    print(f"{len(READY_MADE) * 4} pictures in {given.folder}, {found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
