"""Reports about mail that left: what did not arrive and why, and who complained."""

from __future__ import annotations

import os
import time
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.mail import addresses, bounces
from regulars.mail.bounces import Report

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))
MAIL = UUID("019b0000-0000-7000-8000-0000000000aa")
MARK = addresses.mark(MAIL)
RETURNED = f"""From: Tideway <hello@tideway.example>
To: pat@example.com
Message-ID: <{MARK}@tideway.example>
X-Regulars: {MARK}
Subject: Beans

Hello
"""


def dsn(
    *,
    status: str = "5.1.1",
    action: str = "failed",
    words: str = "550 5.1.1 <pat@example.com>: User unknown",
    returned: str = RETURNED,
) -> bytes:
    """A delivery report as Postfix writes it."""
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: bounces+{MARK}@tideway.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b0"

--b0
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

--b0
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 4 May 2026 09:30:00 +0000

Final-Recipient: rfc822; pat@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--b0
Content-Type: message/rfc822

{returned}
--b0--
""".replace("\n", "\r\n").encode()


def arf(kind: str = "abuse") -> bytes:
    """A complaint as a mailbox provider sends it."""
    return f"""From: <feedback@provider.example>
To: abuse@tideway.example
Subject: FW: Beans
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeProvider/1.0
Version: 1
Original-Rcpt-To: somebody-else@example.org

--b1
Content-Type: message/rfc822

{RETURNED}
--b1--
""".replace("\n", "\r\n").encode()


def _read(raw: bytes, *recipients: str) -> Report:
    found = bounces.read(raw, recipients)
    assert found is not None
    return found


def test_a_report_says_which_mail_did_not_arrive_and_why() -> None:
    report = _read(dsn())
    assert (report.kind, report.mails, report.lasting) == ("bounce", (MAIL,), True)
    assert report.reason == "5.1.1 550 5.1.1 <pat@example.com>: User unknown"


def test_the_address_it_came_back_to_is_enough() -> None:
    report = _read(dsn(returned="nothing"), f"bounces+{MARK}@tideway.example")
    assert report.mails == (MAIL,)


@pytest.mark.parametrize(
    ("status", "words", "lasting"),
    [
        ("5.1.1", "", True),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        ("5.2.1", "mailbox disabled", True),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied.", True),
        ("5.0.0", "550 No such user here", True),
        ("5.0.0", "550 message refused", False),
        ("5.2.2", "552 5.2.2 mailbox is full", False),
        ("5.7.1", "550 5.7.1 looks like spam to us", False),
        ("5.3.4", "message too big", False),
        ("4.4.1", "connection timed out", False),
        ("4.2.2", "mailbox full", False),
    ],
)
def test_only_what_lies_in_the_mailbox_lasts(status: str, words: str, lasting: bool) -> None:
    assert _read(dsn(status=status, words=words)).lasting is lasting


def test_a_delay_is_no_bounce() -> None:
    assert _read(dsn(action="delayed", status="4.4.7")).kind == "delay"


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_is_no_report(action: str) -> None:
    assert bounces.read(dsn(action=action, status="2.0.0")) is None


def test_a_report_in_words_alone_is_read_too() -> None:
    raw = (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@old.example\r\nTo: hello@tideway.example\r\n"
        "Subject: failure notice\r\n\r\nHi. This is the qmail-send program.\r\n\r\n"
        "<pat@example.com>:\r\n550 5.1.1 no mailbox here by that name\r\n\r\n"
        f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <{MARK}@tideway.example>"
    )
    report = _read(raw.encode())
    assert (report.mails, report.lasting) == ((MAIL,), True)
    assert report.reason.startswith("550 5.1.1 no mailbox")


def test_a_complaint_says_about_which_mail() -> None:
    report = _read(arf())
    assert (report.kind, report.mails) == ("complaint", (MAIL,))


def test_other_feedback_is_no_complaint() -> None:
    assert bounces.read(arf("not-spam")) is None
    assert bounces.read(arf("auth-failure")) is None
    assert _read(arf("opt-out")).kind == "unsubscribe"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 100,
        b"From: pat@example.com\r\nSubject: 550 5.1.1 user unknown\r\n\r\nIs that so?",
        b"From: pat@example.com\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nx",
    ],
)
def test_what_people_and_their_programs_write_is_no_report(raw: bytes) -> None:
    assert bounces.read(raw) is None


def test_a_mark_that_was_made_up_is_no_mail_of_ours() -> None:
    forged = MARK[:-1] + ("a" if MARK[-1] != "a" else "b")
    assert _read(dsn().replace(MARK.encode(), forged.encode())).mails == ()


def test_the_return_address_is_told_from_the_return_path() -> None:
    made = bounces.return_address("bounces@tideway.example", MAIL)
    assert bounces.without_mark(made.upper()) == "bounces@tideway.example"
    assert bounces.without_mark("a+b@tideway.example") == "a+b@tideway.example"
    assert _read(dsn(returned="").replace(MARK.encode(), b"x"), made).mails == (MAIL,)


HEAD = b"From: mailer-daemon@x.example\r\nContent-Type: multipart/report; "


@pytest.mark.parametrize(
    "raw",
    [
        dsn(returned="X: " + "a" * 5_000_000),
        dsn(words="b" * 5_000_000),
        dsn(returned=dsn(returned=dsn().decode()).decode()),
        HEAD + b'report-type=delivery-status; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 200_000,
        HEAD + b'report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: '
        b"message/delivery-status\r\n\r\n" + b"Status: 5.1.1\r\n\r\n" * 200_000 + b"--b--",
        HEAD + b'report-type=feedback-report; boundary="b"\r\n\r\n--b\r\nContent-Type: '
        b"message/feedback-report\r\n\r\n" + b"Feedback-Type: abuse\r\n" * 200_000,
        b"From: mailer-daemon@x.example\r\n\r\n" + MARK.encode() * 100_000,
        b"From: mailer-daemon@x.example\r\n" + b"To: a@b.example\r\n" * 100_000 + b"\r\nx",
    ],
)
def test_hostile_reports_are_read_quickly_or_not_at_all(raw: bytes) -> None:
    began = time.process_time()
    report = bounces.read(raw, ["a@b.example"])
    assert time.process_time() - began < 5
    assert report is None or len(report.mails) <= 100


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    where=st.integers(0, len(dsn())),
    what=st.binary(max_size=40) | st.sampled_from([b"--b0", b"\r\n\r\n", b"--b0--", b"Status:"]),
)
def test_a_report_with_anything_in_it_can_be_read(where: int, what: bytes) -> None:
    raw = dsn()
    bounces.read(raw[:where] + what + raw[where:])
    bounces.read(raw[:where])
