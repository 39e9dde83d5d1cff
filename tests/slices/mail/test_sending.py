"""Mail leaves once, later where it can't leave now, or says why it never will."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.mail import outgoing, sending, smtp
from regulars.mail.letters import File, Mailbox
from regulars.mail.smtp import BadServerError
from tests.running import free_port
from tests.slices.mail.conftest import NOW, Named, Post
from tests.slices.mail.sink import Sink, encryption, sink

MINUTE = timedelta(minutes=1)


def test_mail_reaches_the_server_as_it_was_written(post: Post, server: Sink) -> None:
    mail = post.write("Grüße aus Köln\n.\n.und Punkt", to=Mailbox("pat@example.com", "Pät"))
    assert post.send() == 1
    (arrived,) = server.arrived
    assert (arrived.sender, arrived.to) == ("help@tideway.example", ["pat@example.com"])
    assert arrived.raw == outgoing.raw_of(post.connection, post.project_id, mail)
    assert (post.look(mail).state, post.look(mail).last_error) == ("sent", "")


def test_sent_mail_is_not_sent_again(post: Post, server: Sink) -> None:
    post.write()
    assert [post.send(), post.send(after=timedelta(days=1))] == [1, 0]
    assert len(server.arrived) == 1


def test_mails_go_over_one_connection(post: Post, server: Sink) -> None:
    for _ in range(5):
        post.write()
    post.send()
    assert (len(server.arrived), server.connections) == (5, 1)


def test_without_a_server_mail_is_kept(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGULARS_SMTP_URL", raising=False)
    mail = post.write()
    post.send()
    assert post.look(mail).state == "kept"


def test_what_was_kept_leaves_when_somebody_says_so(
    post: Post, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGULARS_SMTP_URL", raising=False)
    mail = post.write()
    post.send()
    with sink() as server:
        named(server.url)
        assert post.send() == 0
        assert outgoing.send_again(post.connection, post.project_id, mail, NOW)
        post.send()
        assert post.look(mail).state == "sent"
        assert not outgoing.send_again(post.connection, post.project_id, mail, NOW)


def test_mail_that_is_not_taken_now_is_tried_later(post: Post, server: Sink) -> None:
    mail = post.write()
    server.to_mails.append("451 4.3.0 Come back")
    post.send()
    waiting = post.look(mail)
    assert (waiting.state, waiting.last_error) == ("waiting", "451 4.3.0 Come back")
    assert post.send() == 0
    assert post.send(after=2 * MINUTE) == 1
    assert post.look(mail).state == "sent"


def test_mail_keeps_its_message_id_through_all_tries(post: Post, server: Sink) -> None:
    mail = post.write()
    server.to_mails.append("451 no")
    post.send()
    post.send(after=2 * MINUTE)
    assert server.ids == [post.look(mail).message_id]


def test_a_server_that_hangs_up_holds_no_other_mail_up(post: Post, server: Sink) -> None:
    mails = [post.write() for _ in range(3)]
    server.to_recipients.append("421 4.3.2 Bye")
    post.send()
    assert sorted(post.look(mail).state for mail in mails) == ["sent", "sent", "waiting"]


def test_mail_that_is_never_taken_fails_in_the_end(post: Post, server: Sink) -> None:
    mail = post.write()
    after = timedelta()
    for _ in range(len(sending.WAITS) + 1):
        server.to_mails.append("450 Busy")
        assert post.send(after=after) == 1
        found = post.look(mail)
        if found.next_try_at is not None:
            after = found.next_try_at - NOW
    assert (found.state, found.last_error) == ("failed", "450 Busy")
    assert timedelta(days=1) < after < timedelta(days=2)


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "554 5.7.1 Spam"])
def test_mail_that_is_refused_fails_with_the_server_s_words(
    post: Post, server: Sink, answer: str
) -> None:
    mail = post.write()
    server.to_recipients.append(answer)
    post.send()
    assert (post.look(mail).state, post.look(mail).last_error) == ("failed", answer)
    assert post.send(after=timedelta(days=3)) == 0


def test_mail_that_is_refused_when_it_was_said_fails(post: Post, server: Sink) -> None:
    mails = [post.write() for _ in range(2)]
    server.to_mails.append("552 Too large")
    post.send()
    assert sorted(post.look(mail).state for mail in mails) == ["failed", "sent"]


def test_a_server_s_words_are_shown_clean(post: Post, server: Sink) -> None:
    mail = post.write()
    server.to_recipients.append("550 no\x1b[31m\x00" + "x" * 2_000)
    post.send()
    said = post.look(mail).last_error
    assert said.startswith("550 no [31m xxx")
    assert len(said) <= smtp.MOST_WORDS


def test_mail_waits_while_the_server_is_away_and_leaves_when_it_is_back(
    post: Post, named: Named
) -> None:
    port = free_port()
    named(f"smtp://127.0.0.1:{port}")
    mails = [post.write() for _ in range(3)]
    said = post.away()
    found = [post.look(mail) for mail in mails]
    assert [(mail.state, mail.tries, mail.last_error) for mail in found] == [
        ("waiting", 0, said)
    ] * 3
    with sink(port) as server:
        post.send()
        assert len(server.arrived) == 3


def test_mail_that_waited_two_days_for_a_server_has_failed(post: Post, named: Named) -> None:
    named(f"smtp://127.0.0.1:{free_port()}")
    mail = post.write()
    said = post.away(after=sending.MOST_AWAY + MINUTE)
    assert (post.look(mail).state, post.look(mail).last_error) == ("failed", said)


def test_a_setting_that_names_no_server_lets_mail_wait(post: Post, named: Named) -> None:
    named("http://mail.example")
    mail = post.write()
    assert "REGULARS_SMTP_URL" in post.away()
    assert post.look(mail).state == "waiting"


def test_mail_is_encrypted_where_the_server_offers_it(
    post: Post, named: Named, tmp_path: Path
) -> None:
    with sink(tls_context=encryption(tmp_path)) as server:
        named(server.url)
        post.write()
        post.send()
        assert [mail.encrypted for mail in server.arrived] == [True]


def test_the_server_is_told_who_we_are(post: Post, named: Named, tmp_path: Path) -> None:
    with sink(tls_context=encryption(tmp_path), auth_required=True) as server:
        named(server.url.replace("//", "//us%40er:right@"))
        mail = post.write()
        post.send()
        assert post.look(mail).state == "sent"
        assert server.users == ["us@er"]


def test_a_wrong_password_lets_mail_wait(post: Post, named: Named, tmp_path: Path) -> None:
    with sink(tls_context=encryption(tmp_path), auth_required=True) as server:
        named(server.url.replace("//", "//user:wrong@"))
        mail = post.write()
        assert post.away().startswith("535")
        assert post.look(mail).state == "waiting"


def test_two_workers_send_each_mail_once(post: Post, server: Sink) -> None:
    mails = [post.write(str(number)) for number in range(120)]

    def work() -> None:
        with kit_database.connect() as connection, asyncio.Runner() as runner:
            own = Post(connection, post.project_id)
            while own.send(runner=runner):
                pass

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(server.ids) == sorted(post.look(mail).message_id for mail in mails)
    assert server.connections > 3


def test_what_a_dead_worker_had_taken_up_is_sent_by_another(post: Post, server: Sink) -> None:
    mail = post.write()
    assert len(sending.take(post.connection, post.project_id, NOW)) == 1
    assert post.send(after=MINUTE) == 0
    assert post.send(after=sending.TAKEN_FOR + MINUTE) == 1
    assert (post.look(mail).state, post.look(mail).tries) == ("sent", 2)


def test_whoever_comes_too_late_changes_nothing(post: Post, server: Sink) -> None:
    mail = post.write()
    (slow,) = sending.take(post.connection, post.project_id, NOW)
    post.send(after=sending.TAKEN_FOR + MINUTE)
    late = sending.Batch(post.connection, NOW, post.stop)
    late.end(slow, "failed", "late")
    late.give_back([slow], "late")
    assert (post.look(mail).state, post.look(mail).last_error) == ("sent", "")


def test_mail_erased_after_it_was_taken_up_does_not_leave(post: Post, server: Sink) -> None:
    post.write(person_id=UUID(int=9))
    taken = sending.take(post.connection, post.project_id, NOW)
    outgoing.erase(post.connection, post.project_id, UUID(int=9))
    batch = sending.Batch(post.connection, NOW, post.stop)
    asyncio.run(batch.send(taken, smtp.server_of(server.url, "http://localhost")))
    assert server.arrived == []


def test_a_worker_that_is_to_stop_gives_back_what_it_has_not_begun(
    post: Post, server: Sink
) -> None:
    mail = post.write()
    post.stop.set()
    post.send()
    post.stop.clear()
    assert (post.look(mail).state, post.look(mail).tries) == ("waiting", 0)
    assert post.send() == 1


def test_a_server_that_was_gone_before_it_answered_gets_the_same_mail_again(
    post: Post, server: Sink
) -> None:
    """At least once: a mail whose answer is missing is said again, under its Message-ID."""
    mail = post.write()
    server.to_mails.append("250 and gone")
    post.send()
    post.send(after=2 * MINUTE)
    assert server.ids == [post.look(mail).message_id] * 2
    assert post.look(mail).state == "sent"


def test_large_files_are_sent(post: Post, server: Sink) -> None:
    post.write(files=(File("a.bin", "application/octet-stream", bytes(9_000_000)),))
    post.send()
    assert len(server.arrived[0].raw) > 12_000_000


def test_whoever_shows_mail_is_told_what_became_of_it(post: Post, server: Sink) -> None:
    with kit_database.connect() as connection:
        connection.execute("LISTEN regulars")
        post.write()
        post.send()
        said = {message.payload for message in connection.notifies(timeout=5, stop_after=2)}
    assert said >= {f"{post.project_id}:mail", f"{post.project_id}:mail_ended"}


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted"),
    [
        ("smtp://mail.example", "mail.example", 25, False),
        ("smtp://u:p@mail.example:587", "mail.example", 587, False),
        ("smtps://mail.example", "mail.example", 465, True),
        ("smtp://[::1]:2525", "::1", 2525, False),
    ],
)
def test_the_setting_says_where_mail_goes(url: str, host: str, port: int, encrypted: bool) -> None:
    server = smtp.server_of(url, "https://people.example.com")
    assert (server.host, server.port, server.encrypted) == (host, port, encrypted)
    assert server.greeting == "people.example.com"


@pytest.mark.parametrize(
    "url", ["mail.example", "smtp://", "http://x", "smtp://x:99999", "smtp://:p"]
)
def test_a_setting_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(BadServerError):
        smtp.server_of(url, "http://localhost")


@pytest.mark.parametrize(
    ("base", "greeting"),
    [
        ("http://127.0.0.1:8000", "[127.0.0.1]"),
        ("http://[::1]:80", "[IPv6:::1]"),
        ("", "localhost"),
    ],
)
def test_we_go_by_the_installation_s_name(base: str, greeting: str) -> None:
    assert smtp.server_of("smtp://x", base).greeting == greeting


def test_only_servers_on_this_machine_may_show_any_certificate() -> None:
    here = [smtp.server_of(f"smtp://{host}", "").is_here for host in ("localhost", "127.0.0.9")]
    assert here == [True, True]
    assert not smtp.server_of("smtp://mail.example", "").is_here


def test_settings_and_passwords_are_in_no_message(
    post: Post, named: Named, database: psycopg.Connection[Any]
) -> None:
    named(f"smtp://user:topsecret@127.0.0.1:{free_port()}")
    mail = post.write()
    assert "topsecret" not in post.away()
    assert "topsecret" not in post.look(mail).last_error
