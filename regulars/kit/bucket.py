"""S3-compatible storage: Amazon's, or any that speaks its protocol.

The address is `s3://key:secret@host/bucket/prefix?region=…`; without a key the client looks where
Amazon's own do (`AWS_ACCESS_KEY_ID`, a file, the machine's role). `s3+http://` speaks in the open,
for a server on the same machine. The bucket stays private: nothing in it is served by its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from regulars.kit.storage import GoneError, UnavailableError, checked, is_key

if TYPE_CHECKING:
    from obstore.store import S3Config

# Three tries within some seconds: somebody waits for the file.
_RETRIES = 3
_PATIENCE = timedelta(seconds=20)
_CONNECTING = timedelta(seconds=5)

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_SCHEMES = {"s3": "https", "s3+http": "http"}
_OPTIONS = frozenset({"region", "style"})
_EXAMPLE = "s3://key:secret@s3.example.com/bucket?region=eu-central-1"


@dataclass(frozen=True, slots=True)
class Address:
    """What a storage address says."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    virtual: bool  # the bucket is the host's first label, not the path's first part
    key: str | None
    secret: str | None


def read_address(url: str) -> Address:
    """The address, as REGULARS_STORAGE_URL has it. Raises ValueError, without the secret in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("is no address") from None
    bucket, _, prefix = parts.path.strip("/").partition("/")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme not in _SCHEMES:
        raise _wrong("begins with neither s3:// nor s3+http://")
    if not parts.hostname or not bucket:
        raise _wrong("names no host or no bucket")
    if unknown := set(options) - _OPTIONS:
        raise _wrong(f"says {', '.join(sorted(unknown))}, which nothing knows")
    if options.get("style", "path") not in ("path", "virtual"):
        raise _wrong("has a style other than path and virtual")
    if bool(parts.username) != bool(parts.password):
        raise _wrong("has a key without its secret, or a secret without its key")
    virtual = options.get("style") == "virtual"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    where = f"{bucket}.{host}" if virtual else host
    return Address(
        endpoint=f"{_SCHEMES[parts.scheme]}://{where}{f':{port}' if port else ''}",
        bucket=bucket,
        prefix=prefix,
        region=options.get("region", "us-east-1"),
        virtual=virtual,
        key=unquote(parts.username) if parts.username else None,
        secret=unquote(parts.password) if parts.password else None,
    )


class Bucket:
    """Files in a bucket, below its prefix."""

    def __init__(self, url: str) -> None:
        self._at = at = read_address(url)
        self._store = S3Store(
            at.bucket,
            prefix=at.prefix or None,
            config=_config(at),
            client_options={
                "allow_http": at.endpoint.startswith("http:"),
                "connect_timeout": _CONNECTING,
                "timeout": _PATIENCE,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE},
        )

    def keep(self, key: str, content: bytes) -> None:
        """One request: there is a whole file or none."""
        with _translated(key):
            self._store.put(
                checked(key),
                content,
                use_multipart=False,
                # Should the bucket ever be opened to the world, nothing in it is shown in place.
                attributes={
                    "Content-Type": "application/octet-stream",
                    "Content-Disposition": "attachment",
                },
            )

    def read(self, key: str) -> bytes:
        with _translated(key):
            return bytes(self._store.get(checked(key)).bytes())

    def forget(self, key: str) -> None:
        try:
            with _translated(key):
                self._store.delete(checked(key))
        except GoneError:
            return  # Amazon's says nothing of it, others do

    def all_keys(self) -> Iterator[str]:
        with _translated("all"):
            for page in self._store.list():
                yield from (one["path"] for one in page if is_key(one["path"]))

    def keys_of(self, project: str) -> Iterator[str]:
        with _translated(project):
            for page in self._store.list(prefix=str(UUID(project))):
                yield from (one["path"] for one in page if is_key(one["path"]))

    def place(self) -> str:
        at = self._at
        return f"{at.endpoint}, bucket {at.bucket}{f', {at.prefix}/' if at.prefix else ''}"


def _config(at: Address) -> S3Config:
    config: S3Config = {
        "endpoint": at.endpoint,
        "region": at.region,
        "virtual_hosted_style_request": at.virtual,
        "disable_bulk_delete": True,  # not every server knows how
    }
    if at.key and at.secret:
        config |= {"access_key_id": at.key, "secret_access_key": at.secret}
    return config


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """The client's errors in our words."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as missing:
        # A bucket that is not there is no reason to take its files for gone.
        if "NoSuchBucket" in str(missing):
            raise UnavailableError("there is no such bucket") from None
        raise GoneError(key) from None
    except (BaseError, OSError) as wrong:
        raise UnavailableError(_said(str(wrong))) from None


def _said(error: str) -> str:
    """What the server answered, by its own code; else the error's first line."""
    code = _CODE.search(error)
    return f"the server answers {code[1]}" if code else error.strip().partition("\n")[0][:300]


def _wrong(what: str) -> ValueError:
    return ValueError(f"REGULARS_STORAGE_URL {what}; it is written like {_EXAMPLE}")
