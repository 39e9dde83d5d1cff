"""A file of people in a real browser: dropped, its columns chosen, looked into, brought in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from regulars.kit import clock
from regulars.kit import database as kit_database
from regulars.people.imports import jobs, working
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser

__all__ = ["address", "browser", "cast"]


@pytest.fixture
def worker(cast: Cast) -> Iterator[None]:
    """A worker that works for this test's project alone: others share the database."""
    stop = threading.Event()

    def work() -> None:
        with kit_database.connect() as connection:
            mine = working.Working(connection)
            while not stop.wait(0.05):
                for project_id, import_id in jobs.turns(connection):
                    if project_id == cast.home.id:
                        mine.work_on(project_id, import_id, clock.now())

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(30)


@pytest.mark.usefixtures("worker")
def test_a_list_is_brought_in(
    browser: BrowserContext, cast: Cast, address: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "E-mail;Full name;Town\nana@b.example;Ana;Lisboa\nken@b.example;Ken;Kobe\nx;;\n"
    )
    tab = browser.new_page()
    said: list[str] = []
    tab.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    tab.goto(f"{address}{cast.home.url('people/')}")
    tab.get_by_role("link", name="Import", exact=True).click()
    tab.locator("input[type=file]").set_input_files(file)
    expect(tab.get_by_role("button", name="Import 2 people")).to_be_enabled()
    expect(tab.get_by_text("That is not an email address").first).to_be_visible()
    tab.get_by_label("Field for Town").select_option("region")
    expect(tab.get_by_role("button", name="Import 2 people")).to_be_enabled()
    tab.get_by_role("button", name="Import 2 people").click()
    dialog = tab.get_by_role("dialog", name="Import 2 people?")
    dialog.get_by_text("Yes, they agreed to it").click()
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(tab.get_by_role("heading", name="Imported")).to_be_visible()
    expect(tab.get_by_role("link", name="See who is in")).to_be_visible()
    tab.get_by_role("link", name="See people").click()
    tab.goto(f"{address}{cast.home.url('people/')}?kind=lead")
    expect(tab.get_by_role("link", name="Ana").first).to_be_visible()
    assert said == []
