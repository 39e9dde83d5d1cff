"""Files of conversations: who may send and fetch them, and that nothing in one can run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.inbox import attachments
from regulars.kit import clock, pictures
from regulars.public.messenger import tokens
from tests.cast import Cast
from tests.slices.messenger.client import Messenger
from tests.slices.public.served import Served

# A picture of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
EVIL = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def url(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the application answers; streams may end after the test."""
    with django_db_blocker.unblock():
        yield served.url


@pytest.fixture
def visitor(cast: Cast, url: str) -> Iterator[Messenger]:
    with Messenger(url, cast.home.write_key, f"anon-{uuid4()}") as one:
        yield one


def upload(url: str, session: str, content: bytes, name: str = "photo.png") -> httpx.Response:
    return httpx.post(
        f"{url}/messenger/files",
        params={"name": name},
        content=content,
        headers={"Authorization": f"Bearer {session}", "Content-Type": "text/html"},
    )


def test_a_picture_is_sent_and_shown_in_place(url: str, visitor: Messenger) -> None:
    kept = upload(url, visitor.home["session"], PIXEL).json()
    assert (kept["image"], kept["width"], kept["type"]) == (True, 1, "image/png")
    said = visitor.say("Look", files=[kept["id"]])
    (message,) = visitor.thread(said["conversation"])
    answer = httpx.get(url + message["files"][0]["url"])
    assert answer.content == PIXEL
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "photo.png"])
def test_what_a_browser_might_run_is_a_download_in_a_sandbox(
    url: str, visitor: Messenger, name: str
) -> None:
    kept = upload(url, visitor.home["session"], EVIL, name).json()
    answer = httpx.get(url + kept["url"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "name"), [(b"", "a.txt"), (b"MZ", "run.exe"), (b"x", "no-ending")]
)
def test_what_is_not_taken_is_refused_by_its_name(
    url: str, visitor: Messenger, content: bytes, name: str
) -> None:
    answer = upload(url, visitor.home["session"], content, name)
    assert (answer.status_code, answer.json()["field"]) == (400, "file")


def test_more_than_ten_megabytes_are_refused(url: str, visitor: Messenger) -> None:
    answer = upload(url, visitor.home["session"], b"x" * (attachments.MOST_BYTES + 1), "a.txt")
    assert answer.json()["code"] == "too_large"


def test_nobody_uploads_without_a_session(cast: Cast, url: str, visitor: Messenger) -> None:
    good: str = visitor.home["session"]
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = tokens.seal("session", cast.home.id, uuid4(), past)
    of_a_file = tokens.seal("file", cast.home.id, uuid4(), clock.now() + timedelta(hours=1))
    for token in ("-", "nonsense", good[:-2] + "xx", expired, of_a_file, f"{good}.{good}"):
        assert upload(url, token, PIXEL).status_code == 401


def test_another_s_file_can_t_be_sent(cast: Cast, url: str, visitor: Messenger) -> None:
    kept = upload(url, visitor.home["session"], PIXEL).json()
    with Messenger(url, cast.home.write_key, f"anon-{uuid4()}") as other:
        assert other.say("Mine", files=[kept["id"]])["field"] == "files"
    with Messenger(url, cast.elsewhere.write_key, visitor.anon) as elsewhere:
        assert elsewhere.say("Mine", files=[kept["id"]])["field"] == "files"


def test_a_file_is_fetched_by_its_own_token_alone(cast: Cast, url: str, visitor: Messenger) -> None:
    kept = upload(url, visitor.home["session"], PIXEL).json()
    file_id, later = UUID(kept["id"]), clock.now() + timedelta(hours=1)
    good = tokens.seal("file", cast.home.id, file_id, later)
    others = (
        good[:-3] + "abc",
        tokens.seal("session", cast.home.id, file_id, later),
        tokens.seal("file", cast.elsewhere.id, file_id, later),
        tokens.seal("file", cast.home.id, file_id, clock.now() - timedelta(seconds=1)),
        visitor.home["session"],
    )
    assert httpx.get(f"{url}/messenger/files/{good}/photo.png").status_code == 200
    for token in others:
        assert httpx.get(f"{url}/messenger/files/{token}/photo.png").status_code == 404


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\photo.png", "photo.png"),
        ("evil\r\nSet-Cookie: x=1.txt", "evilSet-Cookie x=1.txt"),
        ("\u202egnp.exe.txt", "gnp.exe.txt"),
        ("<img onerror=x>.png", "img onerror=x.png"),
        ("...", "file"),
        ("x" * 400 + ".txt", "x" * 146 + ".txt"),
    ],
)
def test_a_name_is_a_name_and_nothing_else(given_name: str, kept: str) -> None:
    assert attachments.clean_name(given_name) == kept


@settings(deadline=None)
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"RIFF"]), st.binary())
def test_a_broken_picture_is_none(head: bytes, rest: bytes) -> None:
    found = pictures.read(head + rest)
    assert found is None or found.media_type in attachments.SHOWN_IN_PLACE
