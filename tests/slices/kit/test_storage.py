"""Where files are kept: a folder, and a bucket on a server that checks every signature."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from regulars.kit.bucket import Bucket, read_address
from regulars.kit.storage import Folder, GoneError, Storage, UnavailableError, try_out
from tests.slices.kit import s3_server
from tests.slices.kit.s3_server import Shelf


def a_key() -> str:
    return f"{uuid4()}/{uuid4()}"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with s3_server.serving() as one:
        yield one


@pytest.fixture(params=["folder", "bucket", "prefix"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, shelf: Shelf) -> Storage:
    """Each kind of storage."""
    if request.param == "folder":
        return Folder(tmp_path / "files")
    return Bucket(shelf.address(prefix="our/files" if request.param == "prefix" else ""))


def test_what_is_kept_is_read_until_it_is_let_go(kept: Storage) -> None:
    key, other = a_key(), a_key()
    kept.keep(key, b"\x00\xff" * 100_000)
    kept.keep(other, b"other")
    assert kept.read(key) == b"\x00\xff" * 100_000
    kept.keep(key, b"newer")
    assert kept.read(key) == b"newer"
    kept.forget(key)
    kept.forget(key)
    with pytest.raises(GoneError):
        kept.read(key)
    assert kept.read(other) == b"other"


def test_all_keys_are_listed_over_as_many_pages_as_it_takes(kept: Storage) -> None:
    keys = {a_key() for _ in range(7)}
    for key in keys:
        kept.keep(key, b"x")
    assert set(kept.all_keys()) == keys


def test_the_keys_of_one_project_are_listed_apart(kept: Storage) -> None:
    mine, other = a_key(), a_key()
    kept.keep(mine, b"1")
    kept.keep(other, b"2")
    assert list(kept.keys_of(mine.partition("/")[0])) == [mine]
    assert list(kept.keys_of(a_key().partition("/")[0])) == []


def test_a_trial_leaves_nothing(kept: Storage) -> None:
    try_out(kept)
    assert list(kept.all_keys()) == []


A_NAME = "0192f3a0-0000-7000-8000-000000000001"


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "", A_NAME, f"{A_NAME}/../x"])
def test_a_key_leads_nowhere_else(kept: Storage, key: str) -> None:
    for call in (kept.read, kept.forget, lambda bad: kept.keep(bad, b"x")):
        with pytest.raises(ValueError, match=r"UUID|unpack|hexadecimal"):
            call(key)


def test_a_file_in_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    key = a_key()
    Folder(tmp_path / "files").keep(key, b"x")
    path = tmp_path / "files" / key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_can_t_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file, not a folder")
    with pytest.raises(UnavailableError, match="files"):
        try_out(Folder(tmp_path / "files"))


def test_in_a_bucket_everything_is_a_download(shelf: Shelf) -> None:
    """Should somebody open it to the world, a page in it is still not shown."""
    Bucket(shelf.address()).keep(a_key(), b"<script>alert(1)</script>")
    assert list(shelf.kinds.values()) == [("application/octet-stream", "attachment")]


def test_below_a_prefix_it_sees_its_own_alone(shelf: Shelf) -> None:
    mine, theirs = Bucket(shelf.address(prefix="mine")), Bucket(shelf.address(prefix="theirs"))
    key = a_key()
    mine.keep(key, b"x")
    shelf.objects["mine/notes.txt"] = b"somebody else's"
    assert next(iter(shelf.objects)) == f"mine/{key}"
    assert list(mine.all_keys()) == [key]
    with pytest.raises(GoneError):
        theirs.read(key)


def test_a_moment_s_refusal_is_tried_again(shelf: Shelf) -> None:
    key, kept = a_key(), Bucket(shelf.address())
    shelf.failing = 2
    kept.keep(key, b"x")
    assert kept.read(key) == b"x"


@pytest.mark.parametrize("wrong", ["secret", "bucket", "server"])
def test_a_bucket_that_is_not_ours_is_unavailable_never_empty(shelf: Shelf, wrong: str) -> None:
    address = {
        "secret": shelf.address(secret="guessed"),
        "bucket": shelf.address(bucket="elsewhere"),
        "server": shelf.address().replace(str(shelf.port), "1"),
    }[wrong]
    kept = Bucket(address)
    for call in (lambda: try_out(kept), lambda: kept.read(a_key()), lambda: list(kept.all_keys())):
        with pytest.raises(UnavailableError) as said:
            call()
        assert "guessed" not in str(said.value)
        assert shelf.secret not in str(said.value)
    assert shelf.objects == {}


def test_the_server_works_signatures_out_as_amazon_does() -> None:
    """The S3 API Reference's worked example of a GET with a range."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": empty,
        "x-amz-date": "20130524T000000Z",
    }
    found = s3_server.sign(
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "GET", "/test.txt", headers,
        "host;range;x-amz-content-sha256;x-amz-date", "20130524/us-east-1/s3/aws4_request",
    )  # fmt: skip
    assert found == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


@pytest.mark.parametrize(
    ("address", "endpoint", "bucket", "prefix", "secret"),
    [
        ("s3://k:s%2Fx%2B@s3.example.com/b", "https://s3.example.com", "b", "", "s/x+"),
        ("s3://s3.example.com:9000/b/p/q/", "https://s3.example.com:9000", "b", "p/q", None),
        ("s3+http://k:s@[::1]:9000/b", "http://[::1]:9000", "b", "", "s"),
        ("s3://k:s@example.com/b?style=virtual", "https://b.example.com", "b", "", "s"),
    ],
)
def test_an_address_says_where_it_is(
    address: str, endpoint: str, bucket: str, prefix: str, secret: str | None
) -> None:
    read = read_address(address)
    assert (read.endpoint, read.bucket, read.prefix, read.secret) == (
        endpoint, bucket, prefix, secret,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://k:hidden@s3.example.com/b", "begins with neither"),
        ("s3://k:hidden@s3.example.com", "names no host or no bucket"),
        ("s3://k:hidden@s3.example.com/b?zone=1", "says zone"),
        ("s3://k:hidden@s3.example.com/b?style=odd", "a style other"),
        ("s3://k:hidden@s3.example.com:port/b", "is no address"),
        ("s3://k@s3.example.com/b", "a key without its secret"),
    ],
)
def test_an_address_that_is_none_says_what_is_wrong_without_its_secret(
    address: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says) as wrong:
        read_address(address)
    assert "hidden" not in str(wrong.value)
