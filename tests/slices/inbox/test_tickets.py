"""Tickets: their numbers, what is said of them, and how two become one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from regulars.inbox import tickets
from regulars.people import actions
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError
from tests.cast import Cast
from tests.slices.inbox.talk import Talk, at_once
from tests.slices.tracking.site import NOON, Site, identify

THREADS = 8
EACH = 12


# Opened


def test_a_ticket_is_a_conversation_that_waits_for_us(talk: Talk, cast: Cast) -> None:
    due = NOON + timedelta(days=2)
    one = talk.ticket(
        talk.seen("b1"),
        subject="Grinder\nstopped",
        description="It hums.",
        priority="high",
        assignee_id=cast.bob.id,
        due_at=due,
        tags=["Hardware", "hardware"],
    )
    assert (one.number, one.status, one.priority, one.due_at) == (1, "open", "high", due)
    assert (one.subject, one.tags, one.assignee_id) == (
        "Grinder stopped", ["hardware"], cast.bob.id,
    )  # fmt: skip
    assert (one.state, one.channel, one.started_by) == ("open", "chat", cast.alice.id)
    assert talk.texts(one.id) == ["It hums."]
    assert talk.deeds(one.id) == ["ticketed"]


def test_a_ticket_opened_twice_is_one(talk: Talk) -> None:
    person = talk.seen("b1")
    first = talk.ticket(person, client="c1")
    assert talk.ticket(person, client="c1") == first
    with pytest.raises(ConflictError):
        talk.ticket(talk.seen("b2"), client="c1")
    assert talk.ticket(person).number == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"subject": " "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"description": " "}, "description"),
        ({"description": "x" * 20_001}, "description"),
        ({"priority": "huge"}, "priority"),
        ({"due_at": NOON + timedelta(days=5_000)}, "due_at"),
        ({"tags": ["x" * 61]}, "tags"),
        ({"assignee_id": uuid4()}, "assignee"),
    ],
)
def test_what_is_no_ticket_is_refused_by_its_field(
    talk: Talk, given: dict[str, Any], field: str
) -> None:
    person = talk.seen("b1")
    with pytest.raises(InvalidError) as refused:
        talk.ticket(person, **given)
    assert refused.value.field == field
    assert (talk.site.count("conversation"), talk.site.count("ticket_counter")) == (0, 0)


def test_a_ticket_is_opened_for_people_of_the_project_alone(talk: Talk, cast: Cast) -> None:
    site = Site(cast.connection, cast.elsewhere.config, cast.elsewhere.secret_key)
    stranger = Talk(site, cast.charlie.id).seen("b1")
    with pytest.raises(UnknownError):
        talk.ticket(stranger)
    with pytest.raises(InvalidError):
        talk.ticket(talk.seen("b1"), assignee_id=cast.charlie.id)


# Numbers


def test_numbers_are_without_gaps_and_each_project_s_own(talk: Talk, cast: Cast) -> None:
    assert [talk.ticket(talk.seen("b1")).number for _ in range(3)] == [1, 2, 3]
    other = Talk(Site(cast.connection, cast.elsewhere.config, cast.elsewhere.secret_key), None)
    assert other.ticket(other.seen("b1")).number == 1


def test_many_opened_at_once_have_numbers_without_gaps(talk: Talk) -> None:
    people = [talk.seen(f"b{n}") for n in range(THREADS)]
    chats = [talk.say(f"b{n}", text="Hello")[0].id for n in range(THREADS)]

    def open_(number: int) -> Callable[[Talk], None]:
        def work(own: Talk) -> None:
            for n in range(EACH):
                with pytest.raises(InvalidError):
                    own.ticket(people[n % THREADS], description="")
                own.ticket(people[(number + n) % THREADS])
            own.number(chats[number])

        return work

    at_once(talk, [open_(number) for number in range(THREADS)])
    rows = talk.connection.execute(
        "SELECT number FROM conversation WHERE project_id = %s ORDER BY number", (talk.project_id,)
    ).fetchall()
    assert [number for (number,) in rows] == list(range(1, THREADS * (EACH + 1) + 1))


def test_a_number_is_given_to_no_other(talk: Talk) -> None:
    first = talk.ticket(talk.seen("b1"))
    assert talk.unnumber(first.id).number is None
    assert talk.ticket(talk.seen("b1")).number == 2
    assert talk.number(first.id).number == 3
    assert tickets.by_number(talk.connection, talk.project_id, 3) == first.id
    assert tickets.by_number(talk.connection, talk.project_id, 1) is None


def test_a_number_opens_nothing_in_another_project(talk: Talk, cast: Cast) -> None:
    talk.ticket(talk.seen("b1"))
    assert tickets.by_number(talk.connection, cast.elsewhere.id, 1) is None


# From conversation to ticket and back


def test_a_conversation_becomes_a_ticket_and_one_again(talk: Talk) -> None:
    one, _ = talk.say("b1")
    ticket = talk.number(one.id)
    assert (ticket.number, ticket.status, ticket.priority) == (1, "open", "normal")
    assert talk.number(one.id) == ticket
    back = talk.unnumber(one.id)
    assert (back.number, back.status, back.priority, back.due_at) == (None, None, None, None)
    assert talk.unnumber(one.id) == back
    assert talk.deeds(one.id) == ["ticketed", "unticketed"]
    with pytest.raises(ConflictError):
        talk.change(one.id, priority="high")


def test_a_closed_conversation_becomes_a_solved_ticket(talk: Talk) -> None:
    one, _ = talk.say("b1")
    talk.close(one.id)
    assert talk.number(one.id).status == "solved"


# Statuses


def test_an_answer_makes_it_pending_and_the_person_opens_it_again(talk: Talk) -> None:
    one, _ = talk.say("b1")
    talk.number(one.id)
    talk.reply(one.id)
    assert talk.get(one.id).status == "pending"
    talk.say("b1", one.id)
    assert talk.get(one.id).status == "open"


@pytest.mark.parametrize("status", ["solved", "closed"])
def test_what_is_done_is_a_closed_conversation(talk: Talk, status: str) -> None:
    one, _ = talk.say("b1")
    talk.number(one.id)
    done = talk.change(one.id, status=status)
    assert (done.status, done.state, done.waiting_since) == (status, "closed", None)
    assert done.closed_at is not None
    talk.reply(one.id)
    assert talk.get(one.id).status == status
    talk.say("b1", one.id)
    again = talk.get(one.id)
    assert (again.status, again.state, again.closed_at) == ("open", "open", None)


@pytest.mark.parametrize("status", ["open", "pending"])
def test_what_is_opened_by_its_status_is_an_open_conversation(talk: Talk, status: str) -> None:
    one = talk.ticket(talk.seen("b1"))
    assert talk.close(one.id).status == "solved"
    opened = talk.change(one.id, status=status)
    assert (opened.status, opened.state, opened.closed_at) == (status, "open", None)


def test_closing_solves_and_reopening_opens(talk: Talk) -> None:
    one = talk.ticket(talk.seen("b1"))
    assert talk.close(one.id).status == "solved"
    assert talk.reopen(one.id).status == "open"
    talk.change(one.id, status="pending")
    talk.snooze(one.id)
    assert talk.reopen(one.id).status == "pending"


def test_what_is_put_off_is_not_solved(talk: Talk) -> None:
    one = talk.ticket(talk.seen("b1"))
    talk.close(one.id)
    put_off = talk.snooze(one.id)
    assert (put_off.state, put_off.status, put_off.closed_at) == ("snoozed", "open", None)


def test_what_is_said_of_it_leaves_it_put_off(talk: Talk) -> None:
    one = talk.ticket(talk.seen("b1"))
    until = NOON + timedelta(days=1)
    talk.snooze(one.id, until)
    changed = talk.change(one.id, priority="urgent", status="pending", tags=["later"])
    assert (changed.state, changed.snoozed_until) == ("snoozed", until)
    done = talk.change(one.id, status="solved")
    assert (done.state, done.snoozed_until) == ("closed", None)


def test_a_change_is_all_or_nothing_and_says_what_it_was(talk: Talk) -> None:
    one = talk.ticket(talk.seen("b1"))
    with pytest.raises(InvalidError) as refused:
        talk.change(one.id, subject="Another", priority="huge")
    assert refused.value.field == "priority"
    assert talk.get(one.id) == one
    due = NOON + timedelta(days=3)
    talk.change(one.id, subject="Another", due_at=due, priority="normal")
    (*_, last) = talk.messages(one.id)
    assert last.what == {
        "did": "changed",
        "changed": {"subject": ["Grinder", "Another"], "due_at": [None, due.isoformat()]},
    }
    assert talk.change(one.id, subject="Another").last_seq == last.seq
    assert talk.change(one.id, due_at=None).due_at is None


# Merged


def test_two_tickets_of_one_person_become_one(talk: Talk) -> None:
    person = talk.seen("b1")
    gone, into = talk.ticket(person), talk.ticket(person, description="Again")
    talk.merge(gone.id, into.id)
    ended = talk.get(gone.id)
    assert (ended.merged_into, ended.status, ended.state) == (into.id, "closed", "closed")
    assert talk.texts(gone.id) == ["It stopped."]
    assert talk.deeds(gone.id) == ["ticketed", "merged"]
    assert talk.deeds(into.id) == ["ticketed", "absorbed"]


def test_what_is_said_to_the_one_that_ended_is_said_in_the_other(talk: Talk) -> None:
    gone, _ = talk.say("b1", "one", text="First")
    into, _ = talk.say("b1", "two", text="Second")
    talk.merge(gone.id, into.id)
    where, said = talk.say("b1", gone.id, text="Third")
    assert (where.id, said.conversation_id) == (into.id, into.id)
    where, _ = talk.say("b1", "one", text="Fourth")
    assert where.id == into.id
    assert talk.reply(gone.id, "Fifth").conversation_id == into.id
    assert talk.texts(into.id) == ["Second", "Third", "Fourth", "Fifth"]
    assert talk.texts(gone.id) == ["First"]


def test_what_was_said_before_a_merge_and_is_said_again_after_it_is_there_once(
    talk: Talk,
) -> None:
    gone, first = talk.say("b1", "one", client="m1", text="First")
    answer = talk.reply(gone.id, client="a1")
    into, _ = talk.say("b1", "two", text="Second")
    talk.merge(gone.id, into.id)
    where, again = talk.say("b1", "one", client="m1", text="First")
    assert (where.id, again.id, again.seq, again.fresh) == (gone.id, first.id, first.seq, False)
    assert talk.reply(gone.id, client="a1").id == answer.id
    talk.say("b1", gone.id, client="m2", text="Third")
    talk.say("b1", gone.id, client="m2", text="Third")
    assert talk.texts(into.id) == ["Second", "Third"]


def test_a_chain_of_merges_leads_to_its_end(talk: Talk) -> None:
    one, two, three = (talk.say("b1", f"{n}")[0] for n in range(3))
    talk.merge(one.id, two.id)
    talk.merge(two.id, three.id)
    assert talk.get(one.id).merged_into == three.id
    where, _ = talk.say("b1", one.id, text="Last")
    assert (where.id, talk.texts(three.id)[-1]) == (three.id, "Last")


def test_whoever_waited_there_waits_here(talk: Talk) -> None:
    gone, waiting = talk.say("b1", "one")
    into, _ = talk.say("b1", "two")
    talk.close(into.id)
    after = talk.merge(gone.id, into.id)
    assert (after.state, after.waiting_since) == ("open", waiting.at)
    assert talk.get(gone.id).waiting_since is None


def test_a_merge_of_what_was_answered_opens_nothing(talk: Talk) -> None:
    gone, _ = talk.say("b1", "one")
    talk.reply(gone.id)
    into = talk.ticket(talk.seen("b1"))
    talk.close(into.id)
    after = talk.merge(gone.id, into.id)
    assert (after.state, after.status) == ("closed", "solved")


@pytest.mark.parametrize("wrong", ["itself", "another's", "merged", "into merged", "nothing"])
def test_what_can_t_be_merged_is_refused(talk: Talk, wrong: str) -> None:
    person = talk.seen("b1")
    one, two, three = talk.ticket(person), talk.ticket(person), talk.ticket(person)
    talk.merge(two.id, three.id)
    gone, into, error = {
        "itself": (one.id, one.id, ConflictError),
        "another's": (one.id, talk.ticket(talk.seen("b2")).id, ConflictError),
        "merged": (two.id, one.id, ConflictError),
        "into merged": (one.id, two.id, ConflictError),
        "nothing": (one.id, uuid4(), UnknownError),
    }[wrong]
    with pytest.raises(error):
        talk.merge(gone, into)
    assert talk.get(one.id) == one


def test_a_merged_ticket_is_handled_no_more(talk: Talk) -> None:
    person = talk.seen("b1")
    gone, into = talk.ticket(person), talk.ticket(person)
    talk.merge(gone.id, into.id)
    before = talk.get(gone.id)
    for deed in (talk.close, talk.reopen, talk.unnumber, talk.snooze):
        with pytest.raises(UnknownError):
            deed(gone.id)
    with pytest.raises(UnknownError):
        talk.change(gone.id, priority="low")
    assert talk.get(gone.id) == before


def test_merged_by_many_at_once_all_end_in_one(talk: Talk) -> None:
    """While the person goes on writing to each of them, nothing is lost, and nothing said twice."""
    person = talk.seen("b1")
    made = [talk.ticket(person) for _ in range(4)]

    def merge(number: int) -> Callable[[Talk], None]:
        def work(own: Talk) -> None:
            with suppress(ConflictError, UnknownError):  # another was quicker
                own.merge(made[number].id, made[number - 1].id)

        return work

    def write(number: int) -> Callable[[Talk], None]:
        def work(own: Talk) -> None:
            for n in range(15):
                own.say("b1", made[number].id, f"{number}-{n}", client=f"{number}-{n}")

        return work

    at_once(talk, [*map(merge, range(4)), *map(write, range(4))])
    kept = [text for one in made for text in talk.texts(one.id) if text != "It stopped."]
    assert sorted(kept) == sorted(f"{number}-{n}" for number in range(4) for n in range(15))
    standing = {one.id for one in made if talk.get(one.id).merged_into is None}
    assert {talk.get(one.id).merged_into for one in made} - {None} <= standing


def test_the_person_of_a_ticket_may_be_merged_while_it_is_opened(talk: Talk) -> None:
    talk.site.send(identify("pat", "b1"), identify("lee", "b2"))
    pat, lee = talk.site.person_of(user="pat"), talk.site.person_of(user="lee")
    assert pat is not None
    assert lee is not None

    def open_(own: Talk) -> None:
        for n in range(10):
            try:
                own.ticket(lee, client=f"{n}")
            except UnknownError:
                own.ticket(pat, client=f"{n}")

    def merge(own: Talk) -> None:
        own.run(lambda core: actions.merge_people(
            core, own.project_id, lee.id, pat.id, own.now, cause="agent"
        ))  # fmt: skip

    at_once(talk, [open_, merge])
    rows = talk.connection.execute(
        "SELECT person_id, count(*) FROM conversation WHERE project_id = %s GROUP BY 1",
        (talk.project_id,),
    ).fetchall()
    assert rows == [(pat.id, 10)]
