"""What is usual for a first reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from regulars.inbox.reply_times import usual_first_reply
from regulars.kit.ids import new_id
from tests.cast import Cast

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _conversation(
    cast: Cast,
    took: timedelta | None,
    *,
    ago: timedelta = timedelta(hours=1),
    by: UUID | None = None,
) -> None:
    """One that was begun so long ago, and was answered after that time."""
    began = NOW - ago
    cast.connection.execute(
        "INSERT INTO conversation (project_id, id, person_id, channel, started_by, created_at,"
        " last_at, first_reply_at) VALUES (%s, %s, %s, 'chat', %s, %s, %s, %s)",
        (
            cast.home.id,
            new_id(began),
            cast.pat.id,
            by,
            began,
            began,
            None if took is None else began + took,
        ),
    )


def _usual(cast: Cast) -> float | None:
    return usual_first_reply(cast.connection, cast.home.id, NOW)


def test_the_usual_reply_is_the_middle_one(cast: Cast) -> None:
    for minutes in (1, 4, 50):
        _conversation(cast, minutes * MINUTE)
    assert _usual(cast) == 240


def test_of_few_replies_nothing_is_said(cast: Cast) -> None:
    for _ in range(2):
        _conversation(cast, MINUTE)
    assert _usual(cast) is None


def test_what_was_not_answered_yet_says_nothing(cast: Cast) -> None:
    for _ in range(5):
        _conversation(cast, None)
    assert _usual(cast) is None


def test_conversations_that_agents_began_do_not_count(cast: Cast) -> None:
    for _ in range(3):
        _conversation(cast, MINUTE)
        _conversation(cast, 100 * MINUTE, by=cast.bob.id)
    assert _usual(cast) == 60


def test_what_is_long_ago_does_not_count(cast: Cast) -> None:
    for _ in range(3):
        _conversation(cast, MINUTE)
        _conversation(cast, 100 * MINUTE, ago=timedelta(days=15))
    assert _usual(cast) == 60


def test_the_newest_hundred_decide(cast: Cast) -> None:
    for _ in range(150):
        _conversation(cast, 100 * MINUTE, ago=timedelta(days=5))
    for _ in range(100):
        _conversation(cast, MINUTE)
    assert _usual(cast) == 60


def test_another_project_s_replies_are_not_ours(cast: Cast) -> None:
    for _ in range(3):
        _conversation(cast, MINUTE)
    assert usual_first_reply(cast.connection, cast.elsewhere.id, NOW) is None
    assert usual_first_reply(cast.connection, uuid4(), NOW) is None
