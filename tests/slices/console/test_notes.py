"""Notes in the console: where they show, who may read them, and what agents do to them."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest

from regulars.inbox import notes, notes_queries
from regulars.inbox.notes_queries import Note
from regulars.kit import clock
from regulars.people.person import Person
from tests.cast import Cast

HTMX = {"HX-Request": "true"}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script><a href='javascript:alert(3)'>x</a>"


def test_a_profile_shows_what_the_team_wrote_and_who_can_read_it(cast: Cast) -> None:
    write(cast, "For <b>both</b>", shared=True, by=cast.bob.id)
    write(cast, "Among us", shared=False)
    shown = profile(cast)
    card = part(shown, "notes")
    assert "For <b>both</b>" in card
    assert card.count("Pat can read it") == 1
    assert card.count("Team only") >= 1
    assert re.search(r'<li class="pnote">\s*<div class="prose">Among us', card)
    assert re.search(r'<li class="pnote shared">\s*<div class="prose">For <b>both</b>', card)
    assert shown.count("<b>Bob</b> left a note") == 1


def test_what_could_run_is_shown_nowhere(cast: Cast) -> None:
    write(cast, f"<p>Careful {HOSTILE}</p>")
    # Even where the database was tampered with.
    cast.connection.execute(
        "UPDATE note SET html = %s WHERE project_id = %s", (HOSTILE, cast.home.id)
    )
    note = of_pat(cast)[0]
    for page in ("", f"notes/{note.id}/edit", f"notes/{note.id}/history"):
        shown = profile(cast, page)
        assert "onerror" not in shown
        assert "javascript:alert" not in shown
        assert "<script>alert" not in shown


def test_the_timeline_can_be_narrowed_to_notes(cast: Cast) -> None:
    write(cast, "Drinks decaf")
    assert "Drinks decaf" in profile(cast, "timeline?kind=notes")
    assert "Drinks decaf" not in profile(cast, "timeline?kind=pages")


def test_many_notes_come_in_the_timeline_part_by_part(cast: Cast) -> None:
    for number in range(90):
        write(cast, f"Note {number:03}")
    found: list[str] = []
    rest = "timeline?kind=notes"
    while rest:
        shown = profile(cast, rest)
        found += re.findall(r"Note \d{3}", shown)
        more = re.search(r"timeline\?cursor=[^\"]+", shown)
        rest = more[0].replace("&amp;", "&") if more else ""
    assert found == [f"Note {number:03}" for number in reversed(range(90))]


def test_a_note_is_written_from_the_dialog_about_whom_it_chose(cast: Cast) -> None:
    answer = post(
        cast, "new/note", person=cast.pat.id, html="<p>Hi <i>there</i></p>", audience="both"
    )
    (note,) = of_pat(cast)
    assert (note.html, note.shared, note.agent_id) == (
        "<p>Hi <i>there</i></p>",
        True,
        cast.alice.id,
    )
    assert "The note on Pat Doe is saved for the team and Pat." in answer.content.decode()
    assert "dialog-done" in json.loads(answer["HX-Trigger"])


def test_whatever_does_not_say_both_stays_with_the_team(cast: Cast) -> None:
    for audience in ("team", "", "BOTH"):
        post(cast, "new/note", person=cast.pat.id, html="x", audience=audience)
    assert [note.shared for note in of_pat(cast)] == [False] * 3


def test_the_dialog_offers_that_both_read_it(cast: Cast) -> None:
    shown = get(cast, f"new/note?person={cast.pat.id}", **HTMX)
    assert 'name="audience" value="both" checked' in shown
    assert "<span data-short>Pat</span>" in shown
    assert f'name="person" value="{cast.pat.id}"' in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"html": "<p></p>"}, "Write something first."),
        ({"html": "x" * 10_001}, "at most 10,000 characters"),
        ({"html": "x", "person": ""}, "Choose somebody first."),
        ({"html": "x", "person": "nobody"}, "They are not here any more."),
        ({"html": "x", "person": "", "email": "pat"}, "That is not an email address."),
    ],
)
def test_what_is_missing_is_said_in_the_dialog_and_nothing_typed_is_lost(
    cast: Cast, given: dict[str, str], said: str
) -> None:
    fields = {"person": str(cast.pat.id), "audience": "team", "pinned": "1", **given}
    shown = post(cast, "new/note", **fields).content.decode()
    assert said in shown
    assert said in shown
    assert 'value="team" checked' in shown
    assert 'name="pinned" value="1" checked' in shown
    assert of_pat(cast) == []


def test_an_address_that_nobody_has_becomes_a_lead_with_a_note(cast: Cast) -> None:
    post(cast, "new/note", email="Lee@Example.com", html="Met at the fair", audience="team")
    lead = cast.connection.execute(
        "SELECT id, kind FROM person WHERE project_id = %s AND email_folded = 'lee@example.com'",
        (cast.home.id,),
    ).fetchone()
    assert lead is not None
    assert lead[1] == "lead"
    assert [note.text for note in of(cast, lead[0])] == ["Met at the fair"]


def test_a_note_in_a_line_is_saved_for_whom_it_says(cast: Cast) -> None:
    answer = post(cast, people("notes/", cast.pat), text="Drinks <decaf>", audience="team")
    assert [(one.text, one.shared) for one in of_pat(cast)] == [("Drinks <decaf>", False)]
    shown = answer.content.decode()
    assert 'value="team" checked' in shown
    assert "Drinks" not in shown
    assert json.loads(answer["HX-Trigger"])["live"]["people"] == [str(cast.pat.id)]


def test_without_a_script_a_note_is_written_all_the_same(cast: Cast) -> None:
    assert "<textarea" in get(cast, "new/note")
    url = cast.home.url("new/note")
    fields = {"person": str(cast.pat.id), "text": "One\ntwo", "audience": "both"}
    answer = cast.alice.client.post(url, fields)
    assert answer.headers["Location"] == cast.home.url(f"people/{cast.pat.id}/")
    assert of_pat(cast)[0].html == "<p>One<br>two</p>"


def test_a_note_is_edited_and_its_history_tells(cast: Cast) -> None:
    note = write(cast, "First", shared=True)
    edit = people(f"notes/{note.id}/edit", cast.pat)
    assert "<template>First</template>" in get(cast, edit, **HTMX)
    post(cast, edit, html="<p>Second</p>", audience="team")
    (now,) = of_pat(cast)
    assert (now.html, now.shared, now.edited_by) == ("<p>Second</p>", False, cast.alice.id)
    told = get(cast, people(f"notes/{note.id}/history", cast.pat), **HTMX)
    assert told.index("Second") < told.index("First")
    assert told.count('class="pnote"') == told.count('class="pnote shared"') == 1


def test_who_can_read_it_changes_with_a_click(cast: Cast) -> None:
    note = write(cast, "Said", shared=False)
    share = people(f"notes/{note.id}/share", cast.pat)
    said = post(cast, share, audience="both").content.decode()
    assert "Pat can read the note now." in said
    assert of_pat(cast)[0].shared
    assert "Pat no longer sees the note." in post(cast, share, audience="team").content.decode()
    assert not of_pat(cast)[0].shared


def test_a_pinned_note_stands_first(cast: Cast) -> None:
    first = write(cast, "First")
    write(cast, "Second")
    post(cast, people(f"notes/{first.id}/pin", cast.pat), pinned="1")
    assert [note.text for note in of_pat(cast)] == ["First", "Second"]
    assert "Pinned" in part(profile(cast), "notes")
    post(cast, people(f"notes/{first.id}/pin", cast.pat), pinned="0")
    assert [note.text for note in of_pat(cast)] == ["Second", "First"]


def test_a_deleted_note_can_be_brought_back_and_the_log_knows_both(cast: Cast) -> None:
    note = write(cast, "Said")
    deleted = post(cast, people(f"notes/{note.id}/delete", cast.pat)).content.decode()
    assert of_pat(cast) == []
    undo = re.search(r'hx-post="([^"]+)"', deleted)
    assert undo is not None
    assert cast.alice.client.post(undo[1], headers=HTMX).status_code == 200
    assert [one.id for one in of_pat(cast)] == [note.id]
    log = cast.alice.client.get(cast.home.url("settings/audit/")).content.decode()
    assert "Deleted a note" in log
    assert "Brought a deleted note back" in log


def test_what_was_written_without_a_script_is_changed_on_pages(cast: Cast) -> None:
    note = write(cast, "Said")
    for rest in ("edit", "history"):
        assert "Said" in get(cast, people(f"notes/{note.id}/{rest}", cast.pat))
    url = cast.home.url(people(f"notes/{note.id}/delete", cast.pat))
    assert cast.alice.client.post(url).status_code == 302


@pytest.mark.parametrize("what", ["edit", "share", "pin", "delete", "restore", "history"])
def test_a_note_is_found_under_its_own_person_alone(cast: Cast, what: str) -> None:
    note, sam = write(cast, "On Pat"), cast.tracked("sam")
    url = cast.home.url(people(f"notes/{note.id}/{what}", sam))
    fields = {"html": "Taken", "audience": "both", "pinned": "1"}
    send = cast.alice.client.get if what == "history" else cast.alice.client.post
    assert send(url, fields).status_code == 404
    assert of_pat(cast) == [note]


def test_a_former_colleague_is_still_named(cast: Cast) -> None:
    write(cast, "Said", by=cast.charlie.id)  # who is not on this team
    assert "<b>Charlie</b> left a note" in profile(cast)


def test_erasing_says_how_many_notes_go(cast: Cast) -> None:
    write(cast, "One")
    write(cast, "Two")
    assert "2 notes" in profile(cast)


def test_a_merge_says_how_many_notes_move(cast: Cast) -> None:
    sam = cast.tracked("sam")
    write(cast, "On Sam", on=sam)
    assert "<b>1</b> note on them" in get(cast, people(f"merge/{sam.id}/", cast.pat))


def test_a_long_note_is_folded_and_whole(cast: Cast) -> None:
    write(cast, "<p>" + "word " * 200 + "the end</p>")
    card = part(profile(cast), "notes")
    assert "<details" in card
    assert "the end" in card


def write(
    cast: Cast, html: str, *, shared: bool = True, by: UUID | None = None, on: Person | None = None
) -> Note:
    with cast.connection.transaction():
        made = notes.add(
            cast.connection, cast.home.id, (on or cast.pat).id, clock.now(),
            html=html, shared=shared, by=by,
        )  # fmt: skip
    return notes_queries.note(cast.connection, cast.home.id, made)


def of(cast: Cast, person_id: UUID) -> list[Note]:
    return notes_queries.of_person(cast.connection, cast.home.id, person_id)


def of_pat(cast: Cast) -> list[Note]:
    return of(cast, cast.pat.id)


def people(rest: str, person: Person) -> str:
    return f"people/{person.id}/{rest}"


def profile(cast: Cast, rest: str = "") -> str:
    return get(cast, people(rest, cast.pat))


def get(cast: Cast, rest: str, **headers: str) -> str:
    answer = cast.alice.client.get(cast.home.url(rest), headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(cast: Cast, rest: str, **fields: Any) -> Any:
    answer = cast.alice.client.post(cast.home.url(rest), fields, headers=HTMX)
    assert answer.status_code == 200
    return answer


def part(page: str, id_: str) -> str:
    """The section of a page with this id."""
    found = re.search(rf'<section class="card" id="{id_}">.*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]
