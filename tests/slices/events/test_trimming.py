"""The outbox is trimmed behind the slowest follower, and nobody who follows misses an entry."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import regulars
from regulars.config import wiring
from regulars.events import outbox, trimming
from regulars.events.trimming import Follower
from regulars.kit import database as kit_database
from regulars.webhooks import webhooks
from tests.slices.tracking.site import NOON, Site, open_site, page

LATER = NOON + timedelta(days=30)
WEEK = timedelta(days=7)
WRITERS, EACH = 3, 120


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


@pytest.fixture
def cursors(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """Followers of the test's own, by name."""
    places: dict[str, int | None] = {}

    def following(name: str) -> Follower:
        return Follower(name, lambda _core, _project, _now: places.get(name))

    monkeypatch.setattr(trimming, "FOLLOWERS", [following("one"), following("two")])
    return places


def write(site: Site, count: int) -> None:
    for number in range(count):
        with site.connection.transaction():
            entry = ("trial", {"number": number})
            outbox.append(site.connection, site.project.id, [entry], NOON)


def ids(site: Site) -> list[int]:
    return [row[0] for row in outbox.after(site.connection, site.project.id, 0)]


def trim(site: Site, kept: timedelta = WEEK) -> int:
    return trimming.trim(site.connection, site.project.id, LATER, kept)


def test_it_is_trimmed_behind_the_slowest(site: Site, cursors: dict[str, int | None]) -> None:
    write(site, 10)
    cursors |= {"one": 7, "two": 4}
    assert trim(site) == 4
    assert ids(site) == [5, 6, 7, 8, 9, 10]
    cursors["two"] = None  # it follows no more
    assert trim(site) == 3
    assert ids(site) == [8, 9, 10]


def test_what_is_young_stays_whoever_has_read_it(
    site: Site, cursors: dict[str, int | None]
) -> None:
    write(site, 3)
    cursors["one"] = 3
    assert trim(site, timedelta(days=31)) == 0
    assert trim(site, timedelta(days=29)) == 3


def test_it_goes_a_little_at_a_time(
    site: Site, cursors: dict[str, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "AT_ONCE", 4)
    write(site, 10)
    cursors["one"] = 10
    assert [trim(site) for _ in range(4)] == [4, 4, 2, 0]


def test_other_projects_are_left_alone(site: Site, cursors: dict[str, int | None]) -> None:
    other = open_site(site.connection)
    write(other, 3)
    write(site, 3)
    cursors["one"] = 3
    trim(site)
    assert (ids(site), ids(other)) == ([], [1, 2, 3])


def test_no_follower_misses_an_entry_while_others_write_and_it_is_trimmed(
    site: Site, cursors: dict[str, int | None]
) -> None:
    project, read = site.project.id, {"one": [0], "two": [0]}
    cursors |= {"one": 0, "two": 0}
    done = threading.Event()

    def writing(writer: int) -> None:
        with kit_database.connect() as connection:
            for number in range(EACH):
                with connection.transaction():
                    outbox.append(connection, project, [("trial", [writer, number])] * 2, NOON)

    def following(name: str, at_once: int) -> None:
        with kit_database.connect() as connection:
            while read[name][-1] < WRITERS * EACH * 2:
                entries = outbox.after(connection, project, read[name][-1], at_once)
                read[name] += [entry[0] for entry in entries]
                cursors[name] = read[name][-1]

    def trimming_() -> None:
        with kit_database.connect() as connection:
            while not done.is_set():
                trimming.trim(connection, project, LATER, WEEK)

    trimmer = threading.Thread(target=trimming_)
    others = [threading.Thread(target=writing, args=(number,)) for number in range(WRITERS)]
    others += [threading.Thread(target=following, args=one) for one in (("one", 3), ("two", 50))]
    for thread in (trimmer, *others):
        thread.start()
    for thread in others:
        thread.join(60)
    done.set()
    trimmer.join(60)
    everything = list(range(WRITERS * EACH * 2 + 1))
    assert read == {"one": everything, "two": everything}
    trim(site)
    assert ids(site) == []


def test_who_follows_is_asked_how_far_they_are(site: Site) -> None:
    wiring.wire()
    site.send(page("a"))
    assert {one.name for one in trimming.FOLLOWERS} == {"counts", "campaigns", "webhooks"}
    assert trimming.places(site.connection, site.project.id, NOON) == {}  # nobody has begun
    with site.connection.transaction():
        webhooks.create(
            site.connection, site.project.id, "https://a.example/", ["person.changed"], NOON
        )
    end = outbox.last(site.connection, site.project.id)
    assert trimming.places(site.connection, site.project.id, NOON) == {"webhooks": end}


def test_every_slice_that_reads_the_outbox_is_registered() -> None:
    root = Path(regulars.__file__).parent
    readers = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        if re.search(r"outbox\.after\(", path.read_text("utf-8"))
    }
    # The console's stream reads for whoever looks at a page now, never further back than a day.
    assert readers == {"reports", "campaigns", "webhooks", "console"}
