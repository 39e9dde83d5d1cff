"""Mail is queued with what it tells of, once, and goes where its person goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.mail import outgoing, sending
from tests.slices.mail.conftest import NOW, Post
from tests.slices.mail.sink import Sink


def test_mail_of_a_transaction_that_failed_was_never_asked_for(post: Post, server: Sink) -> None:
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(post)
    assert post.send() == 0


def _write_and_fail(post: Post) -> None:
    with post.connection.transaction():
        post.write()
        raise ZeroDivisionError


def test_mail_that_is_asked_for_twice_is_one(post: Post, server: Sink) -> None:
    one = post.write("first", id=UUID(int=5))
    assert post.write("second", id=UUID(int=5)) == one
    post.send()
    assert post.write("third", id=UUID(int=5)) == one
    post.send()
    (mail,) = server.arrived
    assert b"first" in mail.raw


def test_mail_belongs_to_its_project(post: Post, database: psycopg.Connection[Any]) -> None:
    one = post.write(conversation_id=UUID(int=6))
    elsewhere = uuid4()
    assert outgoing.find(database, elsewhere, one) is None
    assert outgoing.raw_of(database, elsewhere, one) is None
    assert outgoing.of_conversation(database, elsewhere, UUID(int=6)) == []
    assert not outgoing.send_again(database, elsewhere, one, NOW)


def test_the_mail_of_a_conversation_is_found(post: Post) -> None:
    first, second = (post.write(conversation_id=UUID(int=6)) for _ in range(2))
    post.write(conversation_id=UUID(int=7))
    found = outgoing.of_conversation(post.connection, post.project_id, UUID(int=6))
    assert {mail.id for mail in found} == {first, second}


def test_the_newest_mail_comes_first_page_by_page(post: Post) -> None:
    written = {post.write() for _ in range(5)}
    first = outgoing.newest(post.connection, post.project_id, NOW, limit=3)
    rest = outgoing.newest(post.connection, post.project_id, NOW, before=first[-1], limit=3)
    assert [len(first), len(rest)] == [3, 2]
    assert {mail.id for mail in (*first, *rest)} == written


def test_mail_moves_with_a_merge_and_back(post: Post) -> None:
    gone, into = uuid4(), uuid4()
    old, own = post.write(person_id=gone), post.write(person_id=into)
    outgoing.move(post.connection, post.project_id, gone, into)
    assert post.look(old).person_id == into
    outgoing.move_back(post.connection, post.project_id, gone, into)
    assert post.look(old).person_id == gone
    assert post.look(own).person_id == into


def test_no_mail_about_an_erased_person_is_left_or_leaves(post: Post, server: Sink) -> None:
    person = uuid4()
    mail, other = post.write(person_id=person), post.write(person_id=uuid4())
    outgoing.erase(post.connection, post.project_id, person)
    post.send()
    assert outgoing.find(post.connection, post.project_id, mail) is None
    assert server.ids == [post.look(other).message_id]


def test_another_project_s_mail_stays(post: Post) -> None:
    person, elsewhere = uuid4(), uuid4()
    mail = post.write(person_id=person)
    outgoing.erase(post.connection, elsewhere, person)
    outgoing.move(post.connection, elsewhere, person, uuid4())
    assert post.look(mail).person_id == person


def test_mail_that_ended_long_ago_is_forgotten(post: Post, server: Sink) -> None:
    old = post.write()
    post.send()
    waiting = post.write()
    sending.forget_old(post.connection, NOW + sending.KEPT - timedelta(hours=1))
    assert outgoing.find(post.connection, post.project_id, old)
    sending.forget_old(post.connection, NOW + sending.KEPT + timedelta(hours=1))
    assert outgoing.find(post.connection, post.project_id, old) is None
    assert outgoing.find(post.connection, post.project_id, waiting)
