"""A body that is too large is refused before Django takes it in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from regulars.config import body_limit


@pytest.mark.parametrize(
    ("length", "too_much"),
    [(b"0", False), (str(body_limit.MOST_BYTES).encode(), False), (b"314572801", True),
     (b"9" * 40, True), (b"-1", True), (b"x", True)],
)  # fmt: skip
def test_what_says_that_it_is_too_much_is_refused(length: bytes, too_much: bool) -> None:
    assert body_limit.says_too_much({"headers": [(b"content-length", length)]}) is too_much
    assert not body_limit.says_too_much({"headers": []})


def test_what_turns_out_to_be_too_much_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "MOST_BYTES", 10)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"12345", "more_body": True}

    limited = body_limit.counted(receive)
    kinds: list[str] = [asyncio.run(limited())["type"] for _ in range(4)]  # type: ignore[arg-type]
    assert kinds == ["http.request", "http.request", "http.disconnect", "http.disconnect"]


def test_the_refusal_is_an_answer() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(body_limit.refuse(send))
    assert [one.get("status", one.get("body")) for one in sent] == [413, b"That is too large."]
