"""What is said is there once, in order, and moves the conversation as it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from regulars.events import outbox
from regulars.inbox import conversations, saying
from regulars.inbox.saying import TOPIC
from regulars.workspaces.errors import InvalidError, UnknownError
from tests.cast import Cast
from tests.slices.inbox.talk import Talk, at_once
from tests.slices.tracking.site import NOON

THREADS = 8
EACH = 50

# Once


def test_what_is_said_twice_under_one_id_is_there_once(talk: Talk) -> None:
    one, first = talk.say("b1", text="Hello", client="m1")
    _, second = talk.say("b1", one.id, text="Hello", client="m1")
    assert (first.fresh, second.fresh) == (True, False)
    assert (first.id, first.seq, first.at) == (second.id, second.seq, second.at)
    assert talk.texts(one.id) == ["Hello"]


def test_the_first_text_stands_and_nothing_else_moves(talk: Talk) -> None:
    one, _ = talk.say("b1", client="m1", text="First")
    talk.close(one.id)
    before, person = talk.get(one.id), talk.person(one.person_id)
    told = outbox.last(talk.connection, talk.project_id)
    talk.say("b1", one.id, client="m1", text="Second")
    assert talk.texts(one.id) == ["First"]
    assert talk.get(one.id) == before
    assert talk.person(one.person_id).last_contacted == person.last_contacted
    assert outbox.last(talk.connection, talk.project_id) == told


def test_two_senders_with_one_id_of_their_own_say_two_things(talk: Talk, cast: Cast) -> None:
    one, _ = talk.say("b1", client="same", text="From them")
    talk.reply(one.id, "From Alice", client="same")
    talk.reply(one.id, "From Bob", client="same", agent_id=cast.bob.id)
    talk.reply(one.id, "From a program", client="same", agent_id=None)
    talk.reply(one.id, "Among us", client="same", private=True)
    assert len(talk.texts(one.id)) == 5


def test_a_conversation_begun_twice_by_one_name_is_one(talk: Talk) -> None:
    first, _ = talk.say("b1", "mine", client="m1")
    second, _ = talk.say("b1", "mine", client="m2")
    other, _ = talk.say("b2", "mine", client="m1")
    assert first.id == second.id != other.id
    assert talk.get(first.id).last_seq == 2


def test_an_agent_s_conversation_begun_twice_is_one(talk: Talk) -> None:
    person = talk.seen("b1")
    first, _ = talk.start(person, client="c1")
    again, said = talk.start(person, client="c1")
    assert (first, said.fresh) == (again, False)
    assert talk.texts(first) == ["Hi there"]


def test_said_by_eight_at_once_it_is_there_once(talk: Talk) -> None:
    at_once(talk, [lambda one: one.say("b1", "mine", "Hello", client="m1")] * THREADS)
    (conversation_id,) = talk.shown("b1")
    assert talk.texts(conversation_id) == ["Hello"]
    assert talk.get(conversation_id).last_seq == 1
    assert talk.site.count("person") == 1


def test_answered_by_eight_at_once_it_is_there_once(talk: Talk) -> None:
    one, _ = talk.say("b1")
    at_once(talk, [lambda agent: agent.reply(one.id, "Hi", client="m1")] * THREADS)
    assert talk.texts(one.id) == ["Hello", "Hi"]
    assert talk.deeds(one.id) == ["assigned"]


def test_an_answer_said_again_takes_the_conversation_from_nobody(talk: Talk) -> None:
    one, _ = talk.say("b1")
    talk.reply(one.id, client="m1")
    talk.assign(one.id, None)
    talk.reply(one.id, client="m1")
    assert talk.get(one.id).assignee_id is None


# In order


def test_many_at_once_in_one_conversation_get_numbers_without_gaps(talk: Talk) -> None:
    one, _ = talk.say("b1")

    def speak(number: int) -> Callable[[Talk], None]:
        def work(own: Talk) -> None:
            for n in range(EACH):
                if number % 2:
                    own.reply(one.id, f"{number}: {n}", client=f"{number}-{n}")
                else:
                    own.say("b1", one.id, f"{number}: {n}", client=f"{number}-{n}")

        return work

    at_once(talk, [speak(number) for number in range(THREADS)])
    messages = talk.messages(one.id)
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert talk.get(one.id).last_seq == len(messages) == 1 + 1 + THREADS * EACH  # one assigned
    for number in range(THREADS):  # of each sender in the order in which they said it
        own = [one.body for one in messages if one.body.startswith(f"{number}: ")]
        assert own == [f"{number}: {n}" for n in range(EACH)]
    assert numbers_as_committed(talk)[one.id] == [message.seq for message in messages]


def test_many_at_once_in_many_conversations_get_numbers_without_gaps(talk: Talk) -> None:
    threads = [talk.say(f"b{n}", text="Begun")[0].id for n in range(THREADS)]

    def speak(number: int) -> Callable[[Talk], None]:
        def work(own: Talk) -> None:
            for n in range(EACH):
                place = (number + n) % THREADS
                if n % 3:
                    own.say(f"b{place}", threads[place], client=f"{number}-{n}")
                else:
                    own.reply(threads[place], client=f"{number}-{n}")

        return work

    at_once(talk, [speak(number) for number in range(THREADS)])
    committed = numbers_as_committed(talk)
    said = 0
    for id_ in threads:
        messages = talk.messages(id_)
        assert [one.seq for one in messages] == list(range(1, len(messages) + 1))
        assert committed[id_] == [one.seq for one in messages]
        said += sum(one.by != "system" for one in messages)
    assert said == THREADS + THREADS * EACH


# The state it leaves


def test_what_a_person_says_is_unread_and_waits(talk: Talk) -> None:
    one, first = talk.say("b1", text="One\n  and a half")
    talk.say("b1", one.id, "Two")
    one = talk.get(one.id)
    assert (one.last_by, one.preview, one.person_seq, one.person_seen) == ("person", "Two", 2, 2)
    assert (one.unread, one.waiting_since, one.first_reply_at) == (True, first.at, None)
    assert talk.look(one.id, 1).unread
    assert not talk.look(one.id, 2).unread


def test_an_answer_ends_the_wait_and_is_the_first_once(talk: Talk) -> None:
    one, _ = talk.say("b1")
    first = talk.reply(one.id)
    talk.say("b1", one.id)
    assert talk.get(one.id).waiting_since is not None
    talk.reply(one.id)
    one = talk.get(one.id)
    assert (one.waiting_since, one.first_reply_at) == (None, first.at)


def test_a_conversation_that_an_agent_began_has_its_first_reply_after_the_person_wrote(
    talk: Talk,
) -> None:
    id_, _ = talk.start(talk.seen("b1"))
    talk.reply(id_)
    assert talk.get(id_).first_reply_at is None
    talk.say("b1", id_)
    answer = talk.reply(id_)
    assert talk.get(id_).first_reply_at == answer.at


def test_a_note_is_no_answer_and_shows_in_no_list(talk: Talk) -> None:
    one, said = talk.say("b1", text="Hello")
    talk.reply(one.id, "Among us", private=True)
    after = talk.get(one.id)
    assert (after.preview, after.last_by, after.last_at) == ("Hello", "person", said.at)
    assert (after.waiting_since, after.first_reply_at) == (said.at, None)
    assert (after.agent_seq, after.assignee_id) == (0, None)


def test_whoever_answers_first_has_it(talk: Talk, cast: Cast) -> None:
    one, _ = talk.say("b1")
    talk.reply(one.id, agent_id=None)
    assert talk.get(one.id).assignee_id is None
    talk.reply(one.id)
    talk.reply(one.id, agent_id=cast.bob.id)
    assert talk.get(one.id).assignee_id == cast.alice.id


def test_what_comes_to_pass_by_itself_was_seen_by_nobody(talk: Talk) -> None:
    one, _ = talk.say("b1")
    talk.reply(one.id, "An answer by a program", agent_id=None)
    quiet = Talk(talk.site, None)
    quiet.assign(one.id, talk.agent_id)
    quiet.snooze(one.id)
    after = quiet.reopen(one.id)
    assert (after.agents_seen, after.unread) == (0, True)


def test_whoever_does_something_to_it_has_seen_it(talk: Talk) -> None:
    one, _ = talk.say("b1")
    assert not talk.close(one.id).unread


@pytest.mark.parametrize("put", ["close", "snooze"])
def test_what_a_person_says_opens_it_again(talk: Talk, put: str) -> None:
    one, _ = talk.say("b1")
    talk.reply(one.id)
    getattr(talk, put)(one.id)
    _, said = talk.say("b1", one.id)
    one = talk.get(one.id)
    assert (one.state, one.closed_at, one.snoozed_until) == ("open", None, None)
    assert one.waiting_since == said.at


@pytest.mark.parametrize("put", ["close", "snooze"])
def test_what_an_agent_says_leaves_it_as_it_stands(talk: Talk, put: str) -> None:
    one, _ = talk.say("b1")
    before = getattr(talk, put)(one.id)
    talk.reply(one.id)
    after = talk.get(one.id)
    assert (after.state, after.closed_at) == (before.state, before.closed_at)


def test_closing_ends_the_wait_and_is_done_once(talk: Talk) -> None:
    one, _ = talk.say("b1")
    closed = talk.close(one.id)
    assert (closed.state, closed.waiting_since) == ("closed", None)
    assert talk.close(one.id) == closed
    opened = talk.reopen(one.id)
    assert (opened.state, opened.closed_at) == ("open", None)
    assert talk.reopen(one.id) == opened
    assert talk.deeds(one.id) == ["closed", "reopened"]


def test_a_snooze_is_for_the_coming_year(talk: Talk) -> None:
    one, _ = talk.say("b1")
    until = NOON + timedelta(days=1)
    assert talk.snooze(one.id, until).snoozed_until == until
    for wrong in (NOON - timedelta(days=1), NOON + timedelta(days=400)):
        with pytest.raises(InvalidError) as refused:
            talk.snooze(one.id, wrong)
        assert refused.value.field == "until"


def test_the_person_sees_what_they_saw_and_never_less(talk: Talk) -> None:
    one, _ = talk.say("b1")
    for _ in range(3):
        talk.reply(one.id)
    last = talk.get(one.id).last_seq
    assert talk.get(one.id).person_seen == 1
    assert talk.read("b1", one.id, last - 1).person_seen == last - 1
    assert talk.read("b1", one.id, 2).person_seen == last - 1
    assert talk.read("b1", one.id, last + 1).person_seen == last - 1
    assert talk.read("b1", one.id, last).person_seen == last


def test_agents_see_no_further_than_there_is(talk: Talk) -> None:
    one, _ = talk.say("b1")
    assert talk.look(one.id, 2**62).agents_seen == 1
    assert talk.look(one.id, -1).agents_seen == 1


def test_a_rating_is_given_once_it_is_closed_and_may_be_changed(talk: Talk) -> None:
    one, _ = talk.say("b1")
    with pytest.raises(InvalidError):
        talk.rate("b1", one.id, 5)
    talk.close(one.id)
    assert talk.rate("b1", one.id, 5, "Quick!").rating == 5
    talk.say("b1", one.id)
    changed = talk.rate("b1", one.id, 2, "Not so")
    assert (changed.rating, changed.rating_comment) == (2, "Not so")
    for wrong in (0, 6):
        with pytest.raises(InvalidError):
            talk.rate("b1", one.id, wrong)
    with pytest.raises(UnknownError):
        talk.rate("b2", one.id, 5)


# What may be said


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00\x1f", "\x7f", "\ud800"])
def test_what_says_nothing_is_refused(talk: Talk, text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        talk.say("b1", text=text)
    assert refused.value.field == "text"
    assert talk.site.count("conversation") == 0


def test_what_can_t_be_kept_is_left_out(talk: Talk) -> None:
    one, _ = talk.say("b1", text=" a\x00b\r\n\tc\ud800d ")
    assert talk.texts(one.id) == ["ab\n\tcd"]


def test_a_page_and_a_subject_are_kept_as_one_line(talk: Talk) -> None:
    from regulars.inbox import speaking
    from regulars.inbox.speaking import Words

    words = Words("m1", "Hello", page="https://a.example/\x00\ud800x\n", subject="One\x00\r\ntwo")
    one, _ = talk.run(lambda core: speaking.say(core, talk.visitor("b1"), "first", words, talk.now))
    (message,) = talk.messages(one.id)
    assert (one.subject, one.started_on) == ("One two", "https://a.example/ x")
    assert message.what == {"page": "https://a.example/ x"}


def test_the_longest_text_there_can_be_is_kept_and_found(talk: Talk) -> None:
    one, _ = talk.say("b1")
    text = "\U0001f600" * (saying.MAX_TEXT - 7) + " needle"
    talk.reply(one.id, text)
    assert talk.texts(one.id)[1] == text
    with pytest.raises(InvalidError):
        talk.reply(one.id, text + "x")
    found = talk.connection.execute(
        "SELECT seq FROM message WHERE project_id = %s AND found @@ to_tsquery('simple', 'needle')",
        (talk.project_id,),
    ).fetchall()
    assert found == [(talk.get(one.id).last_seq,)]


@pytest.mark.parametrize("text", ["x" * 300, "many words " * 40])
def test_a_preview_is_short(talk: Talk, text: str) -> None:
    one, _ = talk.say("b1", text=text)
    assert len(one.preview) == saying.PREVIEW
    assert one.preview.endswith("…")


# Who is reached


@pytest.mark.parametrize("deed", ["reply", "close", "look", "change", "number"])
def test_a_conversation_is_out_of_reach_of_another_project(
    talk: Talk, cast: Cast, deed: str
) -> None:
    from tests.slices.tracking.site import Site

    one, _ = talk.say("b1")
    site = Site(cast.connection, cast.elsewhere.config, cast.elsewhere.secret_key)
    other = Talk(site, cast.charlie.id)
    more: dict[str, tuple[Any, ...]] = {"look": (1,)}
    with pytest.raises(UnknownError):
        getattr(other, deed)(one.id, *more.get(deed, ()))
    assert talk.get(one.id) == one
    assert conversations.found(cast.connection, other.project_id, [one.id]) == {}


def test_a_conversation_is_given_to_colleagues_alone(talk: Talk, cast: Cast) -> None:
    one, _ = talk.say("b1")
    assert talk.assign(one.id, cast.bob.id).assignee_id == cast.bob.id
    for stranger in (cast.charlie.id, uuid4()):
        with pytest.raises(InvalidError) as refused:
            talk.assign(one.id, stranger)
        assert refused.value.field == "assignee"
    assert talk.assign(one.id, None).assignee_id is None


def test_a_note_tells_those_whom_it_mentions_and_no_stranger(talk: Talk, cast: Cast) -> None:
    one, _ = talk.say("b1")
    named = [cast.bob.id, cast.charlie.id, cast.bob.id]
    talk.reply(one.id, "@Bob", private=True, mentions=named, client="m1")
    talk.reply(one.id, "@Bob", private=True, mentions=named, client="m1")
    told = talk.connection.execute(
        "SELECT agent_id, seq FROM mention WHERE project_id = %s", (talk.project_id,)
    ).fetchall()
    assert told == [(cast.bob.id, 2)]


def numbers_as_committed(talk: Talk) -> dict[UUID, list[int]]:
    """The numbers of each conversation's messages, as the outbox tells them: in commit order."""
    found: dict[UUID, list[int]] = {}
    for _, topic, body, _ in outbox.after(talk.connection, talk.project_id, 0, limit=10_000):
        for conversation, _, seq, _ in body["messages"] if topic == TOPIC else []:
            found.setdefault(UUID(conversation), []).append(seq)
    return found
