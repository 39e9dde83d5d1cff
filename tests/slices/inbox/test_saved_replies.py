"""Saved replies: made, found, used, deleted and brought back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.inbox import saved_replies
from regulars.kit import database as kit_database
from regulars.workspaces.actions import create_project
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError
from regulars.workspaces.keys import ProjectConfig

Database = psycopg.Connection[Any]

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _make(connection: Database, project: ProjectConfig, name: str, **more: Any) -> UUID:
    given = {"name": name, "body": f"About {name}", **more}
    return saved_replies.create(connection, project.id, NOW, **given)


def _names(connection: Database, project: ProjectConfig, typed: str = "") -> list[str]:
    return [one.name for one in saved_replies.search(connection, project.id, typed)]


def test_a_saved_reply_is_kept_as_it_was_written(
    database: Database, project: ProjectConfig
) -> None:
    body = 'Hi {{ first_name | default: "there" }}\n\nEach box has its own card.'
    made = _make(database, project, " Gift boxes ", shortcut="/Gift", body=body)
    kept = saved_replies.get(database, project.id, made)
    assert (kept.name, kept.shortcut, kept.body, kept.used) == ("Gift boxes", "gift", body, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("name", "two\nlines"),
        ("name", None),
        ("body", "  "),
        ("body", "x" * 5001),
        ("body", "a\x00b"),
        ("body", "Hi {{ nobody }}"),
        ("body", None),
        ("shortcut", "two words"),
        ("shortcut", "é"),
        ("shortcut", "-gift"),
        ("shortcut", "x" * 31),
        ("shortcut", 5),
    ],
)
def test_what_cannot_be_kept_is_refused_and_named(
    database: Database, project: ProjectConfig, field: str, value: Any
) -> None:
    with pytest.raises(InvalidError) as refused:
        _make(database, project, **{"name": "Gift", field: value})
    assert refused.value.field == field
    assert saved_replies.everything(database, project.id) == []


def test_a_shortcut_finds_one_reply_alone(database: Database, project: ProjectConfig) -> None:
    _make(database, project, "Gift boxes", shortcut="gift")
    with pytest.raises(ConflictError, match="Gift boxes"):
        _make(database, project, "Other", shortcut="GIFT")


def test_replies_without_shortcuts_do_not_clash(database: Database, project: ProjectConfig) -> None:
    _make(database, project, "One")
    _make(database, project, "One", shortcut="")
    assert len(saved_replies.everything(database, project.id)) == 2


def test_of_two_who_want_a_shortcut_at_once_one_gets_it(
    database: Database, project: ProjectConfig
) -> None:
    def make(number: int) -> bool:
        with kit_database.connect() as connection, connection.transaction():
            try:
                _make(connection, project, f"Reply {number}", shortcut="gift")
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(4) as four:
        assert sum(four.map(make, range(8))) == 1


def test_a_reply_is_written_anew(database: Database, project: ProjectConfig) -> None:
    made = _make(database, project, "Gift boxes", shortcut="gift")
    saved_replies.change(
        database, project.id, made, NOW, name="Presents", body="All wrapped.", shortcut="gift"
    )
    kept = saved_replies.get(database, project.id, made)
    assert (kept.name, kept.body, kept.shortcut) == ("Presents", "All wrapped.", "gift")
    assert _names(database, project, "wrap") == ["Presents"]
    assert _names(database, project, "boxes") == []


def test_typing_finds_by_name_text_and_shortcut_whatever_the_case(
    database: Database, project: ProjectConfig
) -> None:
    _make(database, project, "Gift boxes", shortcut="gift", body="Each has a CARD, Ürsula.")
    _make(database, project, "Grind size")
    for typed in ("GIFT", "/gi", "card", "ürsula", "boxes"):
        assert _names(database, project, typed) == ["Gift boxes"], typed
    assert _names(database, project, "100%") == []
    assert _names(database, project, "_") == []
    assert _names(database, project, "a\x00") == []


def test_what_is_used_most_comes_first_and_a_shortcut_before_it(
    database: Database, project: ProjectConfig
) -> None:
    for name, shortcut, uses in (("A gift", "", 5), ("B", "gift", 0), ("Gifts", "", 7)):
        made = _make(database, project, name, shortcut=shortcut, body="A gift it is")
        for _ in range(uses):
            saved_replies.note_use(database, project.id, made, NOW)
    assert _names(database, project) == ["Gifts", "A gift", "B"]
    assert _names(database, project, "gift") == ["B", "Gifts", "A gift"]
    assert [one.used for one in saved_replies.everything(database, project.id)] == [7, 5, 0]


def test_when_it_was_used_last_never_goes_back(database: Database, project: ProjectConfig) -> None:
    made = _make(database, project, "Gift")
    saved_replies.note_use(database, project.id, made, NOW)
    saved_replies.note_use(database, project.id, made, NOW - timedelta(days=1))
    assert saved_replies.get(database, project.id, made).last_used == NOW


def test_a_deleted_reply_is_shown_nowhere(database: Database, project: ProjectConfig) -> None:
    made = _make(database, project, "Gift", shortcut="gift")
    assert saved_replies.delete(database, project.id, made, NOW).name == "Gift"
    assert _names(database, project, "gift") == []
    with pytest.raises(UnknownError):
        saved_replies.get(database, project.id, made)
    with pytest.raises(UnknownError):
        saved_replies.change(database, project.id, made, NOW, name="x", body="y")
    saved_replies.note_use(database, project.id, made, NOW)


def test_it_can_be_brought_back(database: Database, project: ProjectConfig) -> None:
    made = _make(database, project, "Gift", shortcut="gift")
    before = saved_replies.get(database, project.id, made)
    saved_replies.delete(database, project.id, made, NOW)
    later = NOW + timedelta(days=7)
    assert saved_replies.restore(database, project.id, made, later) == before


def test_it_comes_back_without_its_shortcut_where_another_has_that_now(
    database: Database, project: ProjectConfig
) -> None:
    made = _make(database, project, "Gift", shortcut="gift")
    saved_replies.delete(database, project.id, made, NOW)
    _make(database, project, "Another", shortcut="gift")
    assert saved_replies.restore(database, project.id, made, NOW).shortcut is None


def test_after_some_days_it_is_gone(database: Database, project: ProjectConfig) -> None:
    made, other = _make(database, project, "Gift"), _make(database, project, "Other")
    saved_replies.delete(database, project.id, made, NOW)
    later = NOW + timedelta(days=7, seconds=1)
    with pytest.raises(UnknownError):
        saved_replies.restore(database, project.id, made, later)
    saved_replies.delete(database, project.id, other, later)
    kept = database.execute(
        "SELECT id FROM saved_reply WHERE project_id = %s", (project.id,)
    ).fetchall()
    assert kept == [(other,)]


def test_what_was_never_deleted_cannot_be_brought_back(
    database: Database, project: ProjectConfig
) -> None:
    made = _make(database, project, "Gift")
    for id_ in (made, uuid4()):
        with pytest.raises(UnknownError):
            saved_replies.restore(database, project.id, id_, NOW)


def test_another_project_s_replies_are_not_there(
    database: Database, project: ProjectConfig
) -> None:
    made = _make(database, project, "Gift", shortcut="gift")
    other = create_project("Elsewhere", now=NOW).project_id
    assert saved_replies.search(database, other, "gift") == []
    with pytest.raises(UnknownError):
        saved_replies.get(database, other, made)
    with pytest.raises(UnknownError):
        saved_replies.delete(database, other, made, NOW)
    saved_replies.note_use(database, other, made, NOW)
    assert saved_replies.get(database, project.id, made).used == 0
    saved_replies.create(database, other, NOW, name="Theirs", body="x", shortcut="gift")


def test_a_project_can_have_so_many(
    database: Database, project: ProjectConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_replies, "MAX_REPLIES", 1)
    _make(database, project, "Gift")
    with pytest.raises(InvalidError, match="1 saved replies"):
        _make(database, project, "Another")
