"""Mail as people's programs write it, read: `corpus/` has a mail and what is to be read of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.mail import compose, inbound
from regulars.mail.inbound import AutoReason, Inbound, UnreadableMailError
from regulars.mail.letters import Mailbox
from tests.pure.mail.letters import LETTER, NOW, PROJECT

CORPUS = Path(__file__).with_name("corpus")
MAILS = sorted(CORPUS.glob("*.eml"))


def _read(name: str) -> Inbound:
    return inbound.parse((CORPUS / f"{name}.eml").read_bytes())


def _mail(*headers: str, body: str = "Hello") -> Inbound:
    """A small mail with these headers more."""
    lines = ["From: Pat Doe <pat@example.com>", *headers, "", body]
    return inbound.parse("\r\n".join(lines).encode())


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.stem)
def test_what_is_said_is_read_apart_from_what_is_quoted(mail: Path) -> None:
    said, _, quoted = mail.with_suffix(".txt").read_text("utf-8").partition("\n=== quoted\n")
    found = inbound.parse(mail.read_bytes())
    assert found.text == said.removesuffix("\n")
    assert found.quoted == quoted.removesuffix("\n")


def test_lines_may_end_as_they_like() -> None:
    for mail in MAILS:
        raw = mail.read_bytes()
        there = inbound.parse(raw.replace(b"\r\n", b"\n"))
        assert (there.text, there.quoted) == (inbound.parse(raw).text, inbound.parse(raw).quoted)


def test_who_wrote_what_to_whom_when() -> None:
    mail = _read("gmail-web")
    assert mail.sender == Mailbox("pat@example.com", "Pat Doe")
    assert mail.to == ("help+abc@in.tideway.example",)
    assert mail.subject == "Re: Your beans"
    assert mail.sent_at == datetime(2026, 5, 4, 9, 42, 10, tzinfo=UTC)


def test_names_and_subjects_of_the_world_are_read() -> None:
    assert _read("gmail-german").sender.name == "Jürgen Müller"
    assert _read("gmail-german").subject == "Re: Ihre Bestellung für März"
    assert _read("japanese-gmail").sender.name == "山田"
    assert _read("japanese-gmail").subject == "Re: ご注文"
    assert _read("no-mime-latin1-lies").sender.name == "Björk"


def test_what_a_mail_answers_is_read() -> None:
    mail = _read("gmail-web")
    assert mail.message_id == "<CAF1x=Qk2+7hd@mail.gmail.com>"
    assert mail.in_reply_to == "<abc.def@tideway.example>"
    assert mail.references == ("<abc.def@tideway.example>",)


def test_files_come_with_their_names_types_and_bytes() -> None:
    files = _read("attachments").files
    assert [(file.name, file.media_type) for file in files] == [
        ("bag.png", "image/png"),
        ("Rechnung März.pdf", "application/pdf"),
        ("htaccess", "application/octet-stream"),
        ("An older mail.eml", "message/rfc822"),
    ]
    assert files[0].content == b"\x89PNG\r\n\x1a\n"
    assert b"Old words." in files[3].content


def test_a_bounce_says_which_mail_did_not_arrive() -> None:
    mail = _read("bounce")
    assert mail.auto is AutoReason.BOUNCE
    assert mail.failed_id == "<abc.def@tideway.example>"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vacation", AutoReason.AUTO_REPLY),
        ("vacation-german-subject-only", AutoReason.AUTO_REPLY),
        ("newsletter", AutoReason.LIST),
        ("mailing-machine", AutoReason.NOTICE),
        ("gmail-web", None),
        ("outlook-desktop", None),
    ],
)
def test_machines_are_told_from_people(name: str, reason: AutoReason | None) -> None:
    assert _read(name).auto is reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Auto-Submitted: auto-replied (vacation)", AutoReason.AUTO_REPLY),
        ("Auto-Submitted: auto-generated", AutoReason.NOTICE),
        ("Auto-Submitted: no", None),
        ("X-Autoreply: yes", AutoReason.AUTO_REPLY),
        ("X-Autorespond: x", AutoReason.AUTO_REPLY),
        ("Precedence: auto_reply", AutoReason.AUTO_REPLY),
        ("Precedence: bulk", AutoReason.BULK),
        ("Precedence: junk", AutoReason.BULK),
        ("Precedence: list", AutoReason.LIST),
        ("Precedence: first-class", None),
        ("List-Id: <a.b>", AutoReason.LIST),
        ("Return-Path: <>", AutoReason.BOUNCE),
        ("Return-Path: <pat@example.com>", None),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", AutoReason.SUPPRESSED),
        ("X-Auto-Response-Suppress: DR", None),
        ("Subject: Out of Office: Re: Your beans", AutoReason.AUTO_REPLY),
        ("Subject: Réponse automatique : café", AutoReason.AUTO_REPLY),
        ("Subject: Resposta automática: café", AutoReason.AUTO_REPLY),
        ("Subject: 自動応答: 注文", AutoReason.AUTO_REPLY),
        ("Subject: I am out of beans", None),
    ],
)
def test_headers_that_machines_set_are_known(header: str, reason: AutoReason | None) -> None:
    assert _mail(header).auto is reason


def test_a_read_receipt_is_no_answer() -> None:
    kind = "multipart/report; report-type=disposition-notification; boundary=b"
    mail = _mail(f"Content-Type: {kind}", body="--b\r\n\r\nYour mail was read.\r\n--b--\r\n")
    assert mail.auto is AutoReason.RECEIPT


def test_our_own_mail_that_comes_back_is_a_loop() -> None:
    assert inbound.parse(compose.write(PROJECT, LETTER, NOW).raw).is_loop


def test_our_own_mail_is_known_without_its_header_too() -> None:
    raw = compose.write(PROJECT, LETTER, NOW).raw
    assert inbound.parse(raw.replace(b"X-Regulars:", b"X-Other:")).is_loop


def test_an_answer_to_our_mail_is_no_loop() -> None:
    ours = compose.write(PROJECT, LETTER, NOW)
    assert not _mail(f"In-Reply-To: {ours.message_id}", f"References: {ours.message_id}").is_loop


def test_another_installation_s_mail_is_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = compose.write(PROJECT, LETTER, NOW).raw
    monkeypatch.setenv("REGULARS_SECRET_KEY", "somebody else's")
    assert not inbound.parse(raw).is_loop


def test_what_goes_round_and_round_is_a_loop() -> None:
    hops = [
        f"Received: from a{number} by b; Mon, 4 May 2026 10:00:00 +0000" for number in range(60)
    ]
    assert _mail(*hops).is_loop


def test_an_answer_to_our_letter_quotes_it_apart() -> None:
    """What our own HTML becomes in a program that answers below it."""
    ours = compose.write(PROJECT, replace(LETTER, quoted="Where?", quoted_as="Pat wrote:"), NOW)
    mail = inbound.parse(ours.raw)
    assert mail.text.startswith("They left today.")


def test_a_mail_is_known_again_whichever_way_it_came() -> None:
    raw = (CORPUS / "gmail-web.eml").read_bytes()
    again = b"Return-Path: <pat@example.com>\r\nReceived: from x by y\r\n" + raw
    assert inbound.parse(raw).fingerprint == inbound.parse(again).fingerprint
    other = raw.replace(b"open, though", b"shut, though")
    assert inbound.parse(raw).fingerprint != inbound.parse(other).fingerprint


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        ('"Doe, Pat" <pat@EXAMPLE.com>', Mailbox("pat@example.com", "Doe, Pat")),
        ("pat@example.com (Pat Doe)", Mailbox("pat@example.com", "Pat Doe")),
        ("<pat@example.com>", Mailbox("pat@example.com")),
        ('"bank@example.net" <pat@example.com>', Mailbox("pat@example.com", "bank@example.net")),
        ("=?utf-8?q?P=C3=A4t=2C_Doe?= <pat@example.com>", Mailbox("pat@example.com", "Pät, Doe")),
        ("=?utf-8?b?w6Q=?= =?utf-8?b?w7Y=?= <a@b.c>", Mailbox("a@b.c", "äö")),
        ("=?utf-8?b?4pg=?= =?utf-8?b?lQ==?= <a@b.c>", Mailbox("a@b.c", "☕")),
        ("Team: a@b.c, d@e.f;", Mailbox("a@b.c")),
        ('"a\\"b" <a@b.c>', Mailbox("a@b.c", 'a"b')),
        ("\u202eexe.tap <a@b.c>", Mailbox("a@b.c", "exe.tap")),
    ],
)
def test_senders_are_read_however_they_are_written(header: str, sender: Mailbox) -> None:
    raw = f"From: {header}\r\n\r\nHello".encode()
    assert inbound.parse(raw).sender == sender


def test_recipients_are_all_who_are_named() -> None:
    mail = _mail("To: a@b.c, D <d@e.f>", "Cc: g@h.i", "Delivered-To: k@l.m")
    assert mail.to == ("a@b.c", "d@e.f", "g@h.i", "k@l.m")


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\0\0", b"Hello there", b"Subject: x\r\n\r\ny"])
def test_what_names_no_sender_is_no_mail(raw: bytes) -> None:
    with pytest.raises(UnreadableMailError):
        inbound.parse(raw)


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("Mon, 4 May 2026 12:00:00 +0200", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("4 May 2026 12:00:00", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Mon, 99 May 2026 12:00:00 +0200", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_read_or_left(date: str, instant: datetime | None) -> None:
    assert _mail(f"Date: {date}").sent_at == instant


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", b"\x93Gr\xfc\xdfe\x94", "“Grüße”"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("no-such-thing", "Grüße".encode(), "Grüße"),
        ("utf-8", b"Gr\xfc\xdfe", "Grüße"),
        ("gb2312", "价钱€".encode("gb18030"), "价钱€"),
        ("ks_c_5601-1987", "가격".encode("cp949"), "가격"),
        ("punycode", b"Gre-6ka6k", "Gre-6ka6k"),
        ("", b"a\0b\x1bc", "abc"),
    ],
)
def test_charsets_are_read_as_they_are_meant(charset: str, raw: bytes, text: str) -> None:
    head = f"From: a@b.c\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    assert inbound.parse(head.encode() + raw).text == text
