"""Merging two people in the console, and parting them again."""

from __future__ import annotations

from regulars.kit import clock
from regulars.people.person import Person
from tests.cast import Cast
from tests.slices.tracking.site import Site, identify, page


def lead(cast: Cast) -> Person:
    """A lead with Pat's address, in another browser."""
    assert cast.pat
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    site.send(
        page("other", "/only-the-lead"),
        identify(None, "other", {"email": "pat@example.com", "name": "P. Doe"}),
        at=clock.now(),
    )
    found = site.person_of(anon="other")
    assert found is not None
    return found


def test_a_lead_with_the_same_address_is_suggested(cast: Cast) -> None:
    lead(cast)
    shown = cast.alice.client.get(cast.home.url(f"people/{cast.pat.id}/")).content.decode()
    assert "the same person?" in shown


def test_a_dismissed_suggestion_stays_away(cast: Cast) -> None:
    other = lead(cast)
    cast.alice.client.post(cast.home.url(f"people/{cast.pat.id}/merge/{other.id}/dismiss"))
    shown = cast.alice.client.get(cast.home.url(f"people/{cast.pat.id}/")).content.decode()
    assert "the same person?" not in shown


def test_the_preview_says_what_stays_and_what_moves(cast: Cast) -> None:
    other = lead(cast)
    address = cast.home.url(f"people/{cast.pat.id}/merge/{other.id}/")
    shown = cast.alice.client.get(address).content.decode()
    assert "P. Doe" in shown
    assert "Pat Doe" in shown
    assert "events in" in shown or "event in" in shown


def test_merged_and_parted_again(cast: Cast) -> None:
    other = lead(cast)
    mine = cast.home.url(f"people/{cast.pat.id}/")
    cast.alice.client.post(f"{mine}merge/{other.id}/", {"pick.name": "gone"})
    shown = cast.alice.client.get(mine).content.decode()
    assert "P. Doe" in shown
    assert "/only-the-lead" in shown
    old = cast.alice.client.get(cast.home.url(f"people/{other.id}/"))
    assert old["Location"] == mine
    merge_id = shown.split("/merges/")[1][:36]
    back = cast.alice.client.post(cast.home.url(f"merges/{merge_id}/undo"))
    assert back["Location"] == cast.home.url(f"people/{other.id}/")
    assert "/only-the-lead" not in cast.alice.client.get(mine).content.decode()
