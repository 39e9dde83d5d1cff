"""New conversations are dealt out in turn, to agents who are here."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from regulars.inbox import conversations, preferences, settings, speaking
from regulars.inbox.speaking import Words
from regulars.inbox.visitors import Visitor
from regulars.kit import clock, database
from regulars.people.actions import settled
from regulars.workspaces import queries, team
from tests.cast import Cast, Colleague


@pytest.fixture
def in_turn(cast: Cast) -> Cast:
    """Alice's project deals out; Alice and Bob are here."""
    settings.change(cast.connection, cast.home.id, {"assignment": "round_robin"}, clock.now())
    for colleague in (cast.alice, cast.bob):
        here(cast, colleague)
    return cast


def here(cast: Cast, colleague: Colleague) -> None:
    role = queries.role_in(cast.home.id, colleague.id)
    assert role is not None
    team.note_presence(role, clock.now())


def arrive(project_id: UUID) -> UUID:
    """Somebody new writes."""
    visitor = Visitor(project_id, f"anon-{uuid4()}")
    one, _ = settled(
        database.transaction,
        lambda core: speaking.say(
            core, visitor, f"open:{uuid4()}", Words(str(uuid4()), "Hello"), clock.now()
        ),
    )
    return one.id


def assignees(cast: Cast, ids: list[UUID]) -> list[UUID | None]:
    found = conversations.found(cast.connection, cast.home.id, ids)
    return [found[id_].assignee_id for id_ in ids]


def test_each_is_given_as_many_as_the_other(in_turn: Cast) -> None:
    given = assignees(in_turn, [arrive(in_turn.home.id) for _ in range(6)])
    assert given.count(in_turn.alice.id) == given.count(in_turn.bob.id) == 3


def test_newcomers_at_the_same_moment_are_dealt_out_evenly_too(in_turn: Cast) -> None:
    ids: list[Any] = [None] * 12

    def come(number: int) -> None:
        ids[number] = arrive(in_turn.home.id)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    given = assignees(in_turn, ids)
    assert given.count(in_turn.alice.id) == given.count(in_turn.bob.id) == 6


def test_who_is_away_is_left_out(in_turn: Cast) -> None:
    preferences.change(
        in_turn.connection, in_turn.home.id, in_turn.bob.id, {"away": True}, clock.now()
    )
    given = assignees(in_turn, [arrive(in_turn.home.id) for _ in range(3)])
    assert given == [in_turn.alice.id] * 3


def test_where_nobody_is_here_it_stays_unassigned(cast: Cast) -> None:
    settings.change(cast.connection, cast.home.id, {"assignment": "round_robin"}, clock.now())
    assert assignees(cast, [arrive(cast.home.id)]) == [None]


def test_without_the_setting_nobody_is_assigned(cast: Cast) -> None:
    here(cast, cast.alice)
    assert assignees(cast, [arrive(cast.home.id)]) == [None]
