"""Search: what the palette and the page of results find, of everything there is."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from regulars.inbox import notes
from regulars.kit import clock
from regulars.segments import actions
from tests.cast import Cast, Colleague, cast
from tests.slices.tracking.site import Site, identify, page

__all__ = ["cast"]

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


@pytest.fixture
def linnea(site: Site) -> None:
    """Linnea, who was here, and somebody else."""
    now = clock.now()
    told = {"name": "Linnea Sjöberg", "email": "linnea@sjoberg.example"}
    site.send(page("a"), identify("u-1", "a", told | {"address": {"city": "Porto"}}), at=now)
    site.send(page("b"), identify("u-2", "b", {"name": f"Tomasz {EVIL}"}), at=now)


def find(who: Colleague, cast: Cast, typed: str, rest: str = "search/palette") -> str:
    answer = who.client.get(cast.home.url(rest), {"q": typed})
    assert answer.status_code == 200
    assert EVIL not in answer.content.decode()
    return html.unescape(answer.content.decode())


def words(text: str) -> str:
    return " ".join(
        re.sub(r"</?(?:mark|b|small)>", "", re.sub(r"<(?!/?mark)[^>]+>", " ", text)).split()
    )


@pytest.mark.parametrize("rest", ["search/palette", "search/"])
def test_a_person_is_found_by_a_part_of_the_name(cast: Cast, linnea: None, rest: str) -> None:
    found = find(cast.alice, cast, "sjöb", rest)
    assert "linnea@sjoberg.example" in found
    assert "Tomasz" not in found
    assert "Tomasz" in find(cast.alice, cast, "tomasz", rest)


def test_what_was_typed_is_marked_and_escaped(cast: Cast, linnea: None) -> None:
    assert "<mark>Lin</mark>nea" in find(cast.alice, cast, "lin")
    raw = cast.alice.client.get(cast.home.url("search/"), {"q": EVIL}).content.decode()
    assert EVIL not in raw


def test_before_anything_is_typed_whoever_was_here_last_is_offered(
    cast: Cast, linnea: None
) -> None:
    found = words(find(cast.alice, cast, ""))
    assert "Here last" in found
    assert "New note" in found


def test_pages_segments_and_actions_are_found_by_their_names(cast: Cast, linnea: None) -> None:
    with cast.connection.transaction():
        actions.create(
            cast.connection, cast.home.id, "Weekly regulars", clock.now(), people=[],
            by=cast.alice.id,
        )  # fmt: skip
    assert "Weekly regulars" in words(find(cast.alice, cast, "weekly"))
    assert "office hours" in words(find(cast.alice, cast, "office"))
    assert "/reports/" in find(cast.alice, cast, "report")
    assert "/new/ticket" in find(cast.alice, cast, "new ticket")
    assert "Write a note about Linnea" in words(find(cast.alice, cast, "linnea"))


def test_a_plain_agent_finds_no_settings_they_may_not_open(cast: Cast, linnea: None) -> None:
    assert "/settings/keys/" in find(cast.alice, cast, "keys")
    assert "/settings/keys/" not in find(cast.bob, cast, "keys")


def test_signs_before_the_words_say_what_is_meant(cast: Cast, linnea: None) -> None:
    only = find(cast.alice, cast, ">note")
    assert "New note" in words(only).replace("<mark>", "").replace("</mark>", "")
    assert "linnea" not in only
    assert "linnea@sjoberg.example" in find(cast.alice, cast, "@porto")
    assert "linnea@sjoberg.example" not in find(cast.alice, cast, "@lisbon")


@pytest.mark.parametrize("typed", ["\x00", "%", "_" * 300, "'; --", "#", "@", ">", "\\", '"', "🙂"])
def test_anything_may_be_typed(cast: Cast, linnea: None, typed: str) -> None:
    find(cast.alice, cast, typed)
    find(cast.alice, cast, typed, "search/")


def test_nothing_of_another_project_is_found(cast: Cast, linnea: None, site: Site) -> None:
    assert cast.charlie.client.get(cast.home.url("search/"), {"q": "lin"}).status_code == 404
    other: Any = cast.workspace("Elsewhere")
    colleague = cast.colleague("Eve", other, "owner")
    answer = colleague.client.get(other.url("search/palette"), {"q": "linnea"})
    assert "sjoberg" not in answer.content.decode()


@pytest.mark.parametrize("rest", ["search/palette", "search/"])
def test_notes_are_found_by_their_words_and_only_by_colleagues(cast: Cast, rest: str) -> None:
    now, home = clock.now(), cast.home.id
    with cast.connection.transaction():
        kept = notes.add(
            cast.connection, home, cast.pat.id, now, text=f"Prefers Õolong, {EVIL}", shared=False
        )
        gone = notes.add(cast.connection, home, cast.pat.id, now, text="Oolong? no", shared=True)
        notes.delete(cast.connection, home, gone, now)
    found = cast.alice.client.get(cast.home.url(rest), {"q": "õol"}).content.decode()
    assert "Note on Pat Doe" in found
    assert "<mark>Õolong</mark>" in found
    assert "Team only" in found
    assert EVIL not in found
    assert "Note on" not in find(cast.alice, cast, "oolong", rest)
    theirs = cast.charlie.client.get(cast.elsewhere.url(rest), {"q": "õol"}).content.decode()
    assert "Note on" not in theirs
    with cast.connection.transaction():
        notes.edit(cast.connection, home, kept, now, text="Drinks rooibos now")
    assert "Note on" not in find(cast.alice, cast, "õolong", rest)
    assert "Note on" in find(cast.alice, cast, "rooib", rest)
