"""Notes: what is kept of them, who may read them, and where they go when people do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.events import outbox
from regulars.inbox import notes, notes_queries, notes_upkeep
from regulars.inbox.live import Pointer, read_pointer
from regulars.inbox.notes_queries import Note
from regulars.kit.bus import CHANNEL, message
from regulars.people import actions
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError, UnknownError
from tests.slices.tracking.site import NOON, Site, identify, open_site

Database = psycopg.Connection[Any]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


@pytest.fixture
def pat(site: Site) -> Person:
    return tracked(site, "pat")


def test_a_note_is_kept_as_rich_text_and_as_words(site: Site, pat: Person) -> None:
    note = add(site, pat, html="<p>Uses a <b>3-cup</b> pot</p><ul><li>likes Guji</li></ul>")
    assert note.html == "<p>Uses a <b>3-cup</b> pot</p><ul><li>likes Guji</li></ul>"
    assert note.text == "Uses a 3-cup pot\n\n• likes Guji"
    assert (note.shared, note.agent_id, note.edited_at) == (True, None, None)


def test_plain_text_keeps_its_lines_and_its_links(site: Site, pat: Person) -> None:
    note = add(site, pat, text="First <b>\nsecond: https://example.com/a?b=1&c=2.\n\nThird")
    assert note.text == "First <b>\nsecond: https://example.com/a?b=1&c=2.\n\nThird"
    assert 'href="https://example.com/a?b=1&amp;c=2" target="_blank" rel="noopener' in note.html


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"html": "<p><br></p><script>x</script>"}, "html"),
        ({"text": "x" * 10_001}, "text"),
        ({"html": "<b>x</b>" * 5_001}, "html"),
        ({"html": "x" * 50_001}, "html"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "a\ud800b"}, "text"),
        ({"html": "a", "text": "a"}, "html"),
        ({}, "html"),
    ],
)
def test_what_is_no_note_is_refused(
    site: Site, pat: Person, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        add(site, pat, **given)
    assert refused.value.field == field
    assert of(site, pat) == []


def test_the_longest_note_is_kept_whole(site: Site, pat: Person) -> None:
    assert len(add(site, pat, text="å\n" * 4_999 + "å!").text) == 10_000


def test_the_pinned_come_first_and_then_the_newest(site: Site, pat: Person) -> None:
    made = [add(site, pat, text=f"Note {n}", now=NOON + n * MINUTE) for n in range(4)]
    pin(site, made[0], now=NOON + 5 * MINUTE)
    pin(site, made[2], now=NOON + 6 * MINUTE)
    assert [note.text for note in of(site, pat)] == ["Note 2", "Note 0", "Note 3", "Note 1"]
    pin(site, made[2], pinned=False)
    assert [note.text for note in of(site, pat)] == ["Note 0", "Note 3", "Note 2", "Note 1"]


def test_the_person_reads_what_is_shared_and_nothing_else(site: Site, pat: Person) -> None:
    add(site, pat, text="For both")
    private = add(site, pat, text="Among us", shared=False, now=NOON + MINUTE)
    assert [note.html for note in shared(site, pat)] == ["<p>For both</p>"]
    edit(site, private, shared=True)
    assert [note.html for note in shared(site, pat)] == ["<p>Among us</p>", "<p>For both</p>"]
    edit(site, private, shared=False)
    assert [note.html for note in shared(site, pat)] == ["<p>For both</p>"]


def test_what_a_note_said_and_who_could_read_it_is_kept(site: Site, pat: Person) -> None:
    note = add(site, pat, text="First", now=NOON)
    edit(site, note, text="Second", now=NOON + MINUTE)
    edit(site, note, shared=False, now=NOON + 2 * MINUTE)
    assert not edit(site, note, text="Second", shared=False, now=NOON + 3 * MINUTE)
    versions = notes_queries.history(site.connection, site.project.id, [note.id])
    assert [(one.html, one.shared, one.at) for one in versions] == [
        ("<p>Second</p>", False, NOON + 2 * MINUTE),
        ("<p>Second</p>", True, NOON + MINUTE),
        ("<p>First</p>", True, NOON),
    ]
    (now,) = of(site, pat)
    assert (now.text, now.created_at, now.edited_at) == ("Second", NOON, NOON + 2 * MINUTE)


def test_the_last_edit_is_the_newest_version_whatever_the_clocks_said(
    site: Site, pat: Person
) -> None:
    note = add(site, pat, text="First", now=NOON)
    edit(site, note, text="Second", now=NOON + MINUTE)
    edit(site, note, text="Third", now=NOON)
    versions = notes_queries.history(site.connection, site.project.id, [note.id])
    assert [one.html for one in versions] == ["<p>Third</p>", "<p>Second</p>", "<p>First</p>"]


def test_a_deleted_note_is_nowhere_and_can_be_brought_back(site: Site, pat: Person) -> None:
    note = add(site, pat, text="Said")
    delete(site, note)
    assert (of(site, pat), shared(site, pat)) == ([], [])
    with pytest.raises(UnknownError):
        notes_queries.note(site.connection, site.project.id, note.id)
    for change in (lambda: edit(site, note, text="More"), lambda: pin(site, note)):
        with pytest.raises(UnknownError):
            change()
    restore(site, note)
    assert of(site, pat) == [note]


def test_after_a_week_a_deleted_note_is_gone_for_good(site: Site, pat: Person) -> None:
    note, kept = add(site, pat, text="Said"), add(site, pat, text="Kept")
    delete(site, note, now=NOON)
    notes_upkeep.forget(site.connection, NOON + notes.KEPT - MINUTE)
    assert rows(site) == {"note": 2, "note_version": 2}
    with pytest.raises(UnknownError):
        restore(site, note, now=NOON + notes.KEPT)
    notes_upkeep.forget(site.connection, NOON + notes.KEPT)
    assert rows(site) == {"note": 1, "note_version": 1}
    assert of(site, pat) == [kept]


@pytest.mark.parametrize("change", ["edit", "pin", "delete", "restore", "read", "add"])
def test_a_note_is_out_of_reach_of_another_project(
    site: Site, pat: Person, database: Database, change: str
) -> None:
    note = add(site, pat, text="Ours")
    other = open_site(database, name="Elsewhere")
    reach: dict[str, Callable[[], object]] = {
        "edit": lambda: edit(other, note, text="Taken"),
        "pin": lambda: pin(other, note),
        "delete": lambda: delete(other, note),
        "restore": lambda: restore(other, note),
        "read": lambda: notes_queries.note(database, other.project.id, note.id),
        "add": lambda: add(other, pat, text="Planted"),
    }
    with pytest.raises(UnknownError):
        reach[change]()
    assert of(site, pat) == [note]
    assert notes_queries.behind(database, other.project.id, person_id=pat.id, limit=9) == []
    assert notes_queries.history(database, other.project.id, [note.id]) == []


def test_whoever_looks_at_the_person_hears_of_each_change(
    site: Site, pat: Person, database: Database
) -> None:
    heard: list[str] = []
    database.add_notify_handler(lambda notify: heard.append(notify.payload))
    database.execute(f"LISTEN {CHANNEL}")
    before = outbox.last(database, site.project.id)
    note = add(site, pat, text="Said")
    edit(site, note, text="Said more")
    pin(site, note)
    delete(site, note)
    restore(site, note)
    entries = outbox.after(database, site.project.id, before)
    assert [(topic, body) for _, topic, body, _ in entries] == [
        ("notes", {"people": [str(pat.id)]})
    ] * 5
    ours = [one.removeprefix(message(site.project.id, "")) for one in heard]
    assert [read_pointer(one) for one in ours].count(Pointer("notes", person_id=pat.id)) == 5


def test_notes_move_with_a_merge_and_return_with_its_undo(site: Site, pat: Person) -> None:
    lee = tracked(site, "lee")
    add(site, pat, text="On Pat")
    add(site, lee, text="On Lee")
    merge_id = merge(site, lee, pat)
    assert texts(site, pat) == {"On Pat", "On Lee"}
    add(site, pat, text="On both")
    with site.connection.transaction():
        actions.undo_merge(site.connection, site.project.id, merge_id, NOON + 2 * MINUTE)
    assert texts(site, pat) == {"On Pat", "On both"}
    assert texts(site, lee) == {"On Lee"}


def test_an_erased_person_takes_notes_and_their_history_along(site: Site, pat: Person) -> None:
    lee = tracked(site, "lee")
    edit(site, add(site, pat, text="On Pat"), text="Changed")
    delete(site, add(site, pat, text="Deleted"))
    kept = add(site, lee, text="On Lee")
    with site.connection.transaction():
        actions.erase(site.connection, site.project.id, pat.id, NOON + MINUTE)
    assert rows(site) == {"note": 1, "note_version": 1}
    assert of(site, lee) == [kept]


def test_nobody_writes_about_whom_a_merge_made_disappear(site: Site, pat: Person) -> None:
    lee = tracked(site, "lee")
    merge(site, lee, pat)
    with pytest.raises(UnknownError):
        add(site, lee, text="Too late")


def test_a_note_written_during_a_merge_is_not_lost(site: Site, pat: Person) -> None:
    """The merge waits until the note is there, and takes it along."""
    lee = tracked(site, "lee")
    with psycopg.connect(site.connection.info.dsn, autocommit=True) as merger:
        with site.connection.transaction():
            notes.add(site.connection, site.project.id, lee.id, NOON, text="Just now", shared=False)
            merger.execute("SET statement_timeout = '300ms'")
            with pytest.raises(psycopg.errors.QueryCanceled), merger.transaction():
                actions.merge_people(
                    merger, site.project.id, lee.id, pat.id, NOON + MINUTE, cause="agent"
                )
        merger.execute("SET statement_timeout = 0")
        with merger.transaction():
            actions.merge_people(
                merger, site.project.id, lee.id, pat.id, NOON + MINUTE, cause="agent"
            )
    assert texts(site, pat) == {"Just now"}


def tracked(site: Site, name: str) -> Person:
    site.send(identify(name, f"{name}-browser"))
    person = site.person_of(user=name)
    assert person is not None
    return person


def add(
    site: Site,
    person: Person,
    *,
    now: datetime = NOON,
    shared: bool = True,
    html: str | None = None,
    text: str | None = None,
) -> Note:
    with site.connection.transaction():
        made = notes.add(
            site.connection, site.project.id, person.id, now, html=html, text=text, shared=shared
        )
    return notes_queries.note(site.connection, site.project.id, made)


def edit(site: Site, note: Note, *, now: datetime = NOON + MINUTE, **given: Any) -> bool:
    with site.connection.transaction():
        return notes.edit(site.connection, site.project.id, note.id, now, **given)


def pin(site: Site, note: Note, *, now: datetime = NOON + MINUTE, pinned: bool = True) -> None:
    with site.connection.transaction():
        notes.pin(site.connection, site.project.id, note.id, now, pinned=pinned)


def delete(site: Site, note: Note, *, now: datetime = NOON + MINUTE) -> None:
    with site.connection.transaction():
        notes.delete(site.connection, site.project.id, note.id, now)


def restore(site: Site, note: Note, *, now: datetime = NOON + 2 * MINUTE) -> None:
    with site.connection.transaction():
        notes.restore(site.connection, site.project.id, note.id, now)


def merge(site: Site, gone: Person, into: Person) -> UUID:
    with site.connection.transaction():
        return actions.merge_people(
            site.connection, site.project.id, gone.id, into.id, NOON + MINUTE, cause="agent"
        )


def of(site: Site, person: Person) -> list[Note]:
    return notes_queries.of_person(site.connection, site.project.id, person.id)


def texts(site: Site, person: Person) -> set[str]:
    return {note.text for note in of(site, person)}


def shared(site: Site, person: Person) -> list[notes_queries.SharedNote]:
    return notes_queries.shared_with(site.connection, site.project.id, person.id)


def rows(site: Site) -> dict[str, int]:
    """How many rows the project has, deleted notes included."""
    return {table: site.count(table) for table in ("note", "note_version")}
