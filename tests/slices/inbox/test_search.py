"""Searching conversations: what is found, in which order, and what of it is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regulars.inbox import search, tickets
from regulars.inbox.search import Hit, Part
from regulars.kit import clock
from tests.cast import Cast
from tests.slices.inbox.chats import answers, says

MINUTE = timedelta(minutes=1)


def found(cast: Cast, typed: str) -> list[Hit]:
    return search.search(cast.connection, cast.home.id, typed, clock.now())


def ids(cast: Cast, typed: str) -> list[object]:
    return [hit.conversation.id for hit in found(cast, typed)]


def test_words_are_found_whatever_their_case_and_composition(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Wo finde ich die STRASSE in Göteborg?")
    for typed in ("straße", "GO\u0308TEBORG", "finde göteborg"):
        assert ids(cast, typed) == [one.id], typed


def test_all_words_must_be_there(cast: Cast) -> None:
    says(cast.home.id, "b1", "Two gift boxes")
    assert ids(cast, "gift address") == []


def test_the_last_word_may_only_begin(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Two gift boxes")
    assert ids(cast, "gift bo") == [one.id]
    assert ids(cast, "gi boxes") == []


def test_quotes_and_a_minus_mean_what_they_usually_do(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Two gift boxes")
    says(cast.home.id, "b2", "Boxes, gift or not, to Oslo")
    assert ids(cast, '"gift boxes"') == [one.id]
    assert ids(cast, "boxes -oslo") == [one.id]


def test_notes_and_answers_are_found_too(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej")
    answers(one, cast.alice.id, "Our roaster is away", private=True)
    assert found(cast, "roaster")[0].by == "note"
    answers(one, cast.alice.id, "The mill is back")
    assert found(cast, "mill")[0].by == "agent"


def test_a_conversation_is_found_once_by_the_newest_message(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Guji, please")
    says(cast.home.id, "b1", "More Guji", thread=one.id)
    (hit,) = found(cast, "guji")
    assert (hit.conversation.id, hit.seq) == (one.id, 2)


def test_the_newest_comes_first(cast: Cast) -> None:
    now = clock.now()
    old = says(cast.home.id, "b1", "Guji", at=now - MINUTE)
    new = says(cast.home.id, "b2", "Guji", at=now)
    assert ids(cast, "guji") == [new.id, old.id]


def test_subjects_are_found_as_typed_and_as_folded(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej", subject="Schöne Straße")
    for typed in ("Straße", "schöne", "SCHÖNE str"):
        assert ids(cast, typed) == [one.id], typed
    assert found(cast, "schöne")[0].subject == (Part("Schöne", found=True), Part(" Straße"))


def test_people_are_found_by_their_names(cast: Cast) -> None:
    pat = cast.pat
    one = says(cast.home.id, "pat-browser", "Hej")
    assert one.person_id == pat.id
    assert ids(cast, "Pat D") == [one.id]
    assert found(cast, "Pat D")[0].snippet == ()


def test_a_ticket_is_found_by_its_number(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej")
    with cast.connection.transaction():
        tickets.make_ticket(cast.connection, cast.home.id, one.id, clock.now(), by=cast.alice.id)
    assert ids(cast, "#1") == [one.id]


def test_another_projects_words_are_not_found(cast: Cast) -> None:
    says(cast.elsewhere.id, "b1", "Secret Guji", subject="Secret")
    assert ids(cast, "secret") == []
    assert ids(cast, "guji") == []


@pytest.mark.parametrize(
    "typed",
    ["", " ", "!", "'", "\\", "a\\' & b:*", "& | ! ( )", '"', '"unclosed', "\x00", "-", "<->",
     "x" * 5000, "' OR 1=1 --", "%", "_", "#99999999999999999999", "\ud800"],
)  # fmt: skip
def test_nothing_that_is_typed_is_an_error(cast: Cast, typed: str) -> None:
    assert ids(cast, typed) == []


def test_a_snippet_shows_the_words_with_what_stands_around_them(cast: Cast) -> None:
    long = f"{'far ' * 100}two gift boxes{' away' * 100}"
    says(cast.home.id, "b1", long)
    parts = found(cast, "gift bo")[0].snippet
    assert [part.text for part in parts if part.found] == ["gift", "boxes"]
    text = "".join(part.text for part in parts)
    assert text.startswith("…far")
    assert text.endswith("…")
    assert len(text) <= search.SNIPPET + 2


def test_markup_in_a_message_stays_text(cast: Cast) -> None:
    says(cast.home.id, "b1", "<b>Guji</b>")
    assert found(cast, "guji")[0].snippet == (
        Part("<b>"), Part("Guji", found=True), Part("</b>"),
    )  # fmt: skip
