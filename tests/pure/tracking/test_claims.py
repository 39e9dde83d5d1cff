"""A signed claim of identity: what proves it, and what does not."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.tracking.pipeline.claims import proves

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "a-secret"


def test_the_hmac_of_the_user_id_proves_it() -> None:
    assert _proves(_hmac("u1"), "u1")
    assert _proves(_hmac("u1").upper(), "u1")


def test_the_hmac_of_another_id_or_secret_proves_nothing() -> None:
    assert not _proves(_hmac("u2"), "u1")
    assert not _proves(_hmac("u1", "another"), "u1")


@pytest.mark.parametrize("claim", [{"user_id": "u1"}, {"sub": "u1"}, {"user_id": "u1", "sub": "x"}])
def test_a_jwt_that_names_the_user_proves_it(claim: dict[str, Any]) -> None:
    assert _proves(_jwt(claim), "u1")


def test_a_number_may_stand_for_the_user_id() -> None:
    assert _proves(_jwt({"user_id": 42}), "42")


@pytest.mark.parametrize(
    ("expires", "proven"), [(0, False), (-61, False), (-59, True), (1, True), (3600, True)]
)
def test_a_jwt_proves_until_it_expires(expires: int, proven: bool) -> None:
    at = {"exp": NOW.timestamp() + expires} if expires else {"exp": "tomorrow"}
    assert _proves(_jwt({"sub": "u1", **at}), "u1") is proven


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "RS256"}, {"alg": "hs256"}, {}, []])
def test_only_hs256_counts(header: Any) -> None:
    assert not _proves(_jwt({"sub": "u1"}, header=header), "u1")


def test_an_unsigned_jwt_proves_nothing() -> None:
    head = f"{_coded({'alg': 'none'})}.{_coded({'sub': 'u1'})}"
    assert not _proves(f"{head}.", "u1")
    assert not _proves(head, "u1")


def test_a_jwt_changed_after_it_was_signed_proves_nothing() -> None:
    header, _, signature = _jwt({"sub": "u2"}).split(".")
    assert not _proves(f"{header}.{_coded({'sub': 'u1'})}.{signature}", "u1")


def test_a_jwt_that_names_nobody_proves_nothing() -> None:
    assert not _proves(_jwt({}), "None")
    assert not _proves(_jwt({"sub": None}), "None")


def test_without_a_secret_nothing_is_proven() -> None:
    assert not proves(_hmac("u1", ""), "u1", "", NOW)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_token_breaks_it(token: str) -> None:
    assert not _proves(token, "u1")


@settings(deadline=None)
@given(st.text(alphabet="abc.=-_+/ \x00é", max_size=40))
def test_nor_one_that_looks_like_a_jwt(token: str) -> None:
    assert not _proves(f"a.{token}.c", "u1")


@settings(deadline=None)
@given(st.text(max_size=50))
def test_any_user_id_can_be_signed(user_id: str) -> None:
    assert _proves(_hmac(user_id), user_id)
    assert _proves(_jwt({"sub": user_id}), user_id)


def _proves(token: str, user_id: str) -> bool:
    return proves(token, user_id, SECRET, NOW)


def _hmac(user_id: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), user_id.encode(), sha256).hexdigest()


def _jwt(claim: dict[str, Any], *, header: Any = None) -> str:
    head = f"{_coded({'alg': 'HS256'} if header is None else header)}.{_coded(claim)}"
    return f"{head}.{_base64(hmac.digest(SECRET.encode(), head.encode(), sha256))}"


def _coded(value: Any) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
