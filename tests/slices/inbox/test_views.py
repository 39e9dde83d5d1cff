"""The lists of the inbox: who stands on which, in which order, and how many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.inbox import handling, tickets, views
from regulars.inbox.conversations import Conversation
from regulars.kit import clock
from regulars.workspaces.errors import InvalidError
from tests.cast import Cast
from tests.slices.inbox.chats import answers, says

MINUTE = timedelta(minutes=1)


def listed(cast: Cast, view: str, agent: UUID | None = None, status: str = "unsolved") -> list[Any]:
    which = views.asked(view, agent or cast.alice.id, status)
    return [one.id for one in views.page(cast.connection, cast.home.id, which).rows]


def does(cast: Cast, work: Callable[..., Any], one: Conversation, *more: Any, **named: Any) -> None:
    with cast.connection.transaction():
        work(cast.connection, cast.home.id, one.id, *more, **named)


def assign(cast: Cast, one: Conversation, to: UUID | None) -> None:
    does(cast, handling.assign, one, to, clock.now(), by=cast.bob.id)


def test_what_nobody_has_is_unassigned_until_somebody_has_it(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej")
    assert listed(cast, "unassigned") == [one.id]
    assign(cast, one, cast.alice.id)
    assert listed(cast, "unassigned") == []
    assert listed(cast, "mine") == [one.id]
    assert listed(cast, "mine", cast.bob.id) == []


def test_the_newest_comes_first(cast: Cast) -> None:
    now = clock.now()
    old = says(cast.home.id, "b1", "Hej", at=now - 2 * MINUTE)
    new = says(cast.home.id, "b2", "Hej", at=now - MINUTE)
    assert listed(cast, "all") == [new.id, old.id]
    says(cast.home.id, "b1", "And?", thread=old.id, at=now)
    assert listed(cast, "all") == [old.id, new.id]


def test_whoever_waits_longest_is_answered_first(cast: Cast) -> None:
    now = clock.now()
    long = says(cast.home.id, "b1", "Hej", at=now - 9 * MINUTE)
    short = says(cast.home.id, "b2", "Hej", at=now - 5 * MINUTE)
    says(cast.home.id, "b1", "Still there?", thread=long.id, at=now)
    assert listed(cast, "waiting") == [long.id, short.id]
    answers(long, cast.bob.id, "Yes")
    assert listed(cast, "waiting") == [short.id]


def test_closed_and_snoozed_ones_have_lists_of_their_own(cast: Cast) -> None:
    now = clock.now()
    done, later = says(cast.home.id, "b1", "Hej"), says(cast.home.id, "b2", "Hej")
    does(cast, handling.close, done, now, by=cast.alice.id)
    does(cast, handling.snooze, later, now + MINUTE, now, by=cast.alice.id)
    assert listed(cast, "all") == []
    assert (listed(cast, "closed"), listed(cast, "snoozed")) == ([done.id], [later.id])


def test_tickets_are_listed_by_their_status(cast: Cast) -> None:
    now = clock.now()
    asks, waits = says(cast.home.id, "b1", "Hej"), says(cast.home.id, "b2", "Hej", at=now)
    for one in (asks, waits):
        does(cast, tickets.make_ticket, one, clock.now(), by=cast.alice.id)
    answers(waits, cast.alice.id, "Which one?", at=now + MINUTE)
    assert listed(cast, "tickets") == [waits.id, asks.id]
    assert listed(cast, "tickets", status="open") == [asks.id]
    assert listed(cast, "tickets", status="pending") == [waits.id]
    does(cast, tickets.change, asks, now, by=cast.alice.id, status="solved")
    assert listed(cast, "tickets", status="solved") == [asks.id]
    assert listed(cast, "tickets") == [waits.id]
    assert listed(cast, "tickets", status="any") == [waits.id, asks.id]


def test_where_i_am_mentioned_is_listed_until_i_look(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej")
    said = answers(one, cast.alice.id, "@Bob?", private=True, mentions=(cast.bob.id,))
    assert listed(cast, "mentions", cast.bob.id) == [one.id]
    assert listed(cast, "mentions") == []
    assert views.mentioned_in(cast.connection, cast.home.id, cast.bob.id, [one.id]) == {
        one.id: said.seq
    }
    does(cast, handling.seen, one, cast.bob.id, said.seq, clock.now())
    assert listed(cast, "mentions", cast.bob.id) == []


def test_a_merged_one_is_on_no_list(cast: Cast) -> None:
    gone, into = says(cast.home.id, "b1", "Hej"), says(cast.home.id, "b1", "Hej", thread="second")
    does(cast, tickets.merge, gone, into.id, clock.now(), by=cast.alice.id)
    assert listed(cast, "all") == [into.id]
    assert listed(cast, "closed") == []


@pytest.mark.parametrize("view", ["all", "waiting"])
def test_a_list_is_read_page_by_page_to_its_end(cast: Cast, view: str) -> None:
    at = clock.now()  # all at one instant: the id decides
    made = {says(cast.home.id, f"b{number}", "Hej", at=at).id for number in range(5)}
    which = views.asked(view, cast.alice.id)
    seen: list[UUID] = []
    cursor: str | None = ""
    while cursor is not None:
        page = views.page(cast.connection, cast.home.id, which, cursor=cursor, limit=2)
        seen += [one.id for one in page.rows]
        cursor = page.next
    assert len(seen) == 5
    assert set(seen) == made


@pytest.mark.parametrize(
    "cursor",
    ["x", "~", "2026-01-01~x", "2026-01-01T00:00:00~5b11d4a8-2175-4af8-8f6f-70e003c5844a"],
)
def test_a_cursor_that_is_none_is_refused(cast: Cast, cursor: str) -> None:
    with pytest.raises(InvalidError):
        views.page(cast.connection, cast.home.id, views.asked("all", cast.alice.id), cursor=cursor)


def test_a_view_that_is_none_is_refused(cast: Cast) -> None:
    with pytest.raises(InvalidError):
        views.asked("everything", cast.alice.id)
    with pytest.raises(InvalidError):
        views.asked("tickets", cast.alice.id, "lost")


def test_each_view_is_counted(cast: Cast) -> None:
    one = says(cast.home.id, "b1", "Hej")
    says(cast.home.id, "b2", "Hej")
    assign(cast, one, cast.alice.id)
    does(cast, tickets.make_ticket, one, clock.now(), by=cast.alice.id)
    counts = views.counts(cast.connection, cast.home.id, cast.alice.id)
    assert counts == {
        "mine": 1, "unassigned": 1, "all": 2, "waiting": 2, "snoozed": 0, "closed": 0,
        "tickets": 1, "mentions": 0,
    }  # fmt: skip


def test_a_count_stops_where_nobody_would_read_on() -> None:
    assert (views.bounded(99), views.bounded(100)) == ("99", "99+")


def test_unread_is_mine_and_nobodys_or_mine_alone(cast: Cast) -> None:
    mine, theirs = says(cast.home.id, "b1", "Hej"), says(cast.home.id, "b2", "Hej")
    says(cast.home.id, "b3", "Hej")
    assign(cast, mine, cast.alice.id)
    assign(cast, theirs, cast.bob.id)
    mine = says(cast.home.id, "b1", "Still there?", thread=mine.id)
    theirs = says(cast.home.id, "b2", "Still there?", thread=theirs.id)
    core, project = cast.connection, cast.home.id
    assert views.unread(core, project, cast.alice.id) == 2
    assert views.unread(core, project, cast.alice.id, only_mine=True) == 1
    does(cast, handling.seen, mine, cast.alice.id, mine.person_seq, clock.now())
    assert views.unread(core, project, cast.alice.id) == 1
    answers(theirs, cast.bob.id, "@Alice", private=True, mentions=(cast.alice.id,))
    assert views.unread(core, project, cast.alice.id) == 2


def test_another_projects_conversations_are_on_no_list(cast: Cast) -> None:
    one = says(cast.elsewhere.id, "b1", "Hej")
    for view in views.VIEWS:
        assert listed(cast, view) == []
    which = views.asked("all", cast.alice.id)
    assert views.among(cast.connection, cast.home.id, which, [one.id]) == {}


@pytest.mark.parametrize("view", [one for one in views.VIEWS if one != "mentions"])
def test_a_view_is_read_from_an_index_in_its_order(cast: Cast, view: str) -> None:
    waits = view == "waiting"
    which = views.asked(view, cast.alice.id)
    order = views.LONGEST if waits else views.NEWEST
    statement = views.PAGE.format(where=which.where, behind="", order=order)
    named = {"project": cast.home.id, "agent": cast.alice.id, "limit": 41}
    with cast.connection.transaction():
        for off in ("seqscan", "bitmapscan"):
            cast.connection.execute(f"SET LOCAL enable_{off} = off")
        plan = cast.connection.execute(f"EXPLAIN {statement}", named).fetchall()
    steps = "\n".join(line for (line,) in plan)
    assert "Sort" not in steps, steps
    assert "Index" in steps, steps
