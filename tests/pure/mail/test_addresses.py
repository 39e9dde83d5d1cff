"""Addresses that answers come back to: they lead to one thread, and nobody can make one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.mail import addresses
from regulars.mail.addresses import BadAddressError, Thread
from tests.pure.mail.letters import CONVERSATION, PROJECT

THREAD = Thread(PROJECT, CONVERSATION)
ELSEWHERE = UUID("0198a000-0000-7000-8000-000000000002")
INBOUND = "help@in.tideway.example"
REPLY = addresses.reply_address(INBOUND, THREAD)


def test_an_answer_leads_to_its_thread() -> None:
    assert addresses.find_thread([REPLY], [PROJECT]) == THREAD


def test_an_address_is_short_enough_for_every_server() -> None:
    longest = addresses.reply_address("a" * addresses.MOST_BEFORE_TOKEN + "@x.example", THREAD)
    assert len(longest.partition("@")[0]) == addresses.MOST_LOCAL


def test_servers_may_fold_the_case() -> None:
    assert addresses.find_thread([REPLY.upper()], [PROJECT]) == THREAD


def test_the_first_good_token_counts() -> None:
    others = ["pat@example.com", "help+" + "a" * 40 + "@in.tideway.example", REPLY]
    assert addresses.find_thread(others, [PROJECT]) == THREAD


def test_where_the_address_was_lost_the_message_id_leads_there() -> None:
    message_id = addresses.message_id(uuid4(), "tideway.example", THREAD)
    assert addresses.find_thread(["<other@x.example>", message_id], [PROJECT]) == THREAD


def test_another_project_s_token_leads_nowhere() -> None:
    assert addresses.find_thread([REPLY], [ELSEWHERE]) is None
    assert addresses.find_thread([REPLY], []) is None


def test_of_many_projects_the_right_one_is_found() -> None:
    assert addresses.find_thread([REPLY], [ELSEWHERE, PROJECT, uuid4()]) == THREAD


def test_a_token_of_another_installation_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_SECRET_KEY", "somebody else's")
    assert addresses.find_thread([REPLY], [PROJECT]) is None


@given(st.integers(0, 39), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_with_any_letter_changed_leads_nowhere(place: int, letter: str) -> None:
    good = addresses.token(THREAD)
    changed = good[:place] + letter + good[place + 1 :]
    expected = THREAD if changed == good else None
    assert addresses.read_token(changed, [PROJECT]) == expected


@given(st.text(max_size=60))
def test_whatever_is_no_token_leads_nowhere(text: str) -> None:
    assert addresses.read_token(text, [PROJECT]) is None
    assert addresses.read_token("\u212a" * 40, [PROJECT]) is None


def test_a_mail_s_mark_is_no_token_and_a_token_no_mark() -> None:
    """One cannot be had by asking for the other."""
    assert not addresses.is_ours(REPLY)
    mark = addresses.mark(uuid4())
    assert addresses.find_thread([mark, mark + "aaaaaaaa"], [PROJECT]) is None


def test_the_mails_that_a_text_names_are_found() -> None:
    one = uuid4()
    text = addresses.message_id(one, "tideway.example", THREAD)
    assert list(addresses.mails_in(f"<x@y.example> {text.upper()}")) == [one]


def test_a_project_s_own_address_is_known_behind_the_token() -> None:
    assert addresses.without_token(REPLY.upper()) == INBOUND
    assert addresses.without_token(INBOUND) == INBOUND
    assert addresses.without_token("a+b@c.example") == "a+b@c.example"


@pytest.mark.parametrize(
    "text",
    ["pat@example.com", "p.a-t+x@sub.example.com", "o'neil@example.ie", "a@b", " pat@example.com "],
)
def test_an_address_may_be_written_to(text: str) -> None:
    assert addresses.check(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a@", "@b", "a b@c.d", "a@b c", "a@b..c", "a@-b.c", ".a@b.c", "a.@b.c", "a..b@c.d",
        '"a b"@c.d', "a@[127.0.0.1]", "a@b.c\r\nx", "a\0@b.c", "a@b.c>", "<a@b.c>", "ü@b.c",
        "a" * 65 + "@b.c", "a@" + "b" * 64 + ".c", "a@" + ".".join(["b" * 60] * 5), "a,b@c.d",
        "a@b\u3002\u3002c",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddressError):
        addresses.check(text)


def test_an_address_for_answers_has_room_for_a_token() -> None:
    with pytest.raises(BadAddressError):
        addresses.check_inbound("a" * (addresses.MOST_BEFORE_TOKEN + 1) + "@in.example")


def test_two_threads_have_two_addresses() -> None:
    other = replace(THREAD, conversation_id=uuid4())
    assert addresses.reply_address(INBOUND, other) != REPLY
    assert addresses.token(replace(THREAD, project_id=ELSEWHERE)) != addresses.token(THREAD)
