"""Signed mail, checked by another implementation: what we sign verifies, and nothing else does."""

from __future__ import annotations

import os
import re

import dkim as checker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.mail import dkim
from regulars.mail.dkim import Key, Signer
from tests.pure.mail.letters import write

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))
DOMAIN = "tideway.example"

_RSA, _ED25519 = dkim.make_key("rsa"), dkim.make_key("ed25519")
RSA = Key("r1", "rsa", dkim.read_key(_RSA[0]))
ED25519 = Key("r2", "ed25519", dkim.read_key(_ED25519[0]))
RECORDS = {
    f"r1._domainkey.{DOMAIN}.": dkim.record_of("rsa", _RSA[1]),
    f"r2._domainkey.{DOMAIN}.": dkim.record_of("ed25519", _ED25519[1]),
}
SIGNER = Signer(DOMAIN, (ED25519, RSA))
MAIL = (
    b"From: Tideway <hello@tideway.example>\r\nTo: pat@example.com\r\nSubject: Beans\r\n"
    b"List-Unsubscribe: <https://r.example/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
)


def _verifies(raw: bytes) -> list[bool]:
    """Of each signature, the first on top."""
    checked = checker.DKIM(raw)
    count = len(re.findall(rb"^DKIM-Signature:", raw, re.MULTILINE | re.IGNORECASE))
    return [_verified(checked, number) for number in range(count)]


def _verified(checked: checker.DKIM, number: int) -> bool:
    try:
        return bool(checked.verify(number, dnsfunc=_record))
    except checker.ValidationError:
        return False


def _record(name: bytes, timeout: int = 5) -> bytes:
    return RECORDS[name.decode()].encode()


def _altered(before: bytes, after: bytes) -> bytes:
    signed = SIGNER.sign(MAIL)
    assert before in signed
    return signed.replace(before, after, 1)


def test_a_letter_is_signed_by_both_keys_and_both_verify() -> None:
    assert _verifies(SIGNER.sign(write().raw)) == [True, True]


def test_the_mail_itself_stays_as_it_is() -> None:
    assert SIGNER.sign(MAIL).endswith(MAIL)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Hello\r\n", b"Hell0\r\n"),
        (b"Subject: Beans", b"Subject: Beams"),
        (b"hello@tideway", b"evil@tideway"),
        (b"r.example/u/x>", b"evil.example/u/x>"),
        (b"=One-Click", b"=Two-Clicks"),
        (b"To: pat@", b"To: sam@"),
    ],
)
def test_a_mail_that_was_altered_does_not_verify(before: bytes, after: bytes) -> None:
    assert _verifies(_altered(before, after)) == [False, False]


@pytest.mark.parametrize(
    "more",
    [
        b"From: evil@example.org\r\n",
        b"Subject: Another\r\n",
        b"Reply-To: evil@example.org\r\n",
        b"To: all@example.org\r\n",
        b"Content-Type: text/html\r\n",
        b"List-Unsubscribe: <https://evil.example/>\r\n",
    ],
)
def test_no_header_of_that_kind_can_be_added(more: bytes) -> None:
    assert _verifies(SIGNER.sign(MAIL).replace(MAIL, more + MAIL)) == [False, False]
    assert _verifies(SIGNER.sign(MAIL).replace(b"MIME-Version", more + b"MIME-Version")) == [
        False,
        False,
    ]


def test_blanks_that_servers_change_do_no_harm() -> None:
    assert _verifies(_altered(b"Subject: Beans", b"Subject:   Beans ")) == [True, True]
    assert _verifies(_altered(b"Hello\r\n", b"Hello \t\r\n\r\n\r\n")) == [True, True]


def test_header_lines_of_a_signature_are_short() -> None:
    head = SIGNER.sign(MAIL).partition(b"From:")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 78


def test_bare_line_ends_are_made_whole_before_signing() -> None:
    signed = SIGNER.sign(MAIL.replace(b"\r\n", b"\n").rstrip())
    assert b"\n" not in signed.replace(b"\r\n", b"")
    assert _verifies(signed) == [True, True]


_LINE = st.text(alphabet=st.sampled_from('ab :;=<>\t"\\é–日\x00\x7f'), max_size=40)
_BODY = st.lists(_LINE, max_size=8).map("\r\n".join) | st.text(alphabet="\r\n \tx.", max_size=60)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    subject=_LINE.filter(lambda text: not set(text) & {"\x00", "\x7f"}),
    folded=st.lists(st.sampled_from(["word", "  ", "\t", "a=b"]), min_size=1, max_size=6),
    body=_BODY,
)
def test_whatever_is_signed_verifies(subject: str, folded: list[str], body: str) -> None:
    long = "x\r\n " + "\r\n\tz".join(folded)
    head = f"From: a@{DOMAIN}\r\nTo: {long}\r\nX-Odd:\r\nSubject:{subject}\r\n"
    signed = Signer(DOMAIN, (ED25519,)).sign(head.encode() + b"\r\n" + body.encode())
    assert _verifies(signed) == [True]


def test_keys_are_for_their_domain_and_what_stands_below_it() -> None:
    assert dkim.and_above("news.tideway.example") == ["news.tideway.example", "tideway.example"]
    assert dkim.and_above("example.com") == ["example.com"]
    assert dkim.and_above("com") == ["com"]
