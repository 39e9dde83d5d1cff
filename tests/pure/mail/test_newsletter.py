"""A copy of an email to many parses clean, whatever is in names, subjects and words."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from regulars.mail import newsletter
from regulars.mail.courier import stuffed
from regulars.mail.letters import Mailbox

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "X-Regulars", "MIME-Version",
    "Content-Type",
]  # fmt: skip
NASTY = st.text() | st.sampled_from(
    ["a\r\nBcc: x@example.com", "=?utf-8?q?a=0D=0ABcc:_x?=", '"\r\n\r\n<b>', "\x00", "é" * 300]
)


def written(name: str, subject: str, words: str) -> bytes:
    head = newsletter.Head(
        Mailbox("hello@tideway.example", name), Mailbox("answers@tideway.example", name)
    )
    copy = newsletter.Copy(UUID(int=7), Mailbox("pat@example.com", name), subject, words, words)
    return newsletter.write(head, copy, AT)


@given(name=NASTY, subject=NASTY, words=NASTY)
def test_nothing_in_it_makes_a_header_or_a_part(name: str, subject: str, words: str) -> None:
    raw = written(name, subject, words)
    parsed = message_from_bytes(raw, policy=default)
    assert parsed.keys() == FIELDS
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


@given(name=NASTY, subject=NASTY, words=NASTY)
def test_it_is_seven_bit_in_short_lines_that_end_as_they_should(
    name: str, subject: str, words: str
) -> None:
    raw = written(name, subject, words)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(NASTY)
def test_no_line_of_it_ends_the_data(words: str) -> None:
    sent = stuffed(written("", "", words + "\n.\n."))
    assert sent.count(b"\r\n.\r\n") == 1
    assert sent.endswith(b"\r\n.\r\n")


def test_words_come_out_as_they_went_in() -> None:
    parsed = message_from_bytes(written("Zoë", "Grüße", "Öl & Essig\n王小明"), policy=default)
    assert parsed["Subject"] == "Grüße"
    said = [part.get_content().split() for part in parsed.iter_parts()]
    assert said == [["Öl", "&", "Essig", "王小明"]] * 2
