"""Letters written out: what leaves is what was meant, whatever people call themselves."""

from __future__ import annotations

import os
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.utils import getaddresses
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.mail import addresses, clean, compose
from regulars.mail.addresses import BadAddressError, Thread
from regulars.mail.letters import File, Mail, Mailbox
from tests.pure.mail.letters import CONVERSATION, LETTER, NOW, PROJECT, read, text_of, write

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))

ANYTHING = st.text(max_size=200) | st.text('=?utf8qb_ \r\n"\\<>@,;:éß日\u202e', max_size=120)


def _header(mail: Mail, name: str) -> str:
    """A header as its bytes say, the encoded words read by the standard library's plain reader."""
    return str(make_header(decode_header(_unfolded(mail, name))))


def _unfolded(mail: Mail, name: str) -> str:
    raw = message_from_bytes(mail.raw, policy=compat32)[name]
    return re.sub(r"\r\n(?=[ \t])", "", str(raw))


def test_a_letter_has_the_headers_that_mail_programs_show() -> None:
    message = read(write())
    assert message["From"] == "Tideway Coffee <help@tideway.example>"
    assert message["To"] == "Pat Doe <pat@example.com>"
    assert message["Subject"] == "Your beans"
    assert message["Date"].datetime == NOW


def test_the_words_are_there_as_text_and_as_html() -> None:
    message = read(write(text="They left today.\n\nSee <you> & bye"))
    assert message.get_content_type() == "multipart/alternative"
    assert text_of(message, "plain") == "They left today.\n\nSee <you> & bye\n"
    assert "See &lt;you&gt; &amp; bye</p>" in text_of(message, "html")


def test_markup_in_a_text_is_text_in_the_html() -> None:
    html = text_of(read(write(text='<img src=x onerror="alert(1)">')), "html")
    assert "<img" not in html


def test_web_addresses_can_be_clicked() -> None:
    html = text_of(read(write(text="See https://tideway.example/a?b=1&c=2.")), "html")
    whole = "https://tideway.example/a?b=1&amp;c=2"
    assert f'<a href="{whole}">{whole}</a>.' in html


def test_a_quote_in_a_web_address_does_not_leave_its_attribute() -> None:
    html = text_of(read(write(text="https://a.example/\"onclick='x'<b>")), "html")
    assert '<a href="https://a.example/">' in html
    assert "<b>" not in html


def test_what_is_answered_stands_below_as_a_quote() -> None:
    message = read(write(quoted_as="On 3 May, Pat wrote:", quoted="Where are\n\nmy beans?"))
    assert text_of(message, "plain").endswith("On 3 May, Pat wrote:\n> Where are\n>\n> my beans?\n")
    assert '<blockquote type="cite"' in text_of(message, "html")


def test_a_footer_stands_under_the_mark_of_a_signature() -> None:
    message = read(write(footer="You wrote to us at tideway.example."))
    assert "\n-- \nYou wrote to us" in text_of(message, "plain")


def test_an_answer_names_what_it_answers() -> None:
    mail = write(answers="<b@x.example>", references=("<a@x.example>",))
    assert _header(mail, "In-Reply-To") == "<b@x.example>"
    assert _header(mail, "References").split() == ["<a@x.example>", "<b@x.example>"]


def test_of_a_long_thread_the_first_and_the_newest_are_named() -> None:
    thread = tuple(f"<{number}@x.example>" for number in range(40))
    named = _header(write(references=thread), "References").split()
    assert len(named) == compose.MOST_REFERENCES
    assert (named[0], named[-1]) == (thread[0], thread[-1])


@pytest.mark.parametrize("wrong", ["a@b", "<a b@c>", "<a@b>\r\nBcc: x@y", "<@>", "<a@b> <c@d>", ""])
def test_what_is_no_message_id_is_left_out(wrong: str) -> None:
    message = read(write(answers=wrong, references=(wrong,)))
    assert message["In-Reply-To"] is None
    assert message["References"] is None


def test_a_person_s_letter_may_be_answered_by_machines() -> None:
    assert read(write())["Auto-Submitted"] is None


def test_what_no_person_wrote_asks_machines_not_to_answer() -> None:
    message = read(write(automatic="auto-replied"))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"


def test_the_message_id_leads_to_the_thread_and_is_the_same_each_time() -> None:
    first, again = (write(conversation_id=CONVERSATION) for _ in range(2))
    assert first.message_id == again.message_id
    assert addresses.find_thread([first.message_id], [PROJECT]) == Thread(PROJECT, CONVERSATION)
    assert _header(first, "Message-ID") == first.message_id


