"""Only what Amazon signed is Amazon's, under a certificate that Amazon alone can serve."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regulars.mail import sns
from regulars.mail.sns import Certificates, UnavailableError, is_amazons
from tests.pure.mail.amazon import URL, Amazon, certificate, pem

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SAID = {
    "Type": "Notification",
    "MessageId": "1",
    "TopicArn": "arn:aws:sns:eu-west-1:1:bounces",
    "Message": "{}",
    "Timestamp": "2026-05-04T12:00:00.000Z",
}
ASKED = SAID | {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://x"}


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Amazon:
    found = Amazon()
    monkeypatch.setattr(sns, "_CERTIFICATES", found.certificates())
    return found


def believed(said: dict[str, Any]) -> bool:
    return is_amazons(json.dumps(said).encode())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("said", [SAID, SAID | {"Subject": "Beans"}, ASKED])
def test_what_amazon_signed_is_believed(amazon: Amazon, said: dict[str, Any], version: str) -> None:
    assert believed(amazon.signed(said, version))


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "[]"},
        {"MessageId": "2"},
        {"Subject": "more"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
        {"Signature": "AAAA"},
        {"Signature": "no base64"},
        {"Signature": None},
        {"SigningCertURL": None},
    ],
)
def test_a_letter_more_or_less_is_not(amazon: Amazon, change: dict[str, Any]) -> None:
    assert not believed(amazon.signed(SAID) | change)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"\xff", b'{"Signature": {}}'])
def test_odd_bodies_are_not(amazon: Amazon, body: bytes) -> None:
    assert not is_amazons(body)
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://evil.example/SimpleNotificationService-0123abc.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0123abc.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123abc.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/a/../SimpleNotificationService-0123abc.pem",
        "https://sns.evil.amazonaws.com/SimpleNotificationService-0123abc.pem",
        "file:///etc/passwd",
    ],
)
def test_no_certificate_is_looked_up_elsewhere(amazon: Amazon, url: str) -> None:
    assert not believed(amazon.signed(SAID) | {"SigningCertURL": url})
    assert amazon.asked == []


def test_a_certificate_is_fetched_once_a_day(amazon: Amazon) -> None:
    certificates = amazon.certificates()
    now = datetime.now(UTC)
    for hours in (0, 1, 23):
        certificates.key_of(URL, now + timedelta(hours=hours))
    assert len(amazon.asked) == 1
    certificates.key_of(URL, now + timedelta(hours=25))
    assert len(amazon.asked) == 2


AUTHORITY = "An authority"
GOOD = certificate("sns.amazonaws.com", AUTHORITY, at=NOON)
ROOT = certificate(AUTHORITY, AUTHORITY, at=NOON)


@pytest.mark.parametrize("file", [pem(GOOD), pem(GOOD, ROOT)])
def test_a_good_certificate_alone_or_with_its_makers_is_taken(file: bytes) -> None:
    assert Certificates(lambda _: file).key_of(URL, NOON) == GOOD.public_key()


@pytest.mark.parametrize(
    "file",
    [
        pem(certificate("sns.evil.example", AUTHORITY, at=NOON)),
        pem(certificate("s3.amazonaws.com", AUTHORITY, at=NOON)),
        pem(certificate("sns.amazonaws.com", AUTHORITY, at=NOON - timedelta(days=30))),
        pem(certificate("sns.amazonaws.com", AUTHORITY, at=NOON + timedelta(days=30))),
        pem(certificate("sns.amazonaws.com", AUTHORITY, at=NOON, signer="Somebody"), ROOT),
        pem(GOOD, certificate("Another authority", "Another authority", at=NOON)),
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_any_other_is_not(file: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        Certificates(lambda _: file).key_of(URL, NOON)


def test_one_that_can_t_be_had_says_so() -> None:
    def away(_: str) -> bytes:
        raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        Certificates(away).key_of(URL, NOON)
