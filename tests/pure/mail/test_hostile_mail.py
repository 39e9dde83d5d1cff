"""Mail that is meant to do harm: it is read or refused, soon, and nothing else happens."""

from __future__ import annotations

import os
import random
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.mail import inbound, mime, plain, quoting
from regulars.mail.inbound import UnreadableMailError
from tests.pure.mail.letters import write

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))
CORPUS = [mail.read_bytes() for mail in sorted(Path(__file__).with_name("corpus").glob("*.eml"))]

HEAD = b"From: a@b.c\r\n"
ALT = b"Content-Type: multipart/alternative; boundary=b\r\n"


def _html(body: str) -> bytes:
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body.encode()


def _plain(body: str) -> bytes:
    return HEAD + b"\r\n" + body.encode()


def _nested(depth: int) -> bytes:
    raw = b"Content-Type: text/plain\r\n\r\ndeep"
    for number in range(depth):
        kind = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
        raw = kind + raw + b"\r\n--b%d--" % number
    return HEAD + raw


def _in_messages(depth: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"deep"


# What is bad, by size: (name, the mail of this size).
BOMBS: list[tuple[str, Callable[[int], bytes]]] = [
    ("headers", lambda size: HEAD + b"X: y\r\n" * size + b"\r\nHello"),
    ("header lines", lambda size: HEAD + b"Subject: x\r\n" + b" y\r\n" * size + b"\r\nHello"),
    ("one header", lambda size: HEAD + b"Subject: " + b"=?" * size + b"\r\n\r\nHello"),
    ("words", lambda size: HEAD + b"Subject: " + b"=?utf-8?q?a?= " * size + b"\r\n\r\nHello"),
    ("brackets", lambda size: HEAD + b"To: " + b"(" * size + b"a@b.c\r\n\r\nHello"),
    ("quotes", lambda size: HEAD + b"To: " + b'"a\\' * size + b"<a@b.c>\r\n\r\nHello"),
    ("recipients", lambda size: HEAD + b"To: " + b"a@b.c, " * size + b"\r\n\r\nHello"),
    ("ids", lambda size: HEAD + b"References: " + b"<a@" * size + b"\r\n\r\nHello"),
    ("parameters", lambda size: HEAD + b"Content-Type: text/plain" + b';a="' * size + b"\r\n\r\nx"),
    ("nested", lambda size: _nested(size // 50)),
    ("messages", lambda size: _in_messages(size // 10)),
    ("parts", lambda size: HEAD + ALT + b"\r\n" + b"--b\r\n\r\nx\r\n" * size),
    ("almost parts", lambda size: HEAD + ALT + b"\r\n" + b"--b x\r\n" * size),
    ("blank lines", lambda size: HEAD + b"\r\n" + b"\r\n" * size),
    ("comments", lambda size: _html("<!--" * size)),
    ("tags", lambda size: _html("<a " * size)),
    ("attributes", lambda size: _html('<a b="' * size)),
    ("hrefs", lambda size: _html('<a href="' * size + ">")),
    ("apostrophes", lambda size: _html("<a b='\"" * size)),
    ("scripts", lambda size: _html("<script>" * size)),
    ("styles", lambda size: _html("<style></style>" * size)),
    ("depth", lambda size: _html("<div>" * size)),
    ("quotes in quotes", lambda size: _html("<blockquote>x" * size)),
    ("lists", lambda size: _html("<ol><li>x" * size)),
    ("links", lambda size: _html("<a href=http://a.b>x" * size)),
    ("misnested", lambda size: _html(
        "<p>" + "".join(f"<b id={n}>" for n in range(size // 4)) + "</p>" + "<p>x</p>" * size
    )),
    ("entities", lambda size: _html("&#" + "9" * size + ";" + "&amp" * size)),
    ("angles", lambda size: _plain(">" * size + "\n> " * size)),
    ("colons", lambda size: _plain("wrote" * size + ":\n")),
    ("wrote", lambda size: _plain("On 4 May 2026 x@y wrote:\n" * size)),
    ("dashes", lambda size: _plain("-" * size + "\n" + "--\n" * size)),
    ("heads", lambda size: _plain("From: a\nSent: b\n" * size)),
    ("interleaved", lambda size: _plain("> a\nb\n" * size)),
    ("flowed", lambda size: HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n"
     + b"x \r\n" * size),
    ("base64", lambda size: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A\r\n" * size),
    ("printable", lambda size: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     + b"=\r\n" * size),
]  # fmt: skip


@pytest.fixture
def _patience() -> Iterator[None]:
    """What takes a second where time grows with size, and hours where it grows with its square, is
    given a minute of the processor's time.
    """

    def enough(_number: int, _frame: object) -> None:
        raise TimeoutError("It takes for ever")

    before = signal.signal(signal.SIGVTALRM, enough)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("_patience")
@pytest.mark.parametrize(("name", "make"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_mail_that_is_made_to_take_for_ever_is_read(
    name: str, make: Callable[[int], bytes]
) -> None:
    inbound.parse(make(200_000))


def test_misnested_html_is_not_multiplied() -> None:
    """What an HTML5 tree of 58 KB makes 1.5 GB of."""
    raw = _html("<p>" + "".join(f"<b id={n}>" for n in range(1000)) + "</p>" + "<p>x</p>" * 6000)
    tracemalloc.start()
    try:
        inbound.parse(raw)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_more_than_we_read_is_refused() -> None:
    with pytest.raises(UnreadableMailError):
        inbound.parse(HEAD + b"\r\n" + b"x" * mime.MOST_BYTES)


def test_what_comes_out_has_limits() -> None:
    mail = inbound.parse(HEAD + b"Subject: " + b"s" * 9_000 + b"\r\n\r\n" + b"word " * 2_000_000)
    assert len(mail.text) <= inbound.MOST_TEXT
    assert len(mail.subject) <= inbound.MOST_SUBJECT


def test_files_beyond_the_limit_are_counted_and_left_out() -> None:
    part = b"--b\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\nx\r\n"
    kind = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    mail = inbound.parse(HEAD + kind + part * 40 + b"--b--")
    assert len(mail.files) == inbound.MOST_FILES
    assert mail.left_out == 40 - inbound.MOST_FILES


def test_files_larger_than_we_take_are_left_out() -> None:
    large = b"--b\r\nContent-Type: image/png\r\n\r\n" + b"x" * 15_000_000 + b"\r\n"
    kind = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    mail = inbound.parse(HEAD + kind + large * 2 + b"--b--")
    assert (len(mail.files), mail.left_out) == (1, 1)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\a\\b.txt", "b.txt"),
        ("...", "file-1"),
        (".htaccess", "htaccess"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\0b\r\nc.txt", "a b c.txt"),
        ("<script>.svg", "_script_.svg"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_of_files_are_only_names(given: str, name: str) -> None:
    kind = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    escaped = given.replace("\\", "\\\\").replace("\r\n", " ").encode()
    head = b'Content-Disposition: attachment; filename="' + escaped + b'"\r\n\r\nx\r\n--b--'
    (file,) = inbound.parse(HEAD + kind + head).files
    assert file.name == name


def test_what_is_deeper_than_we_look_is_not_lost() -> None:
    assert "deep" in inbound.parse(_nested(mime.MOST_DEPTH * 3)).text


@settings(max_examples=EXAMPLES * 10, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 12))
def test_real_mail_that_was_mangled_is_read_or_refused(seed: int, cuts: int) -> None:
    _parse(_mangled(random.Random(seed), cuts))


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    _parse(raw)
    _parse(HEAD + raw)
    _parse(HEAD + ALT + b"\r\n--b\r\n" + raw)


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(st.text(max_size=2_000) | st.text("<>/ab =\"'!-&#;\npbdivrlockquote", max_size=500))
def test_any_html_becomes_text_without_a_control(html: str) -> None:
    text = plain.from_html(html).replace(plain.HISTORY, "")
    assert not [letter for letter in text if letter < " " and letter not in "\n\t\r"]


@settings(max_examples=EXAMPLES * 10, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["", "> a", ">> b", "Hello", "On 4 May 2026, Pat <p@q.r> wrote:", "wrote:", "-- ",
             "From: a@b.c", "Sent: today", "To: x", "Subject: y", "-----Original Message-----",
             "_" * 20, plain.HISTORY, "Am 4. Mai 2026 schrieb", "Begin forwarded message:", ":"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_no_word_is_lost_between_what_is_said_and_what_is_quoted(lines: list[str]) -> None:
    found = quoting.split("\n".join(lines))
    words = sorted(line for line in lines if line and line != plain.HISTORY)
    kept = [*found.text.split("\n"), *found.quoted.split("\n")]
    assert sorted(line for line in kept if line) == words


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(text=st.text(max_size=1_000), subject=st.text(max_size=200), name=st.text(max_size=100))
def test_what_we_write_we_read(text: str, subject: str, name: str) -> None:
    mail = write(text=f"a{text}", subject=subject)
    read = inbound.parse(mail.raw)
    assert read.subject == mail.subject
    assert read.message_id == mail.message_id
    assert read.text + read.quoted != ""


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(subject=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=300))
def test_headers_of_other_programs_are_read(subject: str) -> None:
    message = EmailMessage()
    message["From"] = "a@b.c"
    message["Subject"] = subject
    message.set_content("Hello")
    assert inbound.parse(message.as_bytes()).subject == subject


def _mangled(dice: random.Random, cuts: int) -> bytes:
    """One of the corpus, bytes of it cut out, doubled, moved and overwritten."""
    raw = bytearray(dice.choice(CORPUS))
    for _ in range(cuts):
        begin = dice.randrange(len(raw) + 1)
        end = min(len(raw), begin + dice.choice((1, 2, 10, 100)))
        what = dice.randrange(4)
        if what == 0:
            del raw[begin:end]
        elif what == 1:
            raw[begin:begin] = raw[begin:end] * dice.choice((1, 3, 50))
        elif what == 2:
            raw[begin:begin] = dice.choice(
                (b"\0", b"\r\n", b"\xff", b'"', b"--", b"<", b"=?", b";")
            )
        else:
            raw[begin:begin] = dice.choice(CORPUS)[: dice.randrange(400)]
    return bytes(raw)


def _parse(raw: bytes) -> None:
    try:
        mail = inbound.parse(raw)
    except UnreadableMailError:
        return
    lines = (mail.subject, mail.sender.name, mail.sender.address, mail.message_id, *mail.references)
    assert not [line for line in lines if any(category(letter) == "Cc" for letter in line)]
    for text in (mail.text, mail.quoted):
        assert "\0" not in text
        text.encode()
    for file in mail.files:
        assert "/" not in file.name
        assert file.name