def test_our_own_mail_is_known_by_its_header_and_by_its_message_id() -> None:
    mail = write()
    assert list(addresses.mails_in(_header(mail, compose.MARK))) == [LETTER.id]
    assert list(addresses.mails_in(mail.message_id)) == [LETTER.id]


def test_answers_go_to_the_address_that_is_given() -> None:
    mail = write(reply_to=Mailbox("help+abc@in.tideway.example", "Tideway"))
    assert read(mail)["Reply-To"] == "Tideway <help+abc@in.tideway.example>"


@pytest.mark.parametrize(
    "wrong", ["pat", "", "pat@exa mple.com", "pat@x\r\nRCPT TO:<y@z>", '"a b"@c.d']
)
def test_nobody_is_written_to_at_what_is_no_address(wrong: str) -> None:
    with pytest.raises(BadAddressError):
        write(to=Mailbox(wrong))


def test_a_domain_of_the_world_is_written_as_servers_know_it() -> None:
    assert write(to=Mailbox("pat@bücher.example")).to_address == "pat@xn--bcher-kva.example"


def test_files_come_along() -> None:
    files = (
        File("Rechnung März.pdf", "application/pdf", b"%PDF-1"),
        File("a.txt", "text/plain", b"x"),
    )
    message = read(write(files=files))
    assert [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in message.iter_attachments()
    ] == [("Rechnung März.pdf", "application/pdf", b"%PDF-1"), ("a.txt", "text/plain", b"x")]


@pytest.mark.parametrize(
    "kind", ["message/rfc822", "multipart/mixed", "text/html; charset=x", "", "ü/x"]
)
def test_a_file_of_a_kind_that_could_be_read_as_part_of_the_mail_is_only_bytes(kind: str) -> None:
    (part,) = read(write(files=(File("a", kind, b"x"),))).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"


def test_more_than_servers_take_is_refused() -> None:
    files = (File("a", "image/png", bytes(compose.MOST_FILES_BYTES)), File("b", "image/png", b"x"))
    with pytest.raises(compose.TooLargeError):
        write(files=files)


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(name=ANYTHING, to=ANYTHING, subject=ANYTHING, answers=ANYTHING)
def test_nobody_s_name_or_subject_adds_a_header(
    name: str, to: str, subject: str, answers: str
) -> None:
    mail = write(
        sender=Mailbox("help@tideway.example", name),
        to=Mailbox("pat@example.com", to),
        reply_to=Mailbox("help@tideway.example", name),
        subject=subject,
        answers=answers,
    )
    head, _, _ = mail.raw.partition(b"\r\n\r\n")
    fields = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
    assert [field.split(b":")[0].decode() for field in fields] == [
        "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "X-Regulars",
        "MIME-Version", "Content-Type",
    ]  # fmt: skip


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(name=ANYTHING, subject=ANYTHING)
def test_names_and_subjects_are_read_as_they_were_meant(name: str, subject: str) -> None:
    mail = write(to=Mailbox("pat@example.com", name), subject=subject)
    assert _header(mail, "Subject") == clean.line(subject, compose.MOST_SUBJECT)
    ((phrase, address),) = getaddresses([_unfolded(mail, "To")])
    assert address == "pat@example.com"
    assert str(make_header(decode_header(phrase))) == clean.line(name, compose.MOST_NAME)
    assert [one.addr_spec for one in read(mail)["To"].addresses] == ["pat@example.com"]


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(text=st.text(max_size=3_000), name=ANYTHING, subject=ANYTHING)
def test_mail_is_7_bit_in_lines_that_servers_take(text: str, name: str, subject: str) -> None:
    mail = write(text=text, subject=subject, sender=Mailbox("help@tideway.example", name))
    assert mail.raw.isascii()
    assert b"\0" not in mail.raw
    lines = mail.raw.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert not [line for line in lines if b"\r" in line or b"\n" in line]


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(text=st.text(max_size=2_000))
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    said = clean.lines(text, compose.MOST_TEXT).strip("\n")
    assert text_of(read(write(text=text)), "plain").removesuffix("\n") == said


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(name=ANYTHING, content=st.binary(max_size=300))
def test_a_file_s_name_and_bytes_arrive(name: str, content: bytes) -> None:
    (part,) = read(write(files=(File(name, "application/pdf", content),))).iter_attachments()
    assert part.get_payload(decode=True) == content
    assert part.get_content_type() == "application/pdf"
    assert part.get_filename()


def test_the_id_of_a_mail_is_the_caller_s() -> None:
    other = UUID(int=7)
    assert write(id=other).id == other
