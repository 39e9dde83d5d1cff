"""Mail comes in by SMTP: a real client, the real listener, and what it says."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from regulars.mail import listener
from regulars.mail.listener import DeliverRefusedError
from tests.running import free_port


@contextmanager
def listening(
    monkeypatch: pytest.MonkeyPatch,
    deliver: Callable[[bytes, list[str]], None],
    takes: Callable[[str], bool] | None = None,
) -> Iterator[smtplib.SMTP]:
    """A client of a listener that hands mail to `deliver`."""
    port = free_port()
    monkeypatch.setenv("REGULARS_INBOUND_SMTP", f"127.0.0.1:{port}")
    stop = threading.Event()
    thread = threading.Thread(target=listener.listen, args=(stop, deliver, takes))
    thread.start()
    try:
        yield _connected(port)
    finally:
        stop.set()
        thread.join(20)


def _connected(port: int) -> smtplib.SMTP:
    deadline = time.monotonic() + 20
    while True:
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=20)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "pat@example.com", "help@in.example.com"
    message["Subject"] = "A question"
    message.set_content("Do you ship?")
    return message


def test_a_mail_is_handed_over_with_its_recipients(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[bytes, list[str]]] = []
    with listening(monkeypatch, lambda raw, to: taken.append((raw, to))) as client:
        assert client.send_message(letter()) == {}
        client.quit()
    ((raw, recipients),) = taken
    assert recipients == ["help@in.example.com"]
    assert b"Return-Path: <pat@example.com>" in raw
    assert b"Do you ship?" in raw


def test_what_could_not_be_stored_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_raw: bytes, _to: list[str]) -> None:
        raise OSError("the disk is full")

    with listening(monkeypatch, away) as client:
        with pytest.raises(smtplib.SMTPDataError) as answered:
            client.send_message(letter())
        assert answered.value.smtp_code == 451
        client.quit()


def test_what_nobody_takes_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_raw: bytes, _to: list[str]) -> None:
        raise DeliverRefusedError("Nobody here")

    with listening(monkeypatch, nobody) as client:
        with pytest.raises(smtplib.SMTPDataError) as answered:
            client.send_message(letter())
        assert 500 <= answered.value.smtp_code < 600
        client.quit()


def test_an_unknown_address_is_refused_before_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bytes] = []
    with listening(monkeypatch, lambda raw, _to: taken.append(raw), lambda _one: False) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.send_message(letter())
        client.quit()
    assert taken == []
