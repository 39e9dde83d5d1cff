"""Pictures of mail: drawn anew, small and clean; handed out as pictures or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image, PngImagePlugin

from regulars.kit.storage import storage
from regulars.mail import images
from regulars.mail.content.errors import ContentError
from tests.cast import Cast
from tests.slices.public.served import Served

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def url(served: Served, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock():
        yield served.url


def _picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **saved: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (180, 71, 47)).save(out, kind, **saved)
    return out.getvalue()


def _shown(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def _bomb() -> bytes:
    """A picture of 100,000 by 100,000 pixels in a few bytes: it says so, and holds nothing."""
    whole = bytearray(_picture())
    whole[16:24] = (100_000).to_bytes(4, "big") * 2
    return bytes(whole)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/png"), ("WEBP", "image/jpeg")],
)
def test_a_picture_becomes_one_that_every_mailbox_shows(kind: str, media_type: str) -> None:
    drawn = images.draw(_picture(kind))
    assert (drawn.media_type, drawn.width, drawn.height) == (media_type, 40, 30)
    assert _shown(drawn.content).size == (40, 30)


def test_a_large_picture_is_made_small() -> None:
    assert images.draw(_picture("JPEG", (3000, 1500))).width == 1200


def test_a_moving_picture_still_moves() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80)
    assert _shown(images.draw(out.getvalue()).content).n_frames == 3  # type: ignore[attr-defined]


def test_what_a_camera_or_a_program_wrote_into_it_is_gone() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"  # turned, and a description
    turned = images.draw(_picture("JPEG", (40, 20), exif=exif))
    assert (turned.width, turned.height) == (20, 40)
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", "secret place")
    for made in (turned, images.draw(_picture(pnginfo=said))):
        assert b"secret" not in made.content
    behind = images.draw(_picture() + b"<script>alert(1)</script>")
    assert b"script" not in behind.content


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html></html>",
        b"%PDF-1.7", _picture()[:60], _bomb(), b"GIF89a" + b"\0" * 40, b"x" * (10 * 2**20 + 1),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(ContentError) as wrong:
        images.draw(content)
    assert wrong.value.field == "file"


def test_the_same_picture_twice_is_one(cast: Cast) -> None:
    first = images.take(cast.connection, cast.home.id, "a.png", _picture(), NOW)
    again = images.take(cast.connection, cast.home.id, "b.png", _picture(), NOW)
    assert first.id == again.id
    assert [one.name for one in images.newest(cast.connection, cast.home.id)] == ["b.png"]


def test_anybody_who_knows_its_address_gets_the_picture_and_may_keep_it(
    cast: Cast, url: str
) -> None:
    kept = images.take(cast.connection, cast.home.id, "a.png", _picture(), NOW)
    for _ in range(2):  # from the storage, then from memory
        answer = httpx.get(url + kept.path)
        assert answer.status_code == 200
        assert _shown(answer.content).size == (40, 30)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]
        assert "sandbox" in answer.headers["content-security-policy"]
    assert httpx.head(url + kept.path).content == b""
    assert httpx.post(url + kept.path).status_code == 405


def test_nothing_else_that_is_kept_is_a_picture(cast: Cast, url: str) -> None:
    kept = images.take(cast.connection, cast.home.id, "a.png", _picture(), NOW)
    other = uuid4()
    storage().keep(f"{cast.home.id}/{other}", b"<script>a conversation's file</script>")
    for path in (
        f"/media/{cast.home.id}/{other}.png", f"/media/{cast.elsewhere.id}/{kept.id}.png",
        kept.path.replace(".png", ".jpg"), kept.path.replace(".png", ".svg"), kept.path + "/x",
        f"/media/{cast.home.id}/../{kept.id}.png", "/media/",
    ):  # fmt: skip
        assert httpx.get(url + path).status_code == 404
