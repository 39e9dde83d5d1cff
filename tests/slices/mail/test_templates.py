"""Templates: kept, changed by one at a time, deleted and brought back, each in its project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.mail import templates
from regulars.mail.content.errors import ContentError
from regulars.mail.drafts import Save
from regulars.mail.ready_made import BLANK, READY_MADE
from regulars.mail.templates import ChangedError, NoTemplateError
from tests.cast import Cast

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
LETTER = {"subject": "Hi", "blocks": [{"type": "text", "id": "a", "html": "<p>Hi</p>"}]}


@pytest.fixture
def core(cast: Cast) -> psycopg.Connection[Any]:
    return cast.connection


def _made(cast: Cast, name: str = "House letter", at: datetime = NOW) -> UUID:
    return templates.create(
        cast.connection, cast.home.id, at, name=name, content=LETTER, by=cast.bob.id
    )


def test_a_template_is_kept_as_it_was_understood(cast: Cast, core: Any) -> None:
    kept = templates.get(core, cast.home.id, _made(cast))
    assert (kept.name, kept.version, kept.created_by) == ("House letter", 1, cast.bob.id)
    assert kept.read().to_json() == kept.content
    (listed,) = templates.newest(core, cast.home.id)
    assert (listed.subject, listed.format) == ("Hi", "blocks")
    assert listed.thumb[0][0] == "brand"


def test_the_newest_come_first_and_in_parts(cast: Cast, core: Any) -> None:
    made = [_made(cast, f"T{n}", NOW + timedelta(seconds=n)) for n in range(5)]
    first = templates.newest(core, cast.home.id, limit=2)
    rest = templates.newest(core, cast.home.id, behind=(first[-1].changed_at, first[-1].id))
    assert [one.id for one in (*first, *rest)] == made[::-1]


def test_a_change_grows_the_version_and_leaves_the_rest(cast: Cast, core: Any) -> None:
    id_ = _made(cast)
    assert templates.change(core, cast.home.id, id_, LATER, name="Other", save=Save(1)) == 2
    kept = templates.get(core, cast.home.id, id_)
    assert (kept.name, kept.content["subject"], kept.changed_at) == ("Other", "Hi", LATER)


def test_whoever_did_not_see_the_newest_does_not_write_over_it(cast: Cast, core: Any) -> None:
    id_ = _made(cast)
    templates.change(core, cast.home.id, id_, LATER, name="Theirs", save=Save(1))
    with pytest.raises(ChangedError) as late:
        templates.change(core, cast.home.id, id_, LATER, name="Mine", save=Save(1))
    assert late.value.version == 2
    assert templates.get(core, cast.home.id, id_).name == "Theirs"


def test_a_deleted_one_comes_back_within_a_week(cast: Cast, core: Any) -> None:
    id_ = _made(cast)
    assert templates.delete(core, cast.home.id, id_, LATER) == "House letter"
    assert templates.newest(core, cast.home.id) == []
    with pytest.raises(NoTemplateError):
        templates.get(core, cast.home.id, id_)
    assert templates.restore(core, cast.home.id, id_, LATER + timedelta(days=6)) == "House letter"
    templates.delete(core, cast.home.id, id_, LATER)
    with pytest.raises(NoTemplateError):
        templates.restore(core, cast.home.id, id_, LATER + timedelta(days=8))


def test_a_stranger_reaches_nothing(cast: Cast, core: Any) -> None:
    id_ = _made(cast)
    for attempt in (
        lambda: templates.get(core, cast.elsewhere.id, id_),
        lambda: templates.change(core, cast.elsewhere.id, id_, LATER, name="Mine"),
        lambda: templates.delete(core, cast.elsewhere.id, id_, LATER),
        lambda: templates.restore(core, cast.elsewhere.id, id_, LATER),
    ):
        with pytest.raises(NoTemplateError):
            attempt()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 81}, "name"), ({"name": 3}, "name"),
        ({"content": {"subject": "{{ a | nope }}"}}, "subject"),
        ({"content": {"blocks": [{"type": "nope"}]}}, "blocks.0.type"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(cast: Cast, given: dict[str, Any], field: str) -> None:
    values = {"name": "A", "content": LETTER, **given}
    with pytest.raises(ContentError) as wrong:
        templates.create(cast.connection, cast.home.id, NOW, **values)
    assert wrong.value.field == field


def test_what_comes_with_it_can_be_kept(cast: Cast, core: Any) -> None:
    for one in READY_MADE.values():
        templates.create(
            core, cast.home.id, NOW, name=one.name, content=one.content, made_from=one.key
        )
    templates.create(core, cast.home.id, NOW, name="Blank", content=BLANK)
    assert templates.count(core, cast.home.id) == len(READY_MADE) + 1
