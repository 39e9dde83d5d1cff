"""Web Push by its RFCs: what the push service carries, and who alone can read it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st

from regulars.inbox import web_push
from regulars.inbox.web_push import PushKeyError, b64, encrypt, read_keys, unb64
from tests.pure.inbox.push_reader import Browser

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "an installation's secret"

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)


def _private(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(scalar), "big"), ec.SECP256R1())


def test_the_rfc_s_example_comes_out_as_it_says() -> None:
    body = encrypt(PLAIN, read_keys(UA_PUBLIC, AUTH), salt=unb64(SALT), own=_private(AS_PRIVATE))
    assert b64(body) == BODY


def test_the_rfc_s_browser_reads_its_example() -> None:
    assert Browser(_private(UA_PRIVATE), unb64(AUTH)).read(unb64(BODY)) == PLAIN


@given(st.binary(max_size=web_push.MOST_PLAIN))
def test_the_browser_reads_what_was_said(plain: bytes) -> None:
    browser = Browser.new()
    assert browser.read(encrypt(plain, read_keys(browser.p256dh, browser.auth_text))) == plain


def test_another_browser_reads_nothing() -> None:
    browser = Browser.new()
    body = encrypt(b"secret", read_keys(browser.p256dh, browser.auth_text))
    with pytest.raises(InvalidTag):
        Browser.new().read(body)


def test_the_same_message_is_never_the_same_twice() -> None:
    browser = Browser.new()
    keys = read_keys(browser.p256dh, browser.auth_text)
    assert encrypt(b"again", keys) != encrypt(b"again", keys)


def test_the_longest_message_fits_a_push_service() -> None:
    browser = Browser.new()
    keys = read_keys(browser.p256dh, browser.auth_text)
    assert len(encrypt(b"x" * web_push.MOST_PLAIN, keys)) <= 4096
    with pytest.raises(ValueError, match="bytes at most"):
        encrypt(b"x" * (web_push.MOST_PLAIN + 1), keys)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", AUTH),
        (UA_PUBLIC, ""),
        (UA_PUBLIC[:-2], AUTH),
        (UA_PUBLIC, AUTH + "AA"),
        ("BB" + UA_PUBLIC[2:], AUTH),  # not a point of the curve
        (b64(b"\x02" + unb64(UA_PUBLIC)[1:33]), AUTH),  # a compressed one
        ("ä" * 87, AUTH),
        (UA_PUBLIC, "not base64 !"),
        ("A" * 87, AUTH),
    ],
)
def test_what_is_no_browser_s_key_is_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(PushKeyError):
        read_keys(p256dh, auth)


def _token(header: str) -> tuple[dict[str, str], dict[str, object], bytes, bytes, str]:
    """RFC 8292's header taken apart: head, claims, what is signed, the signature, the key."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    signed, _, signature = said["t"].rpartition(".")
    head, claims = (json.loads(unb64(part)) for part in signed.split("."))
    return head, claims, signed.encode(), unb64(signature), said["k"]


def test_the_push_service_can_tell_who_we_are() -> None:
    endpoint = "https://push.example.net:8443/send/abc?x=1"
    header = web_push.authorization(endpoint, SECRET, "mailto:ops@example.com", NOW)
    head, claims, signed, signature, key = _token(header)
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims == {
        "aud": "https://push.example.net:8443",
        "exp": int(NOW.timestamp()) + 12 * 3600,
        "sub": "mailto:ops@example.com",
    }
    assert len(signature) == 64
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def test_an_installation_keeps_its_key_and_no_other_has_it() -> None:
    assert web_push.public_key(SECRET) == web_push.public_key(SECRET)
    assert web_push.public_key(SECRET) != web_push.public_key(SECRET + "!")
    assert len(unb64(web_push.public_key(SECRET))) == 65


def test_a_topic_is_as_the_rfc_wants_it() -> None:
    topic = web_push.topic_of("conversation")
    assert len(topic) <= 32
    assert topic == web_push.topic_of("conversation") != web_push.topic_of("another")
    assert base64.urlsafe_b64decode(topic)
